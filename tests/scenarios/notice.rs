//! NOT-01, NOT-02: nothing of a party is captured before it heard the notice; who hangs up in it is not recorded.
use std::path::{Path, PathBuf};
use std::time::Duration;

use callvault_test_support::callvault::Vault;
use callvault_test_support::clock::unix_ms;
use callvault_test_support::intervals::{Interval, joined, listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, tone_sample};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};
use crate::oracle::{alone_on, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};

/// The prompt's tone, Hz, and its length.
const PROMPT: u32 = 700;
const PROMPT_MS: i64 = 2_000;

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
    ]);
    trials.push(on_freeswitch("refused_leaves_nothing_on_disk", nothing_on_disk));
    trials
}

/// A tone of two seconds as the prompt.
pub fn prompt(within: &Path) -> Proof<PathBuf> {
    let file = within.join("notice.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&file, spec)?;
    for index in 0..PROMPT_MS as u64 * 8 {
        writer.write_sample(tone_sample(PROMPT, 8_000, index))?;
    }
    writer.finalize()?;
    Ok(file)
}

fn telling(stage: &Stage) -> Proof<Casting> {
    let prompt = prompt(stage.directory())?;
    let tell = |vault: Vault| {
        vault.with("uninformed", "play").with("default-language", "en").with_notice(&prompt.to_string_lossy(), "en")
    };
    let casting = Casting::new(stage)?.policy(tell);
    let dial = casting.agent.dial_string();
    Ok(casting.extension("line", &[("answer", ""), ("callvault_notice", ""), ("bridge", &dial)]))
}

/// The caller speaks from its answer on, through the notice; the agent too.
fn dialplan_tells(stage: &Stage) -> Proof<(Cast, Account)> {
    told_inbound(telling(stage)?.start(stage)?, "line")
}

fn nobody_tells(stage: &Stage) -> Proof<(Cast, Account)> {
    told_inbound(telling(stage)?.start(stage)?, "2001")
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
    let cast = telling(stage)?.start(stage)?;
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

/// Waits until the prompt was heard, whole and in one piece; when, in Unix ms.
fn heard_whole(call: &Call) -> Proof<Interval> {
    call.media().wait_heard(PROMPT, SOON)?;
    call.talk(Duration::from_millis(PROMPT_MS as u64 + 300))?;
    let heard = call.heard()?;
    let zero = unix_ms(heard.started);
    let prompt = joined(&heard.audible(PROMPT), 40);
    promise!(prompt.len() == 1, "the prompt is heard once, whole: {}", listed(&prompt));
    promise!((prompt[0].length() - PROMPT_MS).abs() <= 60, "{PROMPT_MS} ms of prompt are due: {}", listed(&prompt));
    Ok(prompt[0].seen_from(-zero))
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
        (0..=120).contains(&(found[0].from - told)) || (found[0].from - told).abs() <= 40,
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
    let cast = telling(stage)?.start(stage)?;
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

fn callee_leaves(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage)?.start(stage)?;
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
    let cast = telling(stage)?.start(stage)?;
    leave_in_the_notice(&cast)?;
    cast.wait_idle()?;
    cast.vault.wait_listed(&cast.host, 1)?;
    let segments = std::fs::read_dir(cast.vault.data().join("segments"))?.count();
    promise!(segments == 0, "{segments} segments of a call that was not recorded");
    Ok(())
}
