//! What a step wants done. The controller's thread carries these out, in order.
use crate::capture::Generation;
use crate::conversation::input::{Direction, Personal};
use crate::evidence::{GapReason, NoticeEvidence, Party, StandingChange};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::Outcome;
use crate::time::{Monotonic, UnixMillis};
use std::time::Duration;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A conversation had its first answer: it has a row from now on, and this moment is the zero of its tracks.
    Started(Box<Started>),
    /// A party came into a started conversation (at its answer, or by joining from another one).
    LegJoined {
        /// The conversation's recording.
        recording: RecordingId,
        /// Which leg.
        leg: LegKey,
        /// The host's uuid of it.
        uuid: LegUuid,
        /// What it is there.
        party: Party,
        /// When, UTC.
        at: UnixMillis,
    },
    /// Let frames of this leg through under this generation. A new track needs a key: where there is none, nothing
    /// is opened and `Input::KeyRefused` is the answer.
    OpenGate(Box<OpenGate>),
    /// Let nothing of this leg through.
    ShutGate {
        /// Which leg.
        leg: LegKey,
        /// Why.
        reason: ShutReason,
    },
    /// Nothing more comes for this track: seal what came. `Input::TrackClosed` is the answer.
    CloseTrack {
        /// The leg that fed it.
        leg: LegKey,
        /// Its recording.
        recording: RecordingId,
        /// Its number.
        track: TrackNumber,
    },
    /// The leg belongs to another recording now (`callvault_id`, `callvault_former_ids`).
    SetRecording {
        /// Which leg.
        leg: LegKey,
        /// The recording it belongs to.
        recording: RecordingId,
        /// The one it left.
        former: RecordingId,
    },
    /// How a notice went on a leg of a started conversation.
    Notice {
        /// The conversation's recording.
        recording: RecordingId,
        /// What was measured.
        evidence: Box<NoticeEvidence>,
    },
    /// A party of a started conversation came to stand so.
    Standing {
        /// The conversation's recording.
        recording: RecordingId,
        /// Its leg, and since when it stands so.
        change: Box<StandingChange>,
    },
    /// A conversation's capture was paused, or goes on.
    Paused {
        /// Which.
        recording: RecordingId,
        /// The leg from whose side it came; the one first paused where it ended by itself.
        leg: LegUuid,
        /// Whether it is paused now.
        on: bool,
        /// How long it was, where it is over.
        lasted: Option<Duration>,
        /// It ended by itself.
        by_itself: bool,
    },
    /// The host is asked to do something on a leg.
    Ask {
        /// Which.
        leg: LegKey,
        /// What.
        request: Request,
    },
    /// The last party left, or one of them ended the recording while the call goes on (NOT-05). The outcome follows at
    /// once, or when the tracks are closed.
    Ended {
        /// Which recording.
        recording: RecordingId,
        /// When, UTC.
        ended_at: UnixMillis,
    },
    /// How it ended; exactly once for each started conversation, after its `Ended`.
    Outcome {
        /// Which recording.
        recording: RecordingId,
        /// How.
        outcome: Outcome,
        /// When it ended, UTC; its expiry counts from here.
        ended_at: UnixMillis,
        /// How long a dialplan wants it kept; the policy's retention where that is shorter or none was said.
        retention: Option<Duration>,
        /// Nothing of it was kept and all who were there went on in that recording: a leg that answered a moment before
        /// it entered a conference is no call of its own.
        merged_into: Option<RecordingId>,
    },
    /// The recording has become too long for its epoch; `Input::RolledOver` with a new id is the answer.
    RollOver {
        /// Which recording.
        recording: RecordingId,
    },
    /// Something an operator should know.
    Alarm(Alarm),
}

/// See [`Effect::Started`].
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// Which recording.
    pub recording: RecordingId,
    /// Which way the call is, seen from the company.
    pub direction: Direction,
    /// The birth of its first leg, UTC.
    pub born_at: UnixMillis,
    /// The first answer, monotonic: the zero of all tracks.
    pub started: Monotonic,
    /// The first answer, UTC.
    pub started_at: UnixMillis,
}

/// See [`Effect::OpenGate`].
#[derive(Debug, Clone, PartialEq)]
pub struct OpenGate {
    /// Which leg.
    pub leg: LegKey,
    /// Under which generation; higher than any before on this leg.
    pub generation: Generation,
    /// Which recording.
    pub recording: RecordingId,
    /// Which track of it.
    pub track: TrackNumber,
    /// The leg's party.
    pub party: Party,
    /// The host's uuid of the leg.
    pub uuid: LegUuid,
    /// From when on, monotonic.
    pub at: Monotonic,
    /// A new track, or one that goes on.
    pub opening: Opening,
}

/// Whether a gate's opening begins a track.
#[derive(Debug, Clone, PartialEq)]
pub enum Opening {
    /// The track begins.
    First(Box<NewTrack>),
    /// The same track goes on; the time between was not captured for this reason.
    Again(GapReason),
}

/// What a new track's header and row are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrack {
    /// The recording's zero, monotonic.
    pub started: Monotonic,
    /// The recording's zero, UTC.
    pub started_at: UnixMillis,
    /// The notices that this leg heard.
    pub notices: Vec<NoticeEvidence>,
    /// How its party came to stand as it does.
    pub standings: Vec<StandingChange>,
    /// Sealed under the track's key, then dropped.
    pub personal: Personal,
}

/// What the host does on a leg when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Remind the company's party, and nobody else, that it has to tell the other one (STF-02).
    Beep,
    /// Say to the party that recording has stopped (prompt `stopped`, where there is one).
    SayStopped,
    /// Tell the leg's device how it is recorded (RFC 7866, `a=record`).
    ShowRecording(Shown),
}

/// How a party is recorded, as its device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// It is captured.
    On,
    /// The company's side has paused it.
    Paused,
    /// It is not captured.
    Off,
}

/// Why a gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShutReason {
    /// A party of the pair holds.
    Hold,
    /// The party is muted.
    Muted,
    /// The company's side paused it.
    Paused,
    /// It waits in a queue.
    Waiting,
    /// Its conversation was objected to.
    Objected,
    /// Someone present has not been told, or has an exempt line.
    Withheld,
    /// Its media does not pass through this host.
    NoMedia,
    /// It goes to another recording.
    Moved,
    /// It hung up.
    HungUp,
    /// No key for its track.
    NoKey,
}

impl ShutReason {
    /// The reason as the gap it leaves in the track.
    pub fn gap(self) -> GapReason {
        match self {
            Self::Hold | Self::Waiting => GapReason::Hold,
            Self::Muted => GapReason::Muted,
            Self::Paused => GapReason::Paused,
            Self::Withheld | Self::Objected | Self::Moved => GapReason::Withheld,
            Self::NoMedia => GapReason::NoMedia,
            Self::NoKey => GapReason::NoKey,
            Self::HungUp => GapReason::NotReceived,
        }
    }
}

/// Something an operator should know; numbers and names never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// An outside party went on after a notice that did not reach it whole, or without any.
    NotInformed {
        /// Its conversation.
        recording: RecordingId,
        /// Its leg, as the host names it.
        leg: LegUuid,
    },
    /// An agent did not attest in time that the other party was told: the call is not recorded (STF-02).
    NotAttested {
        /// Its conversation.
        recording: RecordingId,
        /// The agent's leg, as the host names it.
        leg: LegUuid,
    },
    /// A leg's media bypasses this host, so it cannot be recorded.
    MediaBypassed {
        /// Its conversation.
        recording: RecordingId,
        /// Its leg, as the host names it.
        leg: LegUuid,
    },
}
