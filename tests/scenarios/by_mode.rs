//! NOT-01, NOT-04, NOT-05: each kind of call in each mode, with a party that goes on or agrees, and with one that does
//! not: it is captured from then on, or never, and what the others hear is the same.
use std::time::{Duration, Instant};

use callvault_test_support::clock::unix_ms;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallEvent, CallPlan};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, hear_each_other, silent, speak};
use crate::objection::objected;
use crate::oracle::{each_from_its_moment_on, from_its_moment_on_in_all, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{begins, heard_whole, placed, stored, telling};

/// What the outside party does about its notice.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    GoesOn,
    Agrees,
    Objects,
    Declines,
    HangsUp,
}

/// The policy's mode, and the party's word.
type Asked = (&'static str, Word);

const NOTICE: Asked = ("notice", Word::GoesOn);
const OPTOUT: Asked = ("optout", Word::GoesOn);
const OPTIN: Asked = ("optin", Word::Agrees);
const LEAVES: Asked = ("notice", Word::HangsUp);
const OBJECTS: Asked = ("optout", Word::Objects);
const DECLINES: Asked = ("optin", Word::Declines);

pub fn trials() -> Vec<Trial> {
    on_each_host([
        captured("inbound_in_notice", |stage| inbound(stage, NOTICE)),
        captured("inbound_in_optout", |stage| inbound(stage, OPTOUT)),
        captured("inbound_in_optin", |stage| inbound(stage, OPTIN)),
        left("inbound_in_notice_hangs_up", |stage| inbound(stage, LEAVES)),
        refused("inbound_in_optout_objects", |stage| inbound(stage, OBJECTS)),
        refused("inbound_in_optin_declines", |stage| inbound(stage, DECLINES)),
        captured("outbound_in_notice", |stage| outbound(stage, NOTICE)),
        captured("outbound_in_optout", |stage| outbound(stage, OPTOUT)),
        captured("outbound_in_optin", |stage| outbound(stage, OPTIN)),
        left("outbound_in_notice_hangs_up", |stage| outbound(stage, LEAVES)),
        refused("outbound_in_optout_objects", |stage| outbound(stage, OBJECTS)),
        refused("outbound_in_optin_declines", |stage| outbound(stage, DECLINES)),
        captured("blind_transfer_in_notice", |stage| blind_transfer(stage, NOTICE)),
        captured("blind_transfer_in_optout", |stage| blind_transfer(stage, OPTOUT)),
        captured("blind_transfer_in_optin", |stage| blind_transfer(stage, OPTIN)),
        refused("blind_transfer_in_optout_objects", |stage| blind_transfer(stage, OBJECTS)),
        refused("blind_transfer_in_optin_declines", |stage| blind_transfer(stage, DECLINES)),
        captured_in_all("attended_transfer_in_notice", |stage| attended_transfer(stage, NOTICE)),
        captured_in_all("attended_transfer_in_optout", |stage| attended_transfer(stage, OPTOUT)),
        captured_in_all("attended_transfer_in_optin", |stage| attended_transfer(stage, OPTIN)),
        captured("conference_in_notice", |stage| conference(stage, NOTICE)),
        captured("conference_in_optout", |stage| conference(stage, OPTOUT)),
        captured("conference_in_optin", |stage| conference(stage, OPTIN)),
        left("conference_in_notice_hangs_up", |stage| conference(stage, LEAVES)),
        refused("conference_in_optout_objects", |stage| conference(stage, OBJECTS)),
        refused("conference_in_optin_declines", |stage| conference(stage, DECLINES)),
        captured("queue_in_notice", |stage| queue(stage, NOTICE)),
        captured("queue_in_optout", |stage| queue(stage, OPTOUT)),
        captured("queue_in_optin", |stage| queue(stage, OPTIN)),
        left("queue_in_notice_hangs_up", |stage| queue(stage, LEAVES)),
        refused("queue_in_optout_objects", |stage| queue(stage, OBJECTS)),
        refused("queue_in_optin_declines", |stage| queue(stage, DECLINES)),
    ])
}

type Act = fn(&Stage) -> Proof<(Cast, Account)>;

/// Who went on is there from its moment on, and so are the others.
fn captured(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: each_from_its_moment_on }
}

/// The same, where the call has more than one recording.
fn captured_in_all(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: from_its_moment_on_in_all }
}

/// Nothing is kept of who does not want it.
fn refused(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: objected }
}

/// Nothing is kept of who hung up in its notice.
fn left(name: &'static str, act: Act) -> Promise {
    Promise { name, act, judge: |_, findings: &Findings| not_recorded("refused_hangup", findings) }
}

fn cast(stage: &Stage, (mode, _): Asked) -> Proof<Cast> {
    let queue = [("answer", ""), ("callvault_notice", ""), ("fifo", "support@test in")];
    telling(stage, &[("notice-mode", mode)])?
        .extension("queue", &queue)
        .extension("take", &[("answer", ""), ("fifo", "support@test out nowait")])
        .start(stage)
}

/// The party speaks through its whole notice and gives its word; from when it may be captured, or `None` where it hung
/// up.
fn hears(call: &Call, (_, word): Asked) -> Proof<Option<i64>> {
    call.say(Speech::Tone(CALLER));
    match word {
        Word::HangsUp | Word::Objects => {
            begins(call)?;
            call.talk(Duration::from_millis(900))?;
        }
        Word::GoesOn | Word::Agrees | Word::Declines => {}
    }
    if word == Word::HangsUp {
        call.hang_up()?;
        return Ok(None);
    }
    if word == Word::Objects {
        call.press("9")?;
    }
    let told = heard_whole(call)?;
    call.say(Speech::Silence);
    call.talk(Duration::from_millis(200))?;
    Ok(Some(match word {
        Word::Agrees => unix_ms(call.press("1")?),
        Word::Declines => unix_ms(call.press("2")?),
        Word::GoesOn | Word::Objects | Word::HangsUp => told.to,
    }))
}

/// They hear each other, whoever is captured; nothing lies in the store where the outside party does not want it.
fn talk(cast: &Cast, out: &Call, into: (&Call, u32), (_, word): Asked) -> Proof {
    hear_each_other((out, CALLER), into)?;
    let wanted = matches!(word, Word::GoesOn | Word::Agrees);
    promise!(wanted || stored(&cast.vault)? == 0, "nothing is captured of who did not want it");
    Ok(())
}

/// All have left; the account, in which nobody but the outside party was told.
fn over(cast: Cast, parties: &[(&Call, u32)], moment: i64) -> Proof<(Cast, Account)> {
    let mut account = Account::of(parties)?;
    account.moments = vec![(account.parts[0].leg.clone(), moment)];
    Ok((cast, account))
}

fn gone(cast: Cast, out: &Call) -> Proof<(Cast, Account)> {
    let account = Account::of(&[(out, CALLER)])?;
    Ok((cast, account))
}

fn inbound(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let cast = cast(stage, asked)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    let Some(moment) = hears(&out, asked)? else { return gone(cast, &out) };
    let into = picked_up(&cast)?;
    talk(&cast, &out, (&into, AGENT), asked)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    over(cast, &[(&out, CALLER), (&into, AGENT)], moment)
}

fn picked_up(cast: &Cast) -> Proof<Call> {
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    into.talk(Duration::from_millis(400))?;
    Ok(into)
}

fn outbound(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let cast = cast(stage, asked)?;
    let (out, into) = placed(&cast, silent(), silent())?;
    let heard = hears(&out, asked)?;
    let Some(moment) = heard else {
        into.wait_ended(SOON)?;
        return gone(cast, &out);
    };
    out.talk(Duration::from_millis(400))?;
    talk(&cast, &out, (&into, AGENT), asked)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let (cast, mut account) = over(cast, &[(&out, CALLER), (&into, AGENT)], moment)?;
    // Nobody is captured before the other side may be.
    account.moments.push((into.id().into(), moment));
    Ok((cast, account))
}

/// The caller and the agent talk; the third will pick up. From when the caller may be captured.
fn told_and_talking(stage: &Stage, asked: Asked) -> Proof<(Cast, [Call; 2], i64)> {
    let cast = cast(stage, asked)?;
    cast.agent.answering(Answering::AtOnce, silent());
    cast.third.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    let Some(moment) = hears(&out, asked)? else { broken!("who hung up is not handed over") };
    let into = picked_up(&cast)?;
    talk(&cast, &out, (&into, AGENT), asked)?;
    Ok((cast, [out, into], moment))
}

fn blind_transfer(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let (cast, [out, into], moment) = told_and_talking(stage, asked)?;
    into.transfer_to(cast.third.name())?;
    let new = cast.third.incoming(SOON)?;
    new.wait_answered(SOON)?;
    into.wait_ended(SOON)?;
    new.talk(Duration::from_millis(400))?;
    talk(&cast, &out, (&new, THIRD), asked)?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    over(cast, &[(&out, CALLER), (&into, AGENT), (&new, THIRD)], moment)
}

fn attended_transfer(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let (cast, [out, into], moment) = told_and_talking(stage, asked)?;
    into.hold()?;
    let consultation = cast.agent.call(cast.third.name(), cast.host.sip_port(), silent())?;
    consultation.wait_answered(SOON)?;
    let new = cast.third.incoming(SOON)?;
    new.wait_answered(SOON)?;
    new.talk(Duration::from_millis(400))?;
    hear_each_other((&consultation, AGENT), (&new, THIRD))?;
    into.transfer_into(&consultation)?;
    into.wait("for the host to take the first leg away", SOON, |e| (*e == CallEvent::Ended).then_some(()))?;
    consultation.wait_ended(SOON)?;
    out.talk(Duration::from_millis(700))?;
    talk(&cast, &out, (&new, THIRD), asked)?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    let (cast, mut account) =
        over(cast, &[(&out, CALLER), (&into, AGENT), (&consultation, AGENT), (&new, THIRD)], moment)?;
    account.recordings = 2;
    Ok((cast, account))
}

fn conference(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let cast = cast(stage, asked)?;
    let out = cast.dial("conference-room", silent())?;
    let Some(moment) = hears(&out, asked)? else { return gone(cast, &out) };
    let into = cast.agent.call("conference-room", cast.host.sip_port(), silent())?;
    into.wait_answered(SOON)?;
    into.talk(Duration::from_millis(700))?;
    talk(&cast, &out, (&into, AGENT), asked)?;
    out.hang_up()?;
    into.hang_up()?;
    over(cast, &[(&out, CALLER), (&into, AGENT)], moment)
}

/// The caller speaks while it waits, too: that is not captured either.
fn queue(stage: &Stage, asked: Asked) -> Proof<(Cast, Account)> {
    let cast = cast(stage, asked)?;
    let out = cast.dial("queue", CallPlan::tone(CALLER))?;
    if hears(&out, asked)?.is_none() {
        return gone(cast, &out);
    }
    speak(&out, CALLER, Duration::from_millis(500))?;
    let into = cast.agent.call("take", cast.host.sip_port(), silent())?;
    into.wait_answered(SOON)?;
    cast.wait_bridged(&out, &into)?;
    let taken = unix_ms(Instant::now());
    out.talk(Duration::from_millis(400))?;
    talk(&cast, &out, (&into, AGENT), asked)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    over(cast, &[(&out, CALLER), (&into, AGENT)], taken)
}
