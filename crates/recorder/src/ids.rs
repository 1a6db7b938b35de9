//! Names of things: recordings, tracks, legs, slots.
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Which PBX instance a recording was made by: the first four bytes of SHA-256 over its configured name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceTag([u8; 4]);

impl InstanceTag {
    /// The tag of an instance's configured name (`instance` in callvault.conf.xml).
    pub fn of(name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"callvault instance\0");
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }

    /// The four bytes.
    pub fn bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Debug for InstanceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for InstanceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// One recording: 16 bytes, written as 32 lower-case hexadecimal digits. The first four name the instance
/// (so that a ticket made from an id alone is good for one instance only), the other twelve are random.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingId([u8; 16]);

/// Why a text is not a recording's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a recording's id is 32 lower-case hexadecimal digits, as `callvault list` shows it")]
pub struct BadRecordingId;

impl RecordingId {
    /// A new id for a recording of this instance. Randomness is the operating system's; `None` where it has none.
    pub fn generate(instance: InstanceTag) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&instance.0);
        getrandom::fill(&mut bytes[4..]).ok()?;
        Some(Self(bytes))
    }

    /// From its 16 bytes, as a segment's header carries them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The instance that made the recording.
    pub fn instance(self) -> InstanceTag {
        InstanceTag([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl FromStr for RecordingId {
    type Err = BadRecordingId;

    fn from_str(text: &str) -> Result<Self, BadRecordingId> {
        read_hex(text).map(Self).ok_or(BadRecordingId)
    }
}

fn read_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl Serialize for RecordingId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordingId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A track's number within its recording, from 1. The leg that founded the conversation has 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackNumber(pub NonZeroU16);

impl TrackNumber {
    /// Track 1.
    pub const FIRST: Self = Self(NonZeroU16::MIN);

    /// The number, from 1.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for TrackNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Our own handle of a leg, never reused while the process lives. The host may rename a leg's uuid; this stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegKey(pub u64);

/// The host's uuid of a leg as text, at most 64 bytes of printable ASCII (anything else is replaced by `?`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegUuid(Box<str>);

impl LegUuid {
    /// The longest uuid that is kept, in bytes; `origination_uuid` lets a dialplan choose any text.
    pub const MAX: usize = 64;

    /// From the host's bytes, capped and made printable.
    pub fn from_host(bytes: &[u8]) -> Self {
        let text: String =
            bytes.iter().take(Self::MAX).map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '?' }).collect();
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LegUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A slot's place in the keystore, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotNumber(pub u32);

/// Names a track's key without saying anything of it: 16 random bytes beside the key in its capsule, in its slot
/// and in its segments' headers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// Why a text is not a key's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's id is 32 lower-case hexadecimal digits, as a segment's header has it")]
pub struct BadKeyId;

impl FromStr for KeyId {
    type Err = BadKeyId;

    fn from_str(text: &str) -> Result<Self, BadKeyId> {
        read_hex(text).map(Self).ok_or(BadKeyId)
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written_and_names_its_instance() {
        let tag = InstanceTag::of("pbx-1");
        let id = RecordingId::generate(tag).expect("the system has randomness");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.instance(), tag);
        assert_ne!(InstanceTag::of("pbx-2"), tag);
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in
            ["", "0", "../../etc/passwd", &"A".repeat(32), &"g".repeat(32), &"0".repeat(33), "é".repeat(16).as_str()]
        {
            assert_eq!(text.parse::<RecordingId>(), Err(BadRecordingId), "{text}");
        }
    }

    #[test]
    fn a_uuid_from_the_network_is_capped_and_printable() {
        let uuid = LegUuid::from_host(&[b"a\r\n{\"\0".as_slice(), &[b'x'; 300]].concat());
        assert_eq!(uuid.as_str().len(), LegUuid::MAX);
        assert!(uuid.as_str().starts_with("a??{\"?x"));
    }
}
