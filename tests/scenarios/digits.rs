//! NOT-05, REC-13: what parties press is heard from whichever leg it comes, means what the policy says, and reaches
//! whoever else reads it.
use std::sync::Arc;
use std::time::Duration;

use callvault_test_support::callvault::Vault;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::Call;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};

/// A card's number.
const CARD: &str = "4111*80627";

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("objection_by_rfc_4733", |stage| objects(stage, |caller| caller.press("9").map(drop))),
        on_freeswitch("objection_by_info", |stage| objects(stage, |caller| caller.press_by_info('9'))),
        on_freeswitch("objection_in_the_audio", |stage| {
            objects_under(stage, &[("inband-digits", "true")], |caller| {
                caller.say(nine());
                caller.talk(Duration::from_millis(300))?;
                caller.say(Speech::Silence);
                Ok(())
            })
        }),
        on_freeswitch("agent_pauses_by_code", agent_pauses),
        on_freeswitch("digits_reach_the_other_party", reach_the_other_party),
    ]
}

/// The caller, in a bridge, presses the digit that objects; the agent's same digit means nothing.
fn objects(stage: &Stage, press: fn(&Call) -> Proof) -> Proof {
    objects_under(stage, &[], press)
}

fn objects_under(stage: &Stage, policy: &[(&str, &str)], press: fn(&Call) -> Proof) -> Proof {
    let tuned = |vault: Vault| policy.iter().fold(vault, |vault, (name, value)| vault.with(name, value));
    let cast = Casting::new(stage)?.policy(|vault| tuned(vault).with("objection-digit", "9")).start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(500))?;
    into.press("9")?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    promise!(told(&cast, "callvault::objected", out.id()).is_empty(), "an agent's digit is no objection");
    press(&out)?;
    let objected = cast
        .host
        .events()
        .wait_for("the objection", SOON, |event| event.header("Event-Subclass") == "callvault::objected")?;
    promise!(
        objected.header("Callvault-leg") == out.id(),
        "the caller objected, not {}",
        objected.header("Callvault-leg")
    );
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    written_off_as(&cast, out.id(), "objected", "not_recorded(objected)")?;
    written_off_as(&cast, into.id(), "company", "not_recorded(objected)")?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].reason.as_deref() == Some("objected"), "the call ended {:?}", rows[0]);
    Ok(())
}

/// REC-02: what the CDR of a leg says.
fn written_off_as(cast: &Cast, leg: &str, state: &str, outcome: &str) -> Proof {
    let cdr = cast
        .host
        .events()
        .wait_for("the leg's CDR", SOON, |event| event.name() == "CHANNEL_HANGUP_COMPLETE" && event.leg() == leg)?;
    let says = [cdr.header("variable_callvault_state"), cdr.header("variable_callvault_outcome")];
    promise!(says == [state, outcome], "the CDR of {leg} says {says:?}");
    promise!(!cdr.header("variable_callvault_id").is_empty(), "a CDR finds its recording");
    Ok(())
}

/// The key 9 as a telephone sounds it: 852 and 1477 Hz (ITU-T Q.23).
fn nine() -> Speech {
    let wave = |hertz: f64, at: u32| (f64::from(at) * hertz * std::f64::consts::TAU / 8_000.0).sin();
    let samples = (0..8_000).map(|at| ((wave(852.0, at) + wave(1_477.0, at)) * 5_000.0) as i16);
    Speech::Recording(Arc::new(samples.collect()), 8_000)
}

/// The agent's code pauses, in the bridge; the other code ends it.
fn agent_pauses(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.press("*7")?;
    into.press("*7")?;
    let on = |state: &'static str| {
        cast.host.events().wait_for(&format!("the pause {state}"), SOON, move |event| {
            event.header("Event-Subclass") == "callvault::paused" && event.header("Callvault-paused") == state
        })
    };
    promise!(on("on")?.header("Callvault-leg") == into.id(), "an outside party cannot pause");
    out.talk(Duration::from_millis(300))?;
    into.press("*8")?;
    on("off")?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()
}

/// What a caller presses to the agent's side is not the recorder's.
fn reach_the_other_party(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.press(CARD)?;
    into.talk(Duration::from_millis(500))?;
    let sent = cast.host.log().lines().filter(|line| line.contains("Send end packet for")).count();
    promise!(sent >= CARD.len(), "the agent got {sent} of {} digits", CARD.len());
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()
}

fn told(cast: &Cast, subclass: &str, leg: &str) -> Vec<String> {
    let events = cast.host.events().events();
    let of_leg = events.iter().filter(|e| e.header("Event-Subclass") == subclass && e.header("Callvault-leg") == leg);
    of_leg.map(|event| event.header("Callvault-by").to_owned()).collect()
}
