//! NOT-01, NOT-02: nothing of a party is captured before it heard the notice; who hangs up in it is not recorded.
use std::time::{Duration, Instant};

use callvault_test_support::intervals::{joined, listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::{alone_on, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{LONG_PROMPT_MS, PROMPT, begins, heard_whole, long_prompt, telling};

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise { name: "notice_then_conversation", act: dialplan_tells, judge: captured_after_the_notice },
        Promise { name: "notice_then_hang_up_in_it", act: caller_leaves, judge: refused },
        Promise {
            name: "notice_at_the_answer_of_who_was_not_told",
            act: nobody_tells,
            judge: captured_after_the_notice,
        },
        Promise {
            name: "notice_on_a_callee_before_the_conversation",
            act: callee_is_told,
            judge: captured_after_the_notice,
        },
        Promise { name: "callee_hangs_up_in_the_notice", act: callee_leaves, judge: refused },
        Promise {
            name: "caller_hangs_up_at_10_percent_of_the_notice",
            act: |stage| leaves_at(stage, 10),
            judge: |_, findings| refused_at(findings, 10),
        },
        Promise {
            name: "caller_hangs_up_at_50_percent_of_the_notice",
            act: |stage| leaves_at(stage, 50),
            judge: |_, findings| refused_at(findings, 50),
        },
        Promise {
            name: "caller_hangs_up_at_99_percent_of_the_notice",
            act: |stage| leaves_at(stage, 99),
            judge: |_, findings| refused_at(findings, 99),
        },
    ]);
    trials.push(on_freeswitch("refused_leaves_nothing_on_disk", nothing_on_disk));
    trials
}

/// The caller speaks from its answer on, through the notice; the agent too.
fn dialplan_tells(stage: &Stage) -> Proof<(Cast, Account)> {
    told_inbound(telling(stage, &[])?.start(stage)?, "line")
}

fn nobody_tells(stage: &Stage) -> Proof<(Cast, Account)> {
    told_inbound(telling(stage, &[])?.start(stage)?, "2001")
}

fn told_inbound(cast: Cast, extension: &str) -> Proof<(Cast, Account)> {
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial(extension, CallPlan::tone(CALLER))?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    let heard = heard_whole(&out)?;
    out.talk(Duration::from_secs(1))?;
    out.say(Speech::Silence);
    converse(&[(&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    account.moments = vec![("told".into(), heard.to)];
    Ok((cast, account))
}

fn callee_is_told(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    cast.caller.answering(Answering::AtOnce, CallPlan::tone(CALLER));
    cast.agent.answering(Answering::AtOnce, silent());
    let job = format!("originate {} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string());
    let answer = cast.host.events().background(&job, SOON)?;
    promise!(answer.starts_with("+OK"), "`{job}` answered {answer}");
    let (out, into) = (cast.caller.incoming(SOON)?, cast.agent.incoming(SOON)?);
    let heard = heard_whole(&out)?;
    into.media().wait_heard(CALLER, SOON)?;
    out.talk(Duration::from_secs(1))?;
    out.say(Speech::Silence);
    converse(&[(&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let begun = into.heard()?.audible(CALLER);
    promise!(!begun.is_empty(), "the agent hears the callee after the notice");
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    account.moments = vec![("told".into(), heard.to)];
    Ok((cast, account))
}

fn captured_after_the_notice(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    let zero = zero_of(view)?;
    let caller = &account.parts[0];
    let (channel, _) = track_of(view, &caller.leg)?;
    let told = account.moments[0].1 - zero;
    let found = joined(&opened.audible(channel, CALLER), 70);
    promise!(found.len() == 1, "the caller is heard once, after the notice: {}", listed(&found));
    promise!(
        (-40..=60).contains(&(found[0].from - told)),
        "the notice ended at {told} ms; the caller's track begins with {}",
        listed(&found)
    );
    let end = caller.spoken[0].seen_from(zero).to;
    promise!((found[0].to - end).abs() <= 40, "the caller spoke until {end} ms; its track has {}", listed(&found));
    for frequency in [PROMPT, AGENT] {
        let stray = opened.plainly_audible(channel, frequency);
        promise!(stray.is_empty(), "{frequency} Hz is on the caller's track: {}", listed(&stray));
    }
    let (agent, _) = track_of(view, &account.parts[1].leg)?;
    alone_on(AGENT, opened, agent)?;
    promise!(total(&opened.audible(agent, AGENT)) > 1_000, "the agent is on its track");
    let notice = view.notices.iter().find(|notice| notice["leg"] == caller.leg.as_str());
    let state = notice.map(|notice| notice["state"].as_str().unwrap_or(""));
    promise!(state == Some("informed"), "the caller was informed; the notices are {:#?}", view.notices);
    Ok(())
}

fn caller_leaves(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let call = leave_in_the_notice(&cast)?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn leave_in_the_notice(cast: &Cast) -> Proof<Call> {
    let call = cast.dial("line", CallPlan::tone(CALLER))?;
    call.media().wait_heard(PROMPT, SOON)?;
    call.talk(Duration::from_millis(500))?;
    call.hang_up()?;
    Ok(call)
}

/// The caller hangs up when this share of the prompt was played to it.
fn leaves_at(stage: &Stage, percent: u64) -> Proof<(Cast, Account)> {
    let prompt = long_prompt(stage.directory())?;
    let casting = telling(stage, &[])?.policy(|vault| vault.with_notice(&prompt.to_string_lossy(), "en"));
    let cast = casting.start(stage)?;
    let call = cast.dial("line", CallPlan::tone(CALLER))?;
    let due = begins(&call)? + Duration::from_millis(LONG_PROMPT_MS as u64 * percent / 100);
    call.talk(due.saturating_duration_since(Instant::now()))?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn refused_at(findings: &Findings, percent: i64) -> Proof {
    refused(&Account::default(), findings)?;
    let [notice] = findings.views[0].notices.as_slice() else {
        broken!("one notice was begun: {:#?}", findings.views[0].notices)
    };
    let count = |name: &str| notice[name].as_i64().unwrap_or(-1);
    let (due, written) = (count("frames_due"), count("frames_written"));
    promise!(notice["state"] == "partial", "{percent} % of a notice is no notice: {notice:#}");
    promise!((written * 100 - due * percent).abs() <= due, "{percent} % of {due} packets: {notice:#}");
    Ok(())
}

fn callee_leaves(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    cast.caller.answering(Answering::AtOnce, CallPlan::tone(CALLER));
    let dial = format!("bgapi originate {} &park", cast.caller.dial_string());
    cast.host.api(&dial)?;
    let call = cast.caller.incoming(SOON)?;
    call.media().wait_heard(PROMPT, SOON)?;
    call.talk(Duration::from_millis(500))?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn refused(_: &Account, findings: &Findings) -> Proof {
    let view = &findings.views[0];
    promise!(view.outcome.as_deref() == Some("not_recorded"), "who left in the notice is not recorded: {view:#?}");
    promise!(view.reason.as_deref() == Some("refused_hangup"), "the reason is refused_hangup: {view:#?}");
    promise!(view.state == "none", "no audio is kept: {}", view.state);
    promise!(view.notices.iter().all(|notice| notice["state"] != "informed"), "not informed: {:#?}", view.notices);
    Ok(())
}

fn nothing_on_disk(stage: &Stage) -> Proof {
    let cast = telling(stage, &[])?.start(stage)?;
    leave_in_the_notice(&cast)?;
    cast.wait_idle()?;
    cast.vault.wait_listed(&cast.host, 1)?;
    let segments = std::fs::read_dir(cast.vault.data().join("segments"))?.count();
    promise!(segments == 0, "{segments} segments of a call that was not recorded");
    Ok(())
}
