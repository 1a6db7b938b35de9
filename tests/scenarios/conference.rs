//! REC-06, NOT-06: members of a conference are one conversation; who is muted is not captured.
use std::time::Duration;

use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, track_of};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([Promise { name: "conference_with_a_muted_member", act: of_three, judge: muted_is_a_gap }])
}

fn of_three(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let room = "conference-room";
    let first = cast.dial(room, silent())?;
    let second = cast.agent.call(room, cast.host.sip_port(), silent())?;
    second.wait_answered(SOON)?;
    let third = cast.third.call(room, cast.host.sip_port(), silent())?;
    third.wait_answered(SOON)?;
    let all = [(&first, CALLER), (&second, AGENT), (&third, THIRD)];
    converse(&all)?;

    conference(&cast, "mute last")?;
    third.talk(Duration::from_millis(300))?;
    speak(&third, THIRD, Duration::from_millis(700))?;
    third.talk(Duration::from_millis(300))?;
    conference(&cast, "unmute last")?;
    third.talk(Duration::from_millis(300))?;
    converse(&all)?;

    for (call, _) in &all {
        call.hang_up()?;
    }
    let mut account = Account::of(&all)?;
    // Twice in each conversation; the third time was while it was muted, and is not due.
    let during = account.parts[2].spoken.remove(2);
    account.moments = vec![("muted from".into(), during.from), ("muted to".into(), during.to)];
    Ok((cast, account))
}

fn conference(cast: &Cast, command: &str) -> Proof {
    let answer = cast.host.api(&format!("conference room {command}"))?;
    promise!(answer.contains("OK"), "`conference room {command}` answered {answer}");
    Ok(())
}

fn muted_is_a_gap(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let (view, _) = findings.recorded()?;
    let (_, track) = track_of(view, &account.parts[2].leg)?;
    promise!(track.gaps.iter().any(|gap| gap.reason == "muted"), "a muted stretch is a gap: {:#?}", track.gaps);
    Ok(())
}
