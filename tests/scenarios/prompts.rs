//! NOT-03: only a prompt that is what it should be tells anybody, in the language that fits. NOT-06: who waits meanwhile,
//! and who is rung.
use std::path::{Path, PathBuf};
use std::time::Duration;

use callvault_test_support::callvault::Vault;
use callvault_test_support::intervals::{listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, silent};
use crate::oracle::{each_from_its_moment_on, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{PROMPT, dutch, heard_whole, never_told, prompt, telling};

/// As many words as a prompt of that length can have.
const WORDS: &str = "This call is recorded, see example.org.";

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise {
            name: "a_prompt_without_a_manifest_tells_nobody_where_one_is_required",
            act: |stage| refused(stage, None),
            judge: goes_on_untold,
        },
        Promise {
            name: "a_prompt_that_lacks_an_enabled_purpose_tells_nobody",
            act: |stage| refused(stage, Some("training")),
            judge: goes_on_untold,
        },
        Promise {
            name: "who_has_picked_up_hears_the_waiting_sound_while_the_caller_is_told",
            act: waits,
            judge: each_from_its_moment_on,
        },
        Promise {
            name: "who_answers_just_in_time_hears_the_notice_to_its_end",
            act: just_in_time,
            judge: each_from_its_moment_on,
        },
        Promise {
            name: "the_networks_tones_reach_the_agent_while_the_notice_waits_for_the_answer",
            act: early_media,
            judge: each_from_its_moment_on,
        },
        Promise { name: "who_speaks_english_is_told_in_english", act: in_english, judge: told_in_english },
    ]);
    trials.push(on_freeswitch("a_prompt_that_is_swapped_live_tells_nobody", swapped));
    trials
}

fn casting(stage: &Stage, more: &[(&str, &str)]) -> Proof<(Casting, PathBuf)> {
    let casting = telling(stage, more)?;
    Ok((
        casting.extension("echo", &[("answer", ""), ("callvault_notice", ""), ("echo", "")]),
        prompt(stage.directory())?,
    ))
}

fn describe(cast: &Vault, file: &Path, purposes: &str) -> Proof {
    let file = file.to_string_lossy();
    cast.run(&["prompt", "add", &file, "--language", "en", "--purposes", purposes, "--text", WORDS]).map(drop)
}

/// A call goes on, and nothing of the prompt is heard in it.
fn untold(cast: &Cast) -> Proof<Call> {
    let call = cast.dial("echo", silent())?;
    // Who leaves at once may have refused a notice that it saw coming.
    call.talk(Duration::from_millis(2_500))?;
    never_told(&call)?;
    call.say(Speech::Tone(CALLER));
    call.media().wait_heard(CALLER, SOON)?;
    call.hang_up()?;
    Ok(call)
}

/// It is not recorded because its party could not be told, and an alarm says what is wrong with the prompt.
fn goes_on_untold(_: &Account, findings: &Findings) -> Proof {
    not_recorded("not_informed", findings)?;
    let notices = &findings.views[0].notices;
    let state = notices.first().map(|notice| notice["state"].as_str().unwrap_or(""));
    promise!(state == Some("none"), "the evidence says so: {notices:#?}");
    promise!(findings.alarmed("prompt_unusable"), "an alarm says so: {:#}", findings.status);
    Ok(())
}

fn alarmed(cast: &Cast) -> Proof<bool> {
    let status = cast.vault.status(&cast.host)?;
    let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
    Ok(alarms.iter().any(|alarm| alarm["code"] == "prompt_unusable"))
}

fn swapped(stage: &Stage) -> Proof {
    let (casting, file) = casting(stage, &[("prompt-manifests", "required")])?;
    describe(&casting.vault, &file, "layered")?;
    let cast = casting.start(stage)?;
    promise!(!alarmed(&cast)?, "the prompt is good at first");
    let good = std::fs::read(&file)?;
    let mut altered = good.clone();
    if let Some(last) = altered.last_mut() {
        *last ^= 1;
    }
    std::fs::write(&file, &altered)?;
    let call = untold(&cast)?;
    cast.wait_idle()?;
    goes_on_untold(&Account::of(&[(&call, CALLER)])?, &Findings::gather(&cast.vault, &cast.host, 1)?)?;
    std::fs::write(&file, &good)?;
    let call = cast.dial("echo", silent())?;
    call.media().wait_heard(PROMPT, SOON)?;
    call.hang_up()?;
    promise!(!alarmed(&cast)?, "the prompt is good again");
    Ok(())
}

fn refused(stage: &Stage, purposes: Option<&str>) -> Proof<(Cast, Account)> {
    let (casting, file) = casting(stage, &[("prompt-manifests", "required")])?;
    if let Some(purposes) = purposes {
        describe(&casting.vault, &file, purposes)?;
    }
    let cast = casting.start(stage)?;
    promise!(alarmed(&cast)?, "an alarm says so at load");
    let call = untold(&cast)?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

/// Both speak from their answers on.
fn waits(stage: &Stage) -> Proof<(Cast, Account)> {
    let sound = format!("tone_stream://%(10000,0,{THIRD})");
    let cast = casting(stage, &[("waiting-sound", &sound)])?.0.start(stage)?;
    cast.agent.answering(Answering::AtOnce, CallPlan::tone(AGENT));
    let out = cast.dial("2001", CallPlan::tone(CALLER))?;
    let into = cast.agent.incoming(SOON)?;
    let told = heard_whole(&out)?;
    into.media().wait_heard(CALLER, SOON)?;
    out.media().wait_heard(AGENT, SOON)?;
    into.talk(Duration::from_millis(700))?;
    let (agent, caller) = (into.heard()?, out.heard()?);
    let waited = agent.audible(THIRD);
    promise!(total(&waited) >= 1_700, "the agent hears the waiting sound meanwhile: {}", listed(&waited));
    promise!(caller.audible(THIRD).is_empty(), "the caller does not");
    let end = waited.last().map_or(0, |last| last.to);
    let begun = agent.audible(CALLER);
    let pause = begun.first().map_or(i64::MAX, |first| first.from - end);
    promise!(pause < 400, "{pause} ms after it the agent hears the caller: {} {}", listed(&waited), listed(&begun));
    out.say(Speech::Silence);
    into.say(Speech::Silence);
    out.talk(Duration::from_millis(200))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    account.moments = vec![(out.id().into(), told.to), (into.id().into(), told.to)];
    Ok((cast, account))
}

fn just_in_time(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = casting(stage, &[])?.0.start(stage)?;
    let dial = format!("[leg_timeout=4]{}", cast.caller.dial_string());
    let line = format!("originate {{call_timeout=4}}{} &bridge({dial})", cast.agent.dial_string());
    cast.caller.answering(Answering::Ring, CallPlan::tone(CALLER));
    cast.agent.answering(Answering::AtOnce, silent());
    cast.host.api(&format!("bgapi {line}"))?;
    let out = cast.caller.incoming(SOON)?;
    let agent = cast.agent.incoming(SOON)?;
    // Ringing is what takes so long here.
    agent.talk(Duration::from_millis(3_300))?;
    out.answer()?;
    told_and_connected(cast, &out, &agent)
}

/// The callee hears the notice to its end, then the agent hears the callee.
fn told_and_connected(cast: Cast, out: &Call, agent: &Call) -> Proof<(Cast, Account)> {
    let told = heard_whole(out)?;
    agent.media().wait_heard(CALLER, SOON)?;
    out.talk(Duration::from_millis(700))?;
    out.say(Speech::Silence);
    out.talk(Duration::from_millis(200))?;
    out.hang_up()?;
    agent.wait_ended(SOON)?;
    let mut account = Account::of(&[(out, CALLER), (agent, AGENT)])?;
    account.moments = vec![(out.id().into(), told.to)];
    Ok((cast, account))
}

fn early_media(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = casting(stage, &[])?.0.start(stage)?;
    let line = format!("originate {} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string());
    cast.caller.answering(Answering::ByHand, CallPlan::tone(CALLER));
    cast.agent.answering(Answering::AtOnce, silent());
    cast.host.api(&format!("bgapi {line}"))?;
    let out = cast.caller.incoming(SOON)?;
    let agent = cast.agent.incoming(SOON)?;
    out.early_media()?;
    agent.media().wait_heard(CALLER, SOON)?;
    out.answer()?;
    told_and_connected(cast, &out, &agent)
}

/// The line's dialplan knows who speaks which language.
fn in_english(stage: &Stage) -> Proof<(Cast, Account)> {
    let english = prompt(stage.directory())?;
    let dutch = dutch(stage.directory())?;
    let casting = telling(stage, &[("default-language", "nl")])?.policy(|vault| {
        let vault = vault.with_notice(&dutch.to_string_lossy(), "nl");
        vault.with_prompt("notice", &english.to_string_lossy(), "en")
    });
    let line = [("set", "callvault_language=en"), ("answer", ""), ("callvault_notice", ""), ("echo", "")];
    let cast = casting.extension("english", &line).start(stage)?;
    let call = cast.dial("english", silent())?;
    heard_whole(&call)?;
    promise!(call.heard()?.audible(THIRD).is_empty(), "it does not hear the Dutch one");
    call.talk(Duration::from_millis(500))?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn told_in_english(_: &Account, findings: &Findings) -> Proof {
    let (view, _) = findings.recorded()?;
    let said = view.notices.first().map(|notice| (notice["language"].as_str(), notice["state"].as_str()));
    promise!(said == Some((Some("en"), Some("informed"))), "told in English, whole: {:#?}", view.notices);
    Ok(())
}
