//! Decision 16: no plain unload under a live call; a forced one harms no call; twenty rounds leave nothing behind.
use std::time::Duration;

use callvault_test_support::callvault::Commands;
use callvault_test_support::rtp::Speech;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::house::{House, Place, on_both};

pub fn trials() -> Vec<Trial> {
    let on_both = [
        on_both("unload_refused_under_load", refused),
        on_both("twenty_loads_leave_nothing_behind", twenty_times),
        on_both("stop_start_and_drain", off_and_on),
    ];
    // What becomes of a call, and of calls at the host's end, is the real host's to show.
    let real = [
        on_freeswitch("forced_unload_leaves_the_call_alone", forced),
        on_freeswitch("shutdown_seals_what_is_recorded", shut_down),
    ];
    on_both.into_iter().flatten().chain(real).collect()
}

fn refused(place: Place<'_>) -> Proof {
    let house = place.open_loaded(|vault| vault)?;
    let call = house.begin_call()?;
    for command in ["unload mod_callvault", "reload mod_callvault"] {
        let answer = house.api(command)?;
        promise!(answer.contains("-ERR"), "`{command}` under a live call: {answer}");
    }
    call.end()?;
    let rows = house.vault().wait_listed(&house, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "recorded all along: {rows:#?}");
    house.unload()
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

fn twenty_times(place: Place<'_>) -> Proof {
    let house = place.open(|vault| vault)?;
    // The first round maps the library and whatever the host makes once.
    round(&house)?;
    settle(&house)?;
    let (threads, descriptors) = (house.process().threads()?, descriptors(&house)?);
    for _ in 0..20 {
        round(&house)?;
    }
    settle(&house)?;
    let (threads_after, descriptors_after) = (house.process().threads()?, self::descriptors(&house)?);
    promise!(threads_after == threads, "threads before {threads:?}, after {threads_after:?}");
    // The host closes some of its own as it pleases.
    let mut left = descriptors_after;
    for own in &descriptors {
        if let Some(place) = left.iter().position(|target| target == own) {
            left.remove(place);
        }
    }
    promise!(left.is_empty(), "descriptors before {descriptors:?}; these are new: {left:?}");
    house.load()?;
    let rows = house.vault().wait_listed(&house, 21)?;
    promise!(rows.iter().all(|row| row.outcome.as_deref() == Some("recorded")), "one call in each round: {rows:#?}");
    Ok(())
}

/// What is open, but for the host's own databases: it opens and closes handles of those as it pleases.
fn descriptors(house: &House) -> Proof<Vec<String>> {
    let all = house.process().descriptors()?;
    Ok(all.into_iter().filter(|target| !target.contains("/host/db/")).collect())
}

/// Loads, reloads, records a call, unloads.
fn round(house: &House) -> Proof {
    house.load()?;
    house.must("reload mod_callvault")?;
    house.call()?;
    house.unload()?;
    for (list, name) in [("show api", "callvault"), ("show application", "callvault_notice")] {
        let listed = house.api(list)?;
        promise!(!listed.contains(name), "after unload `{list}` still has {name}");
    }
    Ok(())
}

/// Session threads of ended calls linger in the host's pool for a while: looked at when their number stands still.
fn settle(house: &House) -> Proof {
    let mut last = house.process().threads()?;
    for _ in 0..40 {
        std::thread::sleep(Duration::from_secs(1));
        let now = house.process().threads()?;
        if now == last && !now.keys().any(|name| name.contains("callvault")) {
            return Ok(());
        }
        last = now;
    }
    Ok(())
}

fn off_and_on(place: Place<'_>) -> Proof {
    let house = place.open_loaded(|vault| vault)?;
    house.must("callvault_admin stop")?;
    house.call()?;
    let rows = house.vault().wait_listed(&house, 1)?;
    promise!(rows[0].reason.as_deref() == Some("operator_stop"), "switched off: {rows:#?}");
    house.must("callvault_admin start")?;
    house.call()?;
    let rows = house.vault().wait_listed(&house, 2)?;
    promise!(rows.iter().any(|row| row.outcome.as_deref() == Some("recorded")), "switched on again: {rows:#?}");
    house.must("callvault_admin drain").map(drop)
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
