//! Every decision about a call: conversations, parties, gates, outcomes. No clock, no file, no host.
//!
//! [`Conversations`] consumes [`Input`]s one by one and pushes [`Effect`]s. A leg belongs to one recording at a time;
//! a recording is one conversation. What a leg's gate should be follows from levels (answered, told, held, muted,
//! who else is there), computed anew after every input, so that an edge that never came leaves no gate wrong:
//! [`leg`] one leg's levels · [`consent`] how one party stands · [`standing`] what moves it · [`recording`] one
//! conversation and its outcome · [`links`] who hears whom · [`gates`] open or shut · [`pause`] payment data ·
//! [`moves`] conversations that become one · [`closing`] objections · [`ending`] the last party left · [`timers`].
mod closing;
mod consent;
mod effect;
mod ending;
mod gates;
mod input;
mod leg;
mod links;
mod moves;
mod over;
mod pause;
mod recording;
mod standing;
mod timers;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use effect::{Alarm, Effect, NewTrack, OpenGate, Opening, Request, Shown, ShutReason, Started};
pub use input::{DevicePreference, Direction, Input, Kept, LegFacts, LegInput, Personal, Side, Signal, Wishes};
pub use timers::TimerReason;

use crate::ids::{LegKey, RecordingId};
use crate::policy::{NotRecorded, Outcome, Policy};
use crate::time::{Monotonic, UnixMillis};

use consent::{By, Step};
use leg::Leg;
use over::Over;
use recording::{Birth, Recording, way_of};
use standing::Rules;
use timers::Timers;

/// All conversations that are going on.
#[derive(Debug)]
pub struct Conversations {
    legs: BTreeMap<LegKey, Leg>,
    recordings: BTreeMap<RecordingId, Recording>,
    rooms: BTreeMap<Box<str>, BTreeSet<LegKey>>,
    timers: Timers,
    over: Over,
    /// How many recordings there were: orders those that nobody answered yet.
    born: u64,
    rules: Rules,
    on: bool,
    fault: bool,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            legs: BTreeMap::new(),
            recordings: BTreeMap::new(),
            rooms: BTreeMap::new(),
            timers: Timers::default(),
            over: Over::default(),
            born: 0,
            rules: Rules::default(),
            on: true,
            fault: false,
        }
    }
}

/// When a step happens, on both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Monotonic,
    now: UnixMillis,
}

impl Conversations {
    /// Takes one thing that happened, and pushes what is to be done about it, in order. What is said of a leg that
    /// was never born or is gone changes nothing.
    pub fn step(&mut self, input: Input, policy: &Policy, effects: &mut Vec<Effect>) {
        self.rules = Rules::of(policy);
        match input {
            Input::Leg { leg, at, now, what } => {
                let when = Moment { at, now };
                if let LegInput::Born(facts) = what {
                    self.born(leg, *facts, policy, when, effects);
                } else {
                    self.happened(leg, what, when, effects);
                }
            }
            Input::Recording { on } => self.on = on,
            Input::RecorderFault { on } => self.fault = on,
            Input::KeyRefused { leg } => self.key_refused(leg, effects),
            Input::TrackClosed { recording, track, kept } => self.track_closed(recording, track, kept, effects),
            Input::RolledOver { recording, into, at, now } => {
                self.rolled_over(recording, into, Moment { at, now }, effects);
            }
            Input::Tick { at, now } => self.tick(Moment { at, now }, effects),
        }
    }

    /// The next moment at which a `Tick` changes something, and why.
    pub fn next_timer(&self) -> Option<(Monotonic, TimerReason)> {
        self.timers.next()
    }

    /// How the leg's conversation would end if it ended now; `None` where nobody answered or the leg is unknown.
    /// `is_heard` says of a leg whether any frame of it was captured.
    pub fn outlook(&self, leg: LegKey, is_heard: impl Fn(LegKey) -> bool) -> Option<Outcome> {
        let recording = self.recordings.get(&self.legs.get(&leg)?.recording)?;
        recording.zero.map(|_| recording.outcome_where(is_heard))
    }

    /// Until when the leg's party may agree, where it is being asked (`optin`).
    pub fn asked_until(&self, leg: LegKey) -> Option<Monotonic> {
        self.legs.get(&leg)?.consent.asked_until()
    }

    fn born(&mut self, key: LegKey, mut facts: LegFacts, policy: &Policy, when: Moment, effects: &mut Vec<Effect>) {
        if self.legs.contains_key(&key) {
            return;
        }
        let told = facts.recording;
        if self.recordings.get(&told).is_some_and(|former| !former.members.is_empty()) {
            self.begin_anew(told, when, effects);
        }
        let id = self.home_of(told);
        facts.recording = id;
        if id != told {
            effects.push(Effect::SetRecording { leg: key, recording: id, former: told });
        }
        if !self.recordings.contains_key(&id) {
            self.born += 1;
            let birth = Birth { direction: way_of(&facts), at: when.now, order: self.born };
            self.recordings.insert(
                id,
                Recording::new(birth, self.refusal(), policy.record_internal, policy.company_numbers.is_some()),
            );
        }
        if let Some(recording) = self.recordings.get_mut(&id) {
            recording.members.insert(key);
            if facts.is_party && recording.founder.is_none() && recording.parties == 0 {
                recording.founder = Some(key);
            }
        }
        let half_of = facts.born_for.filter(|_| !facts.is_party);
        self.legs.insert(key, Leg::new(facts, policy));
        self.pair(key, half_of);
        self.settle(key, when, effects);
    }

    /// Why a recording that begins now is none.
    fn refusal(&self) -> Option<NotRecorded> {
        match (self.on, self.fault) {
            (false, _) => Some(NotRecorded::OperatorStop),
            (true, true) => Some(NotRecorded::RecorderFault),
            (true, false) => None,
        }
    }

    fn happened(&mut self, key: LegKey, what: LegInput, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        if leg.hung_up && !matches!(what, LegInput::Gone | LegInput::Renamed(_)) {
            return;
        }
        match what {
            // A leg is born once; `step` has seen to it.
            LegInput::Born(_) => {}
            LegInput::Tapped => leg.tapped = true,
            LegInput::KeyReady => leg.stay.no_key = false,
            LegInput::Answered => self.answered(key, when),
            LegInput::NoticeDue => self.stand(key, Step::NoticeDue, when),
            LegInput::NoticeStarted => {
                leg.notice_runs = true;
                self.stand(key, Step::NoticeStarted, when);
            }
            LegInput::NoticeEnded(evidence) => {
                leg.notice_runs = false;
                self.notice_ended(key, *evidence, when, effects);
            }
            LegInput::Bridged(other) => {
                self.link(key, Some(other));
                self.met(key, when, effects);
            }
            LegInput::Unbridged => self.link(key, None),
            LegInput::LetIn(of) => {
                self.let_into(key, of);
                if of.is_some() {
                    self.met(key, when, effects);
                }
            }
            LegInput::ConferenceJoined(room) => {
                self.enter(key, Some(room));
                self.met(key, when, effects);
            }
            LegInput::ConferenceLeft => self.enter(key, None),
            LegInput::Held(level) => leg.held = level,
            LegInput::Muted(level) => leg.muted = level,
            LegInput::Waiting(level) => leg.waiting = level,
            LegInput::MediaBypassed(level) => leg.bypassed = level,
            LegInput::Paused(on) => self.pause(key, on, when, effects),
            LegInput::Signalled(signal) => self.signalled(key, signal, None, when, effects),
            LegInput::Commanded(signal) => self.signalled(key, signal, Some(By::Command), when, effects),
            LegInput::Wishes(wishes) => self.wish(key, &wishes, when),
            LegInput::RecordingAware(preference) => self.device_aware(key, preference, when),
            LegInput::Renamed(uuid) => leg.uuid = uuid,
            LegInput::LostRace => self.lost_race(key, when, effects),
            LegInput::HungUp => return self.hung_up(key, when, effects),
            LegInput::Gone => {
                self.hung_up(key, when, effects);
                self.legs.remove(&key);
                return;
            }
        }
        self.settle(key, when, effects);
    }

    /// Brings everything in line with the levels after something changed on this leg.
    fn settle(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        self.unite(key, when, effects);
        if let Some(id) = self.legs.get(&key).map(|leg| leg.recording) {
            self.settle_recording(id, when, effects);
        }
    }

    /// Parties of the recording join, then it ends or begins anew where one of them wants it so, then its gates follow.
    fn settle_recording(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        if self.goes_on_without_objector(id) {
            return self.begin_anew(id, when, effects);
        }
        self.start(id, when, effects);
        self.see_who_goes_on(id, when);
        self.take_note(id);
        self.join_parties(id, when, effects);
        self.close_if_objected(id, when, effects);
        self.set_gates(id, when, effects);
        self.show_recording(id, effects);
    }
}
