//! Whether a leg's frames are let through, recomputed from its levels and its conversation's.
use std::num::NonZeroU32;

use crate::capture::Generation;
use crate::conversation::effect::{Alarm, Effect, NewTrack, OpenGate, Opening, ShutReason};
use crate::conversation::input::Side;
use crate::conversation::leg::{GateState, Leg};
use crate::conversation::recording::Recording;
use crate::conversation::{Conversations, Moment};
use crate::evidence::GapReason;
use crate::ids::{LegKey, RecordingId};

impl Conversations {
    /// Sets every gate of the recording to what it should be: first those that shut, then those that open.
    pub(super) fn set_gates(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        let members: Vec<LegKey> = recording.members.iter().copied().collect();
        for leg in members.iter().filter_map(|key| self.legs.get(key)) {
            recording.take_note_of(leg);
        }
        let mut opening = Vec::new();
        for key in members {
            match self.verdict(key) {
                Ok(()) => opening.push(key),
                Err(reason) => self.shut(key, reason, effects),
            }
        }
        for key in opening {
            self.open(key, when, effects);
        }
        self.alarm_bypass(id, effects);
    }

    /// Shuts the leg's gate where it is open.
    pub(super) fn shut(&mut self, key: LegKey, reason: ShutReason, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        if leg.gate == GateState::Open {
            leg.gate = GateState::Shut(Some(reason));
            effects.push(Effect::ShutGate { leg: key, reason });
        }
    }

    /// The controller had no key for the leg's new track: it was never opened.
    pub(super) fn key_refused(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        self.shut(key, ShutReason::NoKey, effects);
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.stay.no_key = true;
        let Some(track) = leg.stay.track.take() else { return };
        if let Some(recording) = self.recordings.get_mut(&leg.recording) {
            recording.tracks.remove(&key);
            recording.kept.remove(&track);
            recording.seen.no_key = true;
        }
    }

    /// `Ok` where the leg's party is captured now, else why not.
    fn verdict(&self, key: LegKey) -> Result<(), ShutReason> {
        let Some(leg) = self.legs.get(&key).filter(|leg| leg.is_present()) else { return Err(ShutReason::HungUp) };
        let Some(recording) = self.recordings.get(&leg.recording) else { return Err(ShutReason::HungUp) };
        if leg.stay.no_key {
            return Err(ShutReason::NoKey);
        }
        if !leg.tapped || leg.bypassed {
            return Err(ShutReason::NoMedia);
        }
        if !leg.is_told() || !self.may_capture(recording) {
            return Err(ShutReason::Withheld);
        }
        if leg.paused {
            return Err(ShutReason::Paused);
        }
        if leg.muted {
            return Err(ShutReason::Muted);
        }
        if self.is_held(key) { Err(ShutReason::Hold) } else { Ok(()) }
    }

    /// Whether anyone of the conversation may be captured: it is in scope, an outside party was told, and nobody
    /// is there who was not, or whose line is exempt. The company's party alone is no conversation: its line may
    /// stand open until the next caller comes.
    fn may_capture(&self, recording: &Recording) -> bool {
        let present = recording.members.iter().filter_map(|key| self.legs.get(key)).filter(|leg| leg.is_present());
        let outside = present.clone().any(|leg| leg.side == Side::Outside);
        let in_scope =
            (recording.cleared && (outside || present.clone().count() > 1)) || (recording.record_internal && !outside);
        in_scope && recording.refusal.is_none() && !present.clone().any(Leg::forbids)
    }

    fn open(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let Some(recording) = self.recordings.get_mut(&leg.recording) else { return };
        let (GateState::Shut(since), Some(party), Some(zero)) = (leg.gate, leg.stay.party, recording.zero) else {
            return;
        };
        let (track, opening) = match recording.tracks.get(&key).copied() {
            Some(track) => (track, Opening::Again(since.map_or(GapReason::Withheld, ShutReason::gap))),
            None => {
                let Some(track) = recording.number(key) else { return };
                let new = NewTrack {
                    started: zero.at,
                    started_at: zero.now,
                    notices: leg.notices.clone(),
                    personal: leg.personal.clone(),
                };
                (track, Opening::First(Box::new(new)))
            }
        };
        // A leg whose gate opened four thousand million times stays shut rather than use a generation twice.
        let Some(generation) = leg.generation.checked_add(1).and_then(NonZeroU32::new) else { return };
        leg.generation = generation.get();
        leg.gate = GateState::Open;
        leg.stay.track = Some(track);
        effects.push(Effect::OpenGate(Box::new(OpenGate {
            leg: key,
            generation: Generation(generation),
            recording: leg.recording,
            track,
            party,
            uuid: leg.uuid.clone(),
            at: when.at,
            opening,
        })));
    }

    fn alarm_bypass(&mut self, id: RecordingId, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        if recording.refusal.is_some() || !(recording.cleared || recording.record_internal) {
            return;
        }
        for key in &recording.members {
            let Some(leg) = self.legs.get_mut(key) else { continue };
            if leg.bypassed && leg.is_present() && !std::mem::replace(&mut leg.stay.alarmed_bypass, true) {
                effects.push(Effect::Alarm(Alarm::MediaBypassed { recording: id, leg: leg.uuid.clone() }));
            }
        }
    }
}

impl Recording {
    /// What a present party means for the conversation's scope and its outcome.
    fn take_note_of(&mut self, leg: &Leg) {
        if !leg.is_present() || leg.is_pending() {
            return;
        }
        self.seen.emergency |= leg.emergency;
        self.seen.exempt |= leg.exempt;
        self.seen.no_media |= leg.bypassed;
        if leg.side == Side::Outside {
            self.seen.outside = true;
            self.cleared |= leg.is_told() && !leg.exempt && !leg.emergency;
        }
    }
}
