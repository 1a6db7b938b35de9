//! Recordings that end while their call goes on (NOT-05, STF-02), and those that begin when whoever ended them left.
use crate::conversation::consent::Consent;
use crate::conversation::effect::{Effect, Request, ShutReason};
use crate::conversation::input::Side;
use crate::conversation::leg::Leg;
use crate::conversation::over::successor;
use crate::conversation::recording::{Birth, Recording};
use crate::conversation::timers::{ENDED_TRACKS_CLOSE, TRACKS_CLOSE, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId};
use crate::policy::NotRecorded;

/// How a recording ended before its call did. Nothing is captured in it any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closed {
    pub(super) when: Moment,
    pub(super) reason: NotRecorded,
    /// What was captured is kept: who ended it came late and was never captured.
    pub(super) keeps: bool,
    /// It has its outcome.
    pub(super) concluded: bool,
}

impl Conversations {
    /// A party is there that does not want to be recorded, or of which nobody attested that it was told, or that leaves
    /// as if in its notice: nothing of the conversation is captured any more, and what was is not to be kept.
    pub(super) fn close_if_objected(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        if recording.closed.is_some() || recording.zero.is_none() {
            return;
        }
        let legs = &self.legs;
        let ending = recording.members.iter().filter_map(|key| Some((*key, legs.get(key)?)));
        let ending: Vec<(LegKey, &Leg)> = ending.filter(|(_, leg)| leg.ends_recordings()).collect();
        if ending.is_empty() {
            return;
        }
        let any = |what: fn(&Consent) -> bool| ending.iter().any(|(_, leg)| what(&leg.consent));
        let keeps = ending.iter().all(|(key, leg)| leg.stay.came_late && !recording.tracks.contains_key(key));
        let was_captured = !recording.tracks.is_empty();
        let told: Vec<LegKey> = ending
            .iter()
            .filter(|(_, leg)| was_captured && leg.consent.objects() && !leg.notice_runs)
            .map(|(key, _)| *key)
            .collect();
        let reason = match (any(Consent::objects), any(Consent::left_at_once)) {
            (true, _) => NotRecorded::Objected,
            (false, true) => NotRecorded::RefusedHangup,
            (false, false) => NotRecorded::NotInformed,
        };
        self.close(id, reason, keeps, when, effects);
        effects.extend(told.into_iter().map(|leg| Effect::Ask { leg, request: Request::SayStopped }));
    }

    /// Ends the recording now; its outcome comes when its tracks are closed.
    pub(super) fn close(
        &mut self,
        id: RecordingId,
        reason: NotRecorded,
        keeps: bool,
        when: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(recording) = self.recordings.get_mut(&id).filter(|recording| recording.closed.is_none()) else {
            return;
        };
        recording.closed = Some(Closed { when, reason, keeps, concluded: false });
        let members: Vec<LegKey> = recording.members.iter().copied().collect();
        if !recording.is_sealed() {
            let within = if keeps { TRACKS_CLOSE } else { ENDED_TRACKS_CLOSE };
            self.timers.set(when.at.plus(within), TimerReason::TracksClose(id));
        }
        self.timers.unset(TimerReason::RollOver(id));
        for key in &members {
            self.shut(*key, ShutReason::Objected, effects);
        }
        for leg in members {
            if let Some(track) = self.legs.get_mut(&leg).and_then(|leg| leg.stay.track.take()) {
                effects.push(Effect::CloseTrack { leg, recording: id, track });
            }
        }
        self.conclude(id, false, effects);
    }

    /// Whether the recording ended early and whoever ended it is gone: nobody is born into it any more.
    fn is_spent(&self, id: RecordingId) -> bool {
        match self.recordings.get(&id) {
            Some(recording) => recording.closed.is_some() && !self.present(recording).any(Leg::ends_recordings),
            None => self.over.knows(id),
        }
    }

    pub(super) fn legs_of<'a>(&'a self, recording: &'a Recording) -> impl Iterator<Item = &'a Leg> + Clone {
        recording.members.iter().filter_map(|key| self.legs.get(key))
    }

    pub(super) fn present<'a>(&'a self, recording: &'a Recording) -> impl Iterator<Item = &'a Leg> + Clone {
        self.legs_of(recording).filter(|leg| leg.is_present())
    }

    /// The recording of a leg that is born with this id: the id itself, or the first of its successors that is in
    /// use or new where that one is over.
    pub(super) fn home_of(&self, told: RecordingId) -> RecordingId {
        let mut id = told;
        while self.is_spent(id) {
            id = successor(id);
        }
        id
    }

    /// Where others go on after whoever ended the recording, a new one begins for them. The company's party alone is
    /// no conversation.
    pub(super) fn goes_on_without_objector(&self, id: RecordingId) -> bool {
        let Some(recording) = self.recordings.get(&id).filter(|_| self.is_spent(id)) else { return false };
        let present = self.present(recording);
        present.clone().any(|leg| leg.side == Side::Outside) || present.count() > 1
    }

    /// All who are there go to the recording's successor.
    pub(super) fn begin_anew(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let into = self.home_of(id);
        let Some(former) = self.recordings.get(&id).filter(|_| into != id) else { return };
        let members = former.members.clone();
        if !self.recordings.contains_key(&into) {
            self.born += 1;
            let birth = Birth { at: when.now, order: self.born, ..former.birth };
            let founder = former.founder.filter(|founder| members.contains(founder));
            let mut next = Recording::new(birth, self.refusal(), former.record_internal, former.knows_company);
            next.founder = founder;
            self.recordings.insert(into, next);
        }
        for key in members {
            self.move_leg(key, into, when, effects);
        }
        self.settle_recording(into, when, effects);
    }
}
