//! NOT-07: a device that takes part in the signs of recording (RFC 7866) is told how it is recorded, and one that prefers
//! not to be is heard; to all others nothing is said.
use callvault_test_support::sip::{Answering, Call, CallEvent};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, hear_each_other, silent};
use crate::objection::objected;
use crate::promise::{Account, Promise, on_each_host};
use crate::told::{heard_whole, stored, telling, told_and_joined, wait_stored};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "device_is_told_how_it_is_recorded", act: told_how, judge: objected },
        Promise { name: "device_that_prefers_no_recording", act: prefers_none, judge: objected },
        Promise { name: "device_that_prefers_none_later", act: changes_its_mind, judge: objected },
    ])
}

/// On, paused, on again, off: each by a new description of the session.
fn told_how(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[("notice-mode", "optout")])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent().preferring("on"))?;
    heard_whole(&out)?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    shown(&out, 1)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    into.press("*7")?;
    shown(&out, 2)?;
    into.press("*8")?;
    shown(&out, 3)?;
    out.press("9")?;
    let words = shown(&out, 4)?;
    promise!(words == ["on", "paused", "on", "off"], "the device is told of each change: {words:?}");
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    let described = into.when(|event| matches!(event, CallEvent::Reinvited(_) | CallEvent::Recording(_)));
    promise!(described.is_none(), "who does not take part is told nothing: {:?}", into.events());
    finish(cast, &out, &into)
}

/// Waits until the device was told so many times; what it was told.
fn shown(call: &Call, times: usize) -> Proof<Vec<String>> {
    call.wait_in_all(&format!("to be told {times} times how it is recorded"), SOON, |events| {
        let word = |event: &CallEvent| if let CallEvent::Recording(word) = event { Some(word.clone()) } else { None };
        let words: Vec<String> = events.iter().filter_map(|(_, event)| word(event)).collect();
        (words.len() >= times).then_some(words)
    })
}

fn prefers_none(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent().preferring("off"))?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    promise!(stored(&cast.vault)? == 0, "nothing is captured of who prefers not to be");
    finish(cast, &out, &into)
}

/// Nothing was said of it at first; then a re-INVITE says that a recording is welcome, and another that it is not.
fn changes_its_mind(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    out.prefer("on")?;
    shown(&out, 1)?;
    out.prefer("off")?;
    let words = shown(&out, 2)?;
    promise!(words == ["on", "off"], "the device is told of each change: {words:?}");
    wait_stored(&cast.vault, false, SOON)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    finish(cast, &out, &into)
}

fn finish(cast: Cast, out: &Call, into: &Call) -> Proof<(Cast, Account)> {
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(out, CALLER), (into, AGENT)])?;
    Ok((cast, account))
}
