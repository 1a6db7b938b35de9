//! REC-03, REC-04, PUR-08: our tap is put back where others take it off, taps of others are told of, media that left is
//! brought back.
use std::time::{Duration, Instant};

use callvault_test_support::callvault::Gap;
use callvault_test_support::freeswitch::Event;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::Answering;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, hear_each_other, silent};
use crate::oracle::{LENGTH, each_on_its_own_track, gaps_of, heard_all, not_recorded, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "tap_taken_off", act: tap_taken_off, judge: heard_all },
        Promise {
            name: "media_that_bypasses_the_host",
            act: media_bypassed,
            judge: |_, findings| not_recorded("no_media_path", findings),
        },
        Promise { name: "media_brought_back", act: media_brought_back, judge: brought_back },
        Promise {
            name: "media_that_leaves_after_the_bridge",
            act: |stage| bypassed_after_the_bridge(stage, "leave"),
            judge: what_left_is_a_gap,
        },
        Promise {
            name: "media_is_kept_from_leaving_after_the_bridge",
            act: |stage| bypassed_after_the_bridge(stage, "return"),
            judge: |account, findings| {
                each_on_its_own_track(account, findings)?;
                let gaps = gaps_of_no_media(account, findings)?;
                promise!(gaps.iter().all(Vec::is_empty), "the media never left: {gaps:#?}");
                Ok(())
            },
        },
        Promise {
            name: "foreign_tap_told",
            act: foreign_tap_told,
            judge: |account, findings| {
                each_on_its_own_track(account, findings)?;
                counted("foreign", findings)
            },
        },
        Promise {
            name: "listener_told",
            act: |stage| listened_to(stage, "report"),
            judge: |_, findings| counted("foreign", findings),
        },
        Promise {
            name: "listener_hung_up",
            act: |stage| listened_to(stage, "hangup"),
            judge: |_, findings| counted("listeners_hung_up", findings),
        },
    ])
}

/// `callvault status` counts one of these taps.
fn counted(what: &str, findings: &Findings) -> Proof {
    promise!(findings.status["tap_watch"][what] == 1, "one of {what} is counted: {:#}", findings.status["tap_watch"]);
    Ok(())
}

/// REC-04: a dialplan takes every bug off the leg, twice, while its caller speaks; the tap is back each time.
fn tap_taken_off(stage: &Stage) -> Proof<(Cast, Account)> {
    let strip =
        [("answer", ""), ("sleep", "700"), ("remove_bugs", ""), ("sleep", "700"), ("remove_bugs", ""), ("echo", "")];
    let cast = Casting::new(stage)?.extension("strip", &strip).start(stage)?;
    let call = cast.dial("strip", silent())?;
    call.talk(Duration::from_millis(300))?;
    call.say(Speech::Tone(CALLER));
    call.talk(Duration::from_secs(2))?;
    let ours = cast.host.api(&format!("uuid_buglist {}", call.id()))?.matches("<function>callvault").count();
    call.say(Speech::Silence);
    call.talk(Duration::from_millis(300))?;
    call.hang_up()?;
    promise!(ours == 1, "the leg has one tap of ours, not {ours}");
    let events = cast.host.events().events();
    let of_ours = |name: &str| -> Vec<Instant> {
        let is = |event: &&Event| event.name() == name && event.header("Media-Bug-Function") == "callvault";
        events.iter().filter(is).map(|event| event.at).collect()
    };
    let (on, off) = (of_ours("MEDIA_BUG_START"), of_ours("MEDIA_BUG_STOP"));
    promise!(on.len() == 3 && off.len() >= 2, "put on {} times, taken off {} times", on.len(), off.len());
    for (gone, back) in off.iter().zip(&on[1..]) {
        let without = back.saturating_duration_since(*gone);
        promise!(without < Duration::from_millis(100), "the tap was away for {without:?}");
    }
    alarmed(&cast, "tap_removed", Instant::now())?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}

/// REC-03: `uuid_media off` in mid call; the policy brings the media back, and both parties go on being recorded.
fn media_brought_back(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Casting::new(stage)?.policy(|vault| vault.with("bypassed-media", "return")).start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    cast.host.api(&format!("uuid_media off {}", out.id()))?;
    alarmed(&cast, "no_media_path", Instant::now())?;
    cast.host.events().wait_for("both legs to be tapped again", SOON, {
        let mut bridges = 0;
        move |event| {
            bridges += usize::from(event.name() == "CHANNEL_BRIDGE");
            bridges > 1
        }
    })?;
    out.talk(Duration::from_millis(700))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// While it was away each track has a gap that says so.
fn brought_back(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let gaps = gaps_of_no_media(account, findings)?;
    promise!(gaps.iter().all(|own| own.len() == 1), "the media left once: {gaps:#?}");
    Ok(())
}

/// REC-03: `bypass_media_after_bridge`.
fn bypassed_after_the_bridge(stage: &Stage, policy: &str) -> Proof<(Cast, Account)> {
    let casting = Casting::new(stage)?.policy(|vault| vault.with("bypassed-media", policy));
    let dial = casting.agent.dial_string();
    let leaving = [("set", "bypass_media_after_bridge=true"), ("bridge", dial.as_str())];
    let cast = casting.extension("leaving", &leaving).start(stage)?;
    let (out, into) = cast.bridged_by("leaving", silent(), silent())?;
    if policy == "leave" {
        alarmed(&cast, "no_media_path", Instant::now())?;
        out.talk(Duration::from_millis(300))?;
        hear_each_other((&out, CALLER), (&into, AGENT))?;
        out.talk(Duration::from_secs(2))?;
    } else {
        converse(&[(&out, CALLER), (&into, AGENT)])?;
    }
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// The call is as long as it was; what of it was not kept is one gap to its end, and the recording is as long as the call.
fn what_left_is_a_gap(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    let zero = zero_of(view)?;
    for part in &account.parts {
        let gaps = gaps_of(part, "no_media", findings)?;
        let (_, track) = track_of(view, &part.leg)?;
        let [gap] = gaps.as_slice() else { broken!("one gap is due: {track:#?}") };
        let (end, call) = (gap.offset_ms + gap.duration_ms, part.call.seen_from(zero));
        promise!(gap.offset_ms < call.from + 1500, "the media leaves at once: {track:#?}, {call}");
        promise!((end - call.to).abs() <= 2 * LENGTH, "the gap reaches to the call's end: {track:#?}, {call}");
        let of_track = track.offset_ms.zip(track.duration_ms).map(|(offset, duration)| offset + duration);
        promise!(
            of_track.is_some_and(|of_track| (of_track - end).abs() <= 2),
            "the track lasts to the gap's end: {track:#?}"
        );
    }
    let due = account.parts.iter().map(|part| part.call.seen_from(zero).to).max().unwrap_or(0);
    promise!((opened.length_ms() - due).abs() <= 2 * LENGTH, "{due} ms of call, {} ms opened", opened.length_ms());
    Ok(())
}

fn gaps_of_no_media(account: &Account, findings: &Findings) -> Proof<Vec<Vec<Gap>>> {
    account.parts.iter().map(|part| gaps_of(part, "no_media", findings)).collect()
}

/// PUR-08: a recording of the host's own on our leg is an alarm within a second.
fn foreign_tap_told(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(400))?;
    let file = stage.directory().join("theirs.wav");
    let since = Instant::now();
    cast.host.must(&format!("uuid_record {} start {}", out.id(), file.display()))?;
    alarmed(&cast, "foreign_tap", since)?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    cast.host.must(&format!("uuid_record {} stop all", out.id()))?;
    let theirs = hound::WavReader::open(&file)?.into_samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    let loud = theirs.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
    promise!(loud > 8_000, "who records by the host's own means hears the call as without us: {loud} loud samples");
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// REC-03: the parties send their packets to each other; nothing of it can be recorded, and the call is as it was.
fn media_bypassed(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = Casting::new(stage)?;
    let dial = casting.agent.dial_string();
    let cast = casting.extension("direct", &[("set", "bypass_media=true"), ("bridge", &dial)]).start(stage)?;
    let (out, into) = cast.bridged_by("direct", silent(), silent())?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    alarmed(&cast, "no_media_path", Instant::now())?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

/// PUR-08: who listens is told of, and hung up where the policy says so; the call goes on.
fn listened_to(stage: &Stage, policy: &str) -> Proof<(Cast, Account)> {
    let cast = Casting::new(stage)?.policy(|vault| vault.with("foreign-taps", policy)).start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(400))?;
    cast.third.answering(Answering::AtOnce, silent());
    let since = Instant::now();
    cast.host.events().background(&format!("originate {} &eavesdrop({})", cast.third.dial_string(), out.id()), SOON)?;
    let listener = cast.third.incoming(SOON)?;
    alarmed(&cast, "foreign_tap", since)?;
    match policy {
        "hangup" => drop(listener.wait_ended(SOON)?),
        _ => listener.hang_up()?,
    }
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    // The listener's own leg is a row beside the call.
    account.recordings = 2;
    Ok((cast, account))
}

/// The alarm came, a second after `since` at the latest.
fn alarmed(cast: &Cast, code: &str, since: Instant) -> Proof {
    let alarm = cast.host.events().wait_for(&format!("the alarm {code}"), SOON, |event| {
        event.header("Event-Subclass") == "callvault::alarm" && event.header("Callvault-code") == code
    })?;
    let late = alarm.at.saturating_duration_since(since);
    promise!(late < Duration::from_secs(1), "the alarm {code} came after {late:?}");
    Ok(())
}
