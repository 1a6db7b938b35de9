//! The support crate shown on a real host without our module: what a scenario builds on must hold by itself.
use std::process::ExitCode;
use std::time::Duration;

use callvault_test_support::codec::Codec;
use callvault_test_support::freeswitch::{Configuration, Event, Instance};
use callvault_test_support::intervals::{joined, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallEvent, CallPlan, UserAgent};
use callvault_test_support::suite::{self, Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};

const SOON: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    suite::run(vec![
        on_freeswitch("a_party_hears_its_own_echo_in_every_codec", echo),
        on_freeswitch("bridged_parties_hear_each_other_and_nothing_else", bridge),
        on_freeswitch("odd_and_mixed_packet_times_come_through_whole", packet_times),
        on_freeswitch("a_party_on_hold_is_silent_until_taken_back", hold),
        on_freeswitch("a_blind_transfer_joins_two_others", blind_transfer),
        on_freeswitch("an_attended_transfer_joins_two_others", attended_transfer),
        on_freeswitch("three_in_a_conference_hear_the_other_two", conference),
        on_freeswitch("a_digit_reaches_the_host", digit),
        on_freeswitch("a_host_stops_when_told_and_dies_when_killed", ends),
    ])
}

fn echo(stage: &Stage) -> Proof {
    let host = stage.start(&Configuration::new())?;
    let caller = UserAgent::start("0612345678")?;
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::L16 { rate: 16_000 }, Codec::Opus] {
        let plan = CallPlan::tone(CALLER).with_codecs(&[codec]);
        let call = caller.call("echo", host.sip_port(), plan)?;
        call.wait_answered(SOON)?;
        call.talk(Duration::from_millis(1_500))?;
        call.hang_up()?;
        let heard = joined(&call.heard()?.audible(CALLER), 50);
        promise!(call.codec() == Some(codec), "{codec:?} was asked for, {:?} agreed", call.codec());
        promise!(heard.len() == 1 && total(&heard) > 1_200, "{codec:?}: its echo was heard {heard:?}");
    }
    host.wait_idle(SOON)
}

/// A call between a caller and an agent, both answered and heard.
fn bridged(
    host: &Instance,
    caller: &UserAgent,
    plan: CallPlan,
    agent: &UserAgent,
    answers: CallPlan,
) -> Proof<(Call, Call)> {
    agent.answering(Answering::AtOnce, answers);
    let out = caller.call(agent.name(), host.sip_port(), plan)?;
    let into = agent.incoming(SOON)?;
    out.wait_answered(SOON)?;
    into.wait_answered(SOON)?;
    Ok((out, into))
}

fn bridge(stage: &Stage) -> Proof {
    let (caller, agent) = (UserAgent::start("0612345678")?, UserAgent::start("2001")?);
    let host = stage.start(&Configuration::new().bridging_to(&agent))?;
    let (out, into) = bridged(&host, &caller, CallPlan::tone(CALLER), &agent, CallPlan::tone(AGENT))?;
    out.talk(Duration::from_secs(2))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let (at_caller, at_agent) = (out.heard()?, into.heard()?);
    promise!(total(&at_caller.audible(AGENT)) > 1_700, "the caller heard the agent {:?}", at_caller.audible(AGENT));
    promise!(total(&at_agent.audible(CALLER)) > 1_700, "the agent heard the caller {:?}", at_agent.audible(CALLER));
    promise!(at_caller.audible(CALLER).is_empty(), "the caller heard itself {:?}", at_caller.audible(CALLER));
    promise!(at_agent.audible(AGENT).is_empty(), "the agent heard itself {:?}", at_agent.audible(AGENT));
    host.wait_idle(SOON)
}

fn packet_times(stage: &Stage) -> Proof {
    let (caller, agent) = (UserAgent::start("0612345678")?, UserAgent::start("2001")?);
    let host = stage.start(&Configuration::new().bridging_to(&agent))?;
    for times in [&[10][..], &[30], &[60], &[20, 30], &[20, 40]] {
        let plan = CallPlan::tone(CALLER).with_packet_times(times);
        let (out, into) = bridged(&host, &caller, plan, &agent, CallPlan::tone(AGENT))?;
        out.talk(Duration::from_secs(2))?;
        out.hang_up()?;
        into.wait_ended(SOON)?;
        let heard = into.heard()?.audible(CALLER);
        promise!(total(&heard) > 1_700, "with {times:?} ms the agent heard {heard:?}");
    }
    host.wait_idle(SOON)
}

fn hold(stage: &Stage) -> Proof {
    let (caller, agent) = (UserAgent::start("0612345678")?, UserAgent::start("2001")?);
    let host = stage.start(&Configuration::new().bridging_to(&agent))?;
    let (out, into) = bridged(&host, &caller, CallPlan::tone(CALLER), &agent, CallPlan::tone(AGENT))?;
    into.media().wait_heard(CALLER, SOON)?;
    out.hold()?;
    host.wait_leg(out.id(), "CHANNEL_HOLD", SOON)?;
    let silent_from = std::time::Instant::now();
    into.talk(Duration::from_secs(1))?;
    out.unhold()?;
    host.wait_leg(out.id(), "CHANNEL_UNHOLD", SOON)?;
    let silent_to = std::time::Instant::now();
    out.talk(Duration::from_secs(1))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let heard = joined(&into.heard()?.audible_since(silent_from, CALLER), 60);
    let length = (silent_to - silent_from).as_millis() as i64;
    promise!(heard.len() == 2, "before and after the hold; heard {heard:?}");
    promise!(heard[0].to <= 100 && heard[1].from >= length - 300, "silent for {length} ms; heard {heard:?}");
    Ok(())
}

fn blind_transfer(stage: &Stage) -> Proof {
    let caller = UserAgent::start("0612345678")?;
    let (agent, third) = (UserAgent::start("2001")?, UserAgent::start("2002")?);
    let host = stage.start(&Configuration::new().bridging_to(&agent).bridging_to(&third))?;
    third.answering(Answering::AtOnce, CallPlan::tone(THIRD));
    let (out, into) = bridged(&host, &caller, CallPlan::tone(CALLER), &agent, CallPlan::tone(AGENT))?;
    out.media().wait_heard(AGENT, SOON)?;
    into.transfer_to(third.name())?;
    let new = third.incoming(SOON)?;
    new.wait_answered(SOON)?;
    into.wait_ended(SOON)?;
    out.media().wait_heard(THIRD, SOON)?;
    new.media().wait_heard(CALLER, SOON)?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    promise!(into.heard()?.audible(THIRD).is_empty(), "who transferred heard the third");
    host.wait_idle(SOON)
}

fn attended_transfer(stage: &Stage) -> Proof {
    let caller = UserAgent::start("0612345678")?;
    let (agent, third) = (UserAgent::start("2001")?, UserAgent::start("2002")?);
    let host = stage.start(&Configuration::new().bridging_to(&agent).bridging_to(&third))?;
    third.answering(Answering::AtOnce, CallPlan::tone(THIRD));
    let (out, into) = bridged(&host, &caller, CallPlan::tone(CALLER), &agent, CallPlan::tone(AGENT))?;
    out.media().wait_heard(AGENT, SOON)?;
    into.hold()?;
    let consultation = agent.call(third.name(), host.sip_port(), CallPlan::tone(AGENT))?;
    consultation.wait_answered(SOON)?;
    let new = third.incoming(SOON)?;
    new.media().wait_heard(AGENT, SOON)?;
    into.transfer_into(&consultation)?;
    out.media().wait_heard(THIRD, SOON)?;
    new.media().wait_heard(CALLER, SOON)?;
    out.hang_up()?;
    new.wait_ended(SOON)?;
    host.wait_idle(SOON)
}

fn conference(stage: &Stage) -> Proof {
    let host = stage.start(&Configuration::new())?;
    let parties = [("0612345678", CALLER), ("2001", AGENT), ("2002", THIRD)];
    let agents: Vec<UserAgent> = parties.iter().map(|(name, _)| UserAgent::start(name)).collect::<Proof<_>>()?;
    let mut calls = Vec::new();
    for (agent, (_, frequency)) in agents.iter().zip(parties) {
        let call = agent.call("conference-room", host.sip_port(), CallPlan::tone(frequency))?;
        call.wait_answered(SOON)?;
        calls.push(call);
    }
    for (call, (name, own)) in calls.iter().zip(parties) {
        for (_, other) in parties.iter().filter(|(_, frequency)| *frequency != own) {
            call.media().wait_heard(*other, SOON)?;
        }
        promise!(call.heard()?.audible(own).is_empty(), "{name} hears itself in the conference");
    }
    for call in &calls {
        call.hang_up()?;
    }
    host.wait_idle(SOON)
}

/// Keys pressed by RFC 4733 reach the host in their order, each once and soon; so does one sent by INFO.
fn digit(stage: &Stage) -> Proof {
    let host = stage.start(&Configuration::new())?;
    let caller = UserAgent::start("0612345678")?;
    let call = caller.call("park", host.sip_port(), CallPlan::saying(Speech::Silence))?;
    call.wait_answered(SOON)?;
    call.talk(Duration::from_millis(300))?;
    let pressed = call.press("*99")?;
    let got = |count| {
        let keys = |event: &Event| event.name() == "DTMF" && event.leg() == call.id();
        let mut seen = 0;
        let counted = |event: &Event| {
            seen += usize::from(keys(event));
            seen == count
        };
        host.events().wait_for(&format!("{count} keys"), SOON, counted)
    };
    let last = got(3)?;
    promise!(last.at.duration_since(pressed) < Duration::from_millis(100), "a key is known when it is let go");
    call.press_by_info('5')?;
    got(4)?;
    let keys = host.events().events();
    let keys: String =
        keys.iter().filter(|event| event.name() == "DTMF").map(|event| event.header("DTMF-Digit")).collect();
    promise!(keys == "*995", "*99 and 5 were pressed; the host got {keys}");
    promise!(call.ask_options()? == 200, "OPTIONS in a dialog");
    host.must(&format!("uuid_kill {}", call.id()))?;
    call.wait_ended(SOON)?;
    promise!(call.events().contains(&CallEvent::Ended), "the host hung up: {:?}", call.events());
    Ok(())
}

fn ends(stage: &Stage) -> Proof {
    let host = stage.start(&Configuration::new())?;
    promise!(host.process().threads()?.values().sum::<usize>() > 5, "a host has threads");
    promise!(host.process().descriptors()?.iter().any(|target| target.contains("socket")), "a host has sockets");
    let how = host.stop()?;
    promise!(how.contains("exit status: 0"), "told to stop it ended with {how}");
    let host = stage.start_named("again", &Configuration::new())?;
    let how = host.kill()?;
    promise!(how.contains("signal: 9"), "killed it ended with {how}");
    Ok(())
}
