//! REC-06, REC-07: a network that loses and reorders leaves counted gaps, never a shifted or stretched track.
use std::time::Duration;

use callvault_test_support::rtp::Network;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, gaps_of};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "loss_and_reordering", act: harmed, judge: gaps_are_counted },
        Promise { name: "a_source_that_changes", act: renumbered, judge: each_on_its_own_track },
    ])
}

fn harmed(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let mut rough = silent();
    rough.sending.network = Some(Network { seed: 11, loss: 0.02, reordering: 0.02 });
    let (out, into) = cast.bridged(rough, silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    speak(&out, CALLER, Duration::from_secs(4))?;
    out.talk(Duration::from_millis(200))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

fn gaps_are_counted(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let gaps = gaps_of(&account.parts[0], "not_received", findings)?;
    let missing: i64 = gaps.iter().map(|gap| gap.duration_ms).sum();
    let length = account.parts[0].call.length();
    promise!(
        missing > 0 && missing < length / 10,
        "2 % of {length} ms were lost; the track says {missing} ms: {gaps:#?}"
    );
    Ok(())
}

fn renumbered(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.media().change_source();
    out.talk(Duration::from_millis(300))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
