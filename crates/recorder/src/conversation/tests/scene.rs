//! Legs by one letter each, a clock moved by hand, and effects as lines.
use std::time::Duration;

use crate::conversation::{
    Alarm, Conversations, Direction, Effect, Input, Kept, LegFacts, LegInput, Opening, Personal, Side, Signal,
    TimerReason,
};
use crate::evidence::{NoticeEvidence, NoticeState, Party};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::{NotRecorded, Outcome, Policy, sample};
use crate::time::{Monotonic, UnixMillis};

/// Recording `n` of a test.
/// How long after a notice's end a line counts as open, ms.
const LINE_OPEN: u64 = 150;

pub(crate) fn recording(n: u8) -> RecordingId {
    RecordingId::from_bytes([n; 16])
}

/// The facts of an outside party's leg that rang the PBX and founded recording `n`.
pub(crate) fn outside(n: u8) -> LegFacts {
    LegFacts {
        uuid: LegUuid::from_host(b"-"),
        recording: recording(n),
        direction: Direction::Inbound,
        side: Side::Outside,
        born_for: None,
        is_party: true,
        personal: Personal { caller_number: "0612345678".into(), ..Personal::default() },
        exempt: false,
        emergency: false,
    }
}

/// The facts of a colleague's leg that was dialled.
pub(crate) fn company(n: u8) -> LegFacts {
    LegFacts { side: Side::Company, direction: Direction::Outbound, ..outside(n) }
}

pub(crate) struct Scene {
    pub(crate) conversations: Conversations,
    pub(crate) policy: Policy,
    at: Duration,
    effects: Vec<Effect>,
}

impl Scene {
    pub(crate) fn new(params: &[(&str, &str)]) -> Self {
        Self {
            conversations: Conversations::default(),
            policy: sample(params),
            at: Duration::ZERO,
            effects: Vec::new(),
        }
    }

    /// A told caller A and an agent B in a bridge, in recording 1.
    pub(crate) fn talking(params: &[(&str, &str)]) -> Self {
        let mut scene = Self::new(params);
        scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).answered_and_told('A');
        scene.born('B', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('B').bridged('A', 'B');
        scene.done();
        scene
    }

    pub(crate) fn input(&mut self, input: Input) -> &mut Self {
        self.conversations.step(input, &self.policy, &mut self.effects);
        self
    }

    pub(crate) fn leg(&mut self, name: char, what: LegInput) -> &mut Self {
        let (at, now) = self.moment();
        self.input(Input::Leg { leg: key(name), at, now, what })
    }

    pub(crate) fn born(&mut self, name: char, facts: LegFacts) -> &mut Self {
        let uuid = LegUuid::from_host(name.to_string().as_bytes());
        self.leg(name, LegInput::Born(Box::new(LegFacts { uuid, ..facts })))
    }

    /// The leg answers and its tap is in place.
    pub(crate) fn answered(&mut self, name: char) -> &mut Self {
        self.leg(name, LegInput::Answered).leg(name, LegInput::Tapped)
    }

    /// The leg answers and hears a notice of two seconds, whole.
    pub(crate) fn answered_and_told(&mut self, name: char) -> &mut Self {
        self.answered(name).leg(name, LegInput::NoticeStarted).wait(2000).notice(name, NoticeState::Informed)
    }

    pub(crate) fn notice(&mut self, name: char, state: NoticeState) -> &mut Self {
        let ended = self.moment().1;
        let evidence = NoticeEvidence {
            leg: LegUuid::from_host(name.to_string().as_bytes()),
            party: Party::System,
            prompt: "notice".into(),
            version: "1".into(),
            language: "nl".into(),
            sha256: String::new(),
            frames_due: 100,
            frames_written: if state == NoticeState::Informed { 100 } else { 50 },
            packets_sent: None,
            started_at_ms: ended,
            ended_at_ms: ended,
            state,
        };
        self.leg(name, LegInput::NoticeEnded(Box::new(evidence)))
    }

    pub(crate) fn bridged(&mut self, one: char, other: char) -> &mut Self {
        self.leg(one, LegInput::Bridged(key(other))).leg(other, LegInput::Bridged(key(one)))
    }

    pub(crate) fn unbridged(&mut self, one: char, other: char) -> &mut Self {
        self.leg(one, LegInput::Unbridged).leg(other, LegInput::Unbridged)
    }

    /// Not in the same moment as what came before: who leaves with the end of a notice means something by it.
    pub(crate) fn hung_up(&mut self, name: char) -> &mut Self {
        self.wait(LINE_OPEN).leg(name, LegInput::HungUp).leg(name, LegInput::Gone)
    }

    /// As soon as what came before.
    pub(crate) fn left_at_once(&mut self, name: char) -> &mut Self {
        self.leg(name, LegInput::HungUp).leg(name, LegInput::Gone)
    }

    /// A ring group's loser.
    pub(crate) fn lost(&mut self, name: char) -> &mut Self {
        self.leg(name, LegInput::LostRace).hung_up(name)
    }

    /// What is kept of a track of recording `n`.
    pub(crate) fn closed(&mut self, n: u8, track: u16, kept: Kept) -> &mut Self {
        let track = TrackNumber(track.try_into().expect("from 1"));
        self.input(Input::TrackClosed { recording: recording(n), track, kept })
    }

    pub(crate) fn wait(&mut self, millis: u64) -> &mut Self {
        self.at += Duration::from_millis(millis);
        self
    }

    pub(crate) fn tick(&mut self) -> &mut Self {
        let (at, now) = self.moment();
        self.input(Input::Tick { at, now })
    }

    pub(crate) fn moment(&self) -> (Monotonic, UnixMillis) {
        let millis = i64::try_from(self.at.as_millis()).expect("a short test");
        (Monotonic(1_000_000_000).plus(self.at), UnixMillis(1_700_000_000_000 + millis))
    }

    pub(crate) fn next_timer(&self) -> Option<(u64, TimerReason)> {
        let (due, reason) = self.conversations.next_timer()?;
        Some((u64::try_from(due.since(self.moment().0).as_millis()).expect("a short test"), reason))
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What was to be done since the last look, line by line, but for how parties stand.
    pub(crate) fn done(&mut self) -> Vec<String> {
        self.take_effects()
            .iter()
            .filter(|effect| !matches!(effect, Effect::Standing { .. }))
            .filter_map(line)
            .collect()
    }

    /// How parties came to stand since the last look.
    pub(crate) fn stood(&mut self) -> Vec<String> {
        self.take_effects().iter().filter(|effect| matches!(effect, Effect::Standing { .. })).filter_map(line).collect()
    }

    pub(crate) fn signal(&mut self, name: char, signal: Signal) -> &mut Self {
        self.leg(name, LegInput::Signalled(signal))
    }

    /// Compares what was to be done since the last look with these lines.
    #[track_caller]
    pub(crate) fn then(&mut self, lines: &[&str]) -> &mut Self {
        assert_eq!(self.done(), lines, "at {:?}", self.at);
        self
    }
}

pub(crate) fn key(name: char) -> LegKey {
    LegKey(u64::from(name))
}

fn letter(key: LegKey) -> char {
    u32::try_from(key.0).ok().and_then(char::from_u32).expect("legs are named by a letter")
}

fn number(id: RecordingId) -> u8 {
    id.bytes()[5]
}

fn line(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Started(started) => format!("r{} starts", number(started.recording)),
        Effect::LegJoined { recording, leg, party, .. } => {
            format!("{} is {} of r{}", letter(*leg), word(party), number(*recording))
        }
        Effect::OpenGate(open) => {
            let how = match &open.opening {
                Opening::First(_) => "opens".to_owned(),
                Opening::Again(reason) => format!("goes on after {}", word(reason)),
            };
            format!("{} {how} r{}/{}", letter(open.leg), number(open.recording), open.track)
        }
        Effect::ShutGate { leg, reason } => format!("{} shuts: {reason:?}", letter(*leg)),
        Effect::CloseTrack { leg, recording, track } => {
            format!("{} closes r{}/{track}", letter(*leg), number(*recording))
        }
        Effect::SetRecording { leg, recording, former } => {
            format!("{} goes from r{} to r{}", letter(*leg), number(*former), number(*recording))
        }
        Effect::Notice { recording, evidence } => {
            format!("{} of r{} heard {}", evidence.leg, number(*recording), word(&evidence.state))
        }
        Effect::Standing { recording, change } => {
            format!("{} of r{} is {} by {}", change.leg, number(*recording), word(&change.standing), change.by)
        }
        Effect::Paused { recording, on, by_itself, .. } => {
            let how = if *by_itself { " by itself" } else { "" };
            format!("r{} {}{how}", number(*recording), if *on { "pauses" } else { "goes on" })
        }
        Effect::Ask { leg, request } => format!("{} is asked to {request:?}", letter(*leg)),
        Effect::Ended { .. } => return None,
        Effect::Outcome { recording, merged_into: Some(other), .. } => {
            format!("r{} went on in r{}", number(*recording), number(*other))
        }
        Effect::Outcome { recording, outcome, .. } => {
            format!("r{} ends {}", number(*recording), outcome_word(*outcome))
        }
        Effect::RollOver { recording } => format!("r{} is too long", number(*recording)),
        Effect::Alarm(Alarm::NotInformed { leg, .. }) => format!("alarm: {leg} untold"),
        Effect::Alarm(Alarm::NotAttested { leg, .. }) => format!("alarm: {leg} did not attest"),
        Effect::Alarm(Alarm::MediaBypassed { leg, .. }) => format!("alarm: {leg} bypassed"),
    })
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Recorded => "recorded",
        Outcome::NotRecorded(reason) => NotRecorded::as_str(reason),
    }
}

fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).expect("a word")
}
