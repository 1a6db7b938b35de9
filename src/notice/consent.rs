//! The window after an opt-in prompt: the party hears silence, and is read, until it has answered or the time is over.
use std::time::{Duration, Instant};

use callvault_recorder::policy::Policy;
use callvault_recorder::time::{Clock, SystemClock};

use crate::ffi::attend::{Digits, Writes};
use crate::ffi::session::Session;
use crate::legs::Leg;
use crate::module::Module;

/// The recorder decides until when it waits; this is what may pass until it does.
const LATEST: Duration = Duration::from_millis(500);

/// Waits until the recorder knows how the party stands. What it says in between is not captured, and the digits that it
/// presses are its answer: whoever reads digits next does not get them.
pub(super) fn wait(module: &Module, policy: &Policy, session: Session<'_>, leg: &Leg) {
    let latest = Instant::now() + policy.consent_within + LATEST;
    session.attend(Writes::Silence, Digits::Taken, || {
        session.is_ready() && is_asked(module, leg) && Instant::now() < latest
    });
}

/// The recorder still waits for the party's answer.
fn is_asked(module: &Module, leg: &Leg) -> bool {
    let until = module.recorder.leg_view(leg.key).and_then(|view| view.asked_until);
    until.is_some_and(|until| SystemClock.monotonic() <= until)
}
