//! Random histories of whole conversations, compared after every step with a model so simple that it can be believed:
//! it keeps no gates and no effects, only what is true now, and works out anew who must be captured, and where.
//! [`model`] what is true · [`follower`] what the effects come to · [`run`] one history, told to both.
mod follower;
mod model;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Scene, company, outside, recording};
use crate::capture::Generation;
use crate::conversation::{DevicePreference, Direction, Effect, Input, Kept, LegFacts, LegInput, Signal, Wishes};
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::NoticeMode;

use run::{On, Run};

const LEGS: usize = 6;
const NAMES: [char; LEGS] = ['A', 'B', 'C', 'D', 'E', 'F'];

/// What a host may do next. Legs are numbers; what makes no sense at that moment is skipped by both sides.
#[derive(Debug, Clone)]
enum Act {
    /// A leg is born, alone or for another, as one of six kinds.
    Born {
        leg: usize,
        for_leg: Option<usize>,
        kind: u8,
    },
    On(usize, On),
    Bridge(usize, usize),
    /// `three_way`: the first comes into the call of the second.
    LetIn(usize, usize),
    /// Two legs talk: who is outside rang or is rung, and is told where that is by prompt.
    Call {
        outsider: usize,
        colleague: usize,
        rung: bool,
    },
    Switch(bool),
    Fault(bool),
    Wait(u16),
}

/// What the policy says.
#[derive(Debug, Clone, Copy)]
struct Rules {
    uninformed: &'static str,
    record_internal: bool,
    mode: &'static str,
    attest: bool,
}

impl Rules {
    fn params(self) -> [(&'static str, &'static str); 10] {
        [
            ("uninformed", self.uninformed),
            ("record-internal", if self.record_internal { "true" } else { "false" }),
            ("notice-mode", self.mode),
            ("outbound-notice", if self.attest { "attest" } else { "play" }),
            ("consent-seconds", "2"),
            ("objection-seconds", "5"),
            ("attest-beep-seconds", "1"),
            ("attest-seconds", "4"),
            ("pause-seconds", "3"),
            ("company-numbers", "0655.*"),
        ]
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    (
        prop_oneof![3 => Just("play"), 1 => Just("refuse"), 1 => Just("record")],
        prop::bool::weighted(0.3),
        prop_oneof![Just("notice"), Just("optout"), Just("optin")],
        prop::bool::weighted(0.3),
    )
        .prop_map(|(uninformed, record_internal, mode, attest)| Rules {
            // The policy refuses to take who is told elsewhere as one who agrees.
            uninformed: if mode == "optin" && uninformed == "record" { "play" } else { uninformed },
            record_internal,
            mode,
            attest,
        })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        2 => Just(Signal::Object),
        4 => Just(Signal::Agree),
        1 => Just(Signal::Decline),
        4 => Just(Signal::Attest),
        1 => Just(Signal::Pause),
        2 => Just(Signal::Resume),
    ]
}

fn on() -> impl Strategy<Value = On> {
    prop_oneof![
        4 => Just(On::Due),
        6 => Just(On::Tapped),
        8 => Just(On::Answered),
        5 => Just(On::Playing),
        6 => prop::bool::weighted(0.8).prop_map(On::Played),
        2 => Just(On::Unbridge),
        3 => (0..2_u8).prop_map(On::Enter),
        1 => Just(On::Exit),
        1 => Just(On::LetOut),
        1 => prop_oneof![Just(DevicePreference::Off), Just(DevicePreference::Other)].prop_map(On::Prefers),
        3 => any::<bool>().prop_map(On::Held),
        2 => any::<bool>().prop_map(On::Muted),
        2 => prop::bool::weighted(0.3).prop_map(On::Waiting),
        1 => any::<bool>().prop_map(On::Bypassed),
        2 => any::<bool>().prop_map(On::Paused),
        6 => signal().prop_map(On::Signal),
        1 => Just(On::AskFirst),
        1 => prop::bool::weighted(0.2).prop_map(|exempt| if exempt { On::Exempt } else { On::Exit }),
        1 => Just(On::Lost),
        3 => Just(On::HungUp),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let leg = || 0..LEGS;
    prop_oneof![
        6 => (leg(), proptest::option::of(leg()), 0..14_u8).prop_map(|(leg, for_leg, kind)| Act::Born { leg, for_leg, kind }),
        54 => (leg(), on()).prop_map(|(leg, on)| Act::On(leg, on)),
        6 => (leg(), leg()).prop_map(|(one, other)| Act::Bridge(one, other)),
        2 => (leg(), leg()).prop_map(|(guest, of)| Act::LetIn(guest, of)),
        8 => (leg(), leg(), any::<bool>()).prop_map(|(outsider, colleague, rung)| Act::Call { outsider, colleague, rung }),
        1 => prop::bool::weighted(0.7).prop_map(Act::Switch),
        1 => prop::bool::weighted(0.2).prop_map(Act::Fault),
        4 => (0..2500_u16).prop_map(Act::Wait),
    ]
}

fn key(n: usize) -> LegKey {
    LegKey(u64::from(NAMES[n]))
}

fn facts(kind: u8, id: RecordingId, born_for: Option<LegKey>) -> LegFacts {
    let base = match kind {
        0..=3 => outside(0),
        4..=6 => LegFacts { direction: Direction::Outbound, ..outside(0) },
        7..=8 => company(0),
        9 => LegFacts { direction: Direction::Inbound, ..company(0) },
        10 => LegFacts { exempt: true, ..company(0) },
        _ => LegFacts { is_party: false, ..company(0) },
    };
    LegFacts { recording: id, born_for, ..base }
}

/// Anything of any leg, also what no host would say.
fn any_input() -> impl Strategy<Value = Input> {
    let leg = || (0..LEGS).prop_map(key);
    let moment = (0..100_000_u64, 0..100_000_i64);
    let what = prop_oneof![
        4 => (0..12_u8, 1..4_u8, proptest::option::of(leg()))
            .prop_map(|(kind, n, born_for)| LegInput::Born(Box::new(facts(kind, recording(n), born_for)))),
        2 => Just(LegInput::Tapped),
        3 => Just(LegInput::Answered),
        1 => Just(LegInput::NoticeDue),
        1 => Just(LegInput::NoticeStarted),
        3 => leg().prop_map(LegInput::Bridged),
        1 => Just(LegInput::Unbridged),
        1 => "[a-b]".prop_map(|room| LegInput::ConferenceJoined(room.into())),
        1 => Just(LegInput::ConferenceLeft),
        1 => any::<bool>().prop_map(LegInput::Held),
        1 => any::<bool>().prop_map(LegInput::Muted),
        1 => any::<bool>().prop_map(LegInput::MediaBypassed),
        1 => any::<bool>().prop_map(LegInput::Waiting),
        1 => any::<bool>().prop_map(LegInput::Paused),
        4 => signal().prop_map(LegInput::Signalled),
        1 => prop::bool::weighted(0.1).prop_map(|exempt| {
            LegInput::Wishes(Box::new(Wishes { exempt, mode: Some(NoticeMode::OptIn), retention: None }))
        }),
        1 => Just(LegInput::LostRace),
        2 => Just(LegInput::HungUp),
        1 => Just(LegInput::Gone),
    ];
    prop_oneof![
        30 => (leg(), moment, what).prop_map(|(leg, (at, now), what)| Input::Leg {
            leg,
            at: crate::time::Monotonic(at * 1_000_000),
            now: crate::time::UnixMillis(now),
            what,
        }),
        1 => leg().prop_map(|leg| Input::KeyRefused { leg }),
        1 => any::<bool>().prop_map(|on| Input::Recording { on }),
        1 => (1..4_u8, 10..20_u8).prop_map(|(n, into)| Input::RolledOver {
            recording: recording(n),
            into: recording(into),
            at: crate::time::Monotonic(0),
            now: crate::time::UnixMillis(0),
        }),
        2 => (1..4_u8, 1..4_u16).prop_map(|(n, track)| Input::TrackClosed {
            recording: recording(n),
            track: TrackNumber(track.try_into().expect("from 1")),
            kept: Kept::Audio,
        }),
        1 => (0..100_000_u64).prop_map(|at| Input::Tick {
            at: crate::time::Monotonic(at * 1_000_000),
            now: crate::time::UnixMillis(0),
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// REC-02, REC-06, REC-08, REC-09, REC-11, REC-13, NOT-01, NOT-04, NOT-05, NOT-06, STF-01, STF-02: who is captured
    /// when, on which recording, and what of it is kept.
    #[test]
    fn random_histories_capture_whom_the_model_captures(
        acts in proptest::collection::vec(act(), 1..90),
        rules in rules(),
    ) {
        let mut run = Run::new(rules);
        for act in &acts {
            run.act(act);
        }
        run.finish();
    }

    /// Whatever is said in whatever order: nothing panics, and nobody is captured twice or after the end.
    #[test]
    fn nonsense_opens_no_gate_twice(
        inputs in proptest::collection::vec(any_input(), 1..120),
        attest in any::<bool>(),
    ) {
        let outbound = if attest { "attest" } else { "play" };
        let told = [("uninformed", "record"), ("record-internal", "true"), ("outbound-notice", outbound)];
        let mut scene = Scene::new(&told);
        let mut open = BTreeSet::new();
        let mut outcomes = BTreeSet::new();
        let mut generations: BTreeMap<LegKey, Generation> = BTreeMap::new();
        let ends = (0..LEGS).map(|n| Input::Leg {
            leg: key(n),
            at: crate::time::Monotonic(0),
            now: crate::time::UnixMillis(0),
            what: LegInput::Gone,
        });
        for input in inputs.into_iter().chain(ends) {
            if let Input::Leg { leg, what: LegInput::Gone, .. } = &input {
                generations.remove(leg);
            }
            scene.input(input);
            for effect in scene.take_effects() {
                match effect {
                    Effect::OpenGate(gate) => {
                        prop_assert!(open.insert(gate.leg));
                        let before = generations.insert(gate.leg, gate.generation);
                        prop_assert!(before.is_none_or(|before| before < gate.generation));
                    }
                    Effect::ShutGate { leg, .. } => prop_assert!(open.remove(&leg)),
                    Effect::Outcome { recording, .. } => prop_assert!(outcomes.insert(recording)),
                    Effect::Started(_)
                    | Effect::LegJoined { .. }
                    | Effect::CloseTrack { .. }
                    | Effect::SetRecording { .. }
                    | Effect::Notice { .. }
                    | Effect::Standing { .. }
                    | Effect::Paused { .. }
                    | Effect::Ask { .. }
                    | Effect::Ended { .. }
                    | Effect::RollOver { .. }
                    | Effect::Alarm(_) => {}
                }
            }
        }
        prop_assert!(open.is_empty());
    }
}
