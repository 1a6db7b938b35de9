//! NOT-02: what counts as a notice that was sent whole, and what does not, on a real host.
use std::time::Duration;

use callvault_test_support::callvault::{Vault, View};
use callvault_test_support::sip::Call;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, silent};
use crate::told::prompt;

/// The prompt's tone, Hz, and its packets at 20 ms.
const PROMPT: u32 = 700;
const PACKETS: u64 = 100;

/// How long the prompt is, ms.
const PROMPT_MS: u64 = 2_000;

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("a_whole_notice_is_sent_whole", whole),
        on_freeswitch("digits_in_the_notice_neither_break_it_nor_get_lost", pressed),
        on_freeswitch("a_notice_that_is_broken_off_is_partial", |stage| cut_short(stage, "uuid_break {leg}")),
        on_freeswitch("a_notice_that_is_paused_is_partial", |stage| {
            cut_short(stage, "uuid_fileman {leg} pause")?;
            Ok(())
        }),
        on_freeswitch("a_notice_that_the_far_end_holds_is_partial", held),
        on_freeswitch("a_notice_that_a_command_holds_is_partial", held_by_command),
        on_freeswitch("what_a_dialplan_does_to_playing_does_nothing_to_the_notice", other_playing),
    ]
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
fn begun(cast: &Cast) -> Proof<Call> {
    let call = cast.dial("line", silent())?;
    call.media().wait_heard(PROMPT, SOON)?;
    Ok(call)
}

/// How the only call and its notice are shown once it is over.
fn shown(cast: &Cast) -> Proof<(View, serde_json::Value)> {
    cast.wait_idle()?;
    let row = cast.vault.wait_listed(&cast.host, 1)?.remove(0);
    let view = cast.vault.show(&cast.host, &row.id)?;
    promise!(view.notices.len() == 1, "one notice is told of: {:#?}", view.notices);
    let notice = view.notices[0].clone();
    Ok((view, notice))
}

fn is_partial(cast: &Cast) -> Proof<serde_json::Value> {
    let (view, notice) = shown(cast)?;
    promise!(notice["state"] == "partial", "the notice was not sent whole: {notice:#}");
    promise!(view.outcome.as_deref() == Some("not_recorded"), "nobody was told, so nothing is recorded: {view:#?}");
    Ok(notice)
}

fn whole(stage: &Stage) -> Proof {
    let cast = cast(stage, &[])?;
    let call = begun(&cast)?;
    call.talk(Duration::from_millis(PROMPT_MS + 1_000))?;
    call.hang_up()?;
    let (_, notice) = shown(&cast)?;
    let count = |name: &str| notice[name].as_u64().unwrap_or_default();
    promise!(notice["state"] == "informed", "the notice was sent whole: {notice:#}");
    promise!(count("frames_due") == PACKETS, "{PACKETS} packets are due: {notice:#}");
    promise!(count("frames_written") == PACKETS, "as many were written: {notice:#}");
    promise!(count("packets_sent").abs_diff(PACKETS) <= 1, "as many were sent, give or take one: {notice:#}");
    promise!(notice["sha256"].as_str().is_some_and(|hash| hash.len() == 64), "the file's hash is kept: {notice:#}");
    let lasted = notice["ended_at_ms"].as_i64().zip(notice["started_at_ms"].as_i64()).map(|(end, start)| end - start);
    promise!(lasted.is_some_and(|ms| (1_960..2_200).contains(&ms)), "it lasts as long as the prompt: {notice:#}");
    Ok(())
}

fn pressed(stage: &Stage) -> Proof {
    let cast = cast(stage, &[])?;
    let call = begun(&cast)?;
    let leg = call.id().to_owned();
    call.media().press('4', SOON)?;
    call.talk(Duration::from_millis(PROMPT_MS + 500))?;
    let read = cast.host.variable(&leg, "pressed")?;
    promise!(read.as_deref() == Some("4"), "who reads digits next gets the 4: {read:?}");
    call.hang_up()?;
    let (_, notice) = shown(&cast)?;
    promise!(notice["state"] == "informed", "a digit does not break the notice: {notice:#}");
    Ok(())
}

fn cut_short(stage: &Stage, command: &str) -> Proof {
    let cast = cast(stage, &[])?;
    let call = begun(&cast)?;
    let leg = call.id().to_owned();
    call.talk(Duration::from_millis(500))?;
    let command = command.replace("{leg}", &leg);
    cast.host.api(&command)?;
    call.talk(Duration::from_millis(700))?;
    if command.contains("pause") {
        cast.host.api(&command)?;
    }
    call.talk(Duration::from_millis(PROMPT_MS))?;
    call.hang_up()?;
    is_partial(&cast).map(drop)
}

fn held(stage: &Stage) -> Proof {
    let cast = cast(stage, &[])?;
    let call = begun(&cast)?;
    call.talk(Duration::from_millis(500))?;
    call.hold()?;
    call.talk(Duration::from_millis(500))?;
    call.unhold()?;
    call.talk(Duration::from_millis(PROMPT_MS))?;
    call.hang_up()?;
    is_partial(&cast).map(drop)
}

fn held_by_command(stage: &Stage) -> Proof {
    let cast = cast(stage, &[])?;
    let call = begun(&cast)?;
    let leg = call.id().to_owned();
    call.talk(Duration::from_millis(500))?;
    cast.host.must(&format!("uuid_hold {leg}"))?;
    call.talk(Duration::from_millis(700))?;
    cast.host.must(&format!("uuid_hold off {leg}"))?;
    call.talk(Duration::from_millis(PROMPT_MS))?;
    call.hang_up()?;
    is_partial(&cast).map(drop)
}

fn other_playing(stage: &Stage) -> Proof {
    let odd = [("set", "playback_delimiter=o"), ("set", "timer_name=soft"), ("set", "playback_timeout_sec=1")];
    let cast = cast(stage, &odd)?;
    let call = begun(&cast)?;
    let leg = call.id().to_owned();
    call.talk(Duration::from_millis(PROMPT_MS + 700))?;
    for (name, value) in [("playback_delimiter", "o"), ("timer_name", "soft"), ("playback_timeout_sec", "1")] {
        let kept = cast.host.variable(&leg, name)?;
        promise!(kept.as_deref() == Some(value), "{name} is as it was: {kept:?}");
    }
    call.hang_up()?;
    let (_, notice) = shown(&cast)?;
    promise!(notice["state"] == "informed", "the notice was sent whole: {notice:#}");
    Ok(())
}
