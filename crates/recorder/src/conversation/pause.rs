//! Pauses for payment data (REC-13): of whole conversations, never without an end.
use crate::conversation::effect::Effect;
use crate::conversation::timers::TimerReason;
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, LegUuid, RecordingId};

/// A conversation's capture is paused.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    /// The leg from whose side it came.
    leg: LegUuid,
    since: Moment,
}

impl Conversations {
    /// The leg's conversation is paused, or goes on. Said again it changes nothing: a pause does not grow.
    pub(super) fn pause(&mut self, key: LegKey, on: bool, when: Moment, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.get(&key) else { return };
        let (id, leg) = (leg.recording, leg.uuid.clone());
        if !on {
            return self.resume(id, Some(leg), when, effects);
        }
        let Some(recording) = self.recordings.get_mut(&id) else { return };
        if recording.pause.is_some() || recording.closed.is_some() {
            return;
        }
        recording.pause = Some(Pause { leg: leg.clone(), since: when });
        self.timers.set(when.at.plus(self.rules.pause_at_most), TimerReason::PauseEnds(id));
        effects.push(Effect::Paused { recording: id, leg, on: true, lasted: None, by_itself: false });
    }

    /// The pause is over, by that leg's wish or by itself.
    pub(super) fn resume(&mut self, id: RecordingId, by: Option<LegUuid>, when: Moment, effects: &mut Vec<Effect>) {
        let Some(pause) = self.recordings.get_mut(&id).and_then(|recording| recording.pause.take()) else { return };
        self.timers.unset(TimerReason::PauseEnds(id));
        effects.push(Effect::Paused {
            recording: id,
            by_itself: by.is_none(),
            leg: by.unwrap_or(pause.leg),
            on: false,
            lasted: Some(when.at.since(pause.since.at)),
        });
    }

    /// Everyone went from that recording to this one, and the pause with them; its end stays where it was.
    pub(super) fn pause_moves(&mut self, from: RecordingId, to: RecordingId, when: Moment, effects: &mut Vec<Effect>) {
        let Some(pause) = self.recordings.get(&from).and_then(|recording| recording.pause.clone()) else { return };
        let ends = self.timers.at(TimerReason::PauseEnds(from));
        self.resume(from, None, when, effects);
        let Some(target) = self.recordings.get_mut(&to).filter(|target| target.pause.is_none()) else { return };
        target.pause = Some(Pause { leg: pause.leg.clone(), since: when });
        self.timers.set(ends.unwrap_or(when.at), TimerReason::PauseEnds(to));
        effects.push(Effect::Paused { recording: to, leg: pause.leg, on: true, lasted: None, by_itself: false });
    }
}
