//! Decision 16: no plain unload under a live call; a forced one harms no call; twenty rounds leave nothing behind.
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("unload_refused_under_load", refused),
        on_freeswitch("forced_unload_leaves_the_call_alone", forced),
        on_freeswitch("twenty_loads_leave_nothing_behind", twenty_times),
        on_freeswitch("stop_start_and_drain", off_and_on),
        on_freeswitch("shutdown_seals_what_is_recorded", shut_down),
    ]
}

fn refused(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(300))?;
    for command in ["unload mod_callvault", "reload mod_callvault"] {
        let answer = cast.host.api(command)?;
        promise!(answer.contains("-ERR"), "`{command}` under a live call: {answer}");
    }
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "recorded all along: {rows:#?}");
    cast.host.must("unload mod_callvault")?;
    promise!(cast.host.api("module_exists mod_callvault")?.trim() == "false", "it is gone after the call");
    Ok(())
}

fn forced(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    let answer = cast.host.api("unload -f mod_callvault")?;
    promise!(!answer.is_empty(), "`unload -f` answers");
    // The call goes on as if nothing had been.
    out.say(Speech::Tone(CALLER));
    into.say(Speech::Tone(AGENT));
    into.talk(Duration::from_secs(1))?;
    into.media().wait_heard(CALLER, SOON)?;
    out.media().wait_heard(AGENT, SOON)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    // Loaded again, it has what was recorded until then, and records anew.
    cast.load()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "what was recorded is kept: {rows:#?}");
    let opened = cast.vault.opened(&cast.host, &rows[0].id)?;
    promise!(!opened.audible(0, CALLER).is_empty() || !opened.audible(0, AGENT).is_empty(), "and opens");
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    cast.vault.wait_listed(&cast.host, 2).map(drop)
}

fn twenty_times(stage: &Stage) -> Proof {
    let cast = Casting::new(stage)?.start_without_module(stage)?;
    // The first round maps the library and whatever the host makes once.
    round(&cast)?;
    settle(&cast)?;
    let (threads, descriptors) = (cast.host.process().threads()?, cast.host.process().descriptors()?);
    for _ in 0..20 {
        round(&cast)?;
    }
    settle(&cast)?;
    let (threads_after, descriptors_after) = (cast.host.process().threads()?, cast.host.process().descriptors()?);
    promise!(threads_after == threads, "threads before {threads:?}, after {threads_after:?}");
    let more = more_than(&descriptors_after, &descriptors);
    promise!(
        more.is_empty(),
        "{} descriptors before, {} after; new are {more:?}",
        descriptors.len(),
        descriptors_after.len()
    );
    cast.load()?;
    let rows = cast.vault.wait_listed(&cast.host, 21)?;
    promise!(rows.iter().all(|row| row.outcome.as_deref() == Some("recorded")), "one call in each round: {rows:#?}");
    Ok(())
}

/// What `now` has and `then` had not, each as often as it is more.
fn more_than(now: &[String], then: &[String]) -> Vec<String> {
    let mut then = then.to_vec();
    let new =
        |one: &&String| then.iter().position(|other| other == *one).map(|place| then.swap_remove(place)).is_none();
    now.iter().filter(new).cloned().collect()
}

/// Loads, reloads, records a call, unloads.
fn round(cast: &Cast) -> Proof {
    cast.load()?;
    cast.host.must("reload mod_callvault")?;
    let call = cast.dial("park", silent())?;
    call.say(Speech::Tone(CALLER));
    call.talk(Duration::from_millis(400))?;
    call.hang_up()?;
    cast.wait_idle()?;
    cast.host.must("unload mod_callvault")?;
    for (list, name) in [("show api", "callvault"), ("show application", "callvault_notice")] {
        let listed = cast.host.api(list)?;
        promise!(!listed.contains(name), "after unload `{list}` still has {name}");
    }
    Ok(())
}

/// Session threads of ended calls linger in the host's pool for a while: looked at when their number stands still.
fn settle(cast: &Cast) -> Proof {
    let mut last = cast.host.process().threads()?;
    for _ in 0..40 {
        std::thread::sleep(Duration::from_secs(1));
        let now = cast.host.process().threads()?;
        if now == last && !now.keys().any(|name| name.contains("callvault")) {
            return Ok(());
        }
        last = now;
    }
    Ok(())
}

fn off_and_on(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    cast.host.must("callvault_admin stop")?;
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].reason.as_deref() == Some("operator_stop"), "switched off: {rows:#?}");
    cast.host.must("callvault_admin start")?;
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let rows = cast.vault.wait_listed(&cast.host, 2)?;
    promise!(rows.iter().any(|row| row.outcome.as_deref() == Some("recorded")), "switched on again: {rows:#?}");
    cast.host.must("callvault_admin drain").map(drop)
}

fn shut_down(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    let configuration = cast.vault.installed(callvault_test_support::freeswitch::Configuration::new());
    let how = cast.host.stop()?;
    promise!(how.contains("exit status: 0"), "`fsctl shutdown` in a call ended with {how}");
    let host = stage.start_named("again", &configuration)?;
    host.must("load mod_callvault")?;
    let rows = cast.vault.wait_listed(&host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "what was recorded until then is kept: {rows:#?}");
    let opened = cast.vault.opened(&host, &rows[0].id)?;
    promise!(opened.audible(0, CALLER).len() >= 2, "and opens: {:?}", opened.audible(0, CALLER));
    Ok(())
}
