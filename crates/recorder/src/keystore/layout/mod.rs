//! The bytes of the keystore's files, as docs/keystore.md draws them. Pure: pages in, pages out, no file.
//!
//! Numbers are big-endian. Checksums are the first 16 bytes of a SHA-256 that starts with the record's name and the
//! keystore's id: they find torn writes and rot, not forgery.
mod epoch;
mod header;
mod roster;
mod slot;

pub(super) use epoch::EpochPage;
pub(super) use header::{Header, HeaderFault};
pub use roster::RosterMark;
pub(super) use slot::{SlotHeader, SlotRecord, SlotState, body_range};

use sha2::{Digest, Sha256};

use crate::ids::SlotNumber;

/// What is written at once and does not share its fate with its neighbours, in bytes.
pub(super) const PAGE: usize = 4096;
/// A sector: the first and the last of a slot hold its header's two copies.
pub(super) const SECTOR: usize = 512;
/// Where the roster mark's two copies lie.
pub(super) const ROSTER_AT: [u64; 2] = [PAGE as u64, 2 * PAGE as u64];
/// Where the first slot begins; the page before it is spare.
pub(super) const SLOTS_AT: u64 = 4 * PAGE as u64;

/// Where a slot begins.
pub(super) fn slot_at(slot: SlotNumber, slot_bytes: usize) -> u64 {
    SLOTS_AT + u64::from(slot.0) * slot_bytes as u64
}

fn checksum(name: &[u8], keystore: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update(keystore);
    parts.iter().for_each(|part| hash.update(part));
    let digest: [u8; 32] = hash.finalize().into();
    take(&digest, 0)
}

/// `N` bytes of a record at a fixed place.
fn take<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record[at..at + N].try_into().expect("a record's fields lie within it")
}
