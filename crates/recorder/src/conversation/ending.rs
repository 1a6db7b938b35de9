//! Legs that leave, and recordings whose last party left.
use crate::conversation::effect::{Alarm, Effect, ShutReason};
use crate::conversation::input::{Kept, Side};
use crate::conversation::leg::Telling;
use crate::conversation::recording::WentOn;
use crate::conversation::timers::{NOTICE_CUT, TRACKS_CLOSE, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::Outcome;

impl Conversations {
    /// The leg hung up. Said again, it changes nothing.
    pub(super) fn hung_up(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| !leg.hung_up) else { return };
        let id = leg.recording;
        match leg.telling {
            Telling::Playing => leg.telling = Telling::Refused,
            Telling::Cut(at) if when.at.since(at) <= NOTICE_CUT => leg.telling = Telling::Refused,
            Telling::Cut(_) => self.went_on_untold(key, effects),
            Telling::Needless
            | Telling::Untold
            | Telling::Due
            | Telling::Informed
            | Telling::NotInformed
            | Telling::Refused => {}
        }
        self.leave(key, ShutReason::HungUp, when, effects);
        self.unlink(key);
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.hung_up = true;
            leg.personal = Default::default();
        }
        self.settle_recording(id, when, effects);
        self.finish_if_over(id, when, effects);
    }

    /// The leg lost its ring group's race: it never was a party.
    pub(super) fn lost_race(&mut self, key: LegKey) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.lost_race = true;
        if let Some(recording) = self.recordings.get_mut(&leg.recording) {
            recording.founder.take_if(|founder| *founder == key && !recording.tracks.contains_key(&key));
        }
    }

    /// The leg leaves its recording: its track there ends.
    pub(super) fn leave(&mut self, key: LegKey, reason: ShutReason, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let id = leg.recording;
        let was_present = leg.is_present();
        if was_present {
            self.join(key, when, effects);
            self.see_off(key, reason, effects);
        }
        self.shut(key, reason, effects);
        let Some(leg) = self.legs.get_mut(&key) else { return };
        if let Some(track) = leg.stay.track.take() {
            effects.push(Effect::CloseTrack { leg: key, recording: id, track });
        }
        let was_party = leg.is_party;
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        recording.members.remove(&key);
        if was_present && reason == ShutReason::HungUp {
            recording.went_on_in = WentOn::HungUp;
        }
        let legs = &self.legs;
        if was_party && !recording.members.iter().filter_map(|key| legs.get(key)).any(|leg| leg.is_party) {
            recording.last_left = Some(when);
        }
    }

    /// What a party that leaves means for the outcome.
    fn see_off(&mut self, key: LegKey, reason: ShutReason, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let Some(recording) = self.recordings.get_mut(&leg.recording) else { return };
        recording.seen.outside |= leg.side == Side::Outside;
        recording.seen.no_media |= !leg.tapped;
        match leg.telling {
            Telling::Refused => recording.seen.refused = true,
            Telling::Untold | Telling::Due => {
                recording.seen.untold = true;
                // A caller who is gone before the notice began went on to nobody.
                if reason == ShutReason::HungUp && (leg.met || leg.telling == Telling::Untold) {
                    self.alarm_untold(key, effects);
                }
            }
            Telling::Playing | Telling::Cut(_) | Telling::NotInformed => recording.seen.untold = true,
            Telling::Needless | Telling::Informed => {}
        }
    }

    /// The leg went on after a notice that was cut short, so that was no hang-up.
    pub(super) fn went_on_untold(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| matches!(leg.telling, Telling::Cut(_))) else { return };
        leg.telling = if leg.told_elsewhere { Telling::Needless } else { Telling::NotInformed };
        if leg.telling == Telling::NotInformed && leg.is_present() {
            self.alarm_untold(key, effects);
        }
    }

    /// An outside party went on without having been told, in a conversation that would have been recorded.
    fn alarm_untold(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let wanted = self.recordings.get(&leg.recording).is_some_and(|recording| recording.refusal.is_none());
        if wanted {
            effects.push(Effect::Alarm(Alarm::NotInformed { recording: leg.recording, leg: leg.uuid.clone() }));
        }
    }

    /// What became of a track that was closed.
    pub(super) fn track_closed(&mut self, id: RecordingId, track: TrackNumber, kept: Kept, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        if let Some(place) = recording.kept.get_mut(&track) {
            *place = Some(kept);
        }
        self.conclude(id, false, effects);
    }

    /// Where nobody is left, the recording is over: one that nobody answered leaves nothing, any other has its
    /// outcome when its tracks are closed.
    pub(super) fn finish_if_over(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        if !recording.members.is_empty() {
            return;
        }
        if !recording.is_sealed() {
            self.timers.set(when.at.plus(TRACKS_CLOSE), TimerReason::TracksClose(id));
        }
        self.conclude(id, false, effects);
    }

    /// Says the outcome where it is known, or where nobody will tell more of it.
    pub(super) fn conclude(&mut self, id: RecordingId, at_last: bool, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id).filter(|recording| recording.members.is_empty()) else { return };
        if !recording.is_sealed() && !at_last {
            return;
        }
        if let (Some(zero), left) = (recording.zero, recording.last_left) {
            let ended_at = left.unwrap_or(zero).now;
            effects.push(Effect::Ended { recording: id, ended_at });
            let outcome = recording.outcome();
            let merged_into = match recording.went_on_in {
                WentOn::In(other) if outcome != Outcome::Recorded => Some(other),
                WentOn::In(_) | WentOn::Nowhere | WentOn::HungUp => None,
            };
            effects.push(Effect::Outcome { recording: id, outcome, ended_at, retention: None, merged_into });
            self.over.remember(id);
        }
        self.recordings.remove(&id);
        self.timers.forget(id);
    }
}
