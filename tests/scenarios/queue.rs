//! REC-08: what a caller says while it waits in a queue is not captured; what it says to the agent is.
use std::time::{Duration, Instant};

use callvault_test_support::clock::unix_ms;
use callvault_test_support::sip::Answering;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent, speak};
use crate::oracle::{each_from_its_moment_on, heard_all, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{heard_whole, telling};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "queue", act: waits_for_the_agent, judge: waiting_is_not_captured },
        Promise { name: "told_then_waits_in_a_queue", act: told_then_waits, judge: each_from_its_moment_on },
    ])
}

fn waits_for_the_agent(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast =
        Casting::new(stage)?.extension("queue", &[("answer", ""), ("fifo", "sales in undef silence")]).start(stage)?;
    let out = cast.dial("queue", silent())?;
    out.talk(Duration::from_millis(700))?;
    speak(&out, CALLER, Duration::from_secs(1))?;
    cast.agent.answering(Answering::AtOnce, silent());
    cast.host.api(&format!("bgapi originate {} '&fifo(sales out nowait)'", cast.agent.dial_string()))?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    cast.wait_bridged(&out, &into)?;
    out.talk(Duration::from_millis(300))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    into.hang_up()?;
    out.hang_up()?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    // What it said first was in the queue, and is not due.
    let waiting = account.parts[0].spoken.remove(0);
    account.moments = vec![("waited from".into(), waiting.from), ("waited to".into(), waiting.to)];
    Ok((cast, account))
}

/// The line tells before it queues; the caller speaks while it waits, and an agent takes it out by an extension.
fn told_then_waits(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?
        .extension("queue", &[("answer", ""), ("callvault_notice", ""), ("fifo", "support@test in")])
        .extension("take", &[("answer", ""), ("fifo", "support@test out nowait")])
        .start(stage)?;
    let out = cast.dial("queue", silent())?;
    heard_whole(&out)?;
    out.talk(Duration::from_millis(500))?;
    speak(&out, CALLER, Duration::from_secs(1))?;
    out.talk(Duration::from_millis(500))?;
    let into = cast.agent.call("take", cast.host.sip_port(), silent())?;
    into.wait_answered(SOON)?;
    cast.wait_bridged(&out, &into)?;
    let taken = unix_ms(Instant::now());
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    account.moments = vec![(out.id().into(), taken)];
    Ok((cast, account))
}

fn waiting_is_not_captured(account: &Account, findings: &Findings) -> Proof {
    heard_all(account, findings)?;
    let (view, _) = findings.recorded()?;
    let (from, to) = (account.moments[0].1 - zero_of(view)?, account.moments[1].1 - zero_of(view)?);
    let leg = &account.parts[0].leg;
    let track = view.tracks.iter().find(|track| track.leg == *leg);
    let withheld = track.is_some_and(|track| {
        track.offset_ms.is_some_and(|offset| offset >= to)
            || track
                .gaps
                .iter()
                .any(|gap| gap.reason == "hold" && gap.offset_ms <= from && gap.offset_ms + gap.duration_ms >= to)
    });
    promise!(withheld, "the caller waited from {from} to {to} ms; its track is {track:#?}");
    Ok(())
}
