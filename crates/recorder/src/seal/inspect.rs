//! What can be said of a segment without its key: for `callvault inspect`, and for recovery after a crash.
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::frames::{Ending, Frame, Frames, ReadFault};
use super::header::SegmentHeader;

/// What a segment shows without its key. None of it is proven: that takes the key, or a signed manifest that holds
/// the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What the segment says of itself.
    pub header: SegmentHeader,
    /// Whole records.
    pub records: u64,
    /// Where the track has come to with the last whole record, in microseconds from the recording's start; 0 without
    /// records.
    pub until_us: u64,
    /// Bytes up to the end of the last whole record.
    pub whole_bytes: u64,
    /// How it ends.
    pub ending: Ending,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Reads a whole segment without its key. The reader should be buffered.
pub fn inspect(reader: impl Read) -> Result<Inspection, ReadFault> {
    let mut hashing = Hashing { reader, hash: Sha256::new(), bytes: 0 };
    let (mut frames, prologue) = Frames::open(&mut hashing)?;
    let mut buffer = Vec::new();
    let mut until_us = 0;
    let ending = loop {
        match frames.next(&mut buffer)? {
            Frame::Record(head) => until_us = head.until_us,
            Frame::End(ending) => break ending,
        }
    };
    let (records, whole_bytes) = (frames.records(), frames.whole_bytes());
    Ok(Inspection {
        header: prologue.header,
        records,
        until_us,
        whole_bytes,
        ending,
        bytes: hashing.bytes,
        sha256: hashing.hash.finalize().into(),
    })
}

struct Hashing<R> {
    reader: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
