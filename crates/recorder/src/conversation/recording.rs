//! One conversation, and what it comes to.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::conversation::Moment;
use crate::conversation::closing::Closed;
use crate::conversation::input::{Direction, Kept, LegFacts, Side};
use crate::conversation::pause::Pause;
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::{NotRecorded, Outcome};
use crate::time::UnixMillis;

/// A recording between its first leg's birth and its outcome.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) birth: Birth,
    /// Why nothing of it is recorded, decided at its birth.
    pub(super) refusal: Option<NotRecorded>,
    pub(super) record_internal: bool,
    /// Whether outside parties among themselves are told from a company that nobody described: the config lists its
    /// numbers, or a party of it was here.
    pub(super) knows_company: bool,
    /// The party leg that has track 1.
    pub(super) founder: Option<LegKey>,
    /// Its first answer.
    pub(super) zero: Option<Moment>,
    /// Legs that belong to it and have not hung up.
    pub(super) members: BTreeSet<LegKey>,
    /// How many parties joined.
    pub(super) parties: u32,
    pub(super) outside_parties: u32,
    pub(super) has_callee: bool,
    /// An outside party was told (or need not be told here): what follows may be captured.
    pub(super) cleared: bool,
    /// Track numbers given, by leg: one track per leg.
    pub(super) tracks: BTreeMap<LegKey, TrackNumber>,
    pub(super) last_track: u16,
    /// What became of each opened track; `None` while it is not closed.
    pub(super) kept: BTreeMap<TrackNumber, Option<Kept>>,
    /// When the last party left, where nobody is there.
    pub(super) last_left: Option<Moment>,
    /// Where the parties went, as long as all who left went there and nobody hung up.
    pub(super) went_on_in: WentOn,
    /// It ended before its call did.
    pub(super) closed: Option<Closed>,
    pub(super) pause: Option<Pause>,
    /// The shortest that any of its legs' dialplans wants it kept.
    pub(super) retention: Option<Duration>,
    pub(super) seen: Seen,
}

/// How a conversation began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Birth {
    /// Towards the company or from it.
    pub(super) direction: Direction,
    /// When its first leg was born, UTC.
    pub(super) at: UnixMillis,
    /// The how-manieth recording it is.
    pub(super) order: u64,
}

/// What became of those who left a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WentOn {
    /// Nobody left.
    Nowhere,
    /// All of them went to that recording.
    In(RecordingId),
    /// Someone hung up.
    HungUp,
}

/// Which way a call is, seen from the company: who rings the PBX from inside rings out.
pub(super) fn way_of(founder: &LegFacts) -> Direction {
    match founder.side {
        Side::Company if founder.is_party => Direction::Outbound,
        Side::Company | Side::Outside => founder.direction,
    }
}

/// What was seen in a conversation, for its outcome where nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) emergency: bool,
    pub(super) exempt: bool,
    pub(super) outside: bool,
    pub(super) refused: bool,
    pub(super) untold: bool,
    /// Outside parties were there without any of the company's.
    pub(super) no_company: bool,
    pub(super) no_key: bool,
    /// An outside party could not be told, for its media was not here.
    pub(super) untellable: bool,
    /// A party that would have been captured had no media here.
    pub(super) no_media: bool,
}

impl Recording {
    pub(super) fn new(birth: Birth, refusal: Option<NotRecorded>, record_internal: bool, knows_company: bool) -> Self {
        Self {
            birth,
            refusal,
            record_internal,
            knows_company,
            founder: None,
            zero: None,
            members: BTreeSet::new(),
            parties: 0,
            outside_parties: 0,
            has_callee: false,
            cleared: false,
            tracks: BTreeMap::new(),
            last_track: 0,
            kept: BTreeMap::new(),
            last_left: None,
            went_on_in: WentOn::Nowhere,
            closed: None,
            pause: None,
            retention: None,
            seen: Seen::default(),
        }
    }

    /// The number of a leg's new track: 1 is the founder's, others count on from 2.
    pub(super) fn number(&mut self, leg: LegKey) -> Option<TrackNumber> {
        let number = if self.founder == Some(leg) {
            1
        } else {
            self.last_track = self.last_track.max(1).checked_add(1)?;
            self.last_track
        };
        let track = TrackNumber(std::num::NonZeroU16::new(number)?);
        self.tracks.insert(leg, track);
        self.kept.insert(track, None);
        Some(track)
    }

    /// Whether it is recorded, or would be if its parties were told: neither refused nor ended before its call.
    pub(super) fn is_wanted(&self) -> bool {
        self.refusal.is_none() && self.closed.is_none()
    }

    /// Whether all opened tracks are closed.
    pub(super) fn is_sealed(&self) -> bool {
        self.kept.values().all(Option::is_some)
    }

    /// What it comes to: `recorded` where any track has audio (one that is still open is believed to) and may keep
    /// it, else the most telling of the reasons.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome_where(|_| true)
    }

    /// The same while tracks are open: what is heard on whose leg will be in its track.
    pub(super) fn outcome_where(&self, is_heard: impl Fn(LegKey) -> bool) -> Outcome {
        let seen = &self.seen;
        if let Some(closed) = self.closed.filter(|closed| !closed.keeps && !self.tracks.is_empty()) {
            return Outcome::NotRecorded(closed.reason);
        }
        let believed = |leg: &LegKey| if is_heard(*leg) { Kept::Audio } else { Kept::Nothing };
        let kept = |wanted: Kept| {
            let of = |(leg, track): (&LegKey, &TrackNumber)| {
                self.kept.get(track).is_some_and(|kept| kept.unwrap_or_else(|| believed(leg)) == wanted)
            };
            self.tracks.iter().any(of)
        };
        if kept(Kept::Audio) {
            return Outcome::Recorded;
        }
        let reasons = [
            (kept(Kept::Failed), NotRecorded::RecorderFault),
            (seen.emergency, NotRecorded::Emergency),
            (seen.exempt, NotRecorded::ExemptLine),
            (!seen.outside && !self.record_internal, NotRecorded::Internal),
            (self.refusal.is_some(), self.refusal.unwrap_or(NotRecorded::OperatorStop)),
            (self.closed.is_some(), self.closed.map_or(NotRecorded::Objected, |closed| closed.reason)),
            (seen.no_company, NotRecorded::NoCompanyParty),
            (kept(Kept::Nothing) && seen.no_media, NotRecorded::NoMediaPath),
            (kept(Kept::Nothing), NotRecorded::NoSpeech),
            (seen.refused, NotRecorded::RefusedHangup),
            (seen.untellable, NotRecorded::NoMediaPath),
            (seen.untold, NotRecorded::NotInformed),
            (seen.no_key, NotRecorded::RecorderFault),
            (seen.no_media, NotRecorded::NoMediaPath),
        ];
        let otherwise = if seen.outside { NotRecorded::NoSpeech } else { NotRecorded::Internal };
        let reason = reasons.into_iter().find(|(holds, _)| *holds).map_or(otherwise, |(_, reason)| reason);
        Outcome::NotRecorded(reason)
    }
}
