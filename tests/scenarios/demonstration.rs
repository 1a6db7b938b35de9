//! The two calls of the demonstration, with people's voices in them: shown to be recorded, and taken for its stage.
use std::path::Path;
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call};
use callvault_test_support::suite::Stage;
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, silent};
use crate::oracle::track_of;
use crate::promise::{Account, Findings, Promise, on_each_host};

/// A caller hears fourteen seconds of notice first.
const LONG: Duration = Duration::from_secs(30);
const BREATH: Duration = Duration::from_millis(400);

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "demonstration_inbound", act: inbound, judge: both_are_heard },
        Promise { name: "demonstration_outbound", act: outbound, judge: both_are_heard },
    ])
}

fn told(stage: &Stage) -> Proof<Casting> {
    let told = Casting::new(stage)?.policy(|vault| vault.with("uninformed", "play").with("default-language", "en"));
    let dial = told.agent.dial_string();
    Ok(told.extension("service", &[("answer", ""), ("callvault_notice", ""), ("bridge", &dial)]))
}

fn inbound(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = told(stage)?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    let out = cast.dial("service", silent())?;
    let into = cast.agent.incoming(LONG)?;
    into.wait_answered(SOON)?;
    speak(&into, "inbound-agent")?;
    speak(&out, "inbound-caller")?;
    ended(cast, &out, &into)
}

fn outbound(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = told(stage)?.start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());
    cast.caller.answering(Answering::AtOnce, silent());
    let job = format!("originate {} &bridge({})", cast.agent.dial_string(), cast.caller.dial_string());
    let answer = cast.host.events().background(&job, SOON)?;
    promise!(answer.starts_with("+OK"), "`{job}` answered {answer}");
    let (out, into) = (cast.caller.incoming(SOON)?, cast.agent.incoming(SOON)?);
    out.wait_answered(SOON)?;
    cast.host.wait_leg(into.id(), "CHANNEL_BRIDGE", LONG)?;
    speak(&into, "outbound-agent")?;
    speak(&out, "outbound-callee")?;
    ended(cast, &out, &into)
}

fn ended(cast: Cast, out: &Call, into: &Call) -> Proof<(Cast, Account)> {
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(out, 0), (into, 0)])?;
    Ok((cast, account))
}

/// A shipped recording, once, with a breath before and after it.
fn speak(call: &Call, name: &str) -> Proof {
    let speech = Speech::from_wav(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../speech/{name}.wav")))?;
    let Speech::Recording(samples, rate) = &speech else { broken!("{name} is no recording") };
    let length = Duration::from_millis(samples.len() as u64 * 1_000 / u64::from(*rate));
    call.talk(BREATH)?;
    call.say(speech);
    call.talk(length)?;
    call.say(Speech::Silence);
    call.talk(BREATH)
}

/// Each party's track has several seconds of a voice, and who is outside was informed.
fn both_are_heard(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    for part in &account.parts {
        let (channel, _) = track_of(view, &part.leg)?;
        let block = opened.rate as usize / 50;
        let is_loud = |samples: &&[i16]| samples.iter().any(|sample| sample.unsigned_abs() > 1_000);
        let loud_ms = opened.tracks[channel].chunks(block).filter(is_loud).count() * 20;
        promise!((3_000..12_000).contains(&loud_ms), "the leg {} speaks for {loud_ms} ms", part.leg);
    }
    let states: Vec<_> = view.notices.iter().map(|notice| notice["state"].as_str().unwrap_or("")).collect();
    promise!(states == ["informed"], "the outside party was informed: {:#?}", view.notices);
    Ok(())
}
