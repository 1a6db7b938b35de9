//! Reads a segment back: its header without a key, its entries with it.
use std::io::Read;

use callvault_secretmem::LockedKey;
use zeroize::Zeroizing;

use super::entry::{Entry, read_entries};
use super::frames::{Ending, Frame, Frames, Prologue, ReadFault, Tampering};
use super::header::SegmentHeader;
use super::key::TrackKey;
use super::nonce::RecordNonces;
use super::record::Binding;
use super::secret::{TAG, open_in_place};

/// A segment whose header was read. The header is to be trusted once a record opened: each is bound to it.
pub struct SegmentReader<R: Read> {
    frames: Frames<R>,
    prologue: Prologue,
}

impl<R: Read> SegmentReader<R> {
    /// Reads the header. The reader should be buffered.
    pub fn new(reader: R) -> Result<Self, ReadFault> {
        let (frames, prologue) = Frames::open(reader)?;
        Ok(Self { frames, prologue })
    }

    /// What the segment says of itself.
    pub fn header(&self) -> &SegmentHeader {
        &self.prologue.header
    }

    /// Goes on to the records, with the key that the header names.
    pub fn open(self, key: &TrackKey) -> Result<Records<R>, ReadFault> {
        let Prologue { header, salt, binding } = self.prologue;
        if header.key != key.id() {
            return Err(ReadFault::WrongKey { wanted: header.key, given: key.id() });
        }
        Ok(Records {
            frames: self.frames,
            key: key.segment_key(&salt)?,
            binding,
            nonces: Some(RecordNonces::of_segment(header.segment)),
            buffer: Zeroizing::new(Vec::new()),
            ending: None,
        })
    }

    /// All entries and how the segment ends; nothing of a segment that was changed anywhere.
    pub fn read_all(self, key: &TrackKey) -> Result<(Vec<Entry>, Ending), ReadFault> {
        let mut records = self.open(key)?;
        let mut entries = Vec::new();
        while let Some(record) = records.next_record()? {
            entries.extend(record);
        }
        Ok((entries, records.ending().expect("said once there are no more records")))
    }
}

/// A segment's records, one after the other, each authentic when it is given out.
pub struct Records<R: Read> {
    frames: Frames<R>,
    key: LockedKey,
    binding: Binding,
    /// Gone with the last record.
    nonces: Option<RecordNonces>,
    buffer: Zeroizing<Vec<u8>>,
    ending: Option<Ending>,
}

impl<R: Read> Records<R> {
    /// The next record's entries; `None` at the segment's end, however it ends.
    pub fn next_record(&mut self) -> Result<Option<Vec<Entry>>, ReadFault> {
        if self.ending.is_some() {
            return Ok(None);
        }
        let record = self.frames.records();
        let head = match self.frames.next(&mut self.buffer)? {
            Frame::Record(head) => head,
            Frame::End(ending) => {
                self.ending = Some(ending);
                return Ok(None);
            }
        };
        let tampered = ReadFault::Tampered { record, what: Tampering::Sealing };
        let nonce = match (head.last, &mut self.nonces) {
            (true, nonces) => nonces.take().map(RecordNonces::last),
            (false, nonces) => nonces.as_mut().and_then(RecordNonces::next),
        };
        let Some(nonce) = nonce else { return Err(tampered) };
        let (text, tag) = self.buffer.split_last_chunk_mut::<TAG>().expect("a possible length has room for a tag");
        open_in_place(&self.key, nonce.bytes(), self.binding.of_record(&nonce, head), text, *tag)
            .map_err(|_| tampered)?;
        read_entries(text).map(Some).ok_or(ReadFault::Content { record })
    }

    /// How the segment ends; `None` while there may be more records.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }
}
