//! What a leg's CDR says of its recording, and whether every CDR is accounted for (REC-02).
use std::sync::atomic::Ordering;

use callvault_recorder::conversation::Side;
use callvault_recorder::ids::RecordingId;
use callvault_recorder::policy::Outcome;

use super::Leg;
use crate::ffi::events::WrittenOff;
use crate::ffi::session::Session;
use crate::module::{Module, module};

/// A leg that hung up because another of its ring group answered is no party.
const LOST_RACE: &str = "LOSE_RACE";

/// The word of a leg on the company's side; every other one is how an outside party stands.
const COMPANY: &str = "company";

/// Sets the CDR's variables, at the leg's hang-up: the outcome as it is, or as it looks while the last audio is being
/// sealed or others talk on.
pub fn write(module: &Module, session: Session<'_>, leg: &Leg) {
    let Some(view) = module.recorder.leg_view(leg.key) else { return };
    let answered = leg.answered.load(Ordering::Acquire);
    let state = match leg.side {
        Side::Company => (leg.is_party && answered).then_some(COMPANY),
        Side::Outside => view.standing.map(|standing| standing.as_str()),
    };
    if let Some(state) = state {
        session.set_variable(c"callvault_state", state);
    }
    if let Some(outcome) = view.outcome {
        session.set_variable(c"callvault_outcome", &outcome_text(outcome));
    }
}

/// An outcome as the CDR variable has it.
pub fn outcome_text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Recorded => "recorded".into(),
        Outcome::NotRecorded(reason) => format!("not_recorded({})", reason.as_str()),
    }
}

/// The host wrote a leg off, on one of its event threads. A leg that our hooks never saw has no id, and an answered one
/// of that kind is a call that nobody can account for.
pub fn written_off(leg: &WrittenOff) {
    let Some(module) = module() else { return };
    let is_party = !leg.channel.starts_with("loopback/") && leg.cause != LOST_RACE;
    let answered = !matches!(leg.answered_at.as_str(), "" | "0");
    let recording = leg.callvault_id.parse::<RecordingId>().ok();
    module.recorder.reconcile(leg.uuid.clone(), recording, answered, is_party);
}
