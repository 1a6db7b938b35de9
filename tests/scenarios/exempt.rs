//! REC-10: emergency calls and exempt lines are never told, never delayed, never captured. REC-11: nor are internal calls.
//! NOT-08: where nothing is recorded, nothing says that it is. REC-12: digits are kept nowhere.
use std::path::Path;
use std::time::{Duration, Instant};

use callvault_test_support::callvault::Commands;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, INSIDE, SOON, converse, hear_each_other, is_ours, silent, silent_to_loopbacks};
use crate::oracle::{each_from_its_moment_on, none_recorded, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{never_told, stored, telling, told_and_joined};

/// What a caller keys in: a card's number.
const CARD: &str = "4111222233334444";

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise {
            name: "emergency_call_is_not_told",
            act: emergency,
            judge: |_, findings| not_recorded("emergency", findings),
        },
        Promise {
            name: "exempt_line_is_not_told",
            act: exempt,
            judge: |_, findings| not_recorded("exempt_line", findings),
        },
        Promise {
            name: "exempt_by_its_dialplan",
            act: exempted,
            judge: |_, findings| not_recorded("exempt_line", findings),
        },
        Promise {
            name: "internal_call_leaves_nothing",
            act: internal,
            judge: |_, findings| not_recorded("internal", findings),
        },
        Promise { name: "no_prompt_while_stopped", act: stopped, judge: only_what_had_begun },
        Promise {
            name: "no_prompt_without_a_roster",
            act: without_roster,
            judge: |_, findings| none_recorded("recorder_fault", findings),
        },
    ]);
    trials.push(on_freeswitch("emergency_call_is_not_delayed", emergency_in_time));
    trials.push(on_freeswitch("emergency_call_goes_out_without_a_store", emergency_without_store));
    trials.push(on_freeswitch("digits_are_kept_nowhere", digits));
    trials
}

/// Extension 112 and its like ring the agent, as if it were the carrier.
fn with_lines(stage: &Stage, parameters: &[(&str, &str)]) -> Proof<Casting> {
    let casting = telling(stage, parameters)?;
    let dial = casting.agent.dial_string();
    Ok(casting.extension("112", &[("bridge", &dial)]).extension("0800[0-9]*", &[("bridge", &dial)]))
}

/// A colleague rings `number`; how long until it rings there.
fn rung(cast: &Cast, number: &str) -> Proof<(Call, Call, Duration)> {
    cast.agent.answering(Answering::AtOnce, silent());
    let began = Instant::now();
    let out = cast.third.call(number, cast.host.sip_port(), silent())?;
    let into = cast.agent.incoming(SOON)?;
    let after = began.elapsed();
    into.wait_answered(SOON)?;
    out.wait_answered(SOON)?;
    Ok((out, into, after))
}

/// They hear each other and no prompt.
fn hear_no_prompt(out: &Call, into: &Call) -> Proof {
    hear_each_other((out, THIRD), (into, AGENT))?;
    never_told(out)?;
    never_told(into)?;
    out.hang_up()?;
    into.wait_ended(SOON).map(drop)
}

/// The same, of which nothing is captured.
fn leave_nothing(cast: Cast, (out, into): (Call, Call)) -> Proof<(Cast, Account)> {
    hear_no_prompt(&out, &into)?;
    promise!(stored(&cast.vault)? == 0, "nothing is captured of such a call");
    let account = Account::of(&[(&out, THIRD), (&into, AGENT)])?;
    Ok((cast, account))
}

/// The best of some tries: the machine's own hiccups are no delay of ours.
fn best(cast: &Cast, number: &str) -> Proof<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let (out, into, after) = rung(cast, number)?;
        hear_no_prompt(&out, &into)?;
        cast.wait_idle()?;
        best = best.min(after);
    }
    Ok(best)
}

fn emergency(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = with_lines(stage, &[])?.start(stage)?;
    let (out, into, _) = rung(&cast, "112")?;
    leave_nothing(cast, (out, into))
}

fn emergency_in_time(stage: &Stage) -> Proof {
    let cast = with_lines(stage, &[])?.start_without_module(stage)?;
    let without = best(&cast, "112")?;
    cast.load()?;
    let with = best(&cast, "112")?;
    promise!(with <= without + Duration::from_millis(50), "112 rings after {with:?}, without the recorder {without:?}");
    Ok(())
}

/// E11: the recorder's whole directory is gone.
fn emergency_without_store(stage: &Stage) -> Proof {
    let cast = with_lines(stage, &[])?.start(stage)?;
    let before = best(&cast, "112")?;
    std::fs::rename(cast.vault.data(), stage.directory().join("gone"))?;
    let after = best(&cast, "112")?;
    promise!(after <= before + Duration::from_millis(50), "112 rings after {after:?}, with a store {before:?}");
    Ok(())
}

fn exempt(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = with_lines(stage, &[("exempt-numbers", "0800[0-9]*")])?.start(stage)?;
    let legs = cast.bridged_by("08001234", silent(), silent())?;
    leave_nothing(cast, legs)
}

/// A campaign's dial string exempts a loopback, and with it whomever that brings together.
fn exempted(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = with_lines(stage, &[("dialplan-may", "exempt")])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent_to_loopbacks());
    cast.caller.answering(Answering::AtOnce, silent_to_loopbacks());
    let line = cast.caller.dial_string();
    cast.host
        .must(&format!("bgapi originate {{callvault_exempt=true}}loopback/{}/default &bridge({line})", INSIDE[0]))?;
    let (out, into) = (cast.caller.incoming(SOON)?, cast.agent.incoming(SOON)?);
    into.wait_answered(SOON)?;
    out.wait_answered(SOON)?;
    leave_nothing(cast, (out, into))
}

fn internal(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[("record-internal", "false")])?.start(stage)?;
    let (out, into, _) = rung(&cast, cast.agent.name())?;
    leave_nothing(cast, (out, into))
}

/// Stopped while a call goes on, which is recorded to its end.
fn stopped(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    cast.command("callvault_admin stop")?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    let (cast, mut account) = unprompted(cast)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    account.recordings += 1;
    account.parts = Account::of(&[(&out, CALLER), (&into, AGENT)])?.parts;
    Ok((cast, account))
}

fn only_what_had_begun(account: &Account, findings: &Findings) -> Proof {
    let (begun, later) = findings.recorded_and_others();
    each_from_its_moment_on(account, &begun)?;
    none_recorded("operator_stop", &later)
}

fn without_roster(stage: &Stage) -> Proof<(Cast, Account)> {
    let missing = stage.directory().join("no-roster").to_string_lossy().into_owned();
    unprompted(telling(stage, &[("roster", &missing)])?.start(stage)?)
}

/// Neither the dialplan tells nor the answer does: no prompt, the call connects.
fn unprompted(cast: Cast) -> Proof<(Cast, Account)> {
    let mut account = Account::default();
    for line in ["line", cast.agent.name()] {
        let (out, into) = cast.bridged_by(line, silent(), silent())?;
        hear_no_prompt(&out, &into)?;
        account.recordings += 1;
    }
    Ok((cast, account))
}

/// By RFC 4733 and by INFO, in the notice and after it.
fn digits(stage: &Stage) -> Proof {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    out.press(CARD)?;
    for key in CARD.chars() {
        out.press_by_info(key)?;
    }
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.say(Speech::Silence);
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "there is something to search: {rows:#?}");
    let shown = cast.host.api(&format!("callvault show {}", rows[0].id))? + &cast.host.api("callvault status")?;
    promise!(!shown.contains(CARD) && !shown.contains("dtmf"), "digits are shown: {shown}");
    let copy = cast.vault.release(&cast.host, &rows[0].id)?;
    for file in files(cast.vault.directory())?.into_iter().chain([copy]) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let found = bytes.windows(CARD.len()).any(|window| window == CARD.as_bytes());
        promise!(!found, "the digits are in {}", file.display());
    }
    let log = Commands::api(&cast.host, "status").map(|_| cast.host.log())?;
    let told = log.lines().filter(|line| is_ours(line)).find(|line| line.to_lowercase().contains("digit"));
    promise!(told.is_none(), "the recorder logs a digit: {told:?}");
    Ok(())
}

fn files(directory: &Path) -> Proof<Vec<std::path::PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { all.extend(files(&path)?) } else { all.push(path) }
    }
    Ok(all)
}
