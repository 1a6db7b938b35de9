//! REC-07: legs that an operator or a dialplan moves by the host's own means are captured on, in one recording with whom
//! they talk to.
use std::time::{Duration, Instant};

use callvault_test_support::Proof;
use callvault_test_support::clock::unix_ms;
use callvault_test_support::sip::{Answering, Call};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::each_from_its_moment_on;
use crate::promise::{Account, Promise, on_each_host};
use crate::told::{heard_whole, telling, told_and_joined};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "parked_and_bridged_by_command", act: bridged_by_command, judge: each_from_its_moment_on },
        Promise { name: "picked_up_by_a_colleague", act: picked_up, judge: each_from_its_moment_on },
        Promise { name: "transferred_by_command", act: transferred, judge: each_from_its_moment_on },
    ])
}

fn account(cast: Cast, parties: &[(&Call, u32)], told: i64) -> Proof<(Cast, Account)> {
    let mut account = Account::of(parties)?;
    account.moments = vec![(account.parts[0].leg.clone(), told)];
    Ok((cast, account))
}

fn over(out: &Call, last: &Call) -> Proof {
    out.hang_up()?;
    last.wait_ended(SOON).map(drop)
}

/// `uuid_bridge` of a caller that was told and parked, and an agent that rang in.
fn bridged_by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    let wait = [("answer", ""), ("callvault_notice", ""), ("park", "")];
    let cast = telling(stage, &[])?.extension("wait", &wait).start(stage)?;
    let out = cast.dial("wait", silent())?;
    let told = heard_whole(&out)?;
    let into = cast.agent.call("park", cast.host.sip_port(), silent())?;
    into.wait_answered(SOON)?;
    into.talk(Duration::from_millis(300))?;
    cast.host.must(&format!("uuid_bridge {} {}", out.id(), into.id()))?;
    cast.wait_bridged(&out, &into)?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    over(&out, &into)?;
    account(cast, &[(&out, CALLER), (&into, AGENT)], told.to)
}

/// The agent's telephone rings; a colleague takes the call by `intercept`.
fn picked_up(stage: &Stage) -> Proof<(Cast, Account)> {
    let pick = [("answer", ""), ("intercept", "${global_getvar(waiting)}")];
    let cast = telling(stage, &[])?.extension("pick", &pick).start(stage)?;
    cast.agent.answering(Answering::Ring, silent());
    let out = cast.dial("line", silent())?;
    let told = heard_whole(&out)?;
    let ringing = cast.agent.incoming(SOON)?;
    ringing.talk(Duration::from_millis(300))?;
    cast.host.must(&format!("global_setvar waiting={}", out.id()))?;
    let third = cast.third.call("pick", cast.host.sip_port(), silent())?;
    third.wait_answered(SOON)?;
    cast.wait_bridged(&out, &third)?;
    converse(&[(&out, CALLER), (&third, THIRD)])?;
    over(&out, &third)?;
    account(cast, &[(&out, CALLER), (&third, THIRD)], told.to)
}

/// `uuid_transfer` of the caller to a colleague.
fn transferred(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    cast.third.answering(Answering::AtOnce, silent());
    let (out, into) = told_and_joined(&cast)?;
    let told = unix_ms(Instant::now());
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    cast.host.must(&format!("uuid_transfer {} {}", out.id(), cast.third.name()))?;
    let third = cast.third.incoming(SOON)?;
    third.wait_answered(SOON)?;
    into.wait_ended(SOON)?;
    out.talk(Duration::from_millis(400))?;
    converse(&[(&out, CALLER), (&third, THIRD)])?;
    over(&out, &third)?;
    account(cast, &[(&out, CALLER), (&into, AGENT), (&third, THIRD)], told)
}
