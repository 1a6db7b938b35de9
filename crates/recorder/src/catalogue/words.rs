//! Closed vocabularies as the words they have in the rows.
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::conversation::Direction;
use crate::ids::{KeyId, RecordingId, TrackNumber};

use super::fault::CatalogueFault;

/// The word of a fieldless enum, the one it also has in JSON.
pub(super) fn word<T: Serialize>(of: &T) -> String {
    match serde_json::to_value(of) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// What that word stands for.
pub(super) fn meaning<T: DeserializeOwned>(word: String, what: &'static str) -> Result<T, CatalogueFault> {
    serde_json::from_value(Value::String(word)).map_err(|_| CatalogueFault::Damaged(what))
}

/// A list or struct kept as JSON text.
pub(super) fn json<T: Serialize>(of: &T) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// What that JSON text holds.
pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, CatalogueFault> {
    serde_json::from_str(text).map_err(|_| CatalogueFault::Damaged(what))
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(super) fn recording_id(bytes: &[u8]) -> Result<RecordingId, CatalogueFault> {
    bytes.try_into().map(RecordingId::from_bytes).map_err(|_| CatalogueFault::Damaged("recording id"))
}

pub(super) fn key_id(bytes: &[u8]) -> Result<KeyId, CatalogueFault> {
    bytes.try_into().map(KeyId).map_err(|_| CatalogueFault::Damaged("key id"))
}

pub(super) fn track_number(number: i64) -> Result<TrackNumber, CatalogueFault> {
    u16::try_from(number)
        .ok()
        .and_then(std::num::NonZeroU16::new)
        .map(TrackNumber)
        .ok_or(CatalogueFault::Damaged("track number"))
}

/// SQLite's integers are signed; what does not fit is kept as the largest that does.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
