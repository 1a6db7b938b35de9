//! NOT-02: what counts as a notice that was sent whole, and what does not.
use std::time::Duration;

use callvault_test_support::callvault::Vault;
use callvault_test_support::rtp::Network;
use callvault_test_support::sip::{Call, CallPlan};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::cast::{Cast, Casting, SOON, silent};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{PROMPT, PROMPT_MS, heard_whole, prompt};

/// The prompt's packets of 20 ms.
const PACKETS: u64 = PROMPT_MS as u64 / 20;

pub fn trials() -> Vec<Trial> {
    on_each_host([
        sent("a_whole_notice_is_sent_whole", whole),
        sent("digits_in_the_notice_neither_break_it_nor_get_lost", pressed),
        sent("what_a_dialplan_does_to_playing_does_nothing_to_the_notice", other_playing),
        sent("a_notice_is_whole_where_a_third_of_the_callers_packets_are_lost", lossy),
        cut("a_notice_that_is_broken_off_is_partial", |stage| cut_short(stage, "uuid_break {leg}")),
        cut("a_notice_that_is_paused_is_partial", |stage| cut_short(stage, "uuid_fileman {leg} pause")),
        cut("a_notice_that_the_far_end_holds_is_partial", held),
        cut("a_notice_that_a_command_holds_is_partial", held_by_command),
    ])
}

type Act = fn(&Stage) -> Proof<(Cast, Account)>;

fn sent(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: sent_whole }
}

fn cut(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: is_partial }
}

/// An extension that tells and then echoes; digits that nobody read are read afterwards into `pressed`.
fn cast(stage: &Stage, before: &[(&str, &str)]) -> Proof<Cast> {
    let prompt = prompt(stage.directory())?;
    let tell = |vault: Vault| {
        vault.with("uninformed", "play").with("default-language", "en").with_notice(&prompt.to_string_lossy(), "en")
    };
    let mut applications = vec![("answer", "")];
    applications.extend_from_slice(before);
    applications.extend([("callvault_notice", ""), ("read", "1 1 silence_stream://100 pressed 300 #"), ("echo", "")]);
    Casting::new(stage)?.policy(tell).extension("line", &applications).start(stage)
}

/// The caller hears the beginning of its notice.
fn begun(cast: &Cast, plan: CallPlan) -> Proof<Call> {
    let call = cast.dial("line", plan)?;
    call.media().wait_heard(PROMPT, SOON)?;
    Ok(call)
}

fn over(cast: Cast, call: &Call) -> Proof<(Cast, Account)> {
    call.hang_up()?;
    let account = Account::of(&[(call, CALLER)])?;
    Ok((cast, account))
}

/// The only notice of the only call.
fn notice_of(findings: &Findings) -> Proof<&Value> {
    match findings.views.as_slice() {
        [view] if view.notices.len() == 1 => Ok(&view.notices[0]),
        views => broken!("one notice of one call is told of: {views:#?}"),
    }
}

fn sent_whole(_: &Account, findings: &Findings) -> Proof {
    let notice = notice_of(findings)?;
    let count = |name: &str| notice[name].as_u64().unwrap_or_default();
    promise!(notice["state"] == "informed", "the notice was sent whole: {notice:#}");
    promise!(count("frames_due") == PACKETS, "{PACKETS} packets are due: {notice:#}");
    promise!(count("frames_written") == PACKETS, "as many were written: {notice:#}");
    promise!(count("packets_sent").abs_diff(PACKETS) <= 1, "as many were sent, give or take one: {notice:#}");
    promise!(notice["sha256"].as_str().is_some_and(|hash| hash.len() == 64), "the file's hash is kept: {notice:#}");
    let lasted = notice["ended_at_ms"].as_i64().zip(notice["started_at_ms"].as_i64()).map(|(end, start)| end - start);
    let as_long = PROMPT_MS - 40..PROMPT_MS + 200;
    promise!(lasted.is_some_and(|ms| as_long.contains(&ms)), "it lasts as long as the prompt: {notice:#}");
    Ok(())
}

fn is_partial(_: &Account, findings: &Findings) -> Proof {
    let notice = notice_of(findings)?;
    promise!(notice["state"] == "partial", "the notice was not sent whole: {notice:#}");
    let outcome = findings.views[0].outcome.as_deref();
    promise!(outcome == Some("not_recorded"), "nobody was told, so nothing is recorded: {:#?}", findings.views);
    Ok(())
}

fn whole(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let call = begun(&cast, silent())?;
    heard_whole(&call)?;
    call.talk(Duration::from_secs(1))?;
    over(cast, &call)
}

fn pressed(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let call = begun(&cast, silent())?;
    call.media().press('4', SOON)?;
    heard_whole(&call)?;
    call.talk(Duration::from_millis(500))?;
    let read = cast.host.variable(call.id(), "pressed")?;
    promise!(read.as_deref() == Some("4"), "who reads digits next gets the 4: {read:?}");
    over(cast, &call)
}

/// A third of what the caller sends is lost on its way: what is sent to it counts all the same, packet by packet.
fn lossy(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let mut plan = silent();
    plan.sending.network = Some(Network { seed: 7, loss: 0.3, reordering: 0.0 });
    let call = begun(&cast, plan)?;
    heard_whole(&call)?;
    call.talk(Duration::from_secs(1))?;
    over(cast, &call)
}

fn cut_short(stage: &Stage, command: &str) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let call = begun(&cast, silent())?;
    call.talk(Duration::from_millis(500))?;
    let command = command.replace("{leg}", call.id());
    cast.host.api(&command)?;
    call.talk(Duration::from_millis(700))?;
    if command.contains("pause") {
        cast.host.api(&command)?;
    }
    call.talk(Duration::from_millis(PROMPT_MS as u64))?;
    over(cast, &call)
}

fn held(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let call = begun(&cast, silent())?;
    call.talk(Duration::from_millis(500))?;
    call.hold()?;
    call.talk(Duration::from_millis(500))?;
    call.unhold()?;
    call.talk(Duration::from_millis(PROMPT_MS as u64))?;
    over(cast, &call)
}

fn held_by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage, &[])?;
    let call = begun(&cast, silent())?;
    let leg = call.id().to_owned();
    call.talk(Duration::from_millis(500))?;
    cast.host.must(&format!("uuid_hold {leg}"))?;
    call.talk(Duration::from_millis(700))?;
    cast.host.must(&format!("uuid_hold off {leg}"))?;
    call.talk(Duration::from_millis(PROMPT_MS as u64))?;
    over(cast, &call)
}

fn other_playing(stage: &Stage) -> Proof<(Cast, Account)> {
    let odd = [("set", "playback_delimiter=o"), ("set", "timer_name=soft"), ("set", "playback_timeout_sec=1")];
    let cast = cast(stage, &odd)?;
    let call = begun(&cast, silent())?;
    call.talk(Duration::from_millis(PROMPT_MS as u64 + 700))?;
    for (name, value) in [("playback_delimiter", "o"), ("timer_name", "soft"), ("playback_timeout_sec", "1")] {
        let kept = cast.host.variable(call.id(), name)?;
        promise!(kept.as_deref() == Some(value), "{name} is as it was: {kept:?}");
    }
    over(cast, &call)
}
