//! REC-08: what is said on hold is not captured; after it, everything is again.
use std::time::Duration;

use callvault_test_support::intervals::Interval;
use callvault_test_support::sip::Call;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, track_of};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "hold_by_the_agent", act: by_the_agent, judge: hold_is_a_gap },
        Promise { name: "hold_by_the_caller", act: by_the_caller, judge: each_on_its_own_track },
        Promise { name: "held_by_command", act: by_command, judge: each_on_its_own_track },
    ])
}

/// The agent holds; the caller speaks meanwhile.
fn by_the_agent(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    held(&cast, &into, &out)?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    // The caller spoke a third time, between the two conversations: that is not due.
    let during = account.parts[0].spoken.remove(2);
    account.moments = vec![("held from".into(), during.from), ("held to".into(), during.to)];
    Ok((cast, account))
}

/// The caller holds and says nothing: nothing of it is sent.
fn by_the_caller(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hold()?;
    cast.host.wait_leg(out.id(), "CHANNEL_HOLD", SOON)?;
    into.talk(Duration::from_secs(1))?;
    out.unhold()?;
    cast.host.wait_leg(out.id(), "CHANNEL_UNHOLD", SOON)?;
    out.talk(Duration::from_millis(400))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// `uuid_hold`: the host says hold by itself; the caller speaks meanwhile.
fn by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    let both = [(&out, CALLER), (&into, AGENT)];
    converse(&both)?;
    cast.host.must(&format!("uuid_hold {}", into.id()))?;
    cast.host.wait_leg(into.id(), "CHANNEL_HOLD", SOON)?;
    out.talk(Duration::from_millis(500))?;
    speak(&out, CALLER, Duration::from_millis(700))?;
    out.talk(Duration::from_millis(300))?;
    cast.host.must(&format!("uuid_hold off {}", into.id()))?;
    cast.host.wait_leg(into.id(), "CHANNEL_UNHOLD", SOON)?;
    out.talk(Duration::from_millis(600))?;
    converse(&both)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&both)?;
    promise!(account.parts[0].spoken.len() == 5, "twice, once on hold, twice: {:?}", account.parts[0].spoken);
    account.parts[0].spoken.remove(2);
    Ok((cast, account))
}

/// `by` holds, the other speaks in the middle of it, `by` takes it back.
fn held(cast: &Cast, by: &Call, other: &Call) -> Proof {
    by.hold()?;
    cast.host.wait_leg(by.id(), "CHANNEL_HOLD", SOON)?;
    other.talk(Duration::from_millis(500))?;
    speak(other, CALLER, Duration::from_millis(700))?;
    other.talk(Duration::from_millis(300))?;
    by.unhold()?;
    cast.host.wait_leg(by.id(), "CHANNEL_UNHOLD", SOON)?;
    // A hold re-INVITE takes the host about 250 ms.
    other.talk(Duration::from_millis(400))
}

fn hold_is_a_gap(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let (view, _) = findings.recorded()?;
    let zero = crate::oracle::zero_of(view)?;
    let during = Interval::new(account.moments[0].1, account.moments[1].1).seen_from(zero);
    for part in &account.parts {
        let (_, track) = track_of(view, &part.leg)?;
        let gap = track.gaps.iter().find(|gap| gap.reason == "hold");
        let covered =
            gap.is_some_and(|gap| gap.offset_ms <= during.from && gap.offset_ms + gap.duration_ms >= during.to);
        promise!(covered, "held around {during}; the track of {} Hz has the gaps {:#?}", part.frequency, track.gaps);
    }
    Ok(())
}
