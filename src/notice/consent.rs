//! The window after an opt-in prompt: the party hears silence, and is read, until it has answered or the time is over.
use std::ffi::CStr;
use std::time::Duration;

use callvault_recorder::policy::Policy;
use callvault_recorder::time::{Clock, SystemClock};

use crate::ffi::session::Session;
use crate::legs::Leg;
use crate::module::Module;

/// With this variable the host sends silence where it would send nothing; -1 is silence without noise.
const SILENCE: (&CStr, &str) = (c"send_silence_when_idle", "-1");

/// The recorder decides until when it waits; this is what may pass until it does.
const LATEST: Duration = Duration::from_millis(500);

/// Waits until the recorder knows how the party stands. What it says in between is not captured, and the digits that it
/// presses are its answer: whoever reads digits next does not get them.
pub(super) fn wait(module: &Module, policy: &Policy, session: Session<'_>, leg: &Leg) {
    let before = session.variable(SILENCE.0);
    session.set_variable(SILENCE.0, SILENCE.1);
    let longest = u32::try_from((policy.consent_within + LATEST).as_millis()).unwrap_or(u32::MAX);
    session.wait_for_answer(longest, || is_asked(module, leg));
    session.set_variable(SILENCE.0, before.as_deref().unwrap_or_default());
}

/// The recorder still waits for the party's answer.
fn is_asked(module: &Module, leg: &Leg) -> bool {
    let until = module.recorder.leg_view(leg.key).and_then(|view| view.asked_until);
    until.is_some_and(|until| SystemClock.monotonic() <= until)
}
