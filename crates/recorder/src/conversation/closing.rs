//! Recordings that end while their call goes on (NOT-05, STF-02), and those that begin when whoever ended them left.
use crate::conversation::consent::Consent;
use crate::conversation::effect::{Effect, Request, ShutReason};
use crate::conversation::leg::Leg;
use crate::conversation::over::successor;
use crate::conversation::recording::Recording;
use crate::conversation::timers::{ENDED_TRACKS_CLOSE, TRACKS_CLOSE, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId};
use crate::policy::NotRecorded;

/// A recording that ended before its last leg did. Nothing is captured in it any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closed {
    pub(super) when: Moment,
    /// Why somebody ended it; none where all who were to be recorded had left.
    pub(super) ended: Option<Ended>,
    /// It has its outcome.
    pub(super) concluded: bool,
}

/// Why a recording ended while its parties were there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) reason: NotRecorded,
    /// What was captured is kept: who ended it came late and was never captured.
    pub(super) keeps: bool,
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
        self.close(id, Some(Ended { reason, keeps }), when, effects);
        effects.extend(told.into_iter().map(|leg| Effect::Ask { leg, request: Request::SayStopped }));
    }

    /// Ends the recording now; its outcome comes when its tracks are closed.
    pub(super) fn close(&mut self, id: RecordingId, ended: Option<Ended>, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id).filter(|recording| recording.closed.is_none()) else {
            return;
        };
        recording.closed = Some(Closed { when, ended, concluded: false });
        let members: Vec<LegKey> = recording.members.iter().copied().collect();
        if !recording.is_sealed() {
            let within = if ended.is_none_or(|ended| ended.keeps) { TRACKS_CLOSE } else { ENDED_TRACKS_CLOSE };
            self.timers.set(when.at.plus(within), TimerReason::TracksClose(id));
        }
        self.timers.unset(TimerReason::RollOver(id));
        let reason = if ended.is_some() { ShutReason::Objected } else { ShutReason::Alone };
        for key in &members {
            self.shut(*key, reason, effects);
        }
        self.close_tracks(id, effects);
        // A pause goes where its parties go on.
        if ended.is_none() {
            self.resume(id, None, when, effects);
        }
        self.conclude(id, false, effects);
    }

    /// Nothing more comes for any track of the recording.
    pub(super) fn close_tracks(&mut self, id: RecordingId, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        recording.stays.values_mut().for_each(|stay| stay.track = None);
        for (leg, track) in std::mem::take(&mut recording.open) {
            if let Some(leg) = self.legs.get_mut(&leg).filter(|leg| leg.recording == id) {
                leg.stay.track = None;
            }
            effects.push(Effect::CloseTrack { leg, recording: id, track });
        }
    }

    /// Whether the recording ended early and whoever ended it is gone: nobody begins anything in it any more.
    pub(super) fn is_spent(&self, id: RecordingId) -> bool {
        match self.recordings.get(&id) {
            Some(recording) => recording.closed.is_some() && !self.present(recording).any(Leg::ends_recordings),
            None => self.over.knows(id),
        }
    }

    pub(super) fn legs_of<'a>(&'a self, recording: &'a Recording) -> impl Iterator<Item = &'a Leg> + Clone {
        recording.members.iter().filter_map(|key| self.legs.get(key))
    }

    /// Who is there; a leg that has parted from the others is not.
    pub(super) fn present<'a>(&'a self, recording: &'a Recording) -> impl Iterator<Item = &'a Leg> + Clone {
        self.legs_of(recording).filter(|leg| leg.is_present() && !leg.stay.apart)
    }

    /// The recording of a leg that is born with this id, whose parent nobody knows: the id itself, or the first of its
    /// successors that is in use or new where that one is over.
    pub(super) fn home_of(&self, told: RecordingId) -> RecordingId {
        let mut id = told;
        while self.is_spent(id) {
            id = successor(id);
        }
        id
    }
}
