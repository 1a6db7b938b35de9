//! STF-01, STF-02, STF-03: where agents tell, who was rung is captured from the agent's word on; without it, not at all.
use std::time::Duration;

use callvault_test_support::clock::unix_ms;
use callvault_test_support::rtp::{Heard, Speech};
use callvault_test_support::sip::{Call, CallPlan};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, hear_each_other, silent, speak};
use crate::oracle::{each_from_its_moment_on, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{alarm, never_told, placed, telling, wait_stored};

/// The agent is reminded after two seconds; after five it is too late.
const ATTEST: [(&str, &str); 3] =
    [("outbound-notice", "attest"), ("attest-beep-seconds", "2"), ("attest-seconds", "5")];

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "attested_by_the_agent", act: by_the_agent, judge: attested },
        Promise { name: "attested_by_command", act: by_command, judge: attested },
        Promise { name: "not_attested", act: nobody, judge: |_, findings| not_recorded("not_informed", findings) },
    ])
}

fn by_the_agent(stage: &Stage) -> Proof<(Cast, Account)> {
    told_by_the_agent(stage, |_, into| Ok(unix_ms(into.press("*1")?)))
}

fn by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    told_by_the_agent(stage, |cast, into| {
        let said = unix_ms(std::time::Instant::now());
        cast.command(&format!("callvault_admin attest {}", into.id()))?;
        Ok(said)
    })
}

/// The callee speaks from its answer on; the agent says his words, then attests.
fn told_by_the_agent(stage: &Stage, attest: impl FnOnce(&Cast, &Call) -> Proof<i64>) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &ATTEST)?.start(stage)?;
    let (out, into) = placed(&cast, silent(), CallPlan::tone(CALLER))?;
    into.talk(Duration::from_millis(300))?;
    speak(&into, AGENT, Duration::from_millis(500))?;
    let said = attest(&cast, &into)?;
    out.talk(Duration::from_secs(1))?;
    out.say(Speech::Silence);
    out.talk(Duration::from_millis(200))?;
    converse(&[(&into, AGENT), (&out, CALLER)])?;
    never_told(&out)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    account.moments = vec![(out.id().into(), said)];
    Ok((cast, account))
}

fn attested(account: &Account, findings: &Findings) -> Proof {
    each_from_its_moment_on(account, findings)?;
    let (view, _) = findings.recorded()?;
    let stood = view.standings(&account.parts[0].leg);
    promise!(stood.contains(&"informed"), "that its agent told it is stored: {:#?}", view.parties);
    Ok(())
}

/// Nobody attests: the agent alone hears the reminder, what was captured goes, the call goes on.
fn nobody(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &ATTEST)?.start(stage)?;
    let (out, into) = placed(&cast, silent(), silent())?;
    into.talk(Duration::from_millis(300))?;
    speak(&into, AGENT, Duration::from_millis(500))?;
    let alarm = alarm(&cast, "not_attested")?;
    promise!(format!("{alarm:?}").contains(into.id()), "the alarm names the agent's leg: {alarm:?}");
    wait_stored(&cast.vault, false, Duration::from_secs(60))?;
    promise!(loud(&into.heard()?), "the agent is reminded by a beep");
    let callee = out.heard()?;
    let others = callee.audible(AGENT).iter().map(|heard| heard.length()).sum::<i64>();
    let sound = callee.samples.chunks(160).filter(|chunk| is_loud(chunk)).count() as i64 * 20;
    promise!((sound - others).abs() <= 100, "the callee hears {sound} ms of sound, {others} ms of the agent");
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

fn loud(heard: &Heard) -> bool {
    heard.samples.chunks(160).any(is_loud)
}

fn is_loud(samples: &[i16]) -> bool {
    samples.iter().any(|sample| sample.unsigned_abs() > 300)
}
