//! Reading a log as somebody who trusts only the node's public key.
use std::fmt;
use std::io::{self, BufRead, Read};

use ed25519_dalek::VerifyingKey;

use crate::time::UnixMillis;

use super::line::{self, BEFORE_ALL, Line, MAX_LINE};

/// What a log holds that hangs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries, checkpoints not counted.
    pub entries: u64,
    /// Checkpoints; all signed by the key.
    pub checkpoints: u64,
    /// The last line's number; 0 for an empty log.
    pub last_seq: u64,
    /// The last checkpoint's number: what stands before it cannot have been rewritten without the node's key.
    pub signed_through: u64,
    /// When the first and the last line were written.
    pub first_at: Option<UnixMillis>,
    /// See `first_at`.
    pub last_at: Option<UnixMillis>,
    /// The bytes after the last newline: a line that a crash tore, or an edit.
    pub torn_bytes: u64,
}

impl Verified {
    /// Whether everything in it is covered by a checkpoint.
    pub fn is_complete(&self) -> bool {
        self.torn_bytes == 0 && self.signed_through == self.last_seq
    }
}

/// Why a log is not what the recorder wrote.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// The first line that is wrong.
    #[error(
        "line {seq} of the audit log is not what was written there: {why}; keep the file and compare it with a copy"
    )]
    Tampered {
        /// The number that the line has, or should have.
        seq: u64,
        /// What is wrong with it.
        why: BadLine,
    },
    /// It cannot be read.
    #[error("the audit log cannot be read: {0}; check its path and rights")]
    Io(#[from] io::Error),
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadLine {
    /// It is no line of a log, or not in the one form that the recorder writes.
    Form,
    /// Its number is not the next one.
    Sequence,
    /// It does not name the line before it.
    Chain,
    /// Its signature is not by this key.
    Signature,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "it is no entry in canonical form",
            Self::Sequence => "its number is not the next one",
            Self::Chain => "it does not follow the line before it",
            Self::Signature => "the node's key did not sign it",
        })
    }
}

/// Reads a whole log, line by line in bounded memory, and reports the first line that is wrong.
pub fn verify(mut log: impl BufRead, key: &VerifyingKey) -> Result<Verified, VerifyFault> {
    let mut verified = Verified::default();
    let mut prev = BEFORE_ALL;
    let mut bytes = Vec::new();
    loop {
        let seq = verified.last_seq + 1;
        let bad = |why| VerifyFault::Tampered { seq, why };
        bytes.clear();
        log.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(verified);
        }
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            if bytes.len() == MAX_LINE {
                return Err(bad(BadLine::Form));
            }
            verified.torn_bytes = bytes.len() as u64;
            return Ok(verified);
        }
        let line = Line::parse(&bytes).ok_or(bad(BadLine::Form))?;
        if line.seq() != seq {
            return Err(bad(BadLine::Sequence));
        }
        if !line.follows(&prev) {
            return Err(bad(BadLine::Chain));
        }
        prev = line::hash(&bytes);
        verified.last_seq = seq;
        verified.last_at = Some(line.at());
        verified.first_at = verified.first_at.or(verified.last_at);
        match line {
            Line::Entry(_) => verified.entries += 1,
            Line::Checkpoint(checkpoint) => {
                if !checkpoint.signed_by(key) {
                    return Err(bad(BadLine::Signature));
                }
                verified.checkpoints += 1;
                verified.signed_through = seq;
            }
        }
    }
}
