//! REC-06: a party that is handed over stays recorded, and so is whom it meets; a track belongs to a leg.
use std::time::Duration;

use callvault_test_support::sip::{Answering, CallEvent};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::{each_heard_once, each_on_its_own_track};
use crate::promise::{Account, Findings, Part, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "blind_transfer", act: blind, judge: each_on_its_own_track },
        Promise { name: "attended_transfer", act: attended, judge: whole_after_the_transfer },
    ])
}

fn blind(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    cast.third.answering(Answering::AtOnce, silent());
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    into.transfer_to(cast.third.name())?;
    let new = cast.third.incoming(SOON)?;
    new.wait_answered(SOON)?;
    into.wait_ended(SOON)?;
    converse(&[(&out, CALLER), (&new, THIRD)])?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT), (&new, THIRD)])?;
    Ok((cast, account))
}

fn attended(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    cast.third.answering(Answering::AtOnce, silent());
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    into.hold()?;
    let consultation = cast.agent.call(cast.third.name(), cast.host.sip_port(), silent())?;
    consultation.wait_answered(SOON)?;
    let new = cast.third.incoming(SOON)?;
    new.wait_answered(SOON)?;
    converse(&[(&consultation, AGENT), (&new, THIRD)])?;
    into.transfer_into(&consultation)?;
    into.wait("for the host to take the first leg away", SOON, |e| (*e == CallEvent::Ended).then_some(()))?;
    consultation.wait_ended(SOON)?;
    // Who was on hold is taken back by a re-INVITE of its own.
    out.talk(Duration::from_millis(700))?;
    converse(&[(&out, CALLER), (&new, THIRD)])?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT), (&consultation, AGENT), (&new, THIRD)])?;
    account.recordings = 2;
    Ok((cast, account))
}

fn whole_after_the_transfer(account: &Account, findings: &Findings) -> Proof {
    each_heard_once(account, findings)?;
    let together = findings.views.iter().filter(|view| {
        let has = |part: &Part| view.tracks.iter().any(|track| track.leg == part.leg);
        has(&account.parts[0]) && has(&account.parts[3])
    });
    promise!(together.count() == 1, "the caller and the third are in one recording after the transfer");
    Ok(())
}
