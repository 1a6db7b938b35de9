//! Seals a track's entries, record by record, before they reach a file.
use std::io;

use callvault_secretmem::LockedKey;
use sha2::{Digest, Sha256};

use super::entry::{Entry, write_entries};
use super::header::SegmentHeader;
use super::key::{SALT, TrackKey};
use super::nonce::{RecordNonce, RecordNonces};
use super::record::{Binding, HEAD, MAX_RECORD, RecordHead, prologue};
use super::secret::{KeyFault, TAG, random, seal_in_place};
use crate::store::AppendFile;

/// Writes one segment. Dropped without [`finish`](Self::finish), it leaves a segment without a last record, which
/// reads as torn: what a crash leaves too.
pub struct SegmentWriter<F: AppendFile> {
    nonces: RecordNonces,
    sealer: Sealer<F>,
}

/// A finished segment's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSummary {
    /// How many records it has, the last one included.
    pub records: u64,
    /// The file's length, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Why a record is not in the file.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// The store refused. The record waits, sealed, and goes with the next one.
    #[error("the store refused a record ({0}); look at the space and state of the data directory's disk")]
    Store(#[from] io::Error),
    /// So much waits for the store that no more is taken: these entries are not in the segment.
    #[error("so much waits for the store that audio is lost; look at the data directory's disk")]
    Backlog,
    /// More entries than a record may hold; nothing was sealed.
    #[error("a record would exceed {MAX_RECORD} bytes; append less at a time")]
    TooLarge,
    /// The header is too long, or holds a value that its JSON cannot.
    #[error("the segment's header cannot be written; it holds a value out of range, or too many notices")]
    Header,
    /// The header names another key.
    #[error("the segment's header names another key than the one to seal with; take the slot's own key")]
    WrongKey,
    /// The segment's counter is used up.
    #[error("the segment has as many records as it can have; finish it and begin the next")]
    Full,
    /// No key for the segment.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// What may wait for a slow store, sealed, in bytes.
const MAX_WAITING: usize = 4 * MAX_RECORD;

impl<F: AppendFile> SegmentWriter<F> {
    /// Begins a segment in an empty file: its header is written, no record yet.
    pub fn create(file: F, header: &SegmentHeader, key: &TrackKey) -> Result<Self, SealFault> {
        Self::create_salted(file, header, key, random().map_err(SealFault::Key)?)
    }

    /// The salt makes the segment's key its own. So not even two segments of one number under one track's key,
    /// which would be a fault elsewhere, share a nonce under a key.
    pub(super) fn create_salted(
        file: F,
        header: &SegmentHeader,
        key: &TrackKey,
        salt: [u8; SALT],
    ) -> Result<Self, SealFault> {
        if header.key != key.id() {
            return Err(SealFault::WrongKey);
        }
        let prologue = prologue(&salt, &header.to_json().ok_or(SealFault::Header)?);
        let binding = Binding::new(&prologue, header);
        let key = key.segment_key(&salt)?;
        let mut sealer = Sealer { file, key, binding, waiting: prologue, written: 0, hash: Sha256::new(), until_us: 0 };
        sealer.write_out()?;
        Ok(Self { nonces: RecordNonces::of_segment(header.segment), sealer })
    }

    /// Seals `entries` as one record and writes it. No entries, no record.
    ///
    /// After [`SealFault::Store`] the record waits sealed and is written before the next; after any other fault the
    /// entries are not in the segment.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), SealFault> {
        if entries.is_empty() {
            return self.flush();
        }
        self.sealer.check_room(entries)?;
        let nonce = self.nonces.next().ok_or(SealFault::Full)?;
        self.sealer.seal(nonce, entries);
        self.sealer.write_out()
    }

    /// Writes what waits, if anything does.
    pub fn flush(&mut self) -> Result<(), SealFault> {
        self.sealer.write_out()
    }

    /// Flushes what was written to the medium.
    pub fn sync_data(&mut self) -> Result<(), SealFault> {
        Ok(self.sealer.file.sync_data()?)
    }

    /// Bytes of the segment so far, written or waiting.
    pub fn sealed(&self) -> u64 {
        self.sealer.written + self.sealer.waiting.len() as u64
    }

    /// Sealed bytes that the store has not taken yet.
    pub fn waiting(&self) -> usize {
        self.sealer.waiting.len()
    }

    /// Seals the last record, with `entries` or none, and closes the file. A fault leaves a torn segment.
    pub fn finish(self, entries: &[Entry]) -> Result<SegmentSummary, SealFault> {
        let Self { nonces, mut sealer } = self;
        sealer.check_room(entries)?;
        let nonce = nonces.last();
        let records = nonce.index() + 1;
        sealer.seal(nonce, entries);
        sealer.write_out()?;
        let summary = SegmentSummary { records, bytes: sealer.written, sha256: sealer.hash.finalize().into() };
        sealer.file.close()?;
        Ok(summary)
    }
}

/// All of a writer but its nonces, which `finish` takes out and uses up.
struct Sealer<F> {
    file: F,
    key: LockedKey,
    binding: Binding,
    /// Sealed, not yet in the file.
    waiting: Vec<u8>,
    written: u64,
    hash: Sha256,
    until_us: u64,
}

impl<F: AppendFile> Sealer<F> {
    fn check_room(&self, entries: &[Entry]) -> Result<(), SealFault> {
        let size = record_size(entries);
        if size > MAX_RECORD {
            Err(SealFault::TooLarge)
        } else if self.waiting.len() + size > MAX_WAITING {
            Err(SealFault::Backlog)
        } else {
            Ok(())
        }
    }

    fn seal(&mut self, nonce: RecordNonce, entries: &[Entry]) {
        // Room for all of it first: growing while plaintext is in the buffer would leave a copy in freed memory.
        self.waiting.reserve(record_size(entries));
        let head_at = self.waiting.len();
        let text_at = head_at + HEAD;
        self.waiting.resize(text_at, 0);
        write_entries(entries, &mut self.waiting);
        self.until_us = entries.iter().map(Entry::end_us).fold(self.until_us, u64::max);
        let length = u32::try_from(self.waiting.len() - text_at + TAG).expect("at most MAX_RECORD");
        let head = RecordHead { length, last: nonce.is_last(), until_us: self.until_us };
        self.waiting[head_at..text_at].copy_from_slice(&head.to_bytes());
        let bound = self.binding.of_record(&nonce, head);
        let tag = seal_in_place(&self.key, nonce.bytes(), bound, &mut self.waiting[text_at..]);
        self.waiting.extend_from_slice(&tag);
    }

    fn write_out(&mut self) -> Result<(), SealFault> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.file.len()? != self.written {
            // Part of an earlier attempt is there.
            self.file.set_len(self.written)?;
        }
        self.file.append(&self.waiting)?;
        self.written += self.waiting.len() as u64;
        self.hash.update(&self.waiting);
        self.waiting.clear();
        Ok(())
    }
}

/// Bytes that these entries take at most as a sealed record.
pub(crate) fn record_size(entries: &[Entry]) -> usize {
    HEAD + TAG + entries.iter().map(Entry::size_hint).sum::<usize>()
}
