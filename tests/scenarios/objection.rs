//! NOT-05: who objects is captured no more within 200 ms, what was captured is destroyed within 60 s while the call goes
//! on. NOT-04: in the mode `optin` only who agrees is captured.
use std::sync::Arc;
use std::time::{Duration, Instant};

use callvault_test_support::callvault::View;
use callvault_test_support::clock::unix_ms;
use callvault_test_support::intervals::{Interval, clipped, expect_near, joined, listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, hear_each_other, silent, speak};
use crate::oracle::{WHEN, alone_on, each_from_its_moment_on, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{
    PROMPT_MS, STOPPED_MS, begins, heard_whole, ours, placed, stopped, stored, telling, told_and_joined, wait_stored,
};

/// How soon capture stops.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How soon what was captured is gone.
const GONE: Duration = Duration::from_secs(60);

const OPTOUT: (&str, &str) = ("notice-mode", "optout");
const OPTIN: (&str, &str) = ("notice-mode", "optin");

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "objects_as_its_notice_begins", act: |stage| in_the_notice(stage, 0), judge: objected },
        Promise { name: "objects_as_its_notice_ends", act: |stage| in_the_notice(stage, 90), judge: objected },
        Promise { name: "objects_in_the_audio", act: in_the_audio, judge: objected },
        Promise { name: "objects_in_the_conversation", act: in_the_conversation, judge: objected },
        Promise { name: "objects_by_info", act: by_info, judge: objected },
        Promise { name: "agent_says_that_the_caller_objects", act: by_the_agent, judge: objected },
        Promise { name: "callee_objects_in_the_conversation", act: callee, judge: objected },
        Promise { name: "agrees_and_is_captured_from_then_on", act: agrees, judge: captured_from_then_on },
        Promise { name: "agrees_while_still_being_told", act: agrees_early, judge: captured_from_then_on },
        Promise { name: "says_nothing_to_the_question", act: silence, judge: objected },
        Promise { name: "agrees_and_withdraws", act: withdraws, judge: objected },
        Promise { name: "who_objected_hears_that_recording_has_stopped", act: hears_that_it_stopped, judge: objected },
        Promise { name: "nine_is_only_a_key_in_the_mode_notice", act: only_a_key, judge: each_from_its_moment_on },
    ])
}

/// The key falls at this share of the prompt; the party hears the rest of it.
fn in_the_notice(stage: &Stage, percent: u64) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTOUT])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    let due = begins(&out)? + Duration::from_millis(PROMPT_MS as u64 * percent / 100);
    out.talk(due.saturating_duration_since(Instant::now()))?;
    out.press("9")?;
    heard_whole(&out)?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    promise!(stored(&cast.vault)? == 0, "nothing is captured of who objected in its notice");
    finish(cast, out, into)
}

/// A telephone that sends its keys as sound alone (ITU-T Q.23: 852 and 1477 Hz are the 9).
fn in_the_audio(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTOUT, ("inband-digits", "true")])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    objecting(&cast, &out, &into, || {
        out.say(nine());
        out.talk(Duration::from_millis(300))?;
        out.say(Speech::Silence);
        Ok(Instant::now())
    })?;
    finish(cast, out, into)
}

fn nine() -> Speech {
    let wave = |hertz: f64, at: u32| (f64::from(at) * hertz * std::f64::consts::TAU / 8_000.0).sin();
    let samples = (0..8_000).map(|at| ((wave(852.0, at) + wave(1_477.0, at)) * 5_000.0) as i16);
    Speech::Recording(Arc::new(samples.collect()), 8_000)
}

fn in_the_conversation(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTOUT])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    objecting(&cast, &out, &into, || out.press("9"))?;
    finish(cast, out, into)
}

fn by_info(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTOUT])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    objecting(&cast, &out, &into, || {
        let pressed = Instant::now();
        out.press_by_info('9')?;
        Ok(pressed)
    })?;
    finish(cast, out, into)
}

/// In every mode: the caller says it, the agent's code does it.
fn by_the_agent(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    objecting(&cast, &out, &into, || into.press("*9"))?;
    finish(cast, out, into)
}

fn callee(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTOUT])?.start(stage)?;
    let (out, into) = placed(&cast, silent(), silent())?;
    heard_whole(&out)?;
    objecting(&cast, &out, &into, || out.press("9"))?;
    finish(cast, out, into)
}

/// Both spoke and were captured; one objects; capture stops, all of it goes, and both hear each other before and after.
fn objecting(cast: &Cast, out: &Call, into: &Call, object: impl FnOnce() -> Proof<Instant>) -> Proof {
    hear_each_other((out, CALLER), (into, AGENT))?;
    wait_stored(&cast.vault, true, SOON)?;
    let pressed = object()?;
    let stopped = ours(cast, "objected")?;
    let after = stopped.at.saturating_duration_since(pressed);
    promise!(after <= AT_ONCE, "capture stops within {AT_ONCE:?} of the key; it took {after:?}");
    wait_stored(&cast.vault, false, GONE)?;
    hear_each_other((out, CALLER), (into, AGENT))?;
    promise!(stored(&cast.vault)? == 0, "nothing is captured after an objection");
    let rows = cast.vault.list(&cast.host)?;
    let outcome = rows.first().and_then(|row| row.reason.as_deref());
    promise!(outcome == Some("objected"), "the outcome stands while the call goes on: {rows:#?}");
    Ok(())
}

fn finish(cast: Cast, out: Call, into: Call) -> Proof<(Cast, Account)> {
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// Nothing is kept of the first party's call, and why is stored.
pub fn objected(account: &Account, findings: &Findings) -> Proof {
    let [view] = findings.views.as_slice() else {
        return Err(format!("one call is due: {:#?}", findings.views).into());
    };
    promise!(view.outcome.as_deref() == Some("not_recorded"), "who objects is not recorded: {view:#?}");
    promise!(view.reason.as_deref() == Some("objected"), "the reason is objected: {view:#?}");
    promise!(matches!(view.state.as_str(), "none" | "destroyed"), "no audio is kept: {}", view.state);
    promise!(findings.opened[0].is_none(), "nothing can be opened");
    if view.state == "destroyed" {
        promise!(view.parties.is_empty(), "a tombstone says nothing of who was there: {:#?}", view.parties);
        return Ok(());
    }
    let standings = view.standings(&account.parts[0].leg);
    let said = |word: &&str| ["objected", "withdrawn", "declined"].contains(word);
    promise!(standings.iter().any(said), "what the party said is stored as it was: {standings:?}");
    Ok(())
}

fn agrees(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTIN])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    heard_whole(&out)?;
    // In the question's time, before the answer to it: not captured.
    speak(&out, CALLER, Duration::from_millis(500))?;
    let pressed = out.press("1")?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    let (cast, mut account) = finish(cast, out, into)?;
    account.moments = vec![("agreed".into(), unix_ms(pressed))];
    Ok((cast, account))
}

/// A key that answers the question before it has been asked to its end counts from that end on.
fn agrees_early(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTIN])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    begins(&out)?;
    out.press("1")?;
    let told = heard_whole(&out)?;
    let into = cast.agent.incoming(Duration::from_secs(4))?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    let (cast, mut account) = finish(cast, out, into)?;
    account.moments = vec![("agreed".into(), told.to)];
    Ok((cast, account))
}

fn captured_from_then_on(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    let zero = zero_of(view)?;
    let (caller, agreed) = (&account.parts[0], account.moments[0].1);
    let (channel, _) = track_of(view, &caller.leg)?;
    let due: Vec<Interval> = clipped(&caller.spoken, Interval::new(agreed, caller.call.to))
        .into_iter()
        .map(|said| said.seen_from(zero))
        .collect();
    expect_near("the caller, from its consent on", &due, &joined(&opened.audible(channel, CALLER), 70), WHEN)?;
    alone_on(CALLER, opened, channel)?;
    has_stood(view, &caller.leg, "consented")
}

fn has_stood(view: &View, leg: &str, standing: &str) -> Proof {
    promise!(view.standings(leg).contains(&standing), "{standing} is stored: {:#?}", view.parties);
    Ok(())
}

fn withdraws(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTIN])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    heard_whole(&out)?;
    out.press("1")?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    objecting(&cast, &out, &into, || out.press("9"))?;
    finish(cast, out, into)
}

/// The question waits two seconds, then the call goes on.
fn silence(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[OPTIN, ("consent-seconds", "2")])?.start(stage)?;
    unagreed(cast, |_| Ok(()), Duration::from_secs(4))
}

/// The call goes on within `limit` of the prompt's end, heard by both and captured by nobody.
fn unagreed(cast: Cast, answer: impl FnOnce(&Call) -> Proof, limit: Duration) -> Proof<(Cast, Account)> {
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent())?;
    heard_whole(&out)?;
    answer(&out)?;
    let into = cast.agent.incoming(limit)?;
    into.wait_answered(SOON)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    promise!(stored(&cast.vault)? == 0, "nothing is captured of who did not agree");
    finish(cast, out, into)
}

/// The prompt `stopped` plays to who objected, beside the conversation, and to nobody else.
fn hears_that_it_stopped(stage: &Stage) -> Proof<(Cast, Account)> {
    let file = stopped(stage.directory())?;
    let casting =
        telling(stage, &[OPTOUT])?.policy(|vault| vault.with_prompt("stopped", &file.to_string_lossy(), "en"));
    let cast = casting.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    out.press("9")?;
    out.media().wait_heard(THIRD, SOON)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    let (theirs, ours) = (out.heard()?.audible(THIRD), into.heard()?.audible(THIRD));
    promise!((total(&theirs) - STOPPED_MS).abs() <= 80, "the caller hears it whole: {}", listed(&theirs));
    promise!(ours.is_empty(), "the agent does not hear it: {}", listed(&ours));
    finish(cast, out, into)
}

/// No prompt of the mode `notice` names a digit: a 9 is for menus.
fn only_a_key(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    out.press("9")?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    finish(cast, out, into)
}
