//! REC-12: what parties press reaches whoever else reads it; what a leg's CDR says of an objection is in it (REC-02).
use std::time::Duration;

use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};

/// A card's number.
const CARD: &str = "4111*80627";

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("an_objection_is_in_the_cdrs", |stage| objects(stage, "false")),
        on_freeswitch("an_objection_whose_digit_is_passed_on", |stage| objects(stage, "true")),
        on_freeswitch("digits_reach_the_other_party", reach_the_other_party),
    ]
}

/// The agent's same digit means nothing. With `pass-rfc2833` the host hears no digit itself.
fn objects(stage: &Stage, passed_on: &str) -> Proof {
    let mut casting = Casting::new(stage)?.policy(|vault| vault.with("objection-digit", "9"));
    casting.configuration = casting.configuration.profile_parameter("pass-rfc2833", passed_on);
    let cast = casting.start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(500))?;
    into.press("9")?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    let is = |subclass: &str| subclass == "callvault::objected";
    let events = cast.host.events().events();
    promise!(!events.iter().any(|event| is(event.header("Event-Subclass"))), "an agent's digit is no objection");
    out.press("9")?;
    let objected = cast.host.events().wait_for("the objection", SOON, |event| is(event.header("Event-Subclass")))?;
    let by = objected.header("Callvault-leg");
    promise!(by == out.id(), "the caller objected, not {by}");
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    written_off_as(&cast, out.id(), "objected", "not_recorded(objected)")?;
    written_off_as(&cast, into.id(), "company", "not_recorded(objected)")
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
