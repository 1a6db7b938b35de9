//! Whether every call that the host wrote off has an outcome here (REC-02), seen within a minute.
use std::time::Duration;

use super::ROWS_ARRIVE;
use super::fault::CommandFault;
use super::keeper::Keeper;
use super::watch::UnreconciledCall;
use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::catalogue::CatalogueFault;
use crate::ids::{LegUuid, RecordingId};
use crate::time::Monotonic;

/// How long an outcome may take behind the hang-up. With the keeper's round this makes less than a minute.
const PATIENCE: Duration = Duration::from_secs(25);
/// Calls that wait at most to be looked at; a round looks at all of them.
const WAITING_AT_MOST: usize = 100_000;

/// An answered call in scope that the host wrote off.
#[derive(Debug, Clone)]
pub(super) struct HungUp {
    pub(super) leg: LegUuid,
    pub(super) recording: Option<RecordingId>,
    pub(super) at: Monotonic,
}

impl Keeper {
    pub(super) fn hung_up(&mut self, call: HungUp) {
        if self.hung_up.len() < WAITING_AT_MOST {
            self.hung_up.push(call);
        }
    }

    /// Looks at all that hung up since; those that do not add up yet get one more round.
    pub(super) fn reconcile(&mut self) {
        let now = self.shared.clock.now();
        if self.shared.watch().forget_old(now) {
            self.shared.clear("unreconciled");
        }
        if self.hung_up.is_empty() {
            return;
        }
        self.books.flushed(ROWS_ARRIVE);
        let at = self.shared.clock.monotonic();
        for call in std::mem::take(&mut self.hung_up) {
            match self.adds_up(call.recording) {
                Ok(true) => {}
                Ok(false) if at.since(call.at) >= PATIENCE => self.unreconciled(call),
                // A catalogue that does not answer has an alarm of its own; what it knows is asked again.
                Ok(false) | Err(_) => self.hung_up.push(call),
            }
        }
    }

    /// Whether that recording goes on, has its outcome, or was none of its own.
    fn adds_up(&self, recording: Option<RecordingId>) -> Result<bool, CatalogueFault> {
        let Some(id) = recording else { return Ok(false) };
        let goes_on = self.shared.active.load().iter().any(|recording| recording.id == id);
        Ok(goes_on || self.shared.watch().was_merged(id) || self.reader.has_outcome(id)?)
    }

    fn unreconciled(&mut self, call: HungUp) {
        let now = self.shared.clock.now();
        let entry =
            Entry::new(now, Actor::Recorder, Action::CallUnreconciled, Object::Leg(call.leg.clone()), Verdict::Failed);
        let _ = self.audit(match call.recording {
            Some(id) => entry.with("recording", id),
            None => entry,
        });
        let (leg, recording) = (call.leg, call.recording);
        self.shared.watch().unreconciled(UnreconciledCall { leg, recording, found_at_ms: now });
        self.tell_of_unreconciled();
    }

    fn tell_of_unreconciled(&self) {
        let (many, named) = self.shared.watch().unreconciled_calls();
        let Some(last) = named.last() else { return self.shared.clear("unreconciled") };
        self.shared.raise(
            "unreconciled",
            format!(
                "{many} answered calls have neither a recording nor a reason, the last on leg {}; see its CDR and log, then `callvault_admin acknowledge`",
                last.leg
            ),
        );
    }

    /// An operator has read them.
    pub(super) fn acknowledge(&mut self) -> Result<u64, CommandFault> {
        let now = self.shared.clock.now();
        let (many, _) = self.shared.watch().unreconciled_calls();
        let entry = Entry::new(now, Actor::Operator, Action::OperatorAcknowledge, Object::Recorder, Verdict::Done);
        self.audit(entry.with("unreconciled", many))?;
        let many = self.shared.watch().reconciled_by_hand();
        for code in ["unreconciled", "wish_refused", "not_attested"] {
            self.shared.clear(code);
        }
        Ok(many)
    }
}
