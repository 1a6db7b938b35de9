//! NOT-02: being told where media is late or odd: another recorder that starts with the notice, a far end behind a NAT or
//! one that sends nothing first, a notice that is played again. NOT-06: the waiting sound ends with its reason.
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use callvault_test_support::intervals::{joined, listed, total};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER, THIRD, audible_intervals};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, hear_each_other, silent};
use crate::oracle::{each_from_its_moment_on, not_recorded};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{PROMPT, PROMPT_MS, heard_whole, placed, telling};

/// How soon after its reason the waiting sound ends; the notice's end is told to the recorder first.
const ENDS_WITHIN_MS: i64 = 100;

/// What has the host itself work a leg that has picked up, and clear what would break a sound on it.
const CONSUMED: [(&str, &str); 3] = [
    ("ignore", "ignore_early_media=consume"),
    ("ring", "monitor_early_media_ring=true"),
    ("fail", "monitor_early_media_fail=true"),
];

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise {
            name: "another_recorder_that_starts_with_the_notice",
            act: recorded_by_others_too,
            judge: |account, findings| {
                each_from_its_moment_on(account, findings)?;
                heard_in(&["informed"], findings)
            },
        },
        Promise {
            name: "a_caller_behind_a_nat_hears_its_notice_whole",
            act: behind_a_nat,
            judge: each_from_its_moment_on,
        },
        Promise {
            name: "who_waits_for_the_first_packet_hears_its_notice_whole",
            act: sends_nothing_first,
            judge: each_from_its_moment_on,
        },
        Promise {
            name: "a_notice_that_was_broken_off_is_played_again",
            act: told_again,
            judge: |account, findings| {
                each_from_its_moment_on(account, findings)?;
                heard_in(&["partial", "informed"], findings)
            },
        },
        Promise {
            name: "a_notice_is_played_three_times_at_most",
            act: never_whole,
            judge: |_, findings| {
                not_recorded("not_informed", findings)?;
                heard_in(&["partial", "partial", "partial"], findings)
            },
        },
    ]);
    trials.push(on_freeswitch("the_waiting_sound_ends_with_the_notice_whatever_the_host_does", waiting_ends));
    trials.push(on_freeswitch("the_waiting_sound_ends_with_either_leg", waiting_legs_leave));
    trials.push(on_freeswitch("a_forced_unload_ends_a_notice_and_the_waiting_sound", unloaded));
    trials
}

/// The notices of the only recording, by how they went.
fn heard_in(states: &[&str], findings: &Findings) -> Proof {
    let notices = &findings.views[0].notices;
    let found: Vec<&str> = notices.iter().filter_map(|notice| notice["state"].as_str()).collect();
    promise!(found == states, "{states:?} is due: {notices:#?}");
    Ok(())
}

fn converse_and_part(cast: Cast, out: &Call, into: &Call, told: i64) -> Proof<(Cast, Account)> {
    converse(&[(out, CALLER), (into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(out, CALLER), (into, AGENT)])?;
    account.moments = vec![(out.id().into(), told), (into.id().into(), told)];
    Ok((cast, account))
}

/// Somebody records by the host's own means from within the notice on: that hears the party from then on, and the notice
/// loses nothing by it.
fn recorded_by_others_too(stage: &Stage) -> Proof<(Cast, Account)> {
    let file = stage.directory().join("theirs.wav");
    let cast = telling(stage, &[])?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", CallPlan::tone(CALLER))?;
    out.media().wait_heard(PROMPT, SOON)?;
    cast.host.must(&format!("uuid_record {} start {}", out.id(), file.display()))?;
    let told = heard_whole(&out)?;
    out.say(Speech::Silence);
    cast.host.must(&format!("uuid_record {} stop {}", out.id(), file.display()))?;
    let mut theirs = hound::WavReader::open(&file)?;
    let (channels, rate) = (usize::from(theirs.spec().channels), theirs.spec().sample_rate);
    let samples = theirs.samples::<i16>().step_by(channels).collect::<Result<Vec<_>, _>>()?;
    let heard = total(&audible_intervals(&samples, rate, CALLER));
    promise!(heard >= PROMPT_MS - 500, "who else records hears the caller in its notice too: {heard} ms of it");
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    converse_and_part(cast, &out, &into, told.to)
}

/// The caller's description names a port that nobody listens on; its packets come from another.
fn behind_a_nat(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let nobody = UdpSocket::bind(("127.0.0.1", 0))?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("line", silent().behind(nobody.local_addr()?.port()))?;
    let told = heard_whole(&out)?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    converse_and_part(cast, &out, &into, told.to)
}

/// A callee that sends nothing before it has heard a packet, as one that latches.
fn sends_nothing_first(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = telling(stage, &[])?.start(stage)?;
    let (out, into) = placed(&cast, silent(), CallPlan::saying(Speech::Nothing))?;
    out.media().wait_received(1, SOON)?;
    out.say(Speech::Silence);
    let told = heard_whole(&out)?;
    into.talk(Duration::from_millis(400))?;
    let (cast, mut account) = converse_and_part(cast, &out, &into, told.to)?;
    // The agent was there before it, and alone.
    account.parts.reverse();
    Ok((cast, account))
}

/// A dialplan that tells twice: the first notice is broken off, the second one is heard whole; a third would be no news.
fn told_again(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = telling(stage, &[])?;
    let dial = casting.agent.dial_string();
    let tells = [
        // The answer itself tells; the first word of the dialplan means that.
        ("answer", ""),
        ("callvault_notice", ""),
        ("playback", "silence_stream://500"),
        ("callvault_notice", ""),
        ("callvault_notice", ""),
        ("bridge", &dial),
    ];
    let cast = casting.extension("again", &tells).start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("again", silent())?;
    break_notice(&cast, &out)?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(400))?;
    let heard = out.heard()?;
    let prompts = joined(&heard.audible(PROMPT), 40);
    promise!(prompts.len() == 2, "two notices are heard: {}", listed(&prompts));
    let whole = prompts[1];
    promise!((whole.length() - PROMPT_MS).abs() <= 60, "the second one whole: {}", listed(&prompts));
    let told = whole.seen_from(-callvault_test_support::clock::unix_ms(heard.started)).to;
    converse_and_part(cast, &out, &into, told)
}

/// A dialplan that tells five times, and is broken off each time.
fn never_whole(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = telling(stage, &[])?;
    let mut tells = vec![("answer", "")];
    tells.extend([("callvault_notice", ""), ("playback", "silence_stream://500")].repeat(4));
    tells.push(("echo", ""));
    let cast = casting.extension("again", &tells).start(stage)?;
    let call = cast.dial("again", silent())?;
    for _ in 0..3 {
        break_notice(&cast, &call)?;
    }
    // Who leaves within two seconds of a broken notice has refused it.
    call.talk(Duration::from_millis(2_100))?;
    let prompts = joined(&call.heard()?.audible(PROMPT), 40);
    promise!(prompts.len() == 3, "three notices began: {}", listed(&prompts));
    call.say(Speech::Tone(CALLER));
    call.media().wait_heard(CALLER, SOON)?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

fn break_notice(cast: &Cast, call: &Call) -> Proof {
    call.media().wait_heard(PROMPT, SOON)?;
    call.talk(Duration::from_millis(300))?;
    cast.host.must(&format!("uuid_break {}", call.id()))?;
    // Until no prompt is heard any more.
    call.talk(Duration::from_millis(300))
}

/// A cast whose extensions ring the agent while the host works its leg, with a waiting sound that has no end.
fn consumed(stage: &Stage) -> Proof<Cast> {
    let sound = format!("tone_stream://%(1000,0,{THIRD});loops=-1");
    let mut casting = telling(stage, &[("waiting-sound", &sound)])?;
    let dial = casting.agent.dial_string();
    for (name, variable) in CONSUMED {
        casting = casting.extension(name, &[("set", variable), ("bridge", &dial)]);
    }
    casting.start(stage)
}

fn rung(cast: &Cast, extension: &str) -> Proof<(Call, Call)> {
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial(extension, silent())?;
    let into = cast.agent.incoming(SOON)?;
    into.media().wait_heard(THIRD, SOON)?;
    Ok((out, into))
}

fn waiting_ends(stage: &Stage) -> Proof {
    let cast = consumed(stage)?;
    for (extension, variable) in CONSUMED {
        let (out, into) = rung(&cast, extension)?;
        let told = heard_whole(&out)?;
        hear_each_other((&out, CALLER), (&into, AGENT))?;
        let heard = into.heard()?;
        let waited = joined(&heard.audible(THIRD), 60);
        let end = waited.last().map_or(0, |last| last.to) + callvault_test_support::clock::unix_ms(heard.started);
        let late = end - told.to;
        promise!(waited.len() == 1, "{variable}: the waiting sound is whole: {}", listed(&waited));
        promise!(late < ENDS_WITHIN_MS, "{variable}: it ends {late} ms after the notice");
        out.hang_up()?;
        into.wait_ended(SOON)?;
        cast.wait_idle()?;
    }
    Ok(())
}

/// The caller leaves in its notice, or the agent while it waits: neither leg is kept.
fn waiting_legs_leave(stage: &Stage) -> Proof {
    let cast = consumed(stage)?;
    for (extension, variable) in CONSUMED {
        let (out, into) = rung(&cast, extension)?;
        out.hang_up()?;
        let since = Instant::now();
        let ended = into.wait_ended(SOON)?.saturating_duration_since(since);
        promise!(ended < Duration::from_millis(500), "{variable}: the agent is let go {ended:?} after the caller left");
        cast.wait_idle()?;

        let (out, into) = rung(&cast, extension)?;
        into.hang_up()?;
        let told = heard_whole(&out)?;
        promise!(told.length() > 0, "{variable}: the caller's notice goes on");
        out.hang_up()?;
        cast.wait_idle()?;
    }
    Ok(())
}

fn unloaded(stage: &Stage) -> Proof {
    let cast = consumed(stage)?;
    let (out, into) = rung(&cast, CONSUMED[0].0)?;
    let since = Instant::now();
    cast.host.api("unload -f mod_callvault")?;
    let took = since.elapsed();
    promise!(took < Duration::from_secs(3), "`unload -f` in a notice took {took:?}");
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()
}
