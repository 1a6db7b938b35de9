//! Whether a leg's frames are let through, recomputed from its levels and its conversation's.
use std::num::NonZeroU32;

use crate::capture::Generation;
use crate::conversation::consent::Step;
use crate::conversation::effect::{Alarm, Effect, NewTrack, OpenGate, Opening, Request, ShutReason};
use crate::conversation::input::Side;
use crate::conversation::leg::{GateState, Leg};
use crate::conversation::recording::Recording;
use crate::conversation::{Conversations, Moment};
use crate::evidence::GapReason;
use crate::ids::{LegKey, RecordingId};

impl Conversations {
    /// Sets every gate of the recording to what it should be: first those that shut, then those that open.
    pub(super) fn set_gates(&mut self, id: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        let members: Vec<LegKey> = recording.members.iter().copied().collect();
        let mut opening = Vec::new();
        for key in members {
            match self.verdict(key) {
                Ok(()) => opening.push(key),
                Err(reason) => self.shut(key, reason, effects),
            }
        }
        for key in opening {
            if self.legs.get(&key).is_some_and(|leg| leg.consent.is_only_informed()) {
                self.stand(key, Step::WentOn, when);
                self.join(key, when, effects);
            }
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
        if recording.closed.is_some() {
            return Err(ShutReason::Objected);
        }
        if leg.stay.no_key {
            return Err(ShutReason::NoKey);
        }
        if !leg.tapped || leg.bypassed {
            return Err(ShutReason::NoMedia);
        }
        if !leg.consent.is_told() || !self.may_capture(recording, leg.side) {
            return Err(ShutReason::Withheld);
        }
        if recording.pause.is_some() {
            return Err(ShutReason::Paused);
        }
        if leg.muted {
            return Err(ShutReason::Muted);
        }
        if self.is_any_of_pair(key, |leg| leg.held) {
            return Err(ShutReason::Hold);
        }
        if self.is_any_of_pair(key, |leg| leg.waiting) { Err(ShutReason::Waiting) } else { Ok(()) }
    }

    /// Whether a party of that side of the conversation may be captured: an outside party that was told is there, and
    /// nobody who was not, whose line is exempt, or without any of the company's. While only somebody is there whom an
    /// agent has yet to tell, what the agent says is captured, for it is the proof (STF-03). The company's party alone
    /// is no conversation: its line may stand open until the next caller comes.
    fn may_capture(&self, recording: &Recording, side: Side) -> bool {
        let present = self.present(recording);
        let outside = present.clone().filter(|leg| leg.side == Side::Outside);
        let told = outside.clone().any(|leg| leg.consent.is_told());
        let proof = side == Side::Company && outside.clone().any(|leg| leg.consent.is_unattested());
        let nobody_outside = outside.count() == 0;
        let colleagues = nobody_outside && present.clone().count() > 1;
        let in_scope = told || proof || (colleagues && (recording.cleared || recording.record_internal));
        in_scope
            && recording.refusal.is_none()
            && !self.lacks_company(recording)
            && !self.has_yet_to_win(recording)
            && !present.clone().any(Leg::forbids)
    }

    /// Whether the company's leg that rings others has not answered yet: whom it rings may still lose that race, and
    /// speaks to nobody.
    fn has_yet_to_win(&self, recording: &Recording) -> bool {
        let mut company = self.legs_of(recording).filter(|leg| leg.side == Side::Company);
        company.any(|leg| leg.rings_others() && !leg.is_linked())
    }

    /// Outside parties are among themselves (REC-09), whether they were told yet or not: the company is no party to what
    /// they say. Nor to what the last of them says when the others have left. Who rings others is one of them: that leg
    /// answers last.
    fn lacks_company(&self, recording: &Recording) -> bool {
        let concerned = self.legs_of(recording).filter(|leg| leg.is_present() || leg.rings_others());
        let (company, outside): (Vec<&Leg>, Vec<&Leg>) = concerned.partition(|leg| leg.side == Side::Company);
        let among_themselves = company.is_empty() && outside.iter().any(|leg| leg.is_present());
        recording.knows_company && among_themselves && (outside.len() > 1 || recording.seen.no_company)
    }

    /// What those who are there mean for the conversation's scope and its outcome.
    pub(super) fn take_note(&mut self, id: RecordingId) {
        let Some(recording) = self.recordings.get(&id) else { return };
        let company = self.present(recording).any(|leg| leg.side == Side::Company);
        let lacks_company = self.lacks_company(recording);
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        recording.knows_company |= company;
        recording.seen.no_company |= lacks_company;
        for leg in recording.members.clone().iter().filter_map(|key| self.legs.get(key)) {
            recording.take_note_of(leg);
        }
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
                    standings: leg.standings.clone(),
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
        let begins_for_staff = leg.side == Side::Company && matches!(opening, Opening::First(_));
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
        if begins_for_staff && self.rules.staff_beep {
            effects.push(Effect::Ask { leg: key, request: Request::Beep });
        }
    }

    fn alarm_bypass(&mut self, id: RecordingId, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        if !recording.is_wanted() || !(recording.cleared || recording.record_internal) {
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
        if leg.is_present() || (!leg.is_party && !leg.hung_up) {
            self.retention = self.retention.into_iter().chain(leg.retention).min();
        }
        if !leg.is_settled() {
            return;
        }
        self.seen.emergency |= leg.emergency;
        self.seen.exempt |= leg.exempt;
        self.seen.no_media |= leg.bypassed;
        if leg.side == Side::Outside {
            self.seen.outside = true;
            self.seen.untellable |= leg.bypassed && leg.consent.left_untold();
            self.cleared |= leg.consent.is_told() && !leg.exempt && !leg.emergency;
        }
    }
}
