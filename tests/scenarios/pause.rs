//! REC-13: what is said in a pause for payment data is not captured; only the company's side pauses; it ends by itself.
use std::time::Duration;

use callvault_test_support::intervals::Interval;
use callvault_test_support::sip::Call;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_a_real_host_alone, on_each_host};
use crate::told::ours;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise { name: "paused_by_the_agents_code", act: by_code, judge: pause_is_a_gap },
        Promise { name: "pause_ends_by_itself", act: by_itself, judge: pause_is_a_gap },
        Promise { name: "outside_parties_do_not_pause", act: from_outside, judge: each_on_its_own_track },
    ]);
    trials.push(on_a_real_host_alone(Promise { name: "paused_by_command", act: by_command, judge: pause_is_a_gap }));
    trials
}

fn by_code(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    paused(cast, |_, into| into.press("*7").map(drop), |_, into| into.press("*8").map(drop))
}

fn by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let tell = |cast: &Cast, command: &str, leg: &Call| {
        cast.host.must(&format!("callvault_admin {command} {}", leg.id())).map(drop)
    };
    paused(cast, |cast, into| tell(cast, "pause", into), |cast, into| tell(cast, "resume", into))
}

/// The pause of two seconds is over when its second event comes.
fn by_itself(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Casting::new(stage)?.policy(|vault| vault.with("pause-seconds", "2")).start(stage)?;
    let over = |cast: &Cast, _: &Call| {
        let mut seen = 0;
        let second = |event: &callvault_test_support::freeswitch::Event| {
            seen += usize::from(event.header("Event-Subclass") == "callvault::paused");
            seen == 2
        };
        cast.host.events().wait_for("the pause's end", Duration::from_secs(4), second).map(drop)
    };
    paused(cast, |_, into| into.press("*7").map(drop), over)
}

/// They converse; then payment data is said in a pause; then they converse again.
fn paused(
    cast: Cast,
    pause: impl FnOnce(&Cast, &Call) -> Proof,
    resume: impl FnOnce(&Cast, &Call) -> Proof,
) -> Proof<(Cast, Account)> {
    let (out, into) = cast.bridged(silent(), silent())?;
    let both = [(&out, CALLER), (&into, AGENT)];
    converse(&both)?;
    pause(&cast, &into)?;
    ours(&cast, "paused")?;
    speak(&out, CALLER, Duration::from_millis(500))?;
    speak(&into, AGENT, Duration::from_millis(300))?;
    into.talk(Duration::from_millis(200))?;
    resume(&cast, &into)?;
    out.talk(Duration::from_millis(300))?;
    converse(&both)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&both)?;
    let during = account.parts.iter_mut().map(|part| part.spoken.remove(2)).collect::<Vec<_>>();
    account.moments = vec![("from".into(), during[0].from), ("to".into(), during[1].to)];
    Ok((cast, account))
}

fn pause_is_a_gap(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let (view, _) = findings.recorded()?;
    let during = Interval::new(account.moments[0].1, account.moments[1].1).seen_from(zero_of(view)?);
    for part in &account.parts {
        let (_, track) = track_of(view, &part.leg)?;
        let covers = |gap: &&callvault_test_support::callvault::Gap| {
            gap.reason == "paused" && gap.offset_ms <= during.from && gap.offset_ms + gap.duration_ms >= during.to
        };
        promise!(track.gaps.iter().any(|gap| covers(&gap)), "paused around {during}: {:#?}", track.gaps);
    }
    Ok(())
}

fn from_outside(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    let both = [(&out, CALLER), (&into, AGENT)];
    out.talk(Duration::from_millis(300))?;
    out.press("*7")?;
    converse(&both)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&both)?;
    Ok((cast, account))
}
