//! A slot: a header in its first and in its last sector, the wrapped capsules between them.
//!
//! The header whose checksum is right and whose sequence is higher counts. A change of state overwrites the other
//! copy (or both), so that one whole header is there whatever a crash tears.
use sha2::{Digest, Sha256};

use super::{SECTOR, checksum, take};
use crate::ids::{KeyId, RecordingId, SlotNumber, TrackNumber};
use crate::time::EpochDay;

const MAGIC: &[u8; 4] = b"CVSL";
const LAYOUT: u8 = 1;
const NAME: &[u8] = b"callvault slot header";
const HEADER: usize = 128;

/// What a slot is. 4 is kept for a slot under a hold's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// A fresh key, of no recording yet.
    Ready,
    /// The key of a recording's track.
    Bound,
    /// Overwritten; only the id of the key that is gone is left.
    Destroyed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotHeader {
    pub(crate) state: SlotState,
    pub(crate) sequence: u32,
    pub(crate) key: KeyId,
    pub(crate) epoch: EpochDay,
    pub(crate) roster: u64,
    pub(crate) bound_to: Option<(RecordingId, TrackNumber)>,
    pub(crate) body_bytes: u32,
    pub(crate) body_sha256: [u8; 32],
}

/// What a slot's two header copies say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SlotRecord {
    /// Never used.
    Blank,
    /// The header that counts, and which copy it is (0 the first sector, 1 the last).
    Whole(SlotHeader, usize),
    /// No copy is whole: a crash tore a write that overwrites both.
    Torn,
    /// A copy is whole and of a later layout, or in a state that this one does not know.
    Unknown,
}

impl SlotHeader {
    pub(crate) fn to_sector(&self, keystore: &[u8; 16], slot: SlotNumber) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        sector[..4].copy_from_slice(MAGIC);
        sector[4] = LAYOUT;
        sector[5] = match self.state {
            SlotState::Ready => 1,
            SlotState::Bound => 2,
            SlotState::Destroyed => 3,
        };
        sector[8..12].copy_from_slice(&self.sequence.to_be_bytes());
        sector[12..16].copy_from_slice(&self.epoch.0.to_be_bytes());
        sector[16..32].copy_from_slice(&self.key.0);
        if let Some((recording, track)) = self.bound_to {
            sector[6..8].copy_from_slice(&track.get().to_be_bytes());
            sector[32..48].copy_from_slice(&recording.bytes());
        }
        sector[48..56].copy_from_slice(&self.roster.to_be_bytes());
        sector[56..60].copy_from_slice(&self.body_bytes.to_be_bytes());
        sector[64..96].copy_from_slice(&self.body_sha256);
        let sum = checksum(NAME, keystore, &[&slot.0.to_be_bytes(), &sector[..96]]);
        sector[96..112].copy_from_slice(&sum);
        sector
    }

    pub(crate) fn of_sector(sector: &[u8], keystore: &[u8; 16], slot: SlotNumber) -> Option<Self> {
        if !is_whole(sector, keystore, slot) || sector[4] != LAYOUT {
            return None;
        }
        let state = match sector[5] {
            1 => SlotState::Ready,
            2 => SlotState::Bound,
            3 => SlotState::Destroyed,
            _ => return None,
        };
        let track = u16::from_be_bytes(take(sector, 6)).try_into().ok().map(TrackNumber);
        Some(Self {
            state,
            sequence: u32::from_be_bytes(take(sector, 8)),
            key: KeyId(take(sector, 16)),
            epoch: EpochDay(i32::from_be_bytes(take(sector, 12))),
            roster: u64::from_be_bytes(take(sector, 48)),
            bound_to: track.map(|track| (RecordingId::from_bytes(take(sector, 32)), track)),
            body_bytes: u32::from_be_bytes(take(sector, 56)),
            body_sha256: take(sector, 64),
        })
    }

    /// Whether these are the bytes that the header was written for.
    pub(crate) fn fits(&self, body: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(body).into();
        digest == self.body_sha256
    }
}

impl SlotRecord {
    /// From a whole slot's bytes.
    pub(crate) fn of_slot(slot_bytes: &[u8], keystore: &[u8; 16], slot: SlotNumber) -> Self {
        let copies = [&slot_bytes[..HEADER], &slot_bytes[slot_bytes.len() - SECTOR..][..HEADER]];
        let [first, last] = copies.map(|copy| SlotHeader::of_sector(copy, keystore, slot));
        let known = [first.is_some(), last.is_some()];
        if copies.iter().zip(known).any(|(copy, known)| !known && is_whole(copy, keystore, slot)) {
            return Self::Unknown;
        }
        match (first, last) {
            (Some(first), Some(last)) if last.sequence > first.sequence => Self::Whole(last, 1),
            (Some(first), _) => Self::Whole(first, 0),
            (None, Some(last)) => Self::Whole(last, 1),
            (None, None) if copies.iter().all(|copy| copy.iter().all(|&byte| byte == 0)) => Self::Blank,
            (None, None) => Self::Torn,
        }
    }
}

/// Whether a header copy has its checksum, whatever it says.
fn is_whole(copy: &[u8], keystore: &[u8; 16], slot: SlotNumber) -> bool {
    let sum = checksum(NAME, keystore, &[&slot.0.to_be_bytes(), &copy[..96]]);
    &copy[..4] == MAGIC && sum == take::<16>(copy, 96)
}

/// Where in a slot the wrapped capsules lie.
pub(crate) fn body_range(slot_bytes: usize) -> std::ops::Range<usize> {
    SECTOR..slot_bytes - SECTOR
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYSTORE: [u8; 16] = [9; 16];
    const SLOT: SlotNumber = SlotNumber(5);
    const BYTES: usize = 8192;

    fn header(sequence: u32, state: SlotState) -> SlotHeader {
        SlotHeader {
            state,
            sequence,
            key: KeyId([1; 16]),
            epoch: EpochDay(-3),
            roster: 7,
            bound_to: (state == SlotState::Bound).then(|| (RecordingId::from_bytes([2; 16]), TrackNumber::FIRST)),
            body_bytes: 3,
            body_sha256: Sha256::digest(b"abc").into(),
        }
    }

    fn slot(first: Option<&SlotHeader>, last: Option<&SlotHeader>) -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        if let Some(header) = first {
            bytes[..SECTOR].copy_from_slice(&header.to_sector(&KEYSTORE, SLOT));
        }
        if let Some(header) = last {
            bytes[BYTES - SECTOR..].copy_from_slice(&header.to_sector(&KEYSTORE, SLOT));
        }
        bytes
    }

    #[test]
    fn the_newer_whole_header_counts() {
        let ready = header(4, SlotState::Ready);
        let bound = header(5, SlotState::Bound);
        let read = |bytes: Vec<u8>| SlotRecord::of_slot(&bytes, &KEYSTORE, SLOT);
        assert_eq!(read(slot(None, None)), SlotRecord::Blank);
        assert_eq!(read(slot(Some(&ready), Some(&ready))), SlotRecord::Whole(ready.clone(), 0));
        assert_eq!(read(slot(Some(&ready), Some(&bound))), SlotRecord::Whole(bound.clone(), 1));
        assert_eq!(read(slot(Some(&bound), Some(&ready))), SlotRecord::Whole(bound.clone(), 0));
        assert!(bound.fits(b"abc") && !bound.fits(b"abd"));
    }

    #[test]
    fn a_torn_copy_leaves_the_other_and_two_torn_ones_are_seen() {
        let ready = header(4, SlotState::Ready);
        let bound = header(5, SlotState::Bound);
        for torn in 0..112 {
            let mut bytes = slot(Some(&ready), Some(&bound));
            bytes[BYTES - SECTOR + torn] ^= 1;
            assert_eq!(
                SlotRecord::of_slot(&bytes, &KEYSTORE, SLOT),
                SlotRecord::Whole(ready.clone(), 0),
                "byte {torn}"
            );
            bytes[torn] ^= 1;
            assert_eq!(SlotRecord::of_slot(&bytes, &KEYSTORE, SLOT), SlotRecord::Torn, "byte {torn}");
        }
    }

    /// A state that a later version added (a hold's, say) must not be taken for torn and destroyed.
    #[test]
    fn a_whole_header_in_an_unknown_state_is_told_apart_from_a_torn_one() {
        let mut later = header(1, SlotState::Ready).to_sector(&KEYSTORE, SLOT);
        later[5] = 4;
        let sum = checksum(NAME, &KEYSTORE, &[&SLOT.0.to_be_bytes(), &later[..96]]);
        later[96..112].copy_from_slice(&sum);
        let mut bytes = slot(None, Some(&header(0, SlotState::Ready)));
        bytes[..SECTOR].copy_from_slice(&later);
        assert_eq!(SlotRecord::of_slot(&bytes, &KEYSTORE, SLOT), SlotRecord::Unknown);
    }

    #[test]
    fn a_header_is_of_its_place_and_keystore_only() {
        let bytes = slot(Some(&header(1, SlotState::Ready)), None);
        assert_eq!(SlotRecord::of_slot(&bytes, &KEYSTORE, SlotNumber(6)), SlotRecord::Torn);
        assert_eq!(SlotRecord::of_slot(&bytes, &[8; 16], SLOT), SlotRecord::Torn);
    }
}
