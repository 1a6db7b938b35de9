//! REC-01: calls that the company places are recorded, however the host was told to place them.
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent, silent_to_loopbacks};
use crate::oracle::{each_on_its_own_track, heard_all};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "originate_to_park", act: to_park, judge: each_on_its_own_track },
        Promise { name: "originate_to_bridge", act: to_bridge, judge: each_on_its_own_track },
        Promise { name: "originate_by_loopback", act: by_loopback, judge: two_parties },
        Promise { name: "originate_to_an_extension", act: to_extension, judge: each_on_its_own_track },
    ])
}

fn to_park(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    cast.caller.answering(Answering::AtOnce, silent());
    place(&cast, &format!("{} &park", cast.caller.dial_string()))?;
    let call = cast.caller.incoming(SOON)?;
    call.wait_answered(SOON)?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn to_bridge(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let ends = joined(&cast, &format!("{} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string()))?;
    finish(cast, ends)
}

/// A loopback's two legs stand between the parties, and are none.
fn by_loopback(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let what = format!("loopback/{}/default &bridge({})", cast.agent.name(), cast.caller.dial_string());
    let ends = joined_speaking(&cast, silent_to_loopbacks(), &what)?;
    finish(cast, ends)
}

/// The bridges that a loopback makes and leaves take a leg's first packets.
fn two_parties(account: &Account, findings: &Findings) -> Proof {
    heard_all(account, findings)?;
    let (view, _) = findings.recorded()?;
    promise!(view.tracks.len() == 2, "two parties were there; the recording has the tracks {:#?}", view.tracks);
    Ok(())
}

fn to_extension(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let ends = joined(&cast, &format!("{} {} XML default", cast.caller.dial_string(), cast.agent.name()))?;
    finish(cast, ends)
}

/// Both ends of a call that the host places.
fn joined(cast: &Cast, what: &str) -> Proof<[Call; 2]> {
    joined_speaking(cast, silent(), what)
}

fn joined_speaking(cast: &Cast, plan: CallPlan, what: &str) -> Proof<[Call; 2]> {
    cast.caller.answering(Answering::AtOnce, plan.clone());
    cast.agent.answering(Answering::AtOnce, plan);
    place(cast, what)?;
    let ends = [cast.caller.incoming(SOON)?, cast.agent.incoming(SOON)?];
    for end in &ends {
        end.wait_answered(SOON)?;
    }
    Ok(ends)
}

fn finish(cast: Cast, [outside, inside]: [Call; 2]) -> Proof<(Cast, Account)> {
    converse(&[(&outside, CALLER), (&inside, AGENT)])?;
    outside.hang_up()?;
    inside.wait_ended(SOON)?;
    let account = Account::of(&[(&outside, CALLER), (&inside, AGENT)])?;
    Ok((cast, account))
}

fn place(cast: &Cast, what: &str) -> Proof {
    let answer = cast.host.events().background(&format!("originate {what}"), SOON)?;
    promise!(answer.starts_with("+OK"), "`originate {what}` answered {answer}");
    Ok(())
}
