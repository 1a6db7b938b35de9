//! Recordings that are over: a leg that is born with the id of one begins another.
use std::collections::{BTreeSet, VecDeque};

use sha2::{Digest, Sha256};

use crate::ids::RecordingId;

/// How many are remembered; a leg is born seconds after the one it was born for at most.
const REMEMBERED: usize = 4096;

/// The latest recordings that have their outcome.
#[derive(Debug, Default)]
pub(super) struct Over {
    known: BTreeSet<RecordingId>,
    in_order: VecDeque<RecordingId>,
}

impl Over {
    pub(super) fn remember(&mut self, id: RecordingId) {
        if self.known.insert(id) {
            self.in_order.push_back(id);
        }
        if self.in_order.len() > REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn knows(&self, id: RecordingId) -> bool {
        self.known.contains(&id)
    }
}

/// Another id of the same instance, as hard to guess as its forerunner.
pub(super) fn successor(id: RecordingId) -> RecordingId {
    let digest = Sha256::new().chain_update(b"callvault successor\0").chain_update(id.bytes()).finalize();
    let mut bytes = id.bytes();
    bytes[4..].copy_from_slice(&digest[..12]);
    RecordingId::from_bytes(bytes)
}
