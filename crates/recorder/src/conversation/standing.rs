//! What parties mean, and what becomes of how they stand: notices, digits, the agent's word, time.
use std::time::Duration;

use crate::conversation::consent::{By, Step};
use crate::conversation::effect::{Alarm, Effect, Request, Shown, ShutReason};
use crate::conversation::input::{DevicePreference, Side, Signal, Wishes};
use crate::conversation::leg::{GateState, Leg};
use crate::conversation::recording::Recording;
use crate::conversation::timers::{NOTICE_CUT, TimerReason};
use crate::conversation::{Conversations, Moment};
use crate::evidence::{NoticeEvidence, NoticeState, StandingChange};
use crate::ids::{LegKey, RecordingId};
use crate::policy::Policy;

/// What the policy says of a conversation, as it is now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    attest_beep: Duration,
    attest_within: Duration,
    pub(super) pause_at_most: Duration,
    pub(super) staff_beep: bool,
}

impl Rules {
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            attest_beep: policy.attest_beep,
            attest_within: policy.attest_within,
            pause_at_most: policy.pause_at_most,
            staff_beep: policy.staff_beep,
        }
    }
}

impl Conversations {
    /// Takes the party one step on; how it stands then is known to its recording when it joins, or at once.
    pub(super) fn stand(&mut self, key: LegKey, step: Step, when: Moment) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let (consent, change) = leg.consent.step(step, when.at);
        leg.consent = consent;
        if let Some((standing, by)) = change.filter(|_| leg.is_party && leg.side == Side::Outside) {
            let by = match by {
                By::Prompt => "prompt",
                By::Digit => "digit",
                By::Agent => "agent",
                By::Command => "command",
                By::Device => "device",
                By::Elsewhere => &leg.told_by,
            };
            let change = StandingChange { leg: leg.uuid.clone(), standing, at_ms: when.now, by: by.to_owned() };
            leg.standings.push(change);
        }
        match consent.asked_until() {
            Some(until) => self.timers.set(until, TimerReason::Consent(key)),
            None => self.timers.unset(TimerReason::Consent(key)),
        }
        match consent.cut_since() {
            Some(since) => self.timers.set(since.plus(NOTICE_CUT), TimerReason::NoticeCut(key)),
            None => self.timers.unset(TimerReason::NoticeCut(key)),
        }
        if !consent.is_unattested() {
            leg.attest_awaited = false;
            self.timers.unset(TimerReason::AttestBeep(key));
            self.timers.unset(TimerReason::Attest(key));
        }
    }

    pub(super) fn answered(&mut self, key: LegKey, when: Moment) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        if !std::mem::replace(&mut leg.answered, true) {
            self.stand(key, Step::Answered, when);
        }
    }

    pub(super) fn notice_ended(
        &mut self,
        key: LegKey,
        evidence: NoticeEvidence,
        when: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let whole = evidence.state == NoticeState::Informed;
        leg.notices.push(evidence);
        self.stand(key, Step::NoticeEnded { whole }, when);
        if self.legs.get(&key).is_some_and(|leg| leg.consent.agreed_before_asked()) {
            self.stand(key, Step::Agree, when);
        }
        if !whole {
            self.alarm_if_untold(key, effects);
        }
    }

    /// The leg met somebody: a notice that was cut short before that was no hang-up, and who heard none went on
    /// untold. In early media nobody has gone on yet.
    pub(super) fn met(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.met = true;
        let was_cut = leg.consent.cut_since().is_some();
        if was_cut || leg.answered {
            self.stand(key, Step::WentOn, when);
        }
        if was_cut {
            self.alarm_if_untold(key, effects);
        }
    }

    /// The leg goes on after a notice that was cut short, so that was no hang-up.
    pub(super) fn went_on_after_cut(&mut self, key: LegKey, when: Moment, effects: &mut Vec<Effect>) {
        if self.legs.get(&key).is_some_and(|leg| leg.consent.cut_since().is_some()) {
            self.stand(key, Step::WentOn, when);
            self.alarm_if_untold(key, effects);
        }
    }

    /// Said once of a leg: an outside party goes on untold, in a conversation that would have been recorded.
    pub(super) fn alarm_if_untold(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| leg.is_present() && leg.consent.is_untold()) else {
            return;
        };
        let wanted = self.recordings.get(&leg.recording).is_some_and(Recording::is_wanted);
        if wanted && !std::mem::replace(&mut leg.alarmed_untold, true) {
            effects.push(Effect::Alarm(Alarm::NotInformed { recording: leg.recording, leg: leg.uuid.clone() }));
        }
    }

    /// The leg's party said this, or whoever is named. The company's party speaks for the outside ones.
    pub(super) fn signalled(
        &mut self,
        key: LegKey,
        signal: Signal,
        by: Option<By>,
        when: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(leg) = self.legs.get(&key).filter(|leg| leg.is_party) else { return };
        let id = leg.recording;
        match (leg.side, signal) {
            (Side::Outside, Signal::Object) => self.stand(key, Step::Object(by.unwrap_or(By::Digit)), when),
            (Side::Outside, Signal::Agree) => self.stand(key, Step::Agree, when),
            (Side::Outside, Signal::Decline) => self.stand(key, Step::Decline, when),
            // No digit of an outside party means this.
            (Side::Outside, Signal::Attest) => self.stand(key, Step::Attest(by.unwrap_or(By::Command)), when),
            (Side::Outside, Signal::Pause | Signal::Resume) | (Side::Company, Signal::Agree | Signal::Decline) => {}
            (Side::Company, Signal::Object) => self.stand_all(id, Step::Object(by.unwrap_or(By::Agent)), when),
            (Side::Company, Signal::Attest) => self.stand_all(id, Step::Attest(by.unwrap_or(By::Agent)), when),
            (Side::Company, Signal::Pause) => self.pause(key, true, when, effects),
            (Side::Company, Signal::Resume) => self.pause(key, false, when, effects),
        }
    }

    /// The leg's device takes part in the signs of recording; one that prefers none speaks for its party (NOT-07).
    pub(super) fn device_aware(&mut self, key: LegKey, preference: DevicePreference, when: Moment) {
        let Some(leg) = self.legs.get_mut(&key).filter(|leg| leg.is_party) else { return };
        leg.device_aware = true;
        if leg.side == Side::Outside && preference == DevicePreference::Off {
            self.stand(key, Step::Object(By::Device), when);
        }
    }

    /// NOT-07: devices that want to know hear how they are recorded. A hold or a mute changes nothing of it.
    pub(super) fn show_recording(&mut self, id: RecordingId, effects: &mut Vec<Effect>) {
        let Some(recording) = self.recordings.get(&id) else { return };
        for key in &recording.members {
            let Some(leg) = self.legs.get_mut(key).filter(|leg| leg.device_aware && leg.is_present()) else { continue };
            let shown = match (recording.closed.is_some(), leg.gate) {
                (false, GateState::Open) => Shown::On,
                (false, GateState::Shut(Some(ShutReason::Paused))) => Shown::Paused,
                (false, GateState::Shut(Some(ShutReason::Hold | ShutReason::Muted | ShutReason::Waiting))) => continue,
                (true, _) | (false, GateState::Shut(_)) => Shown::Off,
            };
            if std::mem::replace(&mut leg.shown, shown) != shown {
                effects.push(Effect::Ask { leg: *key, request: Request::ShowRecording(shown) });
            }
        }
    }

    fn stand_all(&mut self, id: RecordingId, step: Step, when: Moment) {
        for key in self.outside_parties(id, |_| true) {
            self.stand(key, step, when);
        }
    }

    fn outside_parties(&self, id: RecordingId, wanted: impl Fn(&Leg) -> bool) -> Vec<LegKey> {
        let Some(recording) = self.recordings.get(&id) else { return Vec::new() };
        let is_wanted = |leg: &Leg| leg.is_present() && leg.side == Side::Outside && wanted(leg);
        recording.members.iter().copied().filter(|key| self.legs.get(key).is_some_and(is_wanted)).collect()
    }

    pub(super) fn wish(&mut self, key: LegKey, wishes: &Wishes, when: Moment) {
        let Some(leg) = self.legs.get_mut(&key) else { return };
        leg.retention = leg.retention.into_iter().chain(wishes.retention).min();
        if let Some(mode) = wishes.mode.filter(|_| leg.side == Side::Outside) {
            leg.consent = leg.consent.in_mode(mode);
        }
        if wishes.exempt {
            leg.exempt = true;
            self.stand(key, Step::Exempt, when);
        }
    }

    /// Who was informed and is with somebody goes on; an agent's time to attest runs from when both are there.
    pub(super) fn see_who_goes_on(&mut self, id: RecordingId, when: Moment) {
        for key in self.outside_parties(id, |leg| leg.consent.is_only_informed() && leg.is_linked()) {
            self.stand(key, Step::WentOn, when);
        }
        if self.recordings.get(&id).is_none_or(|recording| recording.refusal.is_some()) || self.agent_of(id).is_none() {
            return;
        }
        for key in self.outside_parties(id, |leg| leg.consent.is_unattested() && !leg.attest_awaited) {
            if let Some(leg) = self.legs.get_mut(&key) {
                leg.attest_awaited = true;
                self.timers.set(when.at.plus(self.rules.attest_beep), TimerReason::AttestBeep(key));
                self.timers.set(when.at.plus(self.rules.attest_within), TimerReason::Attest(key));
            }
        }
    }

    /// The company's party that is to attest there: the first that came.
    fn agent_of(&self, id: RecordingId) -> Option<LegKey> {
        let members = self.recordings.get(&id)?.members.iter().copied();
        members
            .into_iter()
            .find(|key| self.legs.get(key).is_some_and(|leg| leg.is_present() && leg.side == Side::Company))
    }

    /// STF-02: the company's party is reminded, and nobody else.
    pub(super) fn remind_to_attest(&mut self, key: LegKey, effects: &mut Vec<Effect>) {
        let agent = self.legs.get(&key).and_then(|leg| self.agent_of(leg.recording));
        effects.extend(agent.map(|leg| Effect::Ask { leg, request: Request::Beep }));
    }

    /// Nobody attested, and the party leaves or it is too late: it was not informed, and an operator knows whose
    /// task it was.
    pub(super) fn not_attested(&mut self, key: LegKey, step: Step, when: Moment, effects: &mut Vec<Effect>) {
        self.stand(key, step, when);
        let Some(leg) = self.legs.get(&key).filter(|leg| leg.is_present() && leg.consent.is_not_attested()) else {
            return;
        };
        let recording = leg.recording;
        if !self.recordings.get(&recording).is_some_and(Recording::is_wanted) {
            return;
        }
        let agent = self.agent_of(recording).and_then(|agent| self.legs.get(&agent));
        effects.push(Effect::Alarm(match agent {
            Some(agent) => Alarm::NotAttested { recording, leg: agent.uuid.clone() },
            None => Alarm::NotInformed { recording, leg: leg.uuid.clone() },
        }));
    }
}
