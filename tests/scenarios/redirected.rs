//! Decision 18: whoever a leg turns out to be later is judged anew before it is captured, and told before it hears anybody.
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Call, UserAgent};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, INSIDE, SOON, converse, hear_each_other, silent};
use crate::joiners::OTHER;
use crate::oracle::each_from_its_moment_on;
use crate::promise::{Account, Promise, on_each_host};
use crate::told::{heard_whole, never_told, telling};

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise {
            name: "a_user_redirects_to_outside",
            act: |stage| redirected(stage, true),
            judge: each_from_its_moment_on,
        },
        Promise {
            name: "a_user_redirects_to_outside_who_answers_at_once",
            act: |stage| redirected(stage, false),
            judge: each_from_its_moment_on,
        },
        Promise { name: "a_user_answers_as_somebody_outside", act: answered_as, judge: each_from_its_moment_on },
    ]);
    trials.push(on_freeswitch("a_user_redirects_to_a_colleague", to_a_colleague));
    trials.push(on_freeswitch("a_rung_first_leg_redirects_to_outside", click_to_call));
    trials.push(on_freeswitch("a_user_hands_its_call_to_somebody_outside", handed_over_by_update));
    trials
}

/// A host on which `desk` rings the agent as a user.
fn cast(stage: &Stage) -> Proof<Cast> {
    let rings = format!("user/{}", INSIDE[0]);
    telling(stage, &[("record-internal", "false")])?.extension("desk", &[("bridge", &rings)]).start(stage)
}

/// Not at an address of the host's own, or it would ring the number anew by its dialplan.
fn contact(party: &UserAgent) -> String {
    format!("sip:{}@127.0.0.2:{}", party.name(), party.port())
}

/// The agent's telephone sends the call on to somebody outside, who speaks from its answer on.
fn redirected(stage: &Stage, rings_first: bool) -> Proof<(Cast, Account)> {
    let cast = cast(stage)?;
    let other = UserAgent::start_elsewhere(OTHER)?;
    let third = cast.third.call("desk", cast.host.sip_port(), silent())?;
    cast.agent.incoming(SOON)?.redirect(&contact(&other));
    let rung = other.incoming(SOON)?;
    rung.say(Speech::Tone(CALLER));
    if rings_first {
        rung.ring();
    }
    rung.answer()?;
    told_then_heard(cast, third, rung)
}

/// The agent's telephone answers, and says that somebody else did.
fn answered_as(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = cast(stage)?;
    let third = cast.third.call("desk", cast.host.sip_port(), silent())?;
    let rung = cast.agent.incoming(SOON)?;
    rung.say(Speech::Tone(CALLER));
    rung.ring();
    rung.answer_as(Some(OTHER))?;
    told_then_heard(cast, third, rung)
}

/// Who turned out to be outside hears the notice whole, and is captured from its end on; who rang hears none.
fn told_then_heard(cast: Cast, third: Call, rung: Call) -> Proof<(Cast, Account)> {
    rung.wait_answered(SOON)?;
    let told = heard_whole(&rung)?;
    third.wait_answered(SOON)?;
    rung.say(Speech::Silence);
    third.talk(Duration::from_millis(500))?;
    never_told(&third)?;
    converse(&[(&third, THIRD), (&rung, CALLER)])?;
    third.hang_up()?;
    rung.wait_ended(SOON)?;
    let mut account = Account::of(&[(&rung, CALLER), (&third, THIRD)])?;
    account.moments = vec![(rung.id().into(), told.to)];
    Ok((cast, account))
}

fn to_a_colleague(stage: &Stage) -> Proof {
    let cast = cast(stage)?;
    let colleague = UserAgent::start_elsewhere("2003")?;
    let third = cast.third.call("desk", cast.host.sip_port(), silent())?;
    cast.agent.incoming(SOON)?.redirect(&contact(&colleague));
    let rung = colleague.incoming(SOON)?;
    rung.answer()?;
    third.wait_answered(SOON)?;
    hear_each_other((&third, THIRD), (&rung, AGENT))?;
    never_told(&rung)?;
    third.hang_up()?;
    rung.wait_ended(SOON)?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].reason.as_deref() == Some("internal"), "one of company-numbers is a colleague: {rows:#?}");
    Ok(())
}

/// Nobody was connected yet: the first leg of a call that the host places.
fn click_to_call(stage: &Stage) -> Proof {
    let cast = cast(stage)?;
    let other = UserAgent::start_elsewhere(OTHER)?;
    cast.host.must(&format!("bgapi originate user/{} &echo()", INSIDE[0]))?;
    cast.agent.incoming(SOON)?.redirect(&contact(&other));
    let rung = other.incoming(SOON)?;
    rung.answer()?;
    rung.wait_answered(SOON)?;
    heard_whole(&rung)?;
    rung.say(Speech::Tone(CALLER));
    rung.media().wait_heard(CALLER, SOON)?;
    rung.hang_up()?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "told, then recorded: {rows:#?}");
    Ok(())
}

/// In the call, with a customer: what was said before is kept, who comes is told, and is outside from then on.
fn handed_over_by_update(stage: &Stage) -> Proof {
    let casting = telling(stage, &[("record-internal", "false")])?;
    let rings = format!("user/{}", INSIDE[0]);
    let tells = [("answer", ""), ("callvault_notice", ""), ("bridge", rings.as_str())];
    let cast = casting.extension("told-desk", &tells).start(stage)?;
    let customer = cast.dial("told-desk", silent())?;
    let agent = cast.agent.incoming(SOON)?;
    agent.answer()?;
    agent.wait_answered(SOON)?;
    hear_each_other((&customer, CALLER), (&agent, AGENT))?;
    promise!(agent.is_now(OTHER)? == 200, "the host takes the new identity");
    heard_whole(&agent)?;
    hear_each_other((&customer, CALLER), (&agent, AGENT))?;
    customer.hang_up()?;
    agent.wait_ended(SOON)?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 2)?;
    let outcomes: Vec<Option<&str>> = rows.iter().map(|row| row.outcome.as_deref()).collect();
    promise!(outcomes.contains(&Some("recorded")), "what was before is kept: {rows:#?}");
    let status = cast.vault.status(&cast.host)?;
    promise!(status["whose"]["turned_outside"].as_u64() == Some(1), "it is counted: {}", status["whose"]);
    Ok(())
}
