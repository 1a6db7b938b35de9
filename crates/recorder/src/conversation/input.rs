//! What the host tells about its legs. The switch side makes these; the controller's thread consumes them.
use crate::evidence::NoticeEvidence;
use crate::ids::{LegKey, LegUuid, RecordingId};
use crate::time::{Monotonic, UnixMillis};

/// Which way a leg was set up, seen from the PBX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The party rang the PBX.
    Inbound,
    /// The PBX rang the party.
    Outbound,
}

/// Whose party is on a leg (design.md: authenticated, registered, `user/…` or `company-numbers` is the company's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// One of ours.
    Company,
    /// Anyone else.
    Outside,
}

/// What is personal about a leg. Kept in memory until it is sealed under its track's key; never logged.
#[derive(Clone, PartialEq, Eq, Default)]
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
    /// An operator paused or resumed the capture of this leg.
    Paused(bool),
    /// The leg hung up.
    HungUp,
    /// Its session is gone: nothing more will come of it.
    Gone,
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
    /// Time passed; timers that are due fire.
    Tick {
        /// Monotonic now.
        at: Monotonic,
        /// UTC now.
        now: UnixMillis,
    },
}
