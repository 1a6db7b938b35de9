//! What stays of a destroyed recording (DES-02): no number, name, leg or exact moment of the call's beginning.
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// Why a recording is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestructionReason {
    /// Its time was over.
    Expired,
    /// The policy keeps recordings for a shorter time now, and that is over (RET-02).
    RetentionShortened,
    /// Something was captured of a call that ended `not_recorded`.
    NotRecorded,
}

impl DestructionReason {
    /// The word in the catalogue, the audit log and `show --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::RetentionShortened => "retention_shortened",
            Self::NotRecorded => "not_recorded",
        }
    }
}

impl fmt::Display for DestructionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its time is over",
            Self::RetentionShortened => "the policy keeps recordings for a shorter time now",
            Self::NotRecorded => "the call ended not recorded",
        })
    }
}

/// How a recording is destroyed; the only way there is.
pub const METHOD: &str = "key_slot_overwritten";

/// A released copy, and what became of it when its recording was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyFate {
    /// The copy's file name.
    pub name: String,
    /// When it was released.
    pub released_at_ms: UnixMillis,
    /// SHA-256 of the public key that opens it, 64 hexadecimal digits.
    pub holder: String,
    /// `true`: it was no longer in the release directory, so it is out of our hands.
    pub left: bool,
}

/// The part of `show --json` that only a destroyed recording has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// When it was destroyed, UTC.
    pub at_ms: UnixMillis,
    /// How: [`METHOD`].
    pub method: String,
    /// Why.
    pub reason: DestructionReason,
    /// The policy it was made under, by its hash.
    pub policy: String,
    /// SHA-256 of each of its segments as they lay in the store, so that a stray one can be told to be dead.
    pub segments: Vec<String>,
    /// Its released copies, those that left among them.
    pub copies: Vec<CopyFate>,
}

/// The upper bounds of the duration classes that a tombstone keeps, in milliseconds.
const CLASSES: [u64; 7] = [0, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

/// The upper bound of the class that a duration falls into: 0, 1 min, 5 min, 15 min, 1 h, 4 h or 24 h.
pub(super) fn duration_class(duration: Duration) -> u64 {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    CLASSES.into_iter().find(|&bound| millis <= bound).unwrap_or(CLASSES[CLASSES.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_keeps_how_long_a_call_was_only_roughly() {
        for (seconds, bound) in
            [(0, 0), (1, 60_000), (60, 60_000), (61, 300_000), (86_400, 86_400_000), (999_999, 86_400_000)]
        {
            assert_eq!(duration_class(Duration::from_secs(seconds)), bound, "{seconds} s");
        }
    }
}
