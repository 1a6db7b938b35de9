//! The notice: `callvault_notice` in a dialplan, and the same hung on legs that no dialplan told (decision 17).
mod prompts;
mod proof;

use std::ffi::CStr;
use std::sync::Arc;

use callvault_recorder::conversation::LegInput;
use callvault_recorder::evidence::{NoticeEvidence, NoticeState};

use crate::ffi::interfaces;
use crate::ffi::session::{Flag, Played, Session};
use crate::legs::{self, ANSWER_WITHIN, Leg, Told};
use crate::module::Module;

pub use prompts::{MeasuredPrompt, PromptBook};

/// The application's name.
pub const APPLICATION: &CStr = c"callvault_notice";

/// Where the host notes which application a leg is in.
const CURRENT_APPLICATION: &CStr = c"current_application";

/// What the host runs at an inbound leg's answer.
pub const AT_ANSWER: &str = "callvault_notice at=answer";

/// What originate runs on an outbound leg before it counts as answered for the caller.
pub const AT_CONFIRM: &str = "callvault_notice at=confirm";

/// The application: answers, plays, tells the recorder how it went. A leg that was told returns at once.
pub fn run(session: Session<'_>, arguments: &str) {
    let Some((module, leg)) = legs::known(session) else { return };
    let wanted = match Arguments::parse(arguments) {
        Ok(wanted) => wanted,
        Err(fault) => {
            return tracing::error!(leg = leg.uuid().as_str(), "callvault_notice: {fault}; the call goes on, untold");
        }
    };
    if !leg.is_party || leg.told() == Told::Done {
        return;
    }
    // Answered by another thread (uuid_answer): the leg's own thread plays it, between its own reads.
    if wanted.at != At::Confirm && !session.in_own_thread() {
        return session.queue_application(APPLICATION, arguments);
    }
    let answered = match wanted.at {
        At::Confirm => wait_for_answer(session),
        At::Dialplan | At::Answer => session.flag(Flag::Answered) || session.answer(),
    };
    if !answered {
        return;
    }
    // The answer's own message comes after what runs at the answer: here it counts as told.
    legs::answered(&module, session, &leg);
    legs::read_wishes(&module, session, &leg);
    if leg.exempt() {
        return;
    }
    legs::tap_writes(session, &leg);
    if leg.begin_notice() {
        // At `unload -f` the host hangs up every call whose variable names an application of the module that goes; this
        // call is to go on.
        let application = session.variable(CURRENT_APPLICATION);
        session.set_variable(CURRENT_APPLICATION, "callvault");
        interfaces::outside_application_lock(|| play(&module, session, &leg, &wanted));
        session.set_variable(CURRENT_APPLICATION, application.as_deref().unwrap_or_default());
        leg.end_notice();
    }
}

/// Early media is no answer: a prompt played into it reaches nobody who answered.
fn wait_for_answer(session: Session<'_>) -> bool {
    while session.is_up() && !session.flag(Flag::Answered) {
        if !session.wait_ms(20) {
            break;
        }
    }
    session.is_up() && session.flag(Flag::Answered)
}

fn play(module: &Module, session: Session<'_>, leg: &Arc<Leg>, wanted: &Arguments) {
    let uuid = leg.uuid();
    let name = uuid.as_str();
    // A prompt never states what is not true (NOT-08).
    if let Err(reason) = module.recorder.can_record() {
        return tracing::warn!(leg = name, "no notice is played: {reason}");
    }
    let policy = module.recorder.policy();
    let language = wanted.language.clone().or_else(|| language_of(session)).unwrap_or_default();
    let prompt = match &wanted.prompt {
        Some(id) => policy.prompt(id, &language),
        None => policy.prompt_for(leg.direction, policy.notice_mode, &language),
    };
    let Some(prompt) = prompt.and_then(|prompt| module.prompts.load().measured(prompt)) else {
        tracing::error!(leg = name, "no usable prompt is configured: the party is not told");
        module.recorder.tell_and_wait(leg.key, LegInput::NoticeEnded(Box::new(proof::nothing(leg))), ANSWER_WITHIN);
        return;
    };
    module.recorder.tell_and_wait(leg.key, LegInput::NoticeStarted, ANSWER_WITHIN);
    session.flush_digits();
    // A leg that was bridged in early media has a peer that goes on writing to it: let it discard meanwhile.
    let suspended = session.flag(Flag::Bridged);
    if suspended {
        session.set_flag(Flag::Suspend);
    }
    let before = proof::Count::of(session, leg);
    let flowed = session.media_flows_out();
    let played = session.play(&prompt.source);
    let whole = played == Played::Whole && flowed && session.media_flows_out() && session.is_up();
    let evidence = before.evidence(session, leg, &prompt, whole);
    if suspended {
        session.clear_flag(Flag::Suspend);
    }
    report(name, &evidence);
    module.recorder.tell_and_wait(leg.key, LegInput::NoticeEnded(Box::new(evidence)), ANSWER_WITHIN);
}

fn report(leg: &str, evidence: &NoticeEvidence) {
    let NoticeEvidence { prompt, language, frames_written, frames_due, .. } = evidence;
    match evidence.state {
        NoticeState::Informed => tracing::info!(leg, "notice {prompt} ({language}) heard whole"),
        NoticeState::Partial | NoticeState::None => {
            tracing::warn!(
                leg,
                "notice {prompt} ({language}) not heard whole: {frames_written} of {frames_due} packets"
            );
        }
    }
}

fn language_of(session: Session<'_>) -> Option<String> {
    [c"callvault_language", c"default_language", c"language"]
        .into_iter()
        .find_map(|name| session.variable(name).filter(|value| !value.is_empty()))
}

/// Who runs the application.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum At {
    /// A dialplan.
    Dialplan,
    /// The host, at an inbound leg's answer.
    Answer,
    /// Originate, on an outbound leg.
    Confirm,
}

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    at: At,
    prompt: Option<String>,
    language: Option<String>,
}

/// What the application cannot understand.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no argument of it; write prompt=<id> or language=<language>")]
struct UnknownArgument(String);

impl Arguments {
    fn parse(text: &str) -> Result<Self, UnknownArgument> {
        let mut arguments = Self { at: At::Dialplan, prompt: None, language: None };
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some(("prompt", id)) if !id.is_empty() => arguments.prompt = Some(id.to_owned()),
                Some(("language", language)) if !language.is_empty() => arguments.language = Some(language.to_owned()),
                Some(("at", "answer")) => arguments.at = At::Answer,
                Some(("at", "confirm")) => arguments.at = At::Confirm,
                _ => return Err(UnknownArgument(word.to_owned())),
            }
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_applications_arguments_are_words_with_values() {
        let parsed = Arguments::parse(" language=en  prompt=short ").expect("both are known");
        assert_eq!(parsed, Arguments { at: At::Dialplan, prompt: Some("short".into()), language: Some("en".into()) });
        assert_eq!(Arguments::parse(AT_CONFIRM.split_once(' ').expect("two words").1).map(|a| a.at), Ok(At::Confirm));
        assert_eq!(Arguments::parse("loud"), Err(UnknownArgument("loud".into())));
        assert_eq!(Arguments::parse("language="), Err(UnknownArgument("language=".into())));
    }
}
