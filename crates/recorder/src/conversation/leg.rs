//! One leg: what it is, and its levels.
use std::collections::BTreeSet;

use std::time::Duration;

use crate::conversation::consent::{Consent, Means, Terms};
use crate::conversation::effect::{Shown, ShutReason};
use crate::conversation::input::{Direction, LegFacts, Personal, Side};
use crate::evidence::{NoticeEvidence, Party, StandingChange};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::{NoticeMode, Policy, Uninformed};

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
    /// It is in a queue.
    pub(super) waiting: bool,
    pub(super) bypassed: bool,
    /// It was bridged or in a conference.
    pub(super) met: bool,
    /// Whom it said that it is bridged to.
    pub(super) partner: Option<LegKey>,
    /// Who said that they are bridged to it.
    pub(super) named_by: BTreeSet<LegKey>,
    /// Into whose call it was let, beside whatever bridge that one is in, and who was let into its own.
    pub(super) let_in_by: Option<LegKey>,
    pub(super) let_in: BTreeSet<LegKey>,
    /// The other half of a loopback.
    pub(super) other_half: Option<LegKey>,
    pub(super) room: Option<Box<str>>,

    pub(super) consent: Consent,
    /// By which means it is told elsewhere, in the policy's words.
    pub(super) told_by: Box<str>,
    /// The agent's time to attest runs.
    pub(super) attest_awaited: bool,
    /// An operator knows that it went on untold.
    pub(super) alarmed_untold: bool,
    pub(super) notices: Vec<NoticeEvidence>,
    /// How it came to stand, in order.
    pub(super) standings: Vec<StandingChange>,
    /// A notice plays on it, whatever it means by now.
    pub(super) notice_runs: bool,
    /// Its device wants to know how it is recorded, and what it was told last.
    pub(super) device_aware: bool,
    pub(super) shown: Shown,
    /// How long its dialplan wants the conversation kept.
    pub(super) retention: Option<Duration>,

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
    /// Another outside party was there before it.
    pub(super) came_late: bool,
    /// How many of its notices and standings the recording knows.
    pub(super) notices_told: usize,
    pub(super) standings_told: usize,
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

impl Leg {
    pub(super) fn new(facts: LegFacts, policy: &Policy) -> Self {
        Self {
            consent: Consent::new(terms(&facts, policy)),
            told_by: policy.told_by.as_str().into(),
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
            waiting: false,
            bypassed: false,
            met: false,
            partner: None,
            named_by: BTreeSet::new(),
            let_in_by: None,
            let_in: BTreeSet::new(),
            other_half: None,
            room: None,
            attest_awaited: false,
            alarmed_untold: false,
            notices: Vec::new(),
            standings: Vec::new(),
            notice_runs: false,
            device_aware: false,
            shown: Shown::Off,
            retention: None,
            gate: GateState::Shut(None),
            generation: 0,
            stay: Stay::default(),
        }
    }

    /// Whether it counts as a party of its conversation now.
    pub(super) fn is_present(&self) -> bool {
        self.is_party && self.answered && !self.hung_up && !self.lost_race
    }

    /// Whether its party has dialled and waits for somebody to pick up.
    pub(super) fn rings_others(&self) -> bool {
        self.is_party && self.direction == Direction::Inbound && !self.answered && !self.hung_up
    }

    /// Whether nobody in its conversation may be captured while it is there.
    pub(super) fn forbids(&self) -> bool {
        self.is_present() && (self.exempt || self.emergency || self.consent.is_untold() || self.ends_recordings())
    }

    /// Whether no recording goes on where it is: it objects, nobody attested that it was told, or it is captured and
    /// leaves as if in its notice.
    pub(super) fn ends_recordings(&self) -> bool {
        let left = self.consent.left_at_once() && self.stay.track.is_some();
        self.is_present() && (self.consent.objects() || self.consent.is_not_attested() || left)
    }

    /// Whether it counts as a party that is being captured or would be, told or not.
    pub(super) fn is_settled(&self) -> bool {
        self.is_present() && !self.consent.is_pending()
    }

    /// Whether it hears, or may soon hear, another leg.
    pub(super) fn is_linked(&self) -> bool {
        let bridged = self.partner.is_some() || !self.named_by.is_empty();
        bridged || self.let_in_by.is_some() || !self.let_in.is_empty() || self.room.is_some()
    }
}

fn terms(facts: &LegFacts, policy: &Policy) -> Terms {
    let is_outside = facts.is_party && facts.side == Side::Outside;
    let means = if !is_outside || facts.exempt || facts.emergency {
        Means::Nothing
    } else if policy.told_by_agent(facts.direction) {
        Means::Agent
    } else if policy.uninformed == Uninformed::Record {
        Means::Elsewhere
    } else {
        Means::Prompt
    };
    Terms {
        mode: if is_outside { policy.notice_mode } else { NoticeMode::Notice },
        means,
        objects_in_notice: policy.digits.object.is_some(),
        consent_within: policy.consent_within,
        objection_within: policy.objection_within,
    }
}
