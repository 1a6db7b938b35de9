//! Every decision about a call: conversations, parties, gates, outcomes. No clock, no file, no host.
//!
//! [`Conversations`] consumes [`Input`]s one by one and pushes [`Effect`]s. A leg belongs to one recording at a time;
//! a recording is one conversation. What a leg's gate should be follows from levels (answered, told, held, muted,
//! who else is there), computed anew after every input, so that an edge that never came leaves no gate wrong:
//! [`leg`] one leg's levels · [`recording`] one conversation and its outcome · [`links`] who hears whom · [`gates`]
//! open or shut · [`moves`] conversations that become one · [`ending`] the last party left · [`timers`].
mod effect;
mod ending;
mod gates;
mod input;
mod leg;
mod links;
mod moves;
mod over;
mod recording;
mod timers;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use effect::{Alarm, Effect, NewTrack, OpenGate, Opening, Request, ShutReason, Started};
pub use input::{Direction, Input, Kept, LegFacts, LegInput, Personal, Side, Signal, Wishes};
pub use timers::TimerReason;

use crate::evidence::{NoticeEvidence, NoticeState};
use crate::ids::{LegKey, RecordingId};
use crate::policy::{NotRecorded, Outcome, Policy};
use crate::time::{Monotonic, UnixMillis};

use leg::Leg;
use over::Over;
use recording::{Birth, Recording, way_of};
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
    pub fn outlook(&self, leg: LegKey) -> Option<Outcome> {
        let recording = self.recordings.get(&self.legs.get(&leg)?.recording)?;
        recording.zero.map(|_| recording.outcome())
    }

    fn born(&mut self, key: LegKey, mut facts: LegFacts, policy: &Policy, when: Moment, effects: &mut Vec<Effect>) {
        if self.legs.contains_key(&key) {
            return;
        }
        let told = facts.recording;
        let id = self.over.fresh(told, |id| self.recordings.contains_key(&id));
        facts.recording = id;
        if id != told {
            effects.push(Effect::SetRecording { leg: key, recording: id, former: told });
        }
        if !self.recordings.contains_key(&id) {
            let refusal = if !self.on {
                Some(NotRecorded::OperatorStop)
            } else if self.fault {
                Some(NotRecorded::RecorderFault)
            } else {
                None
            };
            self.born += 1;
            let birth = Birth { direction: way_of(&facts), at: when.now, order: self.born };
            self.recordings.insert(id, Recording::new(birth, refusal, policy.record_internal));
        }
        if let Some(recording) = self.recordings.get_mut(&id) {
            recording.members.insert(key);
            if facts.is_party && recording.founder.is_none() && recording.parties == 0 {
                recording.founder = Some(key);
            }
        }
        let half_of = facts.born_for.filter(|_| !facts.is_party);
        self.legs.insert(key, Leg::new(facts, policy.uninformed));
        self.pair(key, half_of);
        self.settle(key, when, effects);
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
            LegInput::Answered => leg.answered = true,
            LegInput::NoticeDue => leg.telling.due(),
            LegInput::NoticeStarted => leg.telling.started(leg.must_be_told()),
            LegInput::NoticeEnded(evidence) => self.notice_ended(key, *evidence, when),
            LegInput::Bridged(other) => {
                self.link(key, Some(other));
                self.went_on(key, effects);
            }
            LegInput::Unbridged => self.link(key, None),
            LegInput::ConferenceJoined(room) => {
                self.enter(key, Some(room));
                self.went_on(key, effects);
            }
            LegInput::ConferenceLeft => self.enter(key, None),
            LegInput::Held(level) => leg.held = level,
            LegInput::Muted(level) => leg.muted = level,
            LegInput::Paused(level) => leg.paused = level,
            LegInput::MediaBypassed(level) => leg.bypassed = level,
            LegInput::Waiting(_) | LegInput::Signalled(_) | LegInput::Wishes(_) => {}
            LegInput::Renamed(uuid) => leg.uuid = uuid,
            LegInput::LostRace => self.lost_race(key),
            LegInput::HungUp => return self.hung_up(key, when, effects),
            LegInput::Gone => {
                self.hung_up(key, when, effects);
                self.legs.remove(&key);
                return;
            }
        }
        self.settle(key, when, effects);
    }

    fn notice_ended(&mut self, key: LegKey, evidence: NoticeEvidence, when: Moment) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let informed = evidence.state == NoticeState::Informed;
        leg.notices.push(evidence);
        if leg.telling.ended(informed, leg.must_be_told(), when.at) {
            self.timers.set(when.at.plus(timers::NOTICE_CUT), TimerReason::NoticeCut(key));
        }
    }

    /// The leg met somebody: a notice that was cut short before that was no hang-up.
    fn went_on(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.met = true;
        }
        self.went_on_untold(key, effects);
    }

    /// Brings everything in line with the levels after something changed on this leg.
    fn settle(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        self.unite(key, when, effects);
        if let Some(id) = self.legs.get(&key).map(|leg| leg.recording) {
            self.settle_recording(id, when, effects);
        }
    }

    /// Parties of the recording join, then its gates follow.
    fn settle_recording(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        self.start(id, when, effects);
        self.join_parties(id, when, effects);
        self.set_gates(id, when, effects);
    }
}
