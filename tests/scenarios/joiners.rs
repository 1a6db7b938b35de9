//! NOT-06: who joins later hears its own notice on its own leg, and its track begins after it; the others' go on. REC-09:
//! where no company's party is left, nothing is captured.
use std::time::Duration;

use callvault_test_support::clock::unix_ms;
use callvault_test_support::intervals::total;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallEvent, CallPlan, UserAgent};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent, speak};
use crate::oracle::each_from_its_moment_on;
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{begins, heard_whole, never_told, telling, told_and_joined};

/// A second party from outside.
pub const OTHER: &str = "0687654321";

const ROOM: &str = "conference-room";

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "joins_a_conference_late", act: late, judge: each_from_its_moment_on },
        Promise { name: "joins_a_conference_late_and_objects", act: objecting, judge: kept_until_then },
        Promise { name: "joins_a_conference_untold", act: untold, judge: each_from_its_moment_on },
        Promise { name: "joins_a_call_of_two_by_three_way", act: three_way, judge: each_from_its_moment_on },
        Promise { name: "blind_transfer_to_outside", act: handed_out, judge: kept_while_the_company_was_there },
        Promise { name: "attended_transfer_to_outside", act: handed_over, judge: kept_while_the_company_was_there },
    ])
}

/// The caller, told, and the agent in a conference.
fn in_conference(cast: &Cast) -> Proof<(Call, Call, i64)> {
    let first = cast.dial(ROOM, silent())?;
    let told = heard_whole(&first)?;
    let second = cast.agent.call(ROOM, cast.host.sip_port(), silent())?;
    second.wait_answered(SOON)?;
    converse(&[(&first, CALLER), (&second, AGENT)])?;
    Ok((first, second, told.to))
}

/// A second one from outside speaks from its answer on, while the first speaks too.
fn late(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (first, second, first_told) = in_conference(&cast)?;
    let late = UserAgent::start(OTHER)?;
    first.say(Speech::Tone(CALLER));
    let third = late.call(ROOM, cast.host.sip_port(), CallPlan::tone(THIRD))?;
    third.wait_answered(SOON)?;
    let told = heard_whole(&third)?;
    first.say(Speech::Silence);
    third.say(Speech::Silence);
    let all = [(&first, CALLER), (&second, AGENT), (&third, THIRD)];
    converse(&all)?;
    // The agent heard none of its own, nor another one's.
    never_told(&second)?;
    for (call, _) in &all {
        call.hang_up()?;
    }
    let mut account = Account::of(&all)?;
    account.moments = vec![(first.id().into(), first_told), (third.id().into(), told.to)];
    Ok((cast, account))
}

/// A second one from outside is let into the call of two; it hears its notice first, and then belongs to that call.
fn three_way(stage: &Stage) -> Proof<(Cast, Account)> {
    let join = [("answer", ""), ("three_way", "${global_getvar(three_way_with)}")];
    let cast = telling(stage, &[])?.extension("join", &join).start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let first = cast.dial("line", silent())?;
    let first_told = heard_whole(&first)?;
    let second = cast.agent.incoming(SOON)?;
    second.wait_answered(SOON)?;
    converse(&[(&first, CALLER), (&second, AGENT)])?;
    cast.host.must(&format!("global_setvar three_way_with={}", first.id()))?;
    let late = UserAgent::start(OTHER)?;
    let third = late.call("join", cast.host.sip_port(), CallPlan::tone(THIRD))?;
    third.wait_answered(SOON)?;
    let told = heard_whole(&third)?;
    third.say(Speech::Silence);
    third.talk(Duration::from_millis(500))?;
    let all = [(&first, CALLER), (&second, AGENT), (&third, THIRD)];
    converse(&all)?;
    promise!(total(&second.heard()?.audible(THIRD)) > 500, "the agent hears the third");
    third.hang_up()?;
    first.talk(Duration::from_millis(400))?;
    converse(&all[..2])?;
    first.hang_up()?;
    second.wait_ended(SOON)?;
    let mut account = Account::of(&all)?;
    account.moments = vec![(first.id().into(), first_told.to), (third.id().into(), told.to)];
    Ok((cast, account))
}

/// It objects in its notice: what was there before is kept, nothing is captured any more.
fn objecting(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[("notice-mode", "optout")])?.start(stage)?;
    let (first, second, first_told) = in_conference(&cast)?;
    let late = UserAgent::start(OTHER)?;
    let third = late.call(ROOM, cast.host.sip_port(), silent())?;
    third.wait_answered(SOON)?;
    begins(&third)?;
    third.press("9")?;
    third.talk(Duration::from_millis(2_500))?;
    let all = [(&first, CALLER), (&second, AGENT), (&third, THIRD)];
    converse(&all)?;
    for (call, _) in &all {
        call.hang_up()?;
    }
    let mut account = Account::of(&all[..2])?;
    account.moments = vec![(first.id().into(), first_told)];
    // Its objection stands in a row of its own: it was no part of the conference yet.
    account.recordings = 2;
    // Twice each before the third came; what they said in its presence is not due.
    for part in &mut account.parts {
        part.spoken.truncate(2);
    }
    Ok((cast, account))
}

fn kept_until_then(account: &Account, findings: &Findings) -> Proof {
    each_from_its_moment_on(account, &of_the_caller(account, findings))
}

/// The recording in which the caller has a track.
fn of_the_caller(account: &Account, findings: &Findings) -> Findings {
    let mut own = Findings { views: Vec::new(), opened: Vec::new(), status: findings.status.clone() };
    for (view, opened) in findings.views.iter().zip(&findings.opened) {
        if own.views.is_empty() && view.tracks.iter().any(|track| track.leg == account.parts[0].leg) {
            own.views.push(view.clone());
            own.opened.push(opened.clone());
        }
    }
    own
}

/// Where nobody plays notices by themselves: while an untold party is there nothing is captured, afterwards again.
fn untold(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = telling(stage, &[("uninformed", "refuse")])?;
    let casting =
        casting.extension("told-room", &[("answer", ""), ("callvault_notice", ""), ("conference", "room@default")]);
    let cast = casting.start(stage)?;
    let first = cast.dial("told-room", silent())?;
    let told = heard_whole(&first)?;
    let second = cast.agent.call(ROOM, cast.host.sip_port(), silent())?;
    second.wait_answered(SOON)?;
    let both = [(&first, CALLER), (&second, AGENT)];
    converse(&both)?;
    let late = UserAgent::start(OTHER)?;
    let third = late.call(ROOM, cast.host.sip_port(), silent())?;
    third.wait_answered(SOON)?;
    third.talk(Duration::from_millis(400))?;
    speak(&first, CALLER, Duration::from_millis(700))?;
    third.talk(Duration::from_millis(300))?;
    third.hang_up()?;
    first.talk(Duration::from_millis(400))?;
    converse(&both)?;
    for (call, _) in &both {
        call.hang_up()?;
    }
    let mut account = Account::of(&both)?;
    account.parts[0].spoken.remove(2);
    account.moments = vec![(first.id().into(), told.to)];
    Ok((cast, account))
}

/// A host that rings the second outside party by its number.
fn reaching(stage: &Stage, other: &UserAgent) -> Proof<Casting> {
    let dial = other.dial_string();
    Ok(telling(stage, &[])?.extension(OTHER, &[("bridge", &dial)]))
}

/// The agent sends the caller to an outside number and leaves.
fn handed_out(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = reaching(stage, &other)?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    let told = unix_ms(std::time::Instant::now());
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    other.answering(Answering::AtOnce, silent());
    into.transfer_to(OTHER)?;
    let new = other.incoming(SOON)?;
    new.wait_answered(SOON)?;
    into.wait_ended(SOON)?;
    heard_whole(&new)?;
    new.talk(Duration::from_millis(400))?;
    alone(cast, [(&out, CALLER), (&into, AGENT)], &new, told)
}

/// The agent asks an outside party, and joins both.
fn handed_over(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    let cast = reaching(stage, &other)?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    let told = unix_ms(std::time::Instant::now());
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    into.hold()?;
    other.answering(Answering::AtOnce, silent());
    let consultation = cast.agent.call(OTHER, cast.host.sip_port(), silent())?;
    let new = other.incoming(SOON)?;
    new.wait_answered(SOON)?;
    heard_whole(&new)?;
    consultation.wait_answered(SOON)?;
    into.transfer_into(&consultation)?;
    into.wait("for the host to take the first leg away", SOON, |e| (*e == CallEvent::Ended).then_some(()))?;
    consultation.wait_ended(SOON)?;
    out.talk(Duration::from_millis(700))?;
    let (cast, mut account) = alone(cast, [(&out, CALLER), (&into, AGENT)], &new, told)?;
    account.recordings = 2;
    Ok((cast, account))
}

/// The two outside parties talk with each other; the account is what the caller and the agent said before.
fn alone(cast: Cast, both: [(&Call, u32); 2], new: &Call, told: i64) -> Proof<(Cast, Account)> {
    let out = both[0].0;
    converse(&[(out, CALLER), (new, THIRD)])?;
    promise!(total(&new.heard()?.audible(CALLER)) > 500, "they hear each other");
    out.hang_up()?;
    new.wait_ended(SOON)?;
    let mut account = Account::of(&both)?;
    account.parts[0].spoken.truncate(2);
    account.moments = vec![(out.id().into(), told)];
    Ok((cast, account))
}

fn kept_while_the_company_was_there(account: &Account, findings: &Findings) -> Proof {
    let stray = findings.opened.iter().flatten().flat_map(|opened| {
        (0..opened.tracks.len()).map(|track| total(&opened.plainly_audible(track, THIRD))).collect::<Vec<_>>()
    });
    promise!(stray.sum::<i64>() == 0, "outside parties among themselves are not captured");
    each_from_its_moment_on(account, &of_the_caller(account, findings))
}
