//! What `list --json` and `show --json` print: the field names are a promise (decision 18).
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::conversation::Direction;
use crate::evidence::{Gap, NoticeEvidence, Party, Stood};
use crate::ids::{LegUuid, RecordingId, TrackNumber};
use crate::policy::NotRecorded;
use crate::time::UnixMillis;

use super::tombstone::Tombstone;

/// Where a recording is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The conversation goes on.
    Recording,
    /// It ended; its audio is kept until it expires.
    Kept,
    /// The recorder was stopped in the middle of it; what was sealed until then is kept until it expires.
    Truncated,
    /// The conversation ended and no audio of it was kept; `reason` says why.
    None,
    /// Its destruction has begun: nothing of it is released any more, and the next run finishes it.
    Destroying,
    /// Key, audio and personal fields are gone; a tombstone is left.
    Destroyed,
}

/// `outcome`: what became of the call for the recorder. `null` while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    /// At least one party's voice was kept.
    Recorded,
    /// None was; `reason` says why.
    NotRecorded,
}

/// One line of `list`. Times are Unix milliseconds in UTC. No number, no name.
///
/// A destroyed recording keeps its beginning only as the UTC day (`started_at_ms` is that day's first millisecond) and
/// its length only as a class (`duration_ms` is the class's upper bound: 0, 1 min, 5 min, 15 min, 1 h, 4 h, 24 h).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRow {
    /// The recording.
    pub id: RecordingId,
    /// Which way its first leg was set up.
    pub direction: Direction,
    /// The birth of its first leg.
    pub started_at_ms: UnixMillis,
    /// From its first answer to its end, or until now while it goes on; 0 where nobody answered.
    pub duration_ms: u64,
    /// Where it is in its life.
    pub state: State,
    /// What became of it.
    pub outcome: Option<OutcomeWord>,
    /// Why it was not recorded; `null` where it was.
    pub reason: Option<NotRecorded>,
}

/// `show`: the line of `list`, and the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingView {
    /// The line of `list`.
    #[serde(flatten)]
    pub row: RecordingRow,
    /// The instance's configured name.
    pub instance: String,
    /// Its first answer: the recording's zero, from which offsets count. `null` where nobody answered, and for a
    /// destroyed recording.
    pub answered_at_ms: Option<UnixMillis>,
    /// Its end; `null` while it goes on.
    pub ended_at_ms: Option<UnixMillis>,
    /// When it is, or was, due to be destroyed; `null` while it goes on.
    pub expires_at_ms: Option<UnixMillis>,
    /// Its tracks, in their order; none once it is destroyed.
    pub tracks: Vec<TrackView>,
    /// Its notices, in the order in which they ended; none once it is destroyed.
    pub notices: Vec<NoticeEvidence>,
    /// Its parties, in the order in which they came, and how each stood towards being recorded; none once it is destroyed.
    #[serde(default)]
    pub parties: Vec<PartyView>,
    /// When and how it was destroyed. Not there for any other recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed: Option<Tombstone>,
}

/// A party within `show` (NOT-04).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyView {
    /// The host's uuid of its leg.
    pub leg: LegUuid,
    /// What it is there; `null` where it hung up before it was anything.
    pub party: Option<Party>,
    /// How it stood, in the order in which that happened; the company's own stand nowhere.
    pub standings: Vec<Stood>,
}

/// A track within `show`. Offsets count from `answered_at_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackView {
    /// Its number, from 1.
    pub number: TrackNumber,
    /// Whose voice.
    pub party: Party,
    /// The host's uuid of the leg.
    pub leg: LegUuid,
    /// What its audio is stored in; where that changed, all of them in order, with a comma. Empty before the first
    /// segment.
    pub codec: String,
    /// When it begins.
    pub offset_ms: u64,
    /// How long it is, gaps included; until now while it goes on.
    pub duration_ms: u64,
    /// Stretches without the party's audio.
    pub gaps: Vec<Gap>,
}

/// Which recordings `list` shows, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Started at or after this.
    pub since: Option<UnixMillis>,
    /// Started before this.
    pub until: Option<UnixMillis>,
    /// Ended so.
    pub outcome: Option<OutcomeFilter>,
    /// At most this many; [`Filter::DEFAULT_LIMIT`] where not said, never more than [`Filter::MAX_LIMIT`].
    pub limit: Option<u32>,
}

impl Filter {
    /// How many are shown where `--limit` does not say.
    pub const DEFAULT_LIMIT: u32 = 100;
    /// How many are shown at most.
    pub const MAX_LIMIT: u32 = 100_000;

    /// How many to show.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT).min(Self::MAX_LIMIT)
    }
}

/// `--outcome`: `recorded`, `not_recorded`, or one of its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeFilter {
    /// Any that ended so.
    Outcome(OutcomeWord),
    /// Not recorded, for this reason.
    Reason(NotRecorded),
}

/// A word that `--outcome` does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such outcome; say recorded, not_recorded, or one of the reasons that `callvault help list` names")]
pub struct UnknownOutcome;

impl FromStr for OutcomeFilter {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        match text {
            "recorded" => Ok(Self::Outcome(OutcomeWord::Recorded)),
            "not_recorded" => Ok(Self::Outcome(OutcomeWord::NotRecorded)),
            reason => NotRecorded::ALL
                .into_iter()
                .find(|known| known.as_str() == reason)
                .map(Self::Reason)
                .ok_or(UnknownOutcome),
        }
    }
}
