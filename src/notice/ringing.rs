//! Room for the notice of whoever is rung: the host's clocks run on while it waits and plays (switch_ivr_originate.c).
use std::ffi::CStr;
use std::time::Duration;

use callvault_recorder::conversation::{Direction, Side};
use callvault_recorder::policy::{NoticeMode, OutboundNotice, Policy, Uninformed};

use super::PromptBook;
use super::media::SETTLED_WITHIN;
use crate::ffi::attend::{Digits, Writes};
use crate::ffi::session::{Flag, Session};
use crate::legs::Leg;
use crate::module::Module;

/// How long originate lets a bridge's legs ring, in whole seconds.
const CALL_TIMEOUT: &CStr = c"call_timeout";

/// What it takes where that is not set.
const USUAL_TIMEOUT: u64 = 60;

/// What this module has set it to: a second bridge of the same leg does not add to it again.
const LENGTHENED: &CStr = c"callvault_call_timeout";

/// How long originate lets this one leg ring, in whole seconds.
const LEG_TIMEOUT: &CStr = c"leg_timeout";

/// Before a leg of the company's rings others: whoever answers just in time still hears its notice to the end, and the
/// network's tones go on reaching the leg although nobody has won the call while the notice is waited for.
pub(super) fn make_room(module: &Module, session: Session<'_>, leg: &Leg) {
    let policy = module.recorder.policy();
    if leg.side != Side::Company || !tells_whom_it_rings(&policy) || module.recorder.can_record().is_err() {
        return;
    }
    let Some(longest) = longest(&policy, &module.prompts.load()) else { return };
    let said = session.variable(CALL_TIMEOUT).unwrap_or_default();
    if said.is_empty() || session.variable(LENGTHENED).as_ref() != Some(&said) {
        let lengthened = lengthened(&said, longest).to_string();
        session.set_variable(CALL_TIMEOUT, &lengthened);
        session.set_variable(LENGTHENED, &lengthened);
    }
    let is_unset = |name| session.variable(name).is_none_or(|value| value.is_empty());
    if is_unset(c"bridge_early_media") && is_unset(c"ignore_early_media") {
        session.set_variable(c"bridge_early_media", "true");
    }
}

/// On the leg that is rung: once its notice is under way, its own limit of ringing is kept here and no more by originate,
/// which would hang up on a party that has answered.
pub fn keep_own_limit(session: Session<'_>) {
    session.set_variable(c"group_confirm_timeout", "0");
}

/// Early media is no answer: a prompt played into it reaches nobody who answered. False where the leg does not answer
/// in the time that its dial string gives it; it is hung up then, as originate does.
pub(super) fn wait_for_answer(session: Session<'_>, leg: &Leg) -> bool {
    let limit =
        session.variable(LEG_TIMEOUT).and_then(|seconds| seconds.trim().parse().ok()).filter(|&limit| limit > 0);
    let limit = limit.map(Duration::from_secs);
    let is_late = || limit.is_some_and(|limit| leg.born.elapsed() > limit);
    let rings = || session.is_only_rung() && !session.flag(Flag::Answered) && !is_late();
    session.attend(Writes::Nothing, Digits::Stay, rings);
    let answered = session.is_up() && session.flag(Flag::Answered);
    if !answered && is_late() {
        session.give_up();
    }
    answered
}

/// Whether legs that are rung are told by the module.
pub fn tells_whom_it_rings(policy: &Policy) -> bool {
    policy.uninformed == Uninformed::Play && policy.outbound_notice == OutboundNotice::Play
}

/// The longest time that telling a party who is rung may take.
fn longest(policy: &Policy, book: &PromptBook) -> Option<Duration> {
    let mode = policy.notice_mode;
    let in_language = |language: &String| policy.prompt_for(Direction::Outbound, mode, language);
    let languages = policy.prompts.iter().map(|prompt| &prompt.language);
    let prompt = languages.filter_map(in_language).filter_map(|prompt| book.length(prompt)).max()?;
    let asked = if mode == NoticeMode::OptIn { policy.consent_within } else { Duration::ZERO };
    Some(SETTLED_WITHIN + prompt + asked)
}

fn lengthened(said: &str, by: Duration) -> u64 {
    let said = said.trim().parse().ok().filter(|&seconds| seconds > 0).unwrap_or(USUAL_TIMEOUT);
    // One more: the host counts whole seconds.
    said.saturating_add(by.as_millis().div_ceil(1000) as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_ringing_is_lengthened_by_whole_seconds_and_one() {
        let by = Duration::from_millis(5_800);
        for (said, expected) in [("20", 27), (" 20 ", 27), ("", 67), ("0", 67), ("-3", 67), ("soon", 67)] {
            assert_eq!(lengthened(said, by), expected, "{said}");
        }
    }
}
