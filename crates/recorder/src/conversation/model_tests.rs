//! Random histories of whole conversations, compared after every step with a model so simple that it can be believed:
//! it keeps no gates and no effects, only what is true now, and works out anew who must be captured, and where.
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Scene, company, outside, recording};
use crate::capture::Generation;
use crate::conversation::{Direction, Effect, Input, Kept, LegFacts, LegInput, Opening, Side};
use crate::evidence::NoticeState;
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::Outcome;

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
    Due(usize),
    Tapped(usize),
    Answered(usize),
    Playing(usize),
    Played(usize, bool),
    Bridge(usize, usize),
    Unbridge(usize),
    Enter(usize, u8),
    Exit(usize),
    Held(usize, bool),
    Muted(usize, bool),
    Bypassed(usize, bool),
    Lost(usize),
    HungUp(usize),
    Switch(bool),
    Fault(bool),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    let leg = || 0..LEGS;
    prop_oneof![
        6 => (leg(), proptest::option::of(leg()), 0..14_u8).prop_map(|(leg, for_leg, kind)| Act::Born { leg, for_leg, kind }),
        4 => leg().prop_map(Act::Due),
        6 => leg().prop_map(Act::Tapped),
        8 => leg().prop_map(Act::Answered),
        5 => leg().prop_map(Act::Playing),
        6 => (leg(), prop::bool::weighted(0.8)).prop_map(|(leg, whole)| Act::Played(leg, whole)),
        6 => (leg(), leg()).prop_map(|(one, other)| Act::Bridge(one, other)),
        2 => leg().prop_map(Act::Unbridge),
        3 => (leg(), 0..2_u8).prop_map(|(leg, room)| Act::Enter(leg, room)),
        1 => leg().prop_map(Act::Exit),
        3 => (leg(), any::<bool>()).prop_map(|(leg, on)| Act::Held(leg, on)),
        2 => (leg(), any::<bool>()).prop_map(|(leg, on)| Act::Muted(leg, on)),
        1 => (leg(), any::<bool>()).prop_map(|(leg, on)| Act::Bypassed(leg, on)),
        1 => leg().prop_map(Act::Lost),
        3 => leg().prop_map(Act::HungUp),
        1 => prop::bool::weighted(0.7).prop_map(Act::Switch),
        1 => prop::bool::weighted(0.2).prop_map(Act::Fault),
        4 => (0..2500_u16).prop_map(Act::Wait),
    ]
}

/// How far a party was told, to the model.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    NeedNot,
    Never,
    Coming,
    Playing,
    Cut(u64),
    Whole,
    Broken,
}

/// A leg that has not hung up.
#[derive(Debug, Clone)]
struct Leg {
    recording: RecordingId,
    is_outside: bool,
    is_party: bool,
    exempt: bool,
    tapped: bool,
    answered: bool,
    told: Told,
    held: bool,
    muted: bool,
    bypassed: bool,
    bridged: Option<usize>,
    room: Option<u8>,
    other_half: Option<usize>,
}

/// A recording, to the model.
#[derive(Debug, Clone, Default)]
struct Book {
    born: usize,
    answered_at: Option<u64>,
    refused: bool,
    somebody_told: bool,
}

#[derive(Debug, Default)]
struct Model {
    legs: BTreeMap<usize, Leg>,
    books: BTreeMap<RecordingId, Book>,
    now: u64,
    stopped: bool,
    faulty: bool,
    uninformed: &'static str,
    record_internal: bool,
    births: usize,
}

impl Model {
    fn present(&self) -> impl Iterator<Item = (usize, &Leg)> {
        self.legs.iter().filter(|(_, leg)| leg.is_party && leg.answered).map(|(n, leg)| (*n, leg))
    }

    /// Who hears whom, until nobody is added any more.
    fn circle(&self, of: usize, with_rooms: bool) -> BTreeSet<usize> {
        let mut circle = BTreeSet::from([of]);
        loop {
            let linked = |a: &Leg, b: usize| {
                a.bridged == Some(b)
                    || a.other_half == Some(b)
                    || (with_rooms && a.room.is_some() && a.room == self.legs[&b].room)
            };
            let more: Vec<usize> = self
                .legs
                .keys()
                .copied()
                .filter(|b| !circle.contains(b) && circle.iter().any(|a| linked(&self.legs[a], *b)))
                .collect();
            if more.is_empty() {
                return circle;
            }
            circle.extend(more);
        }
    }

    /// Conversations that meet are one.
    fn unite(&mut self, leg: usize) {
        let circle = self.circle(leg, true);
        let rank = |id: RecordingId| {
            let has_outside = self.present().any(|(_, leg)| leg.is_outside && leg.recording == id);
            let book = &self.books[&id];
            (!has_outside, book.answered_at.unwrap_or(u64::MAX), book.born)
        };
        let ids: BTreeSet<RecordingId> = circle.iter().map(|leg| self.legs[leg].recording).collect();
        let winner = ids.into_iter().min_by_key(|id| rank(*id)).expect("the leg itself has one");
        for leg in circle {
            self.legs.get_mut(&leg).expect("it is in the circle").recording = winner;
        }
    }

    /// What holds by now of recordings: answered, somebody told.
    fn note(&mut self) {
        for leg in self.legs.values().filter(|leg| leg.is_party && leg.answered) {
            let book = self.books.get_mut(&leg.recording).expect("every leg's recording is known");
            book.answered_at.get_or_insert(self.now);
            book.somebody_told |= leg.is_outside && !leg.exempt && matches!(leg.told, Told::NeedNot | Told::Whole);
        }
    }

    fn captured(&self, n: usize) -> bool {
        let leg = &self.legs[&n];
        let book = &self.books[&leg.recording];
        let mates: Vec<&Leg> =
            self.present().map(|(_, mate)| mate).filter(|mate| mate.recording == leg.recording).collect();
        let outsiders = mates.iter().filter(|mate| mate.is_outside).count();
        let told = mates.iter().any(|mate| mate.is_outside && matches!(mate.told, Told::NeedNot | Told::Whole));
        let after_them = outsiders == 0 && book.somebody_told && mates.len() > 1;
        let scope = told || after_them || (self.record_internal && outsiders == 0);
        let strangers = mates
            .iter()
            .filter(|mate| mate.is_outside && !matches!(mate.told, Told::Coming | Told::Playing | Told::Cut(_)));
        let among_strangers = strangers.count() > 1 && outsiders == mates.len();
        let forbidden = mates.iter().any(|mate| mate.exempt || matches!(mate.told, Told::Never | Told::Broken));
        let anyone_holds = self.circle(n, false).iter().any(|mate| self.legs[mate].held);
        leg.is_party
            && leg.answered
            && leg.tapped
            && !leg.bypassed
            && matches!(leg.told, Told::NeedNot | Told::Whole)
            && !leg.muted
            && scope
            && !book.refused
            && !forbidden
            && !among_strangers
            && !anyone_holds
    }

    fn capture(&self) -> BTreeMap<LegKey, RecordingId> {
        let captured = self.legs.keys().copied().filter(|n| self.captured(*n));
        captured.map(|n| (key(n), self.legs[&n].recording)).collect()
    }
}

/// Follows the effects as the controller would, and refuses what must never be.
#[derive(Debug, Default)]
struct Follower {
    open: BTreeMap<LegKey, RecordingId>,
    belongs: BTreeMap<LegKey, RecordingId>,
    generations: BTreeMap<LegKey, Generation>,
    tracks: BTreeMap<(RecordingId, TrackNumber), LegKey>,
    closed: BTreeSet<(RecordingId, TrackNumber)>,
    unreported: Vec<(RecordingId, TrackNumber)>,
    started: BTreeSet<RecordingId>,
    outcomes: BTreeMap<RecordingId, Outcome>,
}

impl Follower {
    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Started(started) => {
                    assert!(self.started.insert(started.recording), "a recording starts once");
                }
                Effect::OpenGate(open) => {
                    let track = (open.recording, open.track);
                    assert!(self.started.contains(&open.recording), "nothing is captured before the first answer");
                    assert!(self.open.insert(open.leg, open.recording).is_none(), "an open gate is not opened");
                    assert_eq!(self.belongs[&open.leg], open.recording, "a leg is captured where it belongs");
                    assert!(self.generations.get(&open.leg).is_none_or(|before| *before < open.generation));
                    self.generations.insert(open.leg, open.generation);
                    match open.opening {
                        Opening::First(_) => assert!(self.tracks.insert(track, open.leg).is_none(), "a number twice"),
                        Opening::Again(_) => assert_eq!(self.tracks.get(&track), Some(&open.leg)),
                    }
                    let own = self.tracks.iter().filter(|((id, _), leg)| *id == open.recording && **leg == open.leg);
                    assert_eq!(own.count(), 1, "one track per leg and recording");
                }
                Effect::ShutGate { leg, .. } => {
                    assert!(self.open.remove(&leg).is_some(), "a shut gate is not shut");
                }
                Effect::CloseTrack { leg, recording, track } => {
                    assert!(!self.open.contains_key(&leg), "a track is closed behind a shut gate");
                    assert_eq!(self.tracks.get(&(recording, track)), Some(&leg));
                    self.closed.insert((recording, track));
                    self.unreported.push((recording, track));
                }
                Effect::SetRecording { leg, recording, former } => {
                    assert!(!self.open.contains_key(&leg), "a leg moves behind a shut gate");
                    assert_eq!(self.belongs.insert(leg, recording), Some(former), "a leg belongs to one recording");
                }
                Effect::Outcome { recording, outcome, .. } => {
                    assert!(self.started.contains(&recording), "who never answered has no outcome");
                    assert!(self.outcomes.insert(recording, outcome).is_none(), "one outcome each");
                }
                Effect::LegJoined { recording, leg, .. } => assert_eq!(self.belongs.get(&leg), Some(&recording)),
                Effect::Notice { .. }
                | Effect::Standing { .. }
                | Effect::Paused { .. }
                | Effect::Ask { .. }
                | Effect::Ended { .. }
                | Effect::RollOver { .. }
                | Effect::Alarm(_) => {}
            }
        }
    }
}

fn key(n: usize) -> LegKey {
    LegKey(u64::from(NAMES[n]))
}

fn facts(kind: u8, id: RecordingId, born_for: Option<LegKey>) -> LegFacts {
    let base = match kind {
        0..=3 => outside(0),
        4..=6 => LegFacts { direction: Direction::Outbound, ..outside(0) },
        7..=9 => company(0),
        10 => LegFacts { exempt: true, ..company(0) },
        _ => LegFacts { is_party: false, ..company(0) },
    };
    LegFacts { recording: id, born_for, ..base }
}

/// Both sides do the same thing.
struct Run {
    scene: Scene,
    model: Model,
    follower: Follower,
}

impl Run {
    fn new(uninformed: &'static str, record_internal: bool) -> Self {
        let internal = if record_internal { "true" } else { "false" };
        let scene = Scene::new(&[("uninformed", uninformed), ("record-internal", internal)]);
        Self { scene, model: Model { uninformed, record_internal, ..Model::default() }, follower: Follower::default() }
    }

    fn tell(&mut self, leg: usize, what: LegInput) {
        self.scene.leg(NAMES[leg], what);
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Born { leg, for_leg, kind } => self.born(leg, for_leg, kind),
            Act::Switch(on) => {
                self.model.stopped = !on;
                self.scene.input(Input::Recording { on });
            }
            Act::Fault(on) => {
                self.model.faulty = on;
                self.scene.input(Input::RecorderFault { on });
            }
            Act::Wait(millis) => {
                self.model.now += u64::from(millis);
                self.scene.wait(u64::from(millis)).tick();
                let now = self.model.now;
                let elsewhere = self.model.uninformed == "record";
                for leg in self.model.legs.values_mut() {
                    if matches!(leg.told, Told::Cut(at) if now >= at + 2000) {
                        let must_hear = leg.is_party && leg.is_outside && !leg.exempt;
                        leg.told = if elsewhere || !must_hear { Told::NeedNot } else { Told::Broken };
                    }
                }
            }
            Act::Bridge(one, other) => self.bridge(one, other),
            Act::Due(leg)
            | Act::Tapped(leg)
            | Act::Answered(leg)
            | Act::Playing(leg)
            | Act::Played(leg, _)
            | Act::Unbridge(leg)
            | Act::Enter(leg, _)
            | Act::Exit(leg)
            | Act::Held(leg, _)
            | Act::Muted(leg, _)
            | Act::Bypassed(leg, _)
            | Act::Lost(leg)
            | Act::HungUp(leg) => {
                if self.model.legs.contains_key(&leg) {
                    self.on_leg(leg, act);
                }
            }
        }
        self.model.note();
        self.follower.follow(self.scene.take_effects());
        let unreported = std::mem::take(&mut self.follower.unreported);
        for (recording, track) in unreported {
            self.scene.input(Input::TrackClosed { recording, track, kept: Kept::Audio });
        }
        self.follower.follow(self.scene.take_effects());
        assert_eq!(self.follower.open, self.model.capture(), "after {act:?}");
    }

    fn born(&mut self, leg: usize, for_leg: Option<usize>, kind: u8) {
        let parent = for_leg.filter(|parent| *parent != leg).and_then(|n| Some((n, self.model.legs.get(&n)?)));
        if self.model.legs.contains_key(&leg) || self.model.births > 200 {
            return;
        }
        self.model.births += 1;
        let born = self.model.births;
        let id = parent.map_or_else(|| recording(born as u8), |(_, parent)| parent.recording);
        let facts = facts(kind, id, parent.map(|(n, _)| key(n)));
        let half = parent.filter(|(_, parent)| !parent.is_party && !facts.is_party).map(|(n, _)| n);
        let refused = self.model.stopped || self.model.faulty;
        self.model.books.entry(id).or_insert(Book { born, refused, ..Book::default() });
        let need_not =
            facts.side == Side::Company || !facts.is_party || facts.exempt || self.model.uninformed == "record";
        self.model.legs.insert(
            leg,
            Leg {
                recording: id,
                is_outside: facts.side == Side::Outside,
                is_party: facts.is_party,
                exempt: facts.exempt,
                tapped: false,
                answered: false,
                told: if need_not { Told::NeedNot } else { Told::Never },
                held: false,
                muted: false,
                bypassed: false,
                bridged: None,
                room: None,
                other_half: half,
            },
        );
        if let Some(half) = half {
            // A third leg born for the first half takes the second one's place.
            for other in self.model.legs.values_mut() {
                other.other_half.take_if(|n| *n == half);
            }
            self.model.legs.get_mut(&leg).expect("just born").other_half = Some(half);
            self.model.legs.get_mut(&half).expect("its parent").other_half = Some(leg);
        }
        self.follower.belongs.insert(key(leg), id);
        self.follower.generations.remove(&key(leg));
        self.scene.born(NAMES[leg], facts);
    }

    /// The host ends the bridges that were, then tells both of the new one.
    fn bridge(&mut self, one: usize, other: usize) {
        if one == other || ![one, other].iter().all(|leg| self.model.legs.contains_key(leg)) {
            return;
        }
        for leg in [one, other] {
            self.unbridge(leg);
        }
        self.tell(one, LegInput::Bridged(key(other)));
        self.tell(other, LegInput::Bridged(key(one)));
        for (leg, peer) in [(one, other), (other, one)] {
            let leg = self.model.legs.get_mut(&leg).expect("checked above");
            leg.bridged = Some(peer);
        }
        // What the first of the two words says of the one is true before the second says it of the other.
        self.went_on(one);
        self.model.unite(one);
        self.model.note();
        self.went_on(other);
        self.model.unite(one);
    }

    fn unbridge(&mut self, leg: usize) {
        let peer = self.model.legs.get_mut(&leg).and_then(|leg| leg.bridged.take());
        if let Some(peer) = peer {
            self.model.legs.get_mut(&peer).expect("a peer is there").bridged = None;
            self.tell(leg, LegInput::Unbridged);
            self.tell(peer, LegInput::Unbridged);
        }
    }

    fn went_on(&mut self, leg: usize) {
        let elsewhere = self.model.uninformed == "record";
        let leg = self.model.legs.get_mut(&leg).expect("checked by the caller");
        if matches!(leg.told, Told::Cut(_)) || (leg.told == Told::Never && leg.answered) {
            let must_hear = leg.is_party && leg.is_outside && !leg.exempt;
            leg.told = if elsewhere || !must_hear { Told::NeedNot } else { Told::Broken };
        }
    }

    fn on_leg(&mut self, n: usize, act: &Act) {
        let now = self.model.now;
        let leg = self.model.legs.get_mut(&n).expect("checked by the caller");
        let told = leg.told;
        let must_hear = leg.is_party && leg.is_outside && !leg.exempt;
        match *act {
            Act::Due(_) => {
                if matches!(told, Told::NeedNot | Told::Never) {
                    leg.told = Told::Coming;
                }
                self.tell(n, LegInput::NoticeDue);
            }
            Act::Tapped(_) => {
                leg.tapped = true;
                self.tell(n, LegInput::Tapped);
            }
            Act::Answered(_) => {
                leg.answered = true;
                self.tell(n, LegInput::Answered);
            }
            Act::Playing(_) => {
                if !matches!(told, Told::Whole | Told::NeedNot) || (told == Told::NeedNot && must_hear) {
                    leg.told = Told::Playing;
                }
                self.tell(n, LegInput::NoticeStarted);
            }
            Act::Played(_, whole) => {
                let counts = match told {
                    Told::Whole => false,
                    Told::NeedNot => must_hear && whole,
                    Told::Never | Told::Coming | Told::Playing | Told::Cut(_) | Told::Broken => true,
                };
                if counts {
                    leg.told = if whole { Told::Whole } else { Told::Cut(now) };
                }
                self.scene.notice(NAMES[n], if whole { NoticeState::Informed } else { NoticeState::Partial });
            }
            Act::Unbridge(_) => self.unbridge(n),
            Act::Enter(_, room) => {
                leg.room = Some(room);
                self.went_on(n);
                self.model.unite(n);
                self.tell(n, LegInput::ConferenceJoined(room.to_string().into()));
            }
            Act::Exit(_) => {
                leg.room = None;
                self.tell(n, LegInput::ConferenceLeft);
            }
            Act::Held(_, on) => {
                leg.held = on;
                self.tell(n, LegInput::Held(on));
            }
            Act::Muted(_, on) => {
                leg.muted = on;
                self.tell(n, LegInput::Muted(on));
            }
            Act::Bypassed(_, on) => {
                leg.bypassed = on;
                self.tell(n, LegInput::MediaBypassed(on));
            }
            Act::Lost(_) | Act::HungUp(_) => self.end(n, matches!(act, Act::Lost(_))),
            Act::Born { .. } | Act::Bridge(..) | Act::Switch(_) | Act::Fault(_) | Act::Wait(_) => {}
        }
    }

    fn end(&mut self, n: usize, lost: bool) {
        self.unbridge(n);
        self.model.legs.remove(&n);
        for leg in self.model.legs.values_mut() {
            leg.other_half.take_if(|half| *half == n);
        }
        if lost {
            self.tell(n, LegInput::LostRace);
        }
        self.tell(n, LegInput::HungUp);
        self.tell(n, LegInput::Gone);
    }

    /// Everyone hangs up: every answered conversation has one outcome, and `recorded` is one that has a track.
    fn finish(mut self) {
        for leg in 0..LEGS {
            self.act(&Act::HungUp(leg));
        }
        let follower = self.follower;
        assert_eq!(follower.outcomes.keys().copied().collect::<BTreeSet<_>>(), follower.started);
        for (id, outcome) in &follower.outcomes {
            let has_track = follower.tracks.keys().any(|(recording, _)| recording == id);
            assert_eq!(*outcome == Outcome::Recorded, has_track, "{id:?}");
        }
        assert_eq!(follower.closed, follower.tracks.keys().copied().collect());
        assert!(follower.open.is_empty());
    }
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

    /// REC-02, REC-06, REC-08, REC-11, NOT-01, NOT-06: who is captured when, on which recording.
    #[test]
    fn random_histories_capture_whom_the_model_captures(
        acts in proptest::collection::vec(act(), 1..90),
        uninformed in prop_oneof![3 => Just("play"), 1 => Just("refuse"), 1 => Just("record")],
        record_internal in prop::bool::weighted(0.3),
    ) {
        let mut run = Run::new(uninformed, record_internal);
        for act in &acts {
            run.act(act);
        }
        run.finish();
    }

    /// Whatever is said in whatever order: nothing panics, and nobody is captured twice or after the end.
    #[test]
    fn nonsense_opens_no_gate_twice(inputs in proptest::collection::vec(any_input(), 1..120)) {
        let mut scene = Scene::new(&[("uninformed", "record"), ("record-internal", "true")]);
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
