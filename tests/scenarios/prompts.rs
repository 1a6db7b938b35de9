//! NOT-03, NOT-06: only a prompt that is what it should be tells anybody; who waits meanwhile, and who is rung, on a real
//! host.
use std::path::PathBuf;
use std::time::Duration;

use callvault_test_support::callvault::{Vault, View};
use callvault_test_support::intervals::{listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, CallPlan};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, silent};
use crate::told::prompt;

/// The prompt's tone, Hz, and its length.
const PROMPT: u32 = 700;
const PROMPT_MS: u64 = 2_000;

/// What a party hears while the other one is told, Hz.
const WAITING: u32 = 1_700;

/// As many words as a prompt of that length can have.
const WORDS: &str = "This call is recorded, see example.org.";

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("a_prompt_that_is_swapped_live_tells_nobody", swapped),
        on_freeswitch("a_prompt_without_a_manifest_tells_nobody_where_one_is_required", |stage| {
            refused(stage, &[("prompt-manifests", "required")], None)
        }),
        on_freeswitch("a_prompt_that_lacks_an_enabled_purpose_tells_nobody", |stage| {
            refused(stage, &[("prompt-manifests", "required")], Some("training"))
        }),
        on_freeswitch("who_has_picked_up_hears_the_waiting_sound_while_the_caller_is_told", waits),
        on_freeswitch("who_answers_just_in_time_hears_the_notice_to_its_end", just_in_time),
        on_freeswitch("the_networks_tones_reach_the_agent_while_the_notice_waits_for_the_answer", early_media),
    ]
}

fn casting(stage: &Stage, more: &[(&str, &str)]) -> Proof<(Casting, PathBuf)> {
    let file = prompt(stage.directory())?;
    let tell = |vault: Vault| {
        let vault = vault.with("uninformed", "play").with("default-language", "en");
        let vault = more.iter().fold(vault, |vault, (name, value)| vault.with(name, value));
        vault.with_notice(&file.to_string_lossy(), "en")
    };
    let casting = Casting::new(stage)?.policy(tell);
    Ok((casting.extension("line", &[("answer", ""), ("callvault_notice", ""), ("echo", "")]), file))
}

fn describe(cast: &Vault, file: &std::path::Path, purposes: &str) -> Proof {
    let file = file.to_string_lossy();
    cast.run(&["prompt", "add", &file, "--language", "en", "--purposes", purposes, "--text", WORDS]).map(drop)
}

/// A call goes on, and is not recorded because its party could not be told.
fn goes_on_untold(cast: &Cast) -> Proof<View> {
    let call = cast.dial("line", silent())?;
    // Who leaves at once may have refused a notice that it saw coming.
    call.talk(Duration::from_millis(2_500))?;
    let heard = call.heard()?.audible(PROMPT);
    promise!(total(&heard) < 100, "nothing of the prompt is heard: {}", listed(&heard));
    call.say(Speech::Tone(CALLER));
    call.media().wait_heard(CALLER, SOON)?;
    call.hang_up()?;
    cast.wait_idle()?;
    let row = cast.vault.wait_listed(&cast.host, 1)?.remove(0);
    promise!(row.reason.as_deref() == Some("not_informed"), "it is not recorded, and why: {row:#?}");
    let view = cast.vault.show(&cast.host, &row.id)?;
    let state = view.notices.first().map(|notice| notice["state"].as_str().unwrap_or(""));
    promise!(state == Some("none"), "the evidence says so: {:#?}", view.notices);
    Ok(view)
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
    goes_on_untold(&cast)?;
    promise!(alarmed(&cast)?, "an alarm says that the prompt was swapped");
    std::fs::write(&file, &good)?;
    let call = cast.dial("line", silent())?;
    call.media().wait_heard(PROMPT, SOON)?;
    call.hang_up()?;
    promise!(!alarmed(&cast)?, "the prompt is good again");
    Ok(())
}

fn refused(stage: &Stage, policy: &[(&str, &str)], purposes: Option<&str>) -> Proof {
    let (casting, file) = casting(stage, policy)?;
    if let Some(purposes) = purposes {
        describe(&casting.vault, &file, purposes)?;
    }
    let cast = casting.start(stage)?;
    promise!(alarmed(&cast)?, "an alarm says so at load");
    goes_on_untold(&cast).map(drop)
}

fn waits(stage: &Stage) -> Proof {
    let sound = format!("tone_stream://%(10000,0,{WAITING})");
    let cast = casting(stage, &[("waiting-sound", &sound)])?.0.start(stage)?;
    cast.agent.answering(Answering::AtOnce, CallPlan::tone(AGENT));
    let out = cast.dial("2001", CallPlan::tone(CALLER))?;
    let into = cast.agent.incoming(SOON)?;
    into.media().wait_heard(CALLER, SOON)?;
    out.media().wait_heard(AGENT, SOON)?;
    into.talk(Duration::from_millis(700))?;
    let (agent, caller) = (into.heard()?, out.heard()?);
    let waited = agent.audible(WAITING);
    promise!(total(&waited) >= 1_700, "the agent hears the waiting sound meanwhile: {}", listed(&waited));
    promise!(caller.audible(WAITING).is_empty(), "the caller does not");
    let end = waited.last().map_or(0, |last| last.to);
    let begun = agent.audible(CALLER);
    let pause = begun.first().map_or(i64::MAX, |first| first.from - end);
    promise!(pause < 400, "{pause} ms after it the agent hears the caller: {} {}", listed(&waited), listed(&begun));
    out.hang_up()?;
    into.wait_ended(SOON)?;
    Ok(())
}

fn just_in_time(stage: &Stage) -> Proof {
    let cast = casting(stage, &[])?.0.start(stage)?;
    let dial = format!("[leg_timeout=4]{}", cast.caller.dial_string());
    let line = format!("originate {{call_timeout=4}}{} &bridge({dial})", cast.agent.dial_string());
    cast.caller.answering(Answering::Ring, CallPlan::tone(CALLER));
    cast.agent.answering(Answering::AtOnce, silent());
    cast.host.api(&format!("bgapi {line}"))?;
    let into = cast.caller.incoming(SOON)?;
    let agent = cast.agent.incoming(SOON)?;
    // Ringing is what takes so long here.
    agent.talk(Duration::from_millis(3_300))?;
    into.answer()?;
    into.media().wait_heard(PROMPT, SOON)?;
    agent.media().wait_heard(CALLER, Duration::from_millis(PROMPT_MS) + SOON)?;
    let heard = into.heard()?.audible(PROMPT);
    promise!(total(&heard) >= 1_900, "the callee hears the notice to its end: {}", listed(&heard));
    into.hang_up()?;
    Ok(())
}

fn early_media(stage: &Stage) -> Proof {
    let cast = casting(stage, &[])?.0.start(stage)?;
    let line = format!("originate {} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string());
    cast.caller.answering(Answering::ByHand, CallPlan::tone(CALLER));
    cast.agent.answering(Answering::AtOnce, silent());
    cast.host.api(&format!("bgapi {line}"))?;
    let into = cast.caller.incoming(SOON)?;
    let agent = cast.agent.incoming(SOON)?;
    into.early_media()?;
    agent.media().wait_heard(CALLER, SOON)?;
    into.answer()?;
    into.media().wait_heard(PROMPT, SOON)?;
    into.talk(Duration::from_millis(PROMPT_MS + 700))?;
    let heard = into.heard()?.audible(PROMPT);
    promise!(total(&heard) >= 1_900, "the callee hears the notice after its answer: {}", listed(&heard));
    into.hang_up()?;
    Ok(())
}
