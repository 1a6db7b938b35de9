//! What a segment says of itself in clear. Every record is bound to the hash of all of it.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::{NoticeEvidence, Party, StandingChange};
use crate::ids::{KeyId, LegUuid, RecordingId, SlotNumber, TrackNumber};
use crate::time::UnixMillis;

/// What a segment says of itself in clear: no number, no name. Canonical JSON (RFC 8785) in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentHeader {
    /// The recording it belongs to.
    pub recording: RecordingId,
    /// The track within the recording.
    pub track: TrackNumber,
    /// Place within the track, from 0.
    pub segment: u32,
    /// The key that opens it.
    pub key: KeyId,
    /// The keystore's slot that holds that key's capsules.
    pub slot: SlotNumber,
    /// The PBX instance's configured name.
    pub instance: String,
    /// Whose voice it is.
    pub party: Party,
    /// The host's uuid of that party's leg.
    pub leg: LegUuid,
    /// What its packets are encoded in.
    pub codec: StoredCodec,
    /// Samples per second and channel, 1 to 192 000. With Opus: what it was made for; it decodes to any rate.
    pub sample_rate: u32,
    /// 1, or 2 interleaved.
    pub channels: u8,
    /// Opus only: how much longer than its audio a decoded run of packets is at its beginning, in microseconds (the
    /// encoder's lookahead; RFC 7845 calls it pre-skip). 0 for Opus that is stored as the leg sent it. A packet
    /// decodes to what belongs at its offset less this; what lies before a run's first offset is left out.
    pub pre_skip_us: u32,
    /// The recording's zero, UTC: all offsets count from here.
    #[serde(rename = "recording_started_at_ms")]
    pub recording_started_at: UnixMillis,
    /// The notices of the track's party, as far as they had ended when the track began.
    pub notices: Vec<NoticeEvidence>,
    /// How that party had come to stand towards being recorded when the track began. Not there where it stands nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standings: Vec<StandingChange>,
}

/// What packets are stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredCodec {
    /// Opus packets (RFC 6716), one per entry.
    Opus,
    /// G.711 µ-law, a byte per sample.
    Pcmu,
    /// G.711 A-law, a byte per sample.
    Pcma,
    /// Linear PCM, 16 bits, signed, little-endian.
    L16,
}

impl StoredCodec {
    /// Its word in headers and in `show --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
            Self::L16 => "l16",
        }
    }
}

impl fmt::Display for StoredCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl SegmentHeader {
    /// The longest header, in bytes of JSON: some 200 notices.
    pub const MAX: usize = 64 * 1024;

    /// Canonical JSON; `None` where it would be too long, or would not read back as it is.
    pub(super) fn to_json(&self) -> Option<Vec<u8>> {
        let json = serde_json_canonicalizer::to_vec(self).ok()?;
        // Canonical JSON has no integers above 2^53: what does not survive is refused here, not found later.
        (Self::from_json(&json)? == *self).then_some(json)
    }

    /// Reads it back; `None` where it is not a header.
    pub(super) fn from_json(json: &[u8]) -> Option<Self> {
        if json.len() > Self::MAX {
            return None;
        }
        let header: Self = serde_json::from_slice(json).ok()?;
        let sound = (1..=2).contains(&header.channels) && (1..=192_000).contains(&header.sample_rate);
        sound.then_some(header)
    }
}
