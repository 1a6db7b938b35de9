//! What writer and reader agree on: the prologue before the records, a record's head, and what a record is bound to.
use sha2::{Digest, Sha256};

use super::header::SegmentHeader;
use super::key::SALT;
use super::nonce::RecordNonce;
use super::secret::TAG;

/// The first line of a segment: its kind and version.
pub(super) const MAGIC: [u8; 16] = *b"callvault-seg/1\n";
/// What the first line of every version starts with.
pub(super) const MAGIC_OF_ANY_VERSION: &[u8] = b"callvault-seg/";
/// Before the header: magic, salt, the header's length.
pub(super) const FIXED: usize = MAGIC.len() + SALT + 4;
/// A record's head: length and last (4 bytes), until (8).
pub(super) const HEAD: usize = 12;
/// The longest sealed record, tag included, in bytes: five seconds of 48 kHz stereo L16.
pub(super) const MAX_RECORD: usize = 1 << 20;

const LAST: u32 = 1 << 31;

/// What stands before a segment's records, as bytes.
pub(super) fn prologue(salt: &[u8; SALT], header: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).expect("a header is at most SegmentHeader::MAX");
    [&MAGIC, salt.as_slice(), &length.to_be_bytes(), header].concat()
}

/// A record's head, in clear but bound to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordHead {
    /// Of the ciphertext and its tag, in bytes.
    pub(super) length: u32,
    /// Whether the segment ends with this record.
    pub(super) last: bool,
    /// Where the track has come to with this record, in microseconds from the recording's start.
    pub(super) until_us: u64,
}

impl RecordHead {
    pub(super) fn to_bytes(self) -> [u8; HEAD] {
        let length = if self.last { self.length | LAST } else { self.length };
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes[4..].copy_from_slice(&self.until_us.to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; HEAD]) -> Self {
        let (length, until) = bytes.split_at(4);
        let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
        let until_us = u64::from_be_bytes(until.try_into().expect("eight bytes"));
        Self { length: length & !LAST, last: length & LAST != 0, until_us }
    }

    /// Whether a writer of this version can have written such a length.
    pub(super) fn is_possible(self) -> bool {
        (TAG..=MAX_RECORD).contains(&(self.length as usize))
    }
}

/// What every record of a segment is bound to; a record's own index and head come last.
pub(super) struct Binding([u8; Self::LENGTH]);

impl Binding {
    const SEGMENT: usize = 32 + 16 + 2 + 4;
    const LENGTH: usize = Self::SEGMENT + 8 + HEAD;

    /// For the segment with this prologue, whose header says the same.
    pub(super) fn new(prologue: &[u8], header: &SegmentHeader) -> Self {
        let mut bound = [0; Self::LENGTH];
        bound[..32].copy_from_slice(&Sha256::digest(prologue));
        bound[32..48].copy_from_slice(&header.recording.bytes());
        bound[48..50].copy_from_slice(&header.track.get().to_be_bytes());
        bound[50..54].copy_from_slice(&header.segment.to_be_bytes());
        Self(bound)
    }

    /// For one record.
    pub(super) fn of_record(&mut self, nonce: &RecordNonce, head: RecordHead) -> &[u8] {
        self.0[Self::SEGMENT..Self::SEGMENT + 8].copy_from_slice(&nonce.index().to_be_bytes());
        self.0[Self::SEGMENT + 8..].copy_from_slice(&head.to_bytes());
        &self.0
    }
}
