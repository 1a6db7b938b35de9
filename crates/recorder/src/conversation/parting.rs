//! Conversations that part: who hears whom no longer is another conversation (decision 19).
use std::collections::BTreeSet;

use crate::conversation::effect::Effect;
use crate::conversation::input::{Direction, Side};
use crate::conversation::leg::Leg;
use crate::conversation::over::{parted, successor};
use crate::conversation::recording::{Birth, Recording};
use crate::conversation::timers::{IDLE, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId};

/// Those of a recording who are in one circle.
type Circle = BTreeSet<LegKey>;

impl Conversations {
    /// The recording stays with one of the circles into which its parties have parted; every other one that is a
    /// conversation goes on in a recording of its own. A leg that is with nobody belongs where it was until it begins
    /// something else: its call record names that recording.
    pub(super) fn part(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        let circles = self.circles_of(recording);
        let staying = self.staying(recording, &circles);
        let mut leaving = Vec::new();
        for circle in circles {
            let stays = staying.as_ref() == Some(&circle);
            if !stays && self.is_another_conversation(id, &circle) {
                leaving.push(circle);
                continue;
            }
            for key in circle {
                if let Some(leg) = self.legs.get_mut(&key) {
                    leg.stay.apart = !stays;
                }
            }
        }
        for circle in leaving {
            self.go_on_apart(id, circle, when, effects);
        }
    }

    fn circles_of(&self, recording: &Recording) -> Vec<Circle> {
        let mut circles: Vec<Circle> = Vec::new();
        for key in &recording.members {
            if !circles.iter().any(|circle| circle.contains(key)) {
                let circle = self.circle(*key);
                circles.push(circle.into_iter().filter(|key| recording.members.contains(key)).collect());
            }
        }
        circles
    }

    /// The circle that keeps the recording: that of whoever ended it; else one with an outside party, of several the one
    /// whose outside parties did not leave the others, then that of the first to have come; else that of colleagues
    /// who are together, of several the one that was it before.
    fn staying(&self, recording: &Recording, circles: &[Circle]) -> Option<Circle> {
        let legs = |circle: &Circle| circle.iter().filter_map(|key| self.legs.get(key)).collect::<Vec<&Leg>>();
        if recording.closed.is_some() {
            return circles.iter().find(|circle| legs(circle).into_iter().any(Leg::ends_recordings)).cloned();
        }
        let rank = |circle: &&Circle| {
            let parties: Vec<&Leg> = legs(circle).into_iter().filter(|leg| leg.may_be_present()).collect();
            let outside = parties.iter().filter(|leg| leg.side == Side::Outside);
            let came = |leg: &&Leg| if leg.stay.party.is_some() { leg.stay.order } else { u32::MAX };
            let stayed = parties.iter().any(|leg| leg.stay.party.is_some() && !leg.stay.apart);
            (
                outside.clone().next().is_none(),
                outside.clone().all(|leg| leg.left),
                outside.clone().map(|leg| came(leg)).min(),
                parties.len() < 2,
                !stayed,
                parties.iter().map(came).min(),
            )
        };
        circles.iter().min_by_key(rank).cloned()
    }

    /// Whether a circle that parted from its recording is a conversation: somebody from outside is with others or has just
    /// come, or colleagues are recorded, or one of them was no party of the recording.
    fn is_another_conversation(&self, id: RecordingId, circle: &Circle) -> bool {
        let records_internal = self.recordings.get(&id).is_some_and(|recording| recording.record_internal);
        let legs = || circle.iter().filter_map(|key| self.legs.get(key));
        let parties: Vec<&Leg> = legs().filter(|leg| leg.may_be_present()).collect();
        let are_several = parties.len() > 1;
        let outside =
            |leg: &&Leg| leg.is_present() && leg.side == Side::Outside && (are_several || !leg.stay.was_there);
        let outside = parties.iter().any(outside);
        let colleagues = are_several && (records_internal || parties.iter().any(|leg| !leg.stay.was_there));
        (outside || colleagues) && parties.iter().any(|leg| leg.is_present())
    }

    fn go_on_apart(&mut self, from: RecordingId, circle: Circle, when: Moment, effects: &mut Vec<Effect>) {
        let (Some(former), Some(eldest)) = (self.recordings.get(&from), circle.first()) else { return };
        let is_spent = self.is_spent(from);
        let mut into = if is_spent { successor(from) } else { parted(from, *eldest) };
        while self.recordings.contains_key(&into) || self.over.knows(into) {
            into = successor(into);
        }
        let outside = |key: &LegKey| self.legs.get(key).filter(|leg| leg.is_party && leg.side == Side::Outside);
        let direction = circle.iter().find_map(outside).map_or(Direction::Outbound, |leg| leg.direction);
        self.born += 1;
        let birth = Birth { direction, at: when.now, order: self.born };
        let mut next = Recording::new(birth, self.refusal(), former.record_internal, former.knows_company);
        next.founder = former.founder.filter(|founder| circle.contains(founder));
        self.recordings.insert(into, next);
        for key in circle {
            self.move_leg(key, into, when, effects);
        }
        self.settle_recording(into, when, effects);
    }

    /// An outside party was with somebody here, and none is there any more: the recording is over, whatever the
    /// company's legs do next.
    pub(super) fn close_if_deserted(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        let outside = |leg: &Leg| leg.side == Side::Outside && leg.may_be_present() && !leg.stay.apart;
        let is_deserted = recording.seen.met && !self.legs_of(recording).any(outside);
        if is_deserted {
            self.close(id, None, when, effects);
        }
        self.watch_idle(id, when);
    }

    fn watch_idle(&mut self, id: RecordingId, when: Moment) {
        let reason = TimerReason::Idle(id);
        match (self.is_idle(id), self.timers.at(reason)) {
            (true, None) => self.timers.set(when.at.plus(IDLE), reason),
            (false, Some(_)) => self.timers.unset(reason),
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// One leg of the company's is all that is left of the recording.
    fn is_idle(&self, id: RecordingId) -> bool {
        let Some(recording) = self.recordings.get(&id).filter(|recording| recording.closed.is_none()) else {
            return false;
        };
        let mut legs = self.legs_of(recording);
        let first = legs.next().is_some_and(|leg| leg.is_present() && leg.side == Side::Company);
        first && legs.next().is_none()
    }

    /// It has been so for long: what was has its outcome now.
    pub(super) fn close_idle(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        if self.is_idle(id) {
            self.close(id, None, when, effects);
            self.part(id, when, effects);
        }
    }
}
