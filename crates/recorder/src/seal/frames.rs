//! A segment's frame: header and records as they lie in the file, before any key. Tells an honest crash from a
//! changed file as far as that can be told without a key.
use std::io::{self, Read};

use super::header::SegmentHeader;
use super::key::SALT;
use super::record::{Binding, FIXED, HEAD, MAGIC, MAGIC_OF_ANY_VERSION, RecordHead};
use super::secret::{KeyFault, TAG};
use crate::ids::KeyId;

/// How a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With its last record.
    Whole,
    /// Without one: a crash, or a cut between or in records. What came before is authentic.
    Torn {
        /// Bytes after the last whole record.
        lost: u64,
    },
}

/// Why a segment does not read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The file could not be read.
    #[error("the segment could not be read ({0}); look at the disk it lies on")]
    Io(#[from] io::Error),
    /// It does not begin as a segment does.
    #[error("this is not a callvault segment; take the file as it was recorded or released")]
    NotASegment,
    /// A version of the format that this release does not know.
    #[error("this segment is of another version of the format; open it with a newer release of callvault")]
    Version,
    /// The file ends within its header: a crash at its very beginning. It holds no audio.
    #[error("the segment ends within its header, so it holds no audio; a crash at its beginning leaves this")]
    HeaderCut,
    /// The header is not one.
    #[error("the segment's header is damaged; take the file from the store or from a backup")]
    Header,
    /// The key is another segment's.
    #[error("the segment is sealed under key {wanted}, not under {given}; take that key's capsule")]
    WrongKey {
        /// The key the header names.
        wanted: KeyId,
        /// The key that was tried.
        given: KeyId,
    },
    /// Not as it was sealed.
    #[error("the segment was changed at record {record}; nothing of it may be trusted, take it from a backup")]
    Tampered {
        /// The first record, from 0, that is not as it was sealed.
        record: u64,
        /// In what.
        what: Tampering,
    },
    /// Authentic, but in a form that this release does not know.
    #[error("record {record} of the segment is in a form this release does not know; open it with a newer one")]
    Content {
        /// The record, from 0.
        record: u64,
    },
    /// No memory for the key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// In what a record is not as it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tampering {
    /// Its ciphertext, head, place, segment's header or key.
    Sealing,
    /// A length that no writer writes.
    Length,
    /// There is something after the last record.
    AfterLast,
}

impl ReadFault {
    /// Its word: the `expect:` of the vectors, and what scripts may rely on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::NotASegment => "not_a_segment",
            Self::Version => "version",
            Self::HeaderCut => "header_cut",
            Self::Header => "header",
            Self::WrongKey { .. } => "wrong_key",
            Self::Tampered { .. } => "tampered",
            Self::Content { .. } => "content",
            Self::Key(_) => "key",
        }
    }
}

/// Reads frames one after the other.
pub(super) struct Frames<R> {
    reader: R,
    /// Whole records so far.
    records: u64,
    /// Bytes up to the end of the last whole record.
    whole_bytes: u64,
    after_last: bool,
}

pub(super) enum Frame {
    /// A record; its ciphertext and tag are in the buffer.
    Record(RecordHead),
    End(Ending),
}

/// What stands before the records.
pub(super) struct Prologue {
    pub(super) header: SegmentHeader,
    pub(super) salt: [u8; SALT],
    pub(super) binding: Binding,
}

impl<R: Read> Frames<R> {
    pub(super) fn open(mut reader: R) -> Result<(Self, Prologue), ReadFault> {
        let mut bytes = vec![0; FIXED];
        let got = fill(&mut reader, &mut bytes)?;
        let magic = &bytes[..got.min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(match magic {
                _ if magic.starts_with(MAGIC_OF_ANY_VERSION) => ReadFault::Version,
                _ if magic.iter().all(|&byte| byte == 0) => ReadFault::HeaderCut,
                _ => ReadFault::NotASegment,
            });
        }
        if got < FIXED {
            return Err(ReadFault::HeaderCut);
        }
        let salt = bytes[MAGIC.len()..MAGIC.len() + SALT].try_into().expect("as long as a salt");
        let length = u32::from_be_bytes(bytes[FIXED - 4..].try_into().expect("four bytes")) as usize;
        if length > SegmentHeader::MAX {
            return Err(ReadFault::Header);
        }
        bytes.resize(FIXED + length, 0);
        if fill(&mut reader, &mut bytes[FIXED..])? < length {
            return Err(ReadFault::HeaderCut);
        }
        let header = SegmentHeader::from_json(&bytes[FIXED..]).ok_or(ReadFault::Header)?;
        let binding = Binding::new(&bytes, &header);
        let frames = Self { reader, records: 0, whole_bytes: bytes.len() as u64, after_last: false };
        Ok((frames, Prologue { header, salt, binding }))
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    /// The next record's ciphertext and tag into `buffer`, or the segment's end.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Frame, ReadFault> {
        let mut head = [0; HEAD];
        let got = fill(&mut self.reader, &mut head)?;
        if self.after_last {
            return if got == 0 { Ok(Frame::End(Ending::Whole)) } else { Err(self.tampered(Tampering::AfterLast)) };
        }
        if got < HEAD {
            return Ok(torn(got));
        }
        let head = RecordHead::from_bytes(&head);
        if !head.is_possible() {
            // A power cut may leave zeros where a record was being written.
            return match self.zeros_to_the_end()? {
                Some(zeros) if (head.length as usize) < TAG && head.until_us == 0 => Ok(torn(HEAD + zeros)),
                _ => Err(self.tampered(Tampering::Length)),
            };
        }
        buffer.clear();
        buffer.resize(head.length as usize, 0);
        let got = fill(&mut self.reader, buffer)?;
        if got < buffer.len() {
            return Ok(torn(HEAD + got));
        }
        if buffer.ends_with(&[0; TAG]) {
            return match self.zeros_to_the_end()? {
                Some(zeros) => Ok(torn(HEAD + got + zeros)),
                None => Err(self.tampered(Tampering::Sealing)),
            };
        }
        self.records += 1;
        self.whole_bytes += (HEAD + got) as u64;
        self.after_last = head.last;
        Ok(Frame::Record(head))
    }

    /// How many zeros there are to the file's end; `None` where something else comes.
    fn zeros_to_the_end(&mut self) -> io::Result<Option<usize>> {
        let mut zeros = 0;
        let mut block = [0; 4096];
        loop {
            let got = fill(&mut self.reader, &mut block)?;
            if block[..got].iter().any(|&byte| byte != 0) {
                return Ok(None);
            }
            zeros += got;
            if got < block.len() {
                return Ok(Some(zeros));
            }
        }
    }

    fn tampered(&self, what: Tampering) -> ReadFault {
        ReadFault::Tampered { record: self.records, what }
    }
}

fn torn(lost: usize) -> Frame {
    Frame::End(Ending::Torn { lost: lost as u64 })
}

/// Reads until the buffer is full or the file ends; how much.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(filled)
}
