//! The model and the real thing are told the same, act by act.
use std::collections::{BTreeMap, BTreeSet};

use super::follower::Follower;
use super::model::{AT_ONCE, Book, Leg, Means, Model, OBJECTION, PAUSE, Told};
use super::{Act, Rules, facts};
use crate::conversation::tests::{Scene, recording};
use crate::conversation::{DevicePreference, Direction, Input, Kept, LegInput, Side, Signal, Wishes};
use crate::evidence::NoticeState;
use crate::ids::{LegKey, RecordingId};
use crate::policy::{NotRecorded, NoticeMode, Outcome};

use super::{LEGS, NAMES};

/// Both sides do the same thing.
pub(super) struct Run {
    scene: Scene,
    model: Model,
    follower: Follower,
    rules: Rules,
    births: usize,
    /// No two legs have one name, whichever of the six they are.
    names: [char; LEGS],
}

impl Run {
    pub(super) fn new(rules: Rules) -> Self {
        let scene = Scene::new(&rules.params());
        let model = Model { record_internal: rules.record_internal, ..Model::default() };
        Self { scene, model, follower: Follower::default(), rules, births: 0, names: NAMES }
    }

    fn key(&self, leg: usize) -> LegKey {
        LegKey(u64::from(self.names[leg]))
    }

    fn tell(&mut self, leg: usize, what: LegInput) {
        self.scene.leg(self.names[leg], what);
    }

    pub(super) fn act(&mut self, act: &Act) {
        match *act {
            Act::Call { outsider, colleague, rung } => return self.call(outsider, colleague, rung),
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
                self.model.wait(u64::from(millis));
                self.scene.wait(u64::from(millis)).tick();
            }
            Act::Bridge(one, other) => self.bridge(one, other),
            Act::LetIn(guest, of) => self.let_in(guest, of),
            Act::On(leg, on) if self.model.legs.contains_key(&leg) => self.on_leg(leg, on),
            Act::On(..) => {}
        }
        self.model.settle();
        self.follower.follow(self.scene.take_effects());
        let unreported = std::mem::take(&mut self.follower.unreported);
        for (recording, track) in unreported {
            self.scene.input(Input::TrackClosed { recording, track, kept: Kept::Audio });
        }
        self.follower.follow(self.scene.take_effects());
        let capture: BTreeMap<LegKey, RecordingId> =
            self.model.capture().into_iter().map(|(n, id)| (self.key(n), id)).collect();
        assert_eq!(self.follower.open, capture, "after {act:?}");
    }

    fn call(&mut self, outsider: usize, colleague: usize, rung: bool) {
        let (first, second) = if rung { (colleague, outsider) } else { (outsider, colleague) };
        let kind = |leg| if leg == colleague { 7 } else { 4 * u8::from(rung) };
        self.act(&Act::Born { leg: first, for_leg: None, kind: kind(first) });
        self.act(&Act::Born { leg: second, for_leg: Some(first), kind: kind(second) });
        let mut on = |leg, on| self.act(&Act::On(leg, on));
        for leg in [first, second] {
            on(leg, On::Tapped);
            on(leg, On::Answered);
        }
        if !(rung && self.rules.attest) {
            for step in [On::Playing, On::Played(true), On::Signal(Signal::Agree)] {
                self.act(&Act::On(outsider, step));
            }
        }
        self.act(&Act::Bridge(first, second));
    }

    fn born(&mut self, leg: usize, for_leg: Option<usize>, kind: u8) {
        let parent = for_leg.filter(|parent| *parent != leg && self.model.legs.contains_key(parent));
        if self.model.legs.contains_key(&leg) || self.births >= usize::from(b'~' - b' ') {
            return;
        }
        self.births += 1;
        self.names[leg] = char::from(b' ' + self.births as u8);
        let said = parent.map_or_else(|| recording(self.births as u8), |parent| self.model.legs[&parent].recording);
        let mut id = said;
        if parent.is_some() && self.model.is_spent(said) {
            id = self.model.begin_anew(said);
            self.model.settle();
        }
        let facts = facts(kind, said, parent.map(|parent| self.key(parent)));
        let half = parent.filter(|parent| !self.model.legs[parent].is_party && !facts.is_party);
        let model = &mut self.model;
        model.order += 1;
        let refused = model.stopped || model.faulty;
        model.books.entry(id).or_insert(Book { born: model.order, refused, ..Book::default() });
        let is_outside = facts.side == Side::Outside;
        let (means, told) = if !is_outside || facts.exempt {
            (Means::Nothing, Told::NeedNot)
        } else if facts.direction == Direction::Outbound && self.rules.attest {
            (Means::Agent, Told::ByAgentYet)
        } else if self.rules.uninformed == "record" {
            (Means::Elsewhere, Told::Elsewhere)
        } else {
            (Means::Prompt, Told::Never)
        };
        let born = Leg {
            recording: id,
            birth: self.births,
            is_outside,
            dials: facts.direction == Direction::Inbound,
            is_party: facts.is_party,
            exempt: facts.exempt,
            lost: false,
            tapped: false,
            answered: false,
            means,
            must_agree: is_outside && self.rules.mode == "optin",
            has_digit: self.rules.mode != "notice",
            told,
            told_at: None,
            told_by_prompt: false,
            agreed_early: false,
            agent_there_since: None,
            held: false,
            muted: false,
            waiting: false,
            bypassed: false,
            bridged: None,
            guest_of: None,
            room: None,
            other_half: half,
            joined: false,
            late: false,
        };
        model.legs.insert(leg, born);
        if let Some(half) = half {
            // A third leg born for the first half takes the second one's place.
            for other in model.legs.values_mut() {
                other.other_half.take_if(|n| *n == half);
            }
            model.legs.get_mut(&leg).expect("just born").other_half = Some(half);
            model.legs.get_mut(&half).expect("its parent").other_half = Some(leg);
        }
        self.follower.belongs.insert(self.key(leg), said);
        self.scene.born(self.names[leg], facts);
    }

    /// The host ends the bridges that were, then tells both of the new one.
    fn bridge(&mut self, one: usize, other: usize) {
        if one == other || ![one, other].iter().all(|leg| self.model.legs.contains_key(leg)) {
            return;
        }
        for leg in [one, other] {
            self.unbridge(leg);
        }
        for (leg, peer) in [(one, other), (other, one)] {
            self.model.legs.get_mut(&leg).expect("checked above").bridged = Some(peer);
        }
        // What the first of the two words says of the one is true before the second says it of the other.
        for (leg, peer) in [(one, other), (other, one)] {
            self.tell(leg, LegInput::Bridged(self.key(peer)));
            self.went_on(leg);
            self.model.unite(leg);
            self.model.settle();
        }
    }

    /// The guest hears, and is heard by, whoever is in the call of that leg.
    fn let_in(&mut self, guest: usize, of: usize) {
        if guest == of || ![guest, of].iter().all(|leg| self.model.legs.contains_key(leg)) {
            return;
        }
        self.model.legs.get_mut(&guest).expect("checked above").guest_of = Some(of);
        self.tell(guest, LegInput::LetIn(Some(self.key(of))));
        self.went_on(guest);
        self.model.unite(guest);
    }

    fn unbridge(&mut self, leg: usize) {
        let peer = self.model.legs.get_mut(&leg).and_then(|leg| leg.bridged.take());
        if let Some(peer) = peer {
            self.model.legs.get_mut(&peer).expect("a peer is there").bridged = None;
            self.tell(leg, LegInput::Unbridged);
            self.tell(peer, LegInput::Unbridged);
            self.model.settle();
        }
    }

    fn went_on(&mut self, leg: usize) {
        let leg = self.model.legs.get_mut(&leg).expect("checked by the caller");
        if matches!(leg.told, Told::Cut(_)) || (leg.told == Told::Never && leg.answered) {
            leg.untold();
        }
    }

    fn on_leg(&mut self, n: usize, on: On) {
        let now = self.model.now;
        let leg = self.model.legs.get_mut(&n).expect("checked by the caller");
        let told = leg.told;
        use Told as T;
        match on {
            On::Due => {
                if matches!(told, T::NeedNot | T::Elsewhere | T::Never | T::ByAgentYet) {
                    (leg.told, leg.agent_there_since) = (T::Coming, None);
                }
                self.tell(n, LegInput::NoticeDue);
            }
            On::Tapped => {
                leg.tapped = true;
                self.tell(n, LegInput::Tapped);
            }
            On::Answered => {
                if !std::mem::replace(&mut leg.answered, true) && told == T::Elsewhere {
                    leg.told_at = Some(now);
                }
                self.tell(n, LegInput::Answered);
            }
            On::Playing => {
                if matches!(told, T::Elsewhere | T::Never | T::ByAgentYet | T::Coming | T::Cut(_) | T::Broken) {
                    (leg.told, leg.told_at, leg.agreed_early) = (T::Playing, Some(now), false);
                }
                self.tell(n, LegInput::NoticeStarted);
            }
            On::Played(whole) => {
                let counts = matches!(
                    told,
                    T::Elsewhere | T::Never | T::ByAgentYet | T::Coming | T::Playing | T::Cut(_) | T::Broken
                );
                if whole && counts {
                    leg.informed(now);
                    leg.told_by_prompt = true;
                    if leg.must_agree && leg.agreed_early {
                        leg.told = T::Agreed;
                    }
                } else if !whole && told == T::Playing {
                    (leg.told, leg.told_at) = (T::Cut(now), Some(now));
                } else if !whole && told == T::Coming && leg.means == Means::Agent {
                    leg.told = T::ByAgentYet;
                } else if !whole && matches!(told, T::Never | T::Coming) {
                    leg.untold();
                }
                self.scene.notice(self.names[n], if whole { NoticeState::Informed } else { NoticeState::Partial });
            }
            On::Unbridge => self.unbridge(n),
            On::Enter(room) => {
                leg.room = Some(room);
                self.went_on(n);
                self.model.unite(n);
                self.tell(n, LegInput::ConferenceJoined(room.to_string().into()));
            }
            On::Exit => {
                leg.room = None;
                self.tell(n, LegInput::ConferenceLeft);
            }
            On::LetOut => {
                leg.guest_of = None;
                self.tell(n, LegInput::LetIn(None));
            }
            On::Prefers(preference) => {
                let may = !matches!(told, T::NeedNot | T::SaysNo | T::NotByAgent | T::LeftAtOnce);
                if leg.is_party && leg.is_outside && preference == DevicePreference::Off && may {
                    leg.told = T::SaysNo;
                }
                self.tell(n, LegInput::RecordingAware(preference));
            }
            On::Held(level) => {
                leg.held = level;
                self.tell(n, LegInput::Held(level));
            }
            On::Muted(level) => {
                leg.muted = level;
                self.tell(n, LegInput::Muted(level));
            }
            On::Waiting(level) => {
                leg.waiting = level;
                self.tell(n, LegInput::Waiting(level));
            }
            On::Bypassed(level) => {
                leg.bypassed = level;
                self.tell(n, LegInput::MediaBypassed(level));
            }
            On::Paused(level) => {
                self.pause(n, level);
                self.tell(n, LegInput::Paused(level));
            }
            On::Exempt => {
                leg.exempt = true;
                if matches!(told, T::Elsewhere | T::Never | T::ByAgentYet | T::Coming) {
                    leg.told = T::NeedNot;
                }
                self.tell(n, LegInput::Wishes(Box::new(Wishes { exempt: true, ..Wishes::default() })));
            }
            On::AskFirst => {
                if leg.means == Means::Elsewhere {
                    leg.means = Means::Prompt;
                    leg.told = if told == T::Elsewhere { T::Never } else { told };
                }
                leg.must_agree |= leg.is_outside;
                leg.has_digit = true;
                let mode = Some(NoticeMode::OptIn);
                self.tell(n, LegInput::Wishes(Box::new(Wishes { mode, ..Wishes::default() })));
            }
            On::Signal(signal) => {
                self.signal(n, signal);
                self.tell(n, LegInput::Signalled(signal));
            }
            On::Lost | On::HungUp => self.end(n, matches!(on, On::Lost)),
        }
    }

    fn pause(&mut self, n: usize, on: bool) {
        let until = self.model.now + PAUSE;
        let id = self.model.legs[&n].recording;
        let book = self.model.book(id);
        if !on {
            book.paused_until = None;
        } else if book.ended.is_none() {
            book.paused_until.get_or_insert(until);
        }
    }

    fn signal(&mut self, n: usize, signal: Signal) {
        let (now, id) = (self.model.now, self.model.legs[&n].recording);
        let speaker = self.model.legs[&n].clone();
        if !speaker.is_party {
            return;
        }
        if !speaker.is_outside && matches!(signal, Signal::Pause | Signal::Resume) {
            return self.pause(n, signal == Signal::Pause);
        }
        let meant = |(m, leg): &(&usize, &mut Leg)| {
            if speaker.is_outside { **m == n } else { leg.is_outside && leg.is_present() && leg.recording == id }
        };
        for (_, leg) in self.model.legs.iter_mut().filter(meant) {
            use Told as T;
            let told = leg.told;
            let recently = leg.told_at.is_some_and(|at| now - at <= OBJECTION);
            match (signal, told) {
                (Signal::Object, T::Agreed | T::Asked(_)) => leg.told = T::SaysNo,
                (Signal::Object, T::Playing) if leg.has_digit || !speaker.is_outside => leg.told = T::SaysNo,
                (Signal::Object, T::Elsewhere | T::Cut(_) | T::Whole | T::Broken) if recently && leg.has_digit => {
                    leg.told = T::SaysNo;
                }
                (
                    Signal::Object,
                    T::Elsewhere | T::Never | T::ByAgentYet | T::Coming | T::Cut(_) | T::Whole | T::Broken,
                ) if !speaker.is_outside => leg.told = T::SaysNo,
                (Signal::Agree, T::Playing) if speaker.is_outside && leg.must_agree => leg.agreed_early = true,
                (Signal::Agree, T::Asked(_)) if speaker.is_outside => leg.told = T::Agreed,
                (Signal::Decline, T::Asked(_)) if speaker.is_outside => leg.told = T::SaysNo,
                (Signal::Decline, T::Playing) if speaker.is_outside && leg.must_agree => leg.told = T::SaysNo,
                (Signal::Attest, T::ByAgentYet) => leg.attested(now),
                (Signal::Attest, T::Cut(_) | T::Broken) if leg.means == Means::Agent => leg.attested(now),
                _ => {}
            }
        }
    }

    fn end(&mut self, n: usize, lost: bool) {
        self.unbridge(n);
        let leg = self.model.legs.get_mut(&n).expect("checked by the caller");
        leg.lost = lost;
        if lost {
            let (id, joined) = (leg.recording, usize::from(leg.joined));
            let is_alone = self.model.present(id).next().is_none();
            let book = self.model.book(id);
            if is_alone && book.joined == joined && book.answered_at.is_some() {
                book.ended.get_or_insert((NotRecorded::NoSpeech, false));
            }
            self.tell(n, LegInput::LostRace);
            self.model.settle();
        }
        let leg = self.model.legs.get_mut(&n).expect("still there");
        let at_once = leg.told_by_prompt && leg.told_at.is_some_and(|at| self.model.now - at < AT_ONCE);
        let captured = self.model.books[&leg.recording].tracks.contains(&leg.birth);
        let leaves = leg.told == Told::Whole && at_once && captured && !leg.late && leg.means != Means::Nothing;
        let after = match leg.told == Told::ByAgentYet {
            true => Some(Told::NotByAgent),
            false => leaves.then_some(Told::LeftAtOnce),
        };
        if let Some(told) = after {
            leg.told = told;
            self.model.settle();
        }
        self.model.leave(n);
        let left = self.model.legs.remove(&n).expect("still there");
        for leg in self.model.legs.values_mut() {
            leg.other_half.take_if(|half| *half == n);
            leg.guest_of.take_if(|of| *of == n);
        }
        if self.model.legs.values().all(|leg| leg.recording != left.recording) {
            self.model.book(left.recording).paused_until = None;
        }
        self.tell(n, LegInput::HungUp);
        self.tell(n, LegInput::Gone);
    }

    /// Everyone hangs up: every answered conversation has one outcome, and `recorded` is one that has a track and may
    /// keep it.
    pub(super) fn finish(mut self) {
        for leg in 0..LEGS {
            self.act(&Act::On(leg, On::HungUp));
        }
        let follower = self.follower;
        assert_eq!(follower.outcomes.keys().copied().collect::<BTreeSet<_>>(), follower.started);
        for (id, outcome) in &follower.outcomes {
            let has_track = follower.tracks.keys().any(|(recording, _)| recording == id);
            match self.model.books[id].ended.filter(|_| has_track) {
                Some((reason, false)) => assert_eq!(*outcome, Outcome::NotRecorded(reason), "{id:?}"),
                Some((_, true)) | None => assert_eq!(*outcome == Outcome::Recorded, has_track, "{id:?}"),
            }
        }
        assert_eq!(follower.closed, follower.tracks.keys().copied().collect());
        assert!(follower.open.is_empty() && follower.paused.is_empty());
    }
}

/// What may happen on a leg.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    Due,
    Tapped,
    Answered,
    Playing,
    Played(bool),
    Unbridge,
    Enter(u8),
    Exit,
    LetOut,
    Prefers(DevicePreference),
    Held(bool),
    Muted(bool),
    Waiting(bool),
    Bypassed(bool),
    Paused(bool),
    Exempt,
    AskFirst,
    Signal(Signal),
    Lost,
    HungUp,
}
