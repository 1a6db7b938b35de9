//! What is kept as proof that a party was told (NOT-02), in the words that `show`, `inspect` and the manifest use.
mod words;

use serde::{Deserialize, Serialize};

use crate::ids::LegUuid;
use crate::time::UnixMillis;

pub use words::{of_leg, party_in_words};

/// What a party is in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The outside party that rang the company.
    Caller,
    /// The outside party that was rung.
    Callee,
    /// The company's party.
    Agent,
    /// An outside party that came in later, by transfer or conference.
    Joined,
    /// The PBX itself: what a leg without a recorded partner hears (IVR, voicemail).
    System,
}

/// How far a notice got on its leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// Nothing of it was sent.
    None,
    /// It ended before its end, or not all of it can be shown to have been sent.
    Partial,
    /// Sent in full: every frame due was written after the answer and RTP's own count rose by as many.
    Informed,
}

impl NoticeState {
    /// Its word, as `show` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Informed => "informed",
        }
    }
}

/// One notice on one leg. Field names are those of `callvault show --json` (decision 18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeEvidence {
    /// The host's uuid of the leg that heard it.
    pub leg: LegUuid,
    /// The party on that leg.
    pub party: Party,
    /// The prompt's id in the configuration.
    pub prompt: String,
    /// The prompt's version.
    pub version: String,
    /// Language, as the prompt's configuration names it (`nl`, `en`).
    pub language: String,
    /// SHA-256 of the prompt's file, 64 hexadecimal digits; empty where the source is no file (`tone_stream://` …).
    pub sha256: String,
    /// Packets the prompt makes at the leg's packet time; 0 where its length cannot be known beforehand.
    pub frames_due: u32,
    /// Packets that reached the leg's write side while it played.
    pub frames_written: u32,
    /// By how much RTP's own count of packets sent rose; `None` where the endpoint keeps none.
    pub packets_sent: Option<u32>,
    /// When it began and ended, UTC.
    pub started_at_ms: UnixMillis,
    /// See `started_at_ms`.
    pub ended_at_ms: UnixMillis,
    /// How far it got.
    pub state: NoticeState,
}

/// How a party stands towards being recorded (NOT-04). What happened, not what it is taken to mean (decision 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It must be told, and has not been yet.
    Pending,
    /// A notice was sent to it whole, or its agent attested having said it.
    Informed,
    /// It was informed and went on.
    InformedContinued,
    /// It agreed by its digit.
    Consented,
    /// It did not agree in time, or said no (`optin`).
    Declined,
    /// It objected.
    Objected,
    /// It had agreed or gone on, and took that back.
    Withdrawn,
    /// It hung up in the notice.
    RefusedHangup,
    /// It went on without having been told whole.
    NotInformed,
    /// It is told by the means that the policy names (`told-by`).
    ToldElsewhere,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Informed,
        Self::InformedContinued,
        Self::Consented,
        Self::Declined,
        Self::Objected,
        Self::Withdrawn,
        Self::RefusedHangup,
        Self::NotInformed,
        Self::ToldElsewhere,
    ];

    /// Its word, as `show --json` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Informed => "informed",
            Self::InformedContinued => "informed_continued",
            Self::Consented => "consented",
            Self::Declined => "declined",
            Self::Objected => "objected",
            Self::Withdrawn => "withdrawn",
            Self::RefusedHangup => "refused_hangup",
            Self::NotInformed => "not_informed",
            Self::ToldElsewhere => "told_elsewhere",
        }
    }
}

/// When a party came to stand so. In `show --json`, and in the segment header of tracks that begin afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingChange {
    /// The host's uuid of the party's leg.
    pub leg: LegUuid,
    /// How it stands from then on.
    pub standing: Standing,
    /// When, UTC.
    pub at_ms: UnixMillis,
    /// By which means: `prompt`, `digit`, `agent`, `command`, or what `told-by` names.
    pub by: String,
}

/// The same, where the leg is known from what is around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stood {
    /// How the party stood from then on.
    pub standing: Standing,
    /// When, UTC.
    pub at_ms: UnixMillis,
    /// By which means, as in [`StandingChange`].
    pub by: String,
}

impl From<&StandingChange> for Stood {
    fn from(change: &StandingChange) -> Self {
        Self { standing: change.standing, at_ms: change.at_ms, by: change.by.clone() }
    }
}

/// A stretch of a track without the party's audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// From the recording's start.
    pub offset_ms: u64,
    /// How long.
    pub duration_ms: u64,
    /// Why.
    pub reason: GapReason,
}

/// Why a stretch of a track has no audio of the party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The network delivered nothing: loss, silence suppression, a far end that stopped sending.
    NotReceived,
    /// The ring was full: the recorder was too slow. Counted as lost.
    RingFull,
    /// A party held, or waited in a queue.
    Hold,
    /// The party was muted.
    Muted,
    /// Paused by command.
    Paused,
    /// Someone was present who had not been told, or whose line is exempt.
    Withheld,
    /// The payload could not be decoded.
    Undecodable,
    /// More waited for the store than may.
    StoreFault,
    /// The party's media did not pass through this host (bypass media, a fax by T.38).
    NoMedia,
    /// No key was ready for the track.
    NoKey,
}
