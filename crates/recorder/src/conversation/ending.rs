//! Legs that leave, and recordings whose last party left.
use crate::conversation::consent::Step;
use crate::conversation::effect::{Effect, ShutReason};
use crate::conversation::input::{Kept, Side};
use crate::conversation::leg::Leg;
use crate::conversation::recording::{Recording, WentOn};
use crate::conversation::timers::{TRACKS_CLOSE, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::{NotRecorded, Outcome};

impl Conversations {
    /// The leg hung up. Said again, it changes nothing.
    pub(super) fn hung_up(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| !leg.hung_up) else { return };
        let id = leg.recording;
        // A late joiner's leaving at once says nothing of those who were there before.
        let step = match leg.consent.is_just_told(when.at) && !leg.stay.came_late {
            true => Step::LeftAtOnce,
            false => Step::HungUp { met: leg.met },
        };
        if leg.consent.is_unattested() {
            self.not_attested(key, step, when, effects);
        } else {
            self.stand(key, step, when);
        }
        self.alarm_if_untold(key, effects);
        // What it means that it hangs up now ends the recording while the leg is still one of it.
        if self.legs.get(&key).is_some_and(|leg| leg.ends_recordings()) {
            self.settle_recording(id, when, effects);
        }
        self.leave(key, ShutReason::HungUp, when, effects);
        self.timers.forget_leg(key);
        self.unlink(key);
        if let Some(leg) = self.legs.get_mut(&key) {
            leg.hung_up = true;
            leg.personal = Default::default();
        }
        self.settle_recording(id, when, effects);
        self.finish_if_over(id, when, effects);
    }

    /// The leg lost its ring group's race: it never was a party. Where it was rung by a thread of its own, it answered
    /// to nobody.
    pub(super) fn lost_race(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.lost_race = true;
        let id = leg.recording;
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        recording.founder.take_if(|founder| *founder == key && !recording.tracks.contains_key(&key));
        let was_alone = recording.parties == u32::from(leg.stay.party.is_some());
        let legs = &self.legs;
        let is_alone = !recording.members.iter().filter_map(|key| legs.get(key)).any(Leg::is_present);
        if recording.zero.is_some() && was_alone && is_alone {
            recording.seen.outside |= legs.get(&key).is_some_and(|leg| leg.side == Side::Outside);
            self.close(id, NotRecorded::NoSpeech, false, when, effects);
        }
    }

    /// The leg leaves its recording: its track there ends.
    pub(super) fn leave(&mut self, key: LegKey, reason: ShutReason, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let id = leg.recording;
        let was_present = leg.is_present();
        if was_present {
            self.join(key, when, effects);
            self.see_off(key);
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
    fn see_off(&mut self, key: LegKey) {
        let Some(leg) = self.legs.get(&key) else { return };
        let Some(recording) = self.recordings.get_mut(&leg.recording) else { return };
        recording.seen.outside |= leg.side == Side::Outside;
        recording.seen.no_media |= !leg.tapped;
        recording.seen.refused |= leg.consent.refused();
        recording.seen.untold |= leg.consent.left_untold();
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
        let waits = !recording.is_sealed() && recording.closed.is_none();
        self.resume(id, None, when, effects);
        if waits {
            self.timers.set(when.at.plus(TRACKS_CLOSE), TimerReason::TracksClose(id));
        }
        self.conclude(id, false, effects);
    }

    /// Says the outcome where it is known, or where nobody will tell more of it: once, when the last party has left
    /// or the recording was closed before.
    pub(super) fn conclude(&mut self, id: RecordingId, at_last: bool, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        let is_left = recording.members.is_empty();
        let is_concluded = recording.closed.is_some_and(|closed| closed.concluded);
        if !is_concluded {
            if !(is_left || recording.closed.is_some()) || !(recording.is_sealed() || at_last) {
                return;
            }
            if let Some(closed) = recording.closed.as_mut() {
                closed.concluded = true;
            }
            self.timers.unset(TimerReason::TracksClose(id));
            if let Some(zero) = recording.zero {
                effects.extend(recording.result(id, zero));
                self.over.remember(id);
            }
        }
        if is_left {
            self.recordings.remove(&id);
            self.timers.forget(id);
        }
    }
}

impl Recording {
    fn result(&self, id: RecordingId, zero: Moment) -> [Effect; 2] {
        let left = self.closed.map(|closed| closed.when).or(self.last_left);
        let ended_at = left.unwrap_or(zero).now;
        let outcome = self.outcome();
        let merged_into = match self.went_on_in {
            WentOn::In(other) if outcome != Outcome::Recorded && self.closed.is_none() => Some(other),
            WentOn::In(_) | WentOn::Nowhere | WentOn::HungUp => None,
        };
        let retention = self.retention;
        [
            Effect::Ended { recording: id, ended_at },
            Effect::Outcome { recording: id, outcome, ended_at, retention, merged_into },
        ]
    }
}
