//! One leg: what it is, and its levels.
use std::collections::BTreeSet;

use crate::conversation::effect::ShutReason;
use crate::conversation::input::{Direction, LegFacts, Personal, Side};
use crate::evidence::{NoticeEvidence, Party};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::Uninformed;
use crate::time::Monotonic;

/// A leg between its birth and its end.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) uuid: LegUuid,
    pub(super) recording: RecordingId,
    pub(super) direction: Direction,
    pub(super) side: Side,
    pub(super) is_party: bool,
    pub(super) exempt: bool,
    pub(super) emergency: bool,
    pub(super) personal: Personal,

    pub(super) tapped: bool,
    pub(super) answered: bool,
    pub(super) hung_up: bool,
    pub(super) lost_race: bool,
    pub(super) held: bool,
    pub(super) muted: bool,
    pub(super) paused: bool,
    pub(super) bypassed: bool,
    /// It was bridged or in a conference.
    pub(super) met: bool,
    /// Whom it said that it is bridged to.
    pub(super) partner: Option<LegKey>,
    /// Who said that they are bridged to it.
    pub(super) named_by: BTreeSet<LegKey>,
    /// The other half of a loopback.
    pub(super) other_half: Option<LegKey>,
    pub(super) room: Option<Box<str>>,

    pub(super) telling: Telling,
    /// An outside party that is told by other means than here (`uninformed` is `record`).
    pub(super) told_elsewhere: bool,
    pub(super) notices: Vec<NoticeEvidence>,

    pub(super) gate: GateState,
    /// Of the last opening of its gate; 0 before the first.
    pub(super) generation: u32,
    /// What follows belongs to its stay in its present recording.
    pub(super) stay: Stay,
}

/// What a leg is and has in the recording it belongs to.
#[derive(Debug, Default)]
pub(super) struct Stay {
    /// Its party's word there, once it joined.
    pub(super) party: Option<Party>,
    /// How many of its notices the recording knows.
    pub(super) notices_told: usize,
    pub(super) track: Option<TrackNumber>,
    pub(super) no_key: bool,
    pub(super) alarmed_bypass: bool,
}

/// A leg's gate as we last set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GateState {
    Open,
    /// Shut, and why when it was shut; `None` where it was never open in this recording.
    Shut(Option<ShutReason>),
}

/// How far a party has been told that it is recorded (NOT-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// Nobody need tell it here: the company's, told by other means, or never recorded.
    Needless,
    /// Somebody should have told it, and has not.
    Untold,
    /// A notice will come before anything else.
    Due,
    /// It runs.
    Playing,
    /// It was sent whole.
    Informed,
    /// It ended early at that moment; the leg hangs up next, or goes on untold.
    Cut(Monotonic),
    /// It went on after a notice that did not reach it whole.
    NotInformed,
    /// It hung up in the notice.
    Refused,
}

impl Leg {
    pub(super) fn new(facts: LegFacts, uninformed: Uninformed) -> Self {
        let told = !facts.is_party
            || facts.side == Side::Company
            || facts.exempt
            || facts.emergency
            || uninformed == Uninformed::Record;
        Self {
            uuid: facts.uuid,
            recording: facts.recording,
            direction: facts.direction,
            side: facts.side,
            is_party: facts.is_party,
            exempt: facts.exempt,
            emergency: facts.emergency,
            personal: facts.personal,
            tapped: false,
            answered: false,
            hung_up: false,
            lost_race: false,
            held: false,
            muted: false,
            paused: false,
            bypassed: false,
            met: false,
            partner: None,
            named_by: BTreeSet::new(),
            other_half: None,
            room: None,
            telling: if told { Telling::Needless } else { Telling::Untold },
            told_elsewhere: uninformed == Uninformed::Record,
            notices: Vec::new(),
            gate: GateState::Shut(None),
            generation: 0,
            stay: Stay::default(),
        }
    }

    /// Whether what a notice does on this leg decides about its capture.
    pub(super) fn must_be_told(&self) -> bool {
        self.is_party && self.side == Side::Outside && !self.exempt && !self.emergency
    }

    /// Whether it counts as a party of its conversation now.
    pub(super) fn is_present(&self) -> bool {
        self.is_party && self.answered && !self.hung_up && !self.lost_race
    }

    /// Whether its notice is still to come or to be judged: nobody knows yet whether it becomes a party.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.telling, Telling::Due | Telling::Playing | Telling::Cut(_))
    }

    /// Whether, as far as telling goes, its voice may be captured.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.telling, Telling::Needless | Telling::Informed)
    }

    /// Whether nobody in its conversation may be captured while it is there.
    pub(super) fn forbids(&self) -> bool {
        self.is_present()
            && (self.exempt || self.emergency || matches!(self.telling, Telling::Untold | Telling::NotInformed))
    }
}

impl Telling {
    /// A notice will come.
    pub(super) fn due(&mut self) {
        if matches!(self, Self::Needless | Self::Untold) {
            *self = Self::Due;
        }
    }

    /// A notice began. Who is informed stays so; who need not be told may still be asked to listen.
    pub(super) fn started(&mut self, must_be_told: bool) {
        let waits = match self {
            Self::Untold | Self::Due | Self::Cut(_) | Self::NotInformed => true,
            Self::Needless => must_be_told,
            Self::Playing | Self::Informed | Self::Refused => false,
        };
        if waits {
            *self = Self::Playing;
        }
    }

    /// It ended; answers whether it must be seen what the leg does next.
    pub(super) fn ended(&mut self, informed: bool, must_be_told: bool, at: Monotonic) -> bool {
        let decides = match self {
            Self::Untold | Self::Due | Self::Playing | Self::Cut(_) | Self::NotInformed => true,
            Self::Needless => must_be_told && informed,
            Self::Informed | Self::Refused => false,
        };
        if decides {
            *self = if informed { Self::Informed } else { Self::Cut(at) };
        }
        decides && !informed
    }
}
