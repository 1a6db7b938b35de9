//! The notice: `callvault_notice` in a dialplan, and the same hung on legs that no dialplan told (decision 17).
mod confirm;
mod consent;
mod media;
mod playing;
mod prompts;
mod proof;
mod ringing;
mod waiting;
mod watch;

use std::ffi::{CStr, CString};
use std::sync::Arc;

use callvault_recorder::conversation::{LegInput, Side};
use callvault_recorder::evidence::{NoticeState, Standing};
use callvault_recorder::ids::LegKey;
use callvault_recorder::policy::{NoticeMode, PROMPT_STOPPED, Policy, Prompt};

use crate::ffi::interfaces;
use crate::ffi::session::{Flag, Located, Session};
use crate::legs::{self, ANSWER_WITHIN, Leg, Registry, Telling, Told};
use crate::module::{Module, module};

pub use confirm::keep as keep_own_confirmation;
use playing::PlainPlaying;
pub use prompts::{MeasuredPrompt, PromptBook};
pub use ringing::{keep_own_limit, tells_whom_it_rings};
pub use watch::Watch;

/// The application's name.
pub const APPLICATION: &CStr = c"callvault_notice";

/// A name that no module's application has.
const NOBODYS: &str = "callvault";

/// Where the host notes which application a leg is in.
const CURRENT_APPLICATION: &CStr = c"current_application";

/// What the host runs at an inbound leg's answer.
pub const AT_ANSWER: &str = "callvault_notice at=answer";

/// What the host runs on a leg of the company's before it rings others.
pub const AT_RINGING: &str = "callvault_notice at=ringing";

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
    tell(&module, session, &leg, &wanted, arguments);
    if wanted.at == At::Confirm {
        interfaces::outside_application_lock(|| confirm::ask(session));
    }
}

fn tell(module: &Module, session: Session<'_>, leg: &Arc<Leg>, wanted: &Arguments, arguments: &str) {
    if wanted.at == At::Ringing {
        ringing::make_room(module, session, leg);
        return session.set_variable(CURRENT_APPLICATION, NOBODYS);
    }
    if !leg.is_party || leg.told() == Told::Done {
        return;
    }
    // Answered by another thread (uuid_answer): the leg's own thread plays it, between its own reads.
    if wanted.at != At::Confirm && !session.in_own_thread() {
        return session.queue_application(APPLICATION, arguments);
    }
    // The dialplan's first word means the notice that the module played at the answer, where it did; a further one means
    // another.
    if wanted.at == At::Dialplan && leg.dialplan_tells_first() && leg.had_notice() {
        return;
    }
    let answered = match wanted.at {
        At::Confirm => ringing::wait_for_answer(session, leg),
        At::Dialplan | At::Answer | At::Ringing => session.flag(Flag::Answered) || session.answer(),
    };
    if !answered {
        return;
    }
    // The answer's own message comes after what runs at the answer: here it counts as told.
    legs::answered(module, session, leg);
    legs::read_wishes(module, session, leg);
    if leg.exempt() {
        return;
    }
    legs::tap_writes(session, leg);
    if leg.begin_notice() {
        // At `unload -f` the host hangs up every call whose variable names an application of the module that goes; this
        // call is to go on.
        let application = session.variable(CURRENT_APPLICATION);
        session.set_variable(CURRENT_APPLICATION, NOBODYS);
        let told = interfaces::outside_application_lock(|| play(module, session, leg, wanted));
        // What the host runs beside the dialplan has put its name in place of the one that goes on afterwards.
        if wanted.at == At::Dialplan {
            session.set_variable(CURRENT_APPLICATION, application.as_deref().unwrap_or_default());
        }
        leg.end_notice(told);
    }
}

fn play(module: &Module, session: Session<'_>, leg: &Arc<Leg>, wanted: &Arguments) -> Telling {
    let uuid = leg.uuid();
    let name = uuid.as_str();
    // A prompt never states what is not true (NOT-08).
    if let Err(reason) = module.recorder.can_record() {
        tracing::warn!(leg = name, "no notice is played: {reason}");
        return Telling::NotBegun;
    }
    if objects(module, leg) {
        tracing::info!(leg = name, "no notice is played: the party has said that it is not to be recorded");
        return Telling::NotBegun;
    }
    let policy = module.recorder.policy();
    let prompt = match chosen(module, &policy, session, leg, wanted) {
        Ok(prompt) => prompt,
        Err(NotPlayed { prompt, why }) => {
            tracing::error!(leg = name, "no notice is played, and the party does not count as told: {why}");
            let named =
                prompt.as_ref().map(|prompt| [&prompt.id, &prompt.version, &prompt.language].map(String::as_str));
            let evidence = proof::nothing(leg, named.unwrap_or_default());
            module.recorder.tell_and_wait(leg.key, LegInput::NoticeEnded(Box::new(evidence)), ANSWER_WITHIN);
            return Telling::Broken;
        }
    };
    if wanted.at == At::Answer {
        let line = session.variable(c"destination_number").unwrap_or_default();
        module.recorder.told_only_by_module(&line);
    }
    let informed = play_and_tell(module, &policy, session, leg, &prompt);
    if informed && leg.side == Side::Outside && leg.mode(&policy) == NoticeMode::OptIn {
        consent::wait(module, &policy, session, leg);
    }
    if informed { Telling::Whole } else { Telling::Broken }
}

/// A prompt that is played again would not be true of who said no to the one before (NOT-08).
fn objects(module: &Module, leg: &Leg) -> bool {
    let standing = module.recorder.leg_view(leg.key).and_then(|view| view.standing);
    matches!(standing, Some(Standing::Objected | Standing::Declined | Standing::Withdrawn))
}

/// Plays it, when its way out is open, with the other side kept company and all that changes playing put aside; whether it
/// was sent whole. The recorder knows before anything is put back: what the party says next is captured.
fn play_and_tell(
    module: &Module,
    policy: &Policy,
    session: Session<'_>,
    leg: &Arc<Leg>,
    prompt: &MeasuredPrompt,
) -> bool {
    // A leg that was bridged in early media has a peer that goes on writing to it: let it discard meanwhile.
    leg.hear_notice_alone(session, true);
    let others = waiting::entertain(module, policy, leg);
    let plain = PlainPlaying::on(session);
    let evidence = if media::wait(session) {
        // The bug may not have been put on before there was media.
        legs::tap_writes(session, leg);
        module.recorder.tell_and_wait(leg.key, LegInput::NoticeStarted, ANSWER_WITHIN);
        let begun = proof::Begun::on(session, leg);
        let played = session.play(&prompt.source);
        begun.ended(session, leg, prompt, played, prompt.is_unaltered())
    } else {
        let uuid = leg.uuid();
        tracing::warn!(
            leg = uuid.as_str(),
            "no notice is played: its media path did not open before the leg went or in time"
        );
        proof::nothing(leg, [&prompt.id, &prompt.version, &prompt.language].map(String::as_str))
    };
    let informed = evidence.state == NoticeState::Informed;
    module.recorder.tell_and_wait(leg.key, LegInput::NoticeEnded(Box::new(evidence)), ANSWER_WITHIN);
    drop(plain);
    drop(others);
    leg.hear_notice_alone(session, false);
    informed
}

/// A notice that cannot be played.
struct NotPlayed {
    prompt: Option<Prompt>,
    why: String,
}

/// The prompt for this leg: the one asked for, or by direction and mode.
fn chosen(
    module: &Module,
    policy: &Policy,
    session: Session<'_>,
    leg: &Leg,
    wanted: &Arguments,
) -> Result<MeasuredPrompt, NotPlayed> {
    let language = wanted.language.clone().or_else(|| language_of(policy, session)).unwrap_or_default();
    let prompt = match &wanted.prompt {
        Some(id) => policy.prompt(id, &language),
        None => policy.prompt_for(leg.direction, leg.mode(policy), &language),
    };
    let none = || NotPlayed { prompt: None, why: "no such prompt is configured".into() };
    let prompt = prompt.ok_or_else(none)?;
    if session.flag(Flag::ProxyMode) || session.flag(Flag::ProxyMedia) {
        let why = "its media bypasses this host; turn bypass_media or proxy_media off for it".into();
        return Err(NotPlayed { prompt: Some(prompt.clone()), why });
    }
    let book = module.prompts.load();
    let found = book.usable(prompt, |state| module.recorder.prompts(state));
    found.map_err(|why| NotPlayed { prompt: Some(prompt.clone()), why })
}

/// What says to the leg's party that recording has stopped, where there is such a prompt and it may be played.
pub fn saying_stopped(registry: &Registry, leg: LegKey) -> Option<CString> {
    let module = module()?;
    let policy = module.recorder.policy();
    let session = Located::by_uuid(&registry.by_key(leg)?.uuid())?;
    let language = language_of(&policy, *session).unwrap_or_default();
    let prompt = policy.prompt(PROMPT_STOPPED, &language)?;
    match module.prompts.load().usable(prompt, |state| module.recorder.prompts(state)) {
        Ok(prompt) => CString::new(prompt.source).ok(),
        Err(why) => {
            tracing::error!("nobody is told that recording has stopped: {why}");
            None
        }
    }
}

fn language_of(policy: &Policy, session: Session<'_>) -> Option<String> {
    let named = policy.dialplan_may.language.then_some(c"callvault_language");
    named
        .into_iter()
        .chain([c"default_language", c"language"])
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
    /// The host, on a leg that is about to ring others.
    Ringing,
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
                Some(("at", "ringing")) => arguments.at = At::Ringing,
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
