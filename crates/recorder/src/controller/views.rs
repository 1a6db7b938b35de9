//! What the controller publishes of its legs. Readers take a shared lock of one shard for the length of a clone; the
//! controller is the only writer.
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde::Serialize;

use crate::evidence::{Party, Standing};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::Outcome;
use crate::time::{Monotonic, UnixMillis};

const SHARDS: usize = 16;

/// What is being done with a leg now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// Nothing is captured, and nothing was: it did not answer yet, its notice runs, or it is alone.
    Waiting,
    /// Its party's voice is being captured.
    Capturing,
    /// It was captured, and is not at this moment: hold, mute, pause.
    Suspended,
    /// It is out of scope, or its call is over for the recorder.
    Over,
}

/// One leg as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegView {
    /// The host's uuid.
    pub uuid: LegUuid,
    /// The recording that the leg belongs to.
    pub recording: RecordingId,
    /// What is being done with it.
    pub state: LegState,
    /// How its recording ended, or would end if it ended now; `None` while nobody answered. What a CDR is written
    /// from: the last track may be sealed a moment after the hang-up.
    pub outcome: Option<Outcome>,
    /// How its own party stands; `None` where nothing was ever asked of it: the company's side, exempt lines.
    pub standing: Option<Standing>,
    /// Until when its party may agree, where it is being asked (`optin`).
    pub asked_until: Option<Monotonic>,
}

/// One recording that is being made, as `callvault active` shows it; or one that is over while its call goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveRecording {
    /// Its id.
    pub id: RecordingId,
    /// When it began, UTC.
    pub started_at_ms: UnixMillis,
    /// `null` while it is made; else how it ended, though its call goes on: a party objected, or the company's side left.
    pub outcome: Option<&'static str>,
    /// Why it was not recorded, where it was not.
    pub reason: Option<&'static str>,
    /// Its legs.
    pub legs: Vec<ActiveLeg>,
}

/// A leg of a recording that is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveLeg {
    /// The host's uuid.
    pub leg: LegUuid,
    /// What is being done with it.
    pub state: LegState,
    /// Its track, where it has one.
    pub track: Option<TrackNumber>,
    /// The party on it, where it has a track.
    pub party: Option<Party>,
}

/// The published legs.
#[derive(Debug, Default)]
pub(super) struct Views {
    shards: [RwLock<HashMap<LegKey, LegView>>; SHARDS],
}

impl Views {
    /// The leg as last published.
    pub(super) fn leg(&self, leg: LegKey) -> Option<LegView> {
        self.shard(leg).read().unwrap_or_else(PoisonError::into_inner).get(&leg).cloned()
    }

    /// Publishes a leg, or forgets it.
    pub(super) fn publish(&self, leg: LegKey, view: Option<LegView>) {
        let mut shard = self.shard(leg).write().unwrap_or_else(PoisonError::into_inner);
        match view {
            Some(view) => drop(shard.insert(leg, view)),
            None => drop(shard.remove(&leg)),
        }
    }

    /// The leg of that uuid.
    pub(super) fn find(&self, uuid: &LegUuid) -> Option<LegKey> {
        self.shards.iter().find_map(|shard| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.iter().find(|(_, view)| view.uuid == *uuid).map(|(&leg, _)| leg)
        })
    }

    /// How many legs there are.
    pub(super) fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn shard(&self, leg: LegKey) -> &RwLock<HashMap<LegKey, LegView>> {
        &self.shards[usize::try_from(leg.0 % SHARDS as u64).unwrap_or(0)]
    }
}
