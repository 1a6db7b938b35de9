//! What the host tells about its legs. The switch side makes these; the controller's thread consumes them.
use crate::evidence::NoticeEvidence;
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::NoticeMode;
use crate::time::{Monotonic, UnixMillis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which way a leg was set up, seen from the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The party rang the PBX.
    Inbound,
    /// The PBX rang the party.
    Outbound,
}

/// Whose party is on a leg (authenticated, `user/…` or `company-numbers` is the company's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// One of ours.
    Company,
    /// Anyone else.
    Outside,
}

/// What is personal about a leg. Kept in memory until it is sealed under its track's key; never logged.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// Caller id number, at most 256 bytes, as it came, invalid UTF-8 replaced.
    pub caller_number: String,
    /// Caller id name, likewise.
    pub caller_name: String,
    /// The number that was dialled, likewise.
    pub dialled_number: String,
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal { .. }")
    }
}

/// What is known of a leg at its birth.
#[derive(Debug, Clone)]
pub struct LegFacts {
    /// The host's uuid.
    pub uuid: LegUuid,
    /// The id that the leg carries in `callvault_id`: a new one, or that of the leg it was born for.
    pub recording: RecordingId,
    /// Which way it was set up.
    pub direction: Direction,
    /// Whose party it is.
    pub side: Side,
    /// The leg this one was born for (the A-leg of a bridge), where there is one.
    pub born_for: Option<LegKey>,
    /// Loopback and the like: carries ids on, is no party, has no track.
    pub is_party: bool,
    /// Numbers and names.
    pub personal: Personal,
    /// One of its numbers is exempt.
    pub exempt: bool,
    /// One of its numbers is an emergency number.
    pub emergency: bool,
}

/// What happened on a leg. Each comes with when it happened on both clocks.
#[derive(Debug, Clone)]
pub enum LegInput {
    /// The leg exists.
    Born(Box<LegFacts>),
    /// Its tap is in place: frames can be taken.
    Tapped,
    /// It was refused a key, and one is ready now.
    KeyReady,
    /// The leg answered. Early media is no answer.
    Answered,
    /// Whether a notice is due on this leg before its party may be captured: said once, before `Answered`,
    /// by the session's thread as a pure function of policy and facts (decision 17).
    NoticeDue,
    /// A notice began on the leg.
    NoticeStarted,
    /// It ended, with what was measured of it. Where the leg hung up in it, this comes before `HungUp`.
    NoticeEnded(Box<NoticeEvidence>),
    /// The leg was bridged to that one.
    Bridged(LegKey),
    /// The bridge is over.
    Unbridged,
    /// It was let into the call of that leg, as a party among the others (`three_way`), or left it again.
    LetIn(Option<LegKey>),
    /// The leg entered that conference.
    ConferenceJoined(Box<str>),
    /// It left it.
    ConferenceLeft,
    /// Whether the leg holds its partner, or is held; a level, repeated at will.
    Held(bool),
    /// Whether its party is muted; a level.
    Muted(bool),
    /// Its media does not pass through this host (bypass, proxy media), or does again.
    MediaBypassed(bool),
    /// The host gave it another uuid.
    Renamed(LegUuid),
    /// The conversation of this leg is not to be captured, or is again: payment data is being said (REC-13). Ends by
    /// itself after the policy's `pause-seconds`.
    Paused(bool),
    /// The leg waits in a queue, or does no more; a level (REC-08).
    Waiting(bool),
    /// Its party pressed digits that mean this. The digits themselves go nowhere (REC-12).
    Signalled(Signal),
    /// An operator says this of the leg: of an outside party's, that it objects or was told; of the company's, what its
    /// digits would mean.
    Commanded(Signal),
    /// Its device takes part in the signs of recording (RFC 7866), and what it prefers. Said at the leg's answer.
    RecordingAware(DevicePreference),
    /// What its dialplan asks for, as far as the policy lets a dialplan ask; said before its notice.
    Wishes(Box<Wishes>),
    /// It lost the race of its ring group: it is no party and has no outcome. Said before its `HungUp`.
    LostRace,
    /// The leg hung up.
    HungUp,
    /// Its session is gone: nothing more will come of it.
    Gone,
}

/// What a party's device says of recording in its session description (RFC 7866, `a=recordpref`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DevicePreference {
    /// `off`: its party is not to be recorded.
    Off,
    /// Anything else: it only wants to know.
    Other,
}

/// What a party means by the digits it pressed, or an operator by a command on its leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The party objects; from the company's side: it says that the other party does (NOT-05).
    Object,
    /// The party agrees (`optin`).
    Agree,
    /// It does not (`optin`).
    Decline,
    /// From the company's side: it has told the other party (STF-01).
    Attest,
    /// From the company's side: pause for payment data.
    Pause,
    /// From the company's side: go on.
    Resume,
}

/// What a dialplan asks for on a leg; made by [`Policy::wishes`](crate::policy::Policy::wishes), which lets through only
/// what the policy allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Its line is exempt (`callvault_exempt`).
    pub exempt: bool,
    /// Another mode for this leg's party (`callvault_mode`); never a weaker one.
    pub mode: Option<NoticeMode>,
    /// A shorter retention for its conversation (`callvault_retention`, days).
    pub retention: Option<Duration>,
}

/// What is kept of a closed track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Audio of the party.
    Audio,
    /// Nothing: no frame ever came.
    Nothing,
    /// Nothing, because the store or an encoder failed.
    Failed,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// On a leg.
    Leg {
        /// Which.
        leg: LegKey,
        /// When, monotonic.
        at: Monotonic,
        /// When, UTC.
        now: UnixMillis,
        /// What.
        what: LegInput,
    },
    /// An operator's switch: new calls are recorded, or are `not_recorded(operator_stop)`.
    Recording {
        /// Whether they are.
        on: bool,
    },
    /// Whether the recorder cannot record at all (no valid roster, no key, no store); a level. New conversations
    /// are then `not_recorded(recorder_fault)`, running ones go on.
    RecorderFault {
        /// Whether it cannot.
        on: bool,
    },
    /// The leg's new track got no key: it is not captured, its call goes on.
    KeyRefused {
        /// The leg of the `OpenGate` that could not be carried out.
        leg: LegKey,
    },
    /// A track of a conversation is closed for good, and what is kept of it.
    TrackClosed {
        /// Its recording.
        recording: RecordingId,
        /// Its number.
        track: TrackNumber,
        /// What is kept.
        kept: Kept,
    },
    /// The answer to `Effect::RollOver`: from now on the conversation goes on in a new recording.
    RolledOver {
        /// The recording that has become too long.
        recording: RecordingId,
        /// The new one.
        into: RecordingId,
        /// When, monotonic.
        at: Monotonic,
        /// When, UTC.
        now: UnixMillis,
    },
    /// Time passed; timers that are due fire.
    Tick {
        /// Monotonic now.
        at: Monotonic,
        /// UTC now.
        now: UnixMillis,
    },
}
