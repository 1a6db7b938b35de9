//! What a leg's CDR says of its recording, and whether every CDR is accounted for (REC-02).
use std::ffi::CStr;
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

/// How the leg's party stands.
const STATE: &CStr = c"callvault_state";

/// Sets the CDR's variables, at the leg's hang-up: the outcome as it is, or as it looks while the last audio is being
/// sealed or others talk on.
pub fn write(module: &Module, session: Session<'_>, leg: &Leg) {
    let Some(view) = module.recorder.leg_view(leg.key) else { return };
    let answered = leg.answered.load(Ordering::Acquire);
    if leg.side == Side::Company && leg.is_party && answered {
        session.set_variable(STATE, COMPANY);
    }
    show_state(module, session, leg);
    if let Some(outcome) = view.outcome {
        session.set_variable(c"callvault_outcome", &outcome_text(outcome));
    }
}

/// Sets how an outside leg's party stands, as far as it is known; what the host keeps of the leg for after a crash has it
/// too.
pub fn show_state(module: &Module, session: Session<'_>, leg: &Leg) {
    let standing = module.recorder.leg_view(leg.key).and_then(|view| view.standing);
    if let Some(standing) = standing.filter(|_| leg.side == Side::Outside)
        && session.variable(STATE).as_deref() != Some(standing.as_str())
    {
        session.set_variable(STATE, standing.as_str());
        session.keep_for_recovery();
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
