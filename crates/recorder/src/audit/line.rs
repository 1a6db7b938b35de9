//! The two kinds of line, as bytes.
use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::hex;
use crate::time::UnixMillis;

use super::entry::{Entry, escaped};

/// No line is longer; a longer one was not written by us.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// What the first line has in place of the line before it.
pub(super) const BEFORE_ALL: [u8; 32] = [0; 32];

/// What a checkpoint's signature covers besides its line, so that it is good for nothing else.
const SIGNED_AS: &[u8] = b"callvault audit checkpoint v1\n";

/// A line's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub seq: u64,
    /// SHA-256 of the line before, without its newline.
    pub prev: [u8; 32],
}

/// A line read back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    Entry(EntryLine),
    Checkpoint(CheckpointLine),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine {
    action: String,
    actor: String,
    at_ms: UnixMillis,
    boot: String,
    details: BTreeMap<String, String>,
    object: String,
    outcome: String,
    prev: String,
    reason: Option<String>,
    seq: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine {
    at_ms: UnixMillis,
    boot: String,
    prev: String,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    signer: String,
}

impl Line {
    /// Parses a line without its newline; `None` where it is none of ours or not in canonical form.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let line: Self = serde_json::from_slice(bytes).ok()?;
        (canonical(&line)? == bytes).then_some(line)
    }

    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Entry(line) => line.seq,
            Self::Checkpoint(line) => line.seq,
        }
    }

    pub(super) fn at(&self) -> UnixMillis {
        match self {
            Self::Entry(line) => line.at_ms,
            Self::Checkpoint(line) => line.at_ms,
        }
    }

    pub(super) fn follows(&self, prev: &[u8; 32]) -> bool {
        let said = match self {
            Self::Entry(line) => &line.prev,
            Self::Checkpoint(line) => &line.prev,
        };
        *said == hex(prev)
    }
}

impl CheckpointLine {
    /// Whether the node of this key signed it.
    pub(super) fn signed_by(mut self, key: &VerifyingKey) -> bool {
        let Some(signature) = self.signature.take().and_then(|text| unhex(&text)) else { return false };
        let said = self.signer == hex(key.as_bytes());
        let Some(unsigned) = canonical(&self) else { return false };
        said && key.verify_strict(&[SIGNED_AS, &unsigned].concat(), &Signature::from_bytes(&signature)).is_ok()
    }
}

/// An entry as its line, without a newline.
pub(super) fn entry(entry: &Entry, place: Place, boot: &str) -> Option<Vec<u8>> {
    let details = entry.details.iter().take(Entry::MAX_DETAILS);
    canonical(&EntryLine {
        action: entry.action.as_str().into(),
        actor: entry.actor.word(),
        at_ms: entry.at,
        boot: boot.into(),
        details: details.map(|(name, value)| (escaped(name), escaped(value))).collect(),
        object: entry.object.word(),
        outcome: entry.outcome.as_str().into(),
        prev: hex(&place.prev),
        reason: entry.reason.as_deref().map(escaped),
        seq: place.seq,
    })
}

/// A signed checkpoint as its line, without a newline.
pub(super) fn checkpoint(at: UnixMillis, place: Place, boot: &str, key: &SigningKey) -> Option<Vec<u8>> {
    let mut line = CheckpointLine {
        at_ms: at,
        boot: boot.into(),
        prev: hex(&place.prev),
        seq: place.seq,
        signature: None,
        signer: hex(key.verifying_key().as_bytes()),
    };
    let signature = key.sign(&[SIGNED_AS, &canonical(&line)?].concat());
    line.signature = Some(hex(&signature.to_bytes()));
    canonical(&line)
}

pub(super) fn hash(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

fn canonical<T: Serialize>(line: &T) -> Option<Vec<u8>> {
    serde_json_canonicalizer::to_vec(line).ok()
}

/// 64 bytes from lower-case hexadecimal digits, and from nothing else.
fn unhex(text: &str) -> Option<[u8; 64]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text: &[u8; 128] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 64];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
