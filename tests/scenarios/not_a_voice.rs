//! REC-05, REC-12, NOT-06: what reaches a track is its party's voice as the others hear it. Keys, a jitter buffer's filler,
//! and what a member says whom the room does not hear are none.
use std::time::Duration;

use callvault_test_support::callvault::Gap;
use callvault_test_support::rtp::Network;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, gaps_of, heard_all};
use crate::promise::{Account, Findings, Promise, on_each_host};

/// A card's number.
const CARD: &str = "4111*80627";

/// A party sends its keys in the place of its voice, the last packet three times: so long for each of them.
const KEY_MS: i64 = 140;

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "keys_that_are_passed_on_are_not_kept", act: keys_passed_on, judge: keys_are_gaps },
        Promise { name: "a_jitter_buffers_filler_is_not_kept", act: buffered, judge: filler_is_gaps },
        Promise { name: "a_member_whom_the_room_does_not_hear", act: unheard, judge: only_heard_is_kept },
    ])
}

/// With `pass-rfc2833` the host hands the packets of keys on as they are.
fn keys_passed_on(stage: &Stage) -> Proof<(Cast, Account)> {
    let mut casting = Casting::new(stage)?;
    casting.configuration = casting.configuration.profile_parameter("pass-rfc2833", "true");
    let cast = casting.start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.press(CARD)?;
    out.talk(Duration::from_millis(300))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

fn keys_are_gaps(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let gaps = gaps_of(&account.parts[0], "not_received", findings)?;
    let (missing, due) = (total(&gaps), CARD.len() as i64 * KEY_MS);
    promise!(
        (due * 7 / 10..=due * 13 / 10).contains(&missing),
        "keys of {due} ms; {missing} ms are no voice: {gaps:#?}"
    );
    Ok(())
}

/// The host puts something in the place of each packet that did not come.
fn buffered(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = Casting::new(stage)?;
    let dial = casting.agent.dial_string();
    let buffered = [
        ("set", "rtp_jitter_buffer_during_bridge=true"),
        ("answer", ""),
        ("jitterbuffer", "60:200"),
        ("bridge", dial.as_str()),
    ];
    let cast = casting.extension("buffered", &buffered).start(stage)?;
    let mut rough = silent();
    rough.sending.network = Some(Network { seed: 7, loss: 0.06, reordering: 0.0 });
    let (out, into) = cast.bridged_by("buffered", rough, silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    speak(&out, CALLER, Duration::from_secs(4))?;
    out.talk(Duration::from_millis(300))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}

fn filler_is_gaps(account: &Account, findings: &Findings) -> Proof {
    heard_all(account, findings)?;
    let gaps = gaps_of(&account.parts[0], "not_received", findings)?;
    let (missing, length) = (total(&gaps), account.parts[0].call.length());
    promise!(
        (length * 3 / 100..=length * 12 / 100).contains(&missing),
        "6 % of {length} ms were lost; the track says {missing} ms: {gaps:#?}"
    );
    Ok(())
}

/// A member enters muted, is listened to for speech while muted (`mute-detect`: no hard mute), has another recorder put on
/// it, and is held and let go of while muted: all of that takes a hard mute away, or never gave one.
fn unheard(stage: &Stage) -> Proof<(Cast, Account)> {
    let muted = [("answer", ""), ("conference", "room@default+flags{mute|mute-detect}")];
    let cast = Casting::new(stage)?.extension("muted", &muted).start(stage)?;
    let first = cast.dial("conference-room", silent())?;
    let second = cast.agent.call("conference-room", cast.host.sip_port(), silent())?;
    second.wait_answered(SOON)?;
    let third = cast.third.call("muted", cast.host.sip_port(), silent())?;
    third.wait_answered(SOON)?;
    let says = |due: bool| {
        third.talk(Duration::from_millis(400))?;
        speak(&third, THIRD, Duration::from_millis(600))?;
        third.talk(Duration::from_millis(300)).map(|()| due)
    };
    let conference = |command: &str| cast.host.must(&format!("conference room {command}")).map(drop);
    let mut heard = vec![says(false)?];
    conference("unmute last")?;
    heard.push(says(true)?);
    conference("mute last")?;
    let file = stage.directory().join("theirs.wav");
    cast.host.must(&format!("uuid_record {} start {}", third.id(), file.display()))?;
    heard.push(says(false)?);
    conference("hold last")?;
    conference("unhold last")?;
    heard.push(says(false)?);
    conference("unmute last")?;
    heard.push(says(true)?);
    let others = [(&first, CALLER), (&second, AGENT)];
    converse(&others)?;
    for call in [&first, &second, &third] {
        call.hang_up()?;
    }
    let mut account = Account::of(&[(&first, CALLER), (&second, AGENT), (&third, THIRD)])?;
    let mut due = heard.into_iter();
    account.parts[2].spoken.retain(|_| due.next().unwrap_or(true));
    Ok((cast, account))
}

fn only_heard_is_kept(account: &Account, findings: &Findings) -> Proof {
    heard_all(account, findings)?;
    let gaps = gaps_of(&account.parts[2], "muted", findings)?;
    promise!(total(&gaps) > 2000, "what the room did not hear is a gap: {gaps:#?}");
    Ok(())
}

fn total(gaps: &[Gap]) -> i64 {
    gaps.iter().map(|gap| gap.duration_ms).sum()
}
