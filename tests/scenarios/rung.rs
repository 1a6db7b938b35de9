//! STF-01, NOT-02: who is rung by the company, where more than one is rung, where somebody hangs up in its notice, and
//! where nothing but early media comes.
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallEvent, CallPlan, UserAgent};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::joiners::OTHER;
use crate::oracle::{each_from_its_moment_on, none_recorded, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{begins, heard_whole, never_told, telling, tone};

/// What a callee hears who is to press a key, Hz.
const QUESTION: u32 = 1_300;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise { name: "ring_group", act: |stage| ring_group(stage, "group"), judge: each_from_its_moment_on },
        Promise {
            name: "ring_group_of_a_thread_each",
            act: |stage| {
                let (cast, account) = ring_group(stage, "enterprise")?;
                Ok((cast, Account { recordings: 2, ..account }))
            },
            judge: won_by_one,
        },
        Promise { name: "next_in_line_after_a_refusal", act: next_in_line, judge: each_from_its_moment_on },
        Promise {
            name: "callee_leaves_in_its_notice",
            act: |stage| callee_leaves(stage, false),
            judge: |_, findings| not_recorded("refused_hangup", findings),
        },
        Promise {
            name: "callee_leaves_in_its_notice_after_early_media",
            act: |stage| callee_leaves(stage, true),
            judge: |_, findings| not_recorded("refused_hangup", findings),
        },
        Promise {
            name: "callee_sends_nothing_back",
            act: sends_nothing,
            judge: |_, findings| not_recorded("no_speech", findings),
        },
        Promise { name: "early_media_alone_tells_nobody", act: early_media_alone, judge: nobody_is_listed },
    ]);
    trials.push(on_freeswitch("an_own_confirm_key_is_asked_for_after_the_notice", own_confirm_key));
    trials
}

/// A host on which the agent rings two outside parties at once by `group`, and one of them by its number.
fn cast(stage: &Stage, other: &UserAgent) -> Proof<Cast> {
    let casting = telling(stage, &[])?;
    let (one, two) = (casting.caller.dial_string(), other.dial_string());
    casting
        .extension("group", &[("bridge", &format!("{one},{two}"))])
        .extension("enterprise", &[("bridge", &format!("{one}:_:{two}"))])
        .extension("line-up", &[("bridge", &format!("{one}|{two}"))])
        .extension(OTHER, &[("bridge", &two)])
        .start(stage)
}

/// Both pick up, the second while the first is told: the first is who is talked to, the second is let go and was never
/// a party.
fn ring_group(stage: &Stage, extension: &str) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = cast(stage, &other)?;
    let agent = cast.agent.call(extension, cast.host.sip_port(), silent())?;
    let first = cast.caller.incoming(SOON)?;
    let second = other.incoming(SOON)?;
    first.say(Speech::Tone(CALLER));
    second.say(Speech::Tone(THIRD));
    first.answer()?;
    begins(&first)?;
    second.answer()?;
    let told = heard_whole(&first)?;
    first.say(Speech::Silence);
    agent.wait_answered(SOON)?;
    second.wait_ended(SOON)?;
    agent.talk(Duration::from_millis(400))?;
    converse(&[(&first, CALLER), (&agent, AGENT)])?;
    agent.hang_up()?;
    first.wait_ended(SOON)?;
    let mut account = Account::of(&[(&first, CALLER), (&agent, AGENT)])?;
    account.moments = vec![(first.id().into(), told.to)];
    Ok((cast, account))
}

/// Of calls of their own, the one that won is recorded; of the other nothing is kept.
fn won_by_one(account: &Account, findings: &Findings) -> Proof {
    let (won, lost) = findings.recorded_and_others();
    each_from_its_moment_on(account, &won)?;
    none_recorded("no_speech", &lost)
}

/// The first leaves in its notice; the next one is rung, told, and talked to.
fn next_in_line(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = cast(stage, &other)?;
    cast.caller.answering(Answering::AtOnce, silent());
    other.answering(Answering::AtOnce, CallPlan::tone(CALLER));
    let agent = cast.agent.call("line-up", cast.host.sip_port(), silent())?;
    let first = cast.caller.incoming(SOON)?;
    begins(&first)?;
    first.talk(Duration::from_millis(600))?;
    first.hang_up()?;
    let second = other.incoming(SOON)?;
    let told = heard_whole(&second)?;
    second.say(Speech::Silence);
    agent.wait_answered(SOON)?;
    agent.talk(Duration::from_millis(400))?;
    converse(&[(&second, CALLER), (&agent, AGENT)])?;
    agent.hang_up()?;
    second.wait_ended(SOON)?;
    let mut account = Account::of(&[(&second, CALLER), (&agent, AGENT)])?;
    account.moments = vec![(second.id().into(), told.to)];
    Ok((cast, account))
}

/// Who rang hears that nobody is there, and not that its call stands.
fn callee_leaves(stage: &Stage, with_early_media: bool) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = cast(stage, &other)?;
    let agent = cast.agent.call(OTHER, cast.host.sip_port(), silent())?;
    let callee = other.incoming(SOON)?;
    if with_early_media {
        callee.early_media()?;
        agent.wait("for early media", SOON, |event| (*event == CallEvent::Provisional(183)).then_some(()))?;
    }
    callee.answer()?;
    begins(&callee)?;
    callee.talk(Duration::from_millis(600))?;
    callee.hang_up()?;
    let refused = |event: &CallEvent| if let CallEvent::Refused(status) = event { Some(*status) } else { None };
    let status = agent.wait("for the refusal", SOON, refused)?;
    promise!(status == 480, "a callee that left in its notice is not available; the caller got {status}");
    promise!(agent.when(|event| *event == CallEvent::Answered).is_none(), "the caller's call never stood");
    let account = Account::of(&[(&callee, CALLER)])?;
    Ok((cast, account))
}

/// A far end of which no packet comes: told, and nothing to keep.
fn sends_nothing(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = cast(stage, &other)?;
    other.answering(Answering::AtOnce, CallPlan::saying(Speech::Nothing));
    let job = format!("bgapi originate {} &park", other.dial_string());
    cast.host.must(&job)?;
    let callee = other.incoming(SOON)?;
    callee.wait_answered(SOON)?;
    heard_whole(&callee)?;
    callee.talk(Duration::from_millis(500))?;
    callee.hang_up()?;
    let account = Account::of(&[(&callee, CALLER)])?;
    Ok((cast, account))
}

/// Whoever rings asks for a key: the callee hears the notice, then the question, and who presses another key or none
/// is not connected.
fn own_confirm_key(stage: &Stage) -> Proof {
    let question = tone(stage.directory().join("question.wav"), QUESTION, 600)?;
    let cast = telling(stage, &[])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    cast.caller.answering(Answering::AtOnce, silent());
    let confirm = format!("group_confirm_key=5,group_confirm_file={}", question.display());
    let line = format!("originate {} &bridge([{confirm}]{})", cast.agent.dial_string(), cast.caller.dial_string());
    cast.host.must(&format!("bgapi {line}"))?;
    let callee = cast.caller.incoming(SOON)?;
    let agent = cast.agent.incoming(SOON)?;
    heard_whole(&callee)?;
    callee.media().wait_heard(QUESTION, SOON)?;
    callee.press("4")?;
    callee.talk(Duration::from_millis(700))?;
    callee.say(Speech::Tone(CALLER));
    callee.talk(Duration::from_millis(700))?;
    // Where not a packet came, nobody was heard.
    let connected = agent.heard().is_ok_and(|heard| !heard.audible(CALLER).is_empty());
    promise!(!connected, "another key connects nobody");
    callee.press("5")?;
    agent.media().wait_heard(CALLER, SOON)?;
    agent.hang_up()?;
    callee.wait_ended(SOON)?;
    cast.wait_idle()
}

fn nobody_is_listed(_: &Account, findings: &Findings) -> Proof {
    promise!(findings.views.is_empty(), "nobody answered, so there is no call to list: {:#?}", findings.views);
    Ok(())
}

/// 183 with tones, then busy: no notice plays to nobody, and nobody answered, so there is no call to list.
fn early_media_alone(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = cast(stage, &other)?;
    let agent = cast.agent.call(OTHER, cast.host.sip_port(), silent())?;
    let callee: Call = other.incoming(SOON)?;
    callee.say(Speech::Tone(THIRD));
    callee.early_media()?;
    callee.talk(Duration::from_secs(2))?;
    callee.refuse(486);
    agent.wait("for the refusal", SOON, |event| matches!(event, CallEvent::Refused(_)).then_some(()))?;
    // Where not a packet came, no prompt did.
    promise!(callee.heard().is_err() || never_told(&callee).is_ok(), "no prompt plays in early media");
    Ok((cast, Account::default()))
}
