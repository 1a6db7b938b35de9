//! Conversations that become one, parties that join, recordings that begin.
use std::collections::BTreeSet;

use crate::conversation::effect::{Effect, ShutReason, Started};
use crate::conversation::input::{Direction, Side};
use crate::conversation::leg::{GateState, Leg, Stay};
use crate::conversation::recording::{Birth, Recording, WentOn};
use crate::conversation::timers::{LONGEST_RECORDING, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::evidence::Party;
use crate::ids::{LegKey, RecordingId};
use crate::policy::NotRecorded;

impl Conversations {
    /// Who hears each other is one conversation: all of them go to the recording that was there first. One without
    /// an outside party gives way to one that has it, so that an agent's standing leg takes each caller's recording
    /// and does not gather all callers in its own.
    pub(super) fn unite(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let circle = self.circle(key);
        let recording_of = |key: &LegKey| self.legs.get(key).map(|leg| leg.recording);
        let Some(first) = recording_of(&key) else { return };
        if circle.iter().all(|key| recording_of(key) == Some(first)) {
            return;
        }
        let winner = circle.iter().filter_map(recording_of).min_by_key(|id| self.precedence(*id));
        let Some(winner) = winner else { return };
        let movers: Vec<LegKey> =
            circle.into_iter().filter(|key| recording_of(key).is_some_and(|id| id != winner)).collect();
        let mut left = BTreeSet::new();
        for key in movers {
            left.extend(self.legs.get(&key).map(|leg| leg.recording));
            self.leaves_unattested(key, when, effects);
            self.move_leg(key, winner, when, effects);
        }
        for former in left {
            self.settle_recording(former, when, effects);
        }
    }

    /// The lowest goes on. One that an outside party ended takes in the company's legs, and gives way to whoever else
    /// is recorded.
    fn precedence(&self, id: RecordingId) -> (u8, u64, u64) {
        let Some(recording) = self.recordings.get(&id) else { return (u8::MAX, u64::MAX, u64::MAX) };
        let outside = self.present(recording).any(|leg| leg.side == Side::Outside);
        let rank = match (outside, recording.closed.is_some()) {
            (true, false) => 0,
            (true, true) => 1,
            (false, false) => 2,
            (false, true) => 3,
        };
        (rank, recording.zero.map_or(u64::MAX, |zero| zero.at.0), recording.birth.order)
    }

    /// The party goes to another recording before anybody attested that it was told: what its agent said to it here
    /// is not kept.
    fn leaves_unattested(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let leaves = |leg: &&Leg| leg.is_present() && leg.consent.is_unattested() && !leg.stay.came_late;
        let Some(leg) = self.legs.get(&key).filter(leaves) else { return };
        let id = leg.recording;
        if self.recordings.get(&id).is_some_and(|recording| !recording.tracks.is_empty()) {
            self.close(id, NotRecorded::NotInformed, false, when, effects);
        }
    }

    /// The leg goes from its recording to that one; a track it had ends, another begins when its gate opens.
    pub(super) fn move_leg(&mut self, key: LegKey, target: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(former) = self.legs.get(&key).map(|leg| leg.recording) else { return };
        self.leave(key, ShutReason::Moved, when, effects);
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.recording = target;
        leg.gate = GateState::Shut(None);
        leg.stay = Stay::default();
        if let Some(recording) = self.recordings.get_mut(&target) {
            recording.members.insert(key);
            leg.stay.track = recording.tracks.get(&key).copied();
        }
        if let Some(recording) = self.recordings.get_mut(&former).filter(|it| it.went_on_in != WentOn::HungUp) {
            recording.went_on_in = WentOn::In(target);
        }
        effects.push(Effect::SetRecording { leg: key, recording: target, former });
        if self.recordings.get(&former).is_some_and(|former| former.members.is_empty()) {
            self.pause_moves(former, target, when, effects);
        }
        self.finish_if_over(former, when, effects);
    }

    /// The recording begins with the first answer of any of its parties.
    pub(super) fn start(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        let legs = &self.legs;
        let answered = recording.members.iter().filter_map(|key| legs.get(key)).any(Leg::is_present);
        if recording.zero.is_some() || !answered {
            return;
        }
        recording.zero = Some(when);
        if recording.refusal.is_none() {
            self.timers.set(when.at.plus(LONGEST_RECORDING), TimerReason::RollOver(id));
        }
        effects.push(Effect::Started(Box::new(Started {
            recording: id,
            direction: recording.birth.direction,
            born_at: recording.birth.at,
            started: when.at,
            started_at: when.now,
        })));
    }

    /// Whoever answered and has no notice to hear first is a party now.
    pub(super) fn join_parties(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        for key in recording.members.clone() {
            if self.legs.get(&key).is_some_and(Leg::is_settled) {
                self.join(key, when, effects);
            }
        }
    }

    /// The leg is a party of its conversation from now on, and what it was told is known there.
    pub(super) fn join(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let Some(recording) = self.recordings.get_mut(&leg.recording) else { return };
        // A recording that has its outcome learns nothing more.
        if recording.zero.is_none() || recording.closed.is_some_and(|closed| closed.concluded) {
            return;
        }
        let party = leg.stay.party.unwrap_or_else(|| recording.party_of(key, leg));
        if leg.stay.party.replace(party).is_none() {
            leg.stay.came_late = leg.side == Side::Outside && recording.outside_parties > 0;
            recording.take_in(key, party);
            let (recording, uuid) = (leg.recording, leg.uuid.clone());
            effects.push(Effect::LegJoined { recording, leg: key, uuid, party, at: when.now });
        }
        for evidence in leg.notices.iter_mut().skip(leg.stay.notices_told) {
            evidence.party = party;
            let evidence = Box::new(evidence.clone());
            effects.push(Effect::Notice { recording: leg.recording, evidence });
        }
        leg.stay.notices_told = leg.notices.len();
        for change in leg.standings.iter().skip(leg.stay.standings_told) {
            effects.push(Effect::Standing { recording: leg.recording, change: Box::new(change.clone()) });
        }
        leg.stay.standings_told = leg.standings.len();
    }

    /// The answer to `Effect::RollOver`: everyone goes to a new recording that begins now and knows what the former
    /// one knew.
    pub(super) fn rolled_over(&mut self, id: RecordingId, into: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let goes_on = |former: &&Recording| former.zero.is_some() && former.closed.is_none();
        let Some(former) = self.recordings.get(&id).filter(goes_on) else { return };
        if self.recordings.contains_key(&into) || self.over.knows(into) || former.members.is_empty() {
            return;
        }
        self.born += 1;
        let birth = Birth { at: when.now, order: self.born, ..former.birth };
        let mut next = Recording::new(birth, former.refusal, former.record_internal, former.knows_company);
        next.founder = former.founder;
        next.cleared = former.cleared;
        next.retention = former.retention;
        next.seen.outside = former.seen.outside;
        let members = former.members.clone();
        self.recordings.insert(into, next);
        for key in members {
            self.move_leg(key, into, when, effects);
        }
        self.settle_recording(into, when, effects);
    }
}

impl Recording {
    fn party_of(&self, key: LegKey, leg: &Leg) -> Party {
        let founder = self.founder == Some(key);
        let first = self.outside_parties == 0;
        match (leg.side, leg.direction) {
            (Side::Company, _) => Party::Agent,
            (Side::Outside, Direction::Inbound) if founder || first => Party::Caller,
            (Side::Outside, Direction::Outbound) if first || (!self.has_callee && !leg.met) => Party::Callee,
            (Side::Outside, _) => Party::Joined,
        }
    }

    fn take_in(&mut self, key: LegKey, party: Party) {
        self.parties += 1;
        self.founder.get_or_insert(key);
        if party != Party::Agent {
            self.outside_parties += 1;
        }
        self.has_callee |= party == Party::Callee;
    }
}
