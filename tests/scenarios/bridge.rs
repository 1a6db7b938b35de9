//! REC-06: two parties in a bridge are one recording with a track each.
use callvault_test_support::Proof;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::each_on_its_own_track;
use crate::promise::{Account, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "bridge", act: caller_hangs_up, judge: each_on_its_own_track },
        Promise { name: "bridge_ended_by_the_agent", act: agent_hangs_up, judge: each_on_its_own_track },
    ])
}

fn caller_hangs_up(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

fn agent_hangs_up(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    into.hang_up()?;
    out.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
