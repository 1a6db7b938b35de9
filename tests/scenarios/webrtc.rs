//! A party in a browser (WebRTC: ICE, DTLS-SRTP, Opus) is told, captured, held and heard as everybody else.
use std::path::Path;
use std::time::Duration;

use callvault_test_support::browser::{Browser, Happened};
use callvault_test_support::codec::Codec;
use callvault_test_support::freeswitch::Configuration;
use callvault_test_support::intervals::{Interval, joined, listed, total};
use callvault_test_support::sip::{Answering, Call};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, OUTSIDE, SOON, silent, speak};
use crate::oracle::{alone_on, not_recorded, track_of, zero_of};
use crate::promise::{Account, Findings, Part, with_browser};
use crate::told::{PROMPT, PROMPT_MS, ours, telling};

/// How far apart the browser's clock and ear, its jitter buffer and the recorder's may be, ms.
const ABOUT: i64 = 250;

pub fn trials() -> Vec<Trial> {
    let trials = [
        with_browser("a_browser_rings_and_is_told", rings, told_captured_and_held),
        with_browser("a_browser_is_rung_and_is_told", is_rung, told_captured_and_held),
        with_browser("a_browser_objects_by_its_key", objects, |_, findings| not_recorded("objected", findings)),
    ];
    trials.into_iter().flatten().collect()
}

/// A host that browsers reach, and one with the outside party's number.
fn cast(stage: &Stage, browser: &Path, parameters: &[(&str, &str)]) -> Proof<(Cast, Browser)> {
    let mut casting = telling(stage, parameters)?;
    casting.configuration = Configuration::for_browsers(casting.configuration);
    let cast = casting.start(stage)?;
    let party = Browser::start(browser, &stage.directory().join("browser"), OUTSIDE, cast.host.browser_port(), CALLER)?;
    Ok((cast, party))
}

fn rings(stage: &Stage, browser: &Path) -> Proof<(Cast, Account)> {
    let (cast, party) = cast(stage, browser, &[])?;
    // The host offers it what the caller speaks.
    cast.agent.answering(Answering::AtOnce, silent().with_codecs(&[Codec::Opus]));
    party.call("line", SOON)?;
    let answered = party.wait("answered", SOON)?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    talks(cast, &party, &answered, &into)
}

fn is_rung(stage: &Stage, browser: &Path) -> Proof<(Cast, Account)> {
    let (cast, party) = cast(stage, browser, &[])?;
    cast.agent.answering(Answering::AtOnce, silent());
    let line = format!("originate {} &bridge(sofia/test/{OUTSIDE}%127.0.0.1)", cast.agent.dial_string());
    cast.host.must(&format!("bgapi {line}"))?;
    let into = cast.agent.incoming(SOON)?;
    party.wait("rung", SOON)?;
    party.answer();
    let answered = party.wait("answered", SOON)?;
    talks(cast, &party, &answered, &into)
}

/// The browser hears its notice whole, then both hear each other; it holds, resumes, and hangs up.
fn talks(cast: Cast, party: &Browser, answered: &Happened, into: &Call) -> Proof<(Cast, Account)> {
    let told = told_whole(party)?;
    into.media().wait_heard(CALLER, SOON)?;
    speak(into, AGENT, Duration::from_millis(700))?;
    party.wait_heard(AGENT, 600, SOON)?;
    let held = party.hold(true, SOON)?;
    into.talk(Duration::from_millis(1_500))?;
    let resumed = party.hold(false, SOON)?;
    into.media().wait_heard(CALLER, SOON)?;
    into.talk(Duration::from_millis(700))?;
    let ended = party.hang_up(SOON)?;
    into.wait_ended(SOON)?;
    let call = Interval::new(answered.at_ms, ended.at_ms);
    let own = Part { leg: answered.call.clone(), frequency: CALLER, spoken: vec![call], call };
    let account = Account {
        parts: vec![own, Part::of(into, AGENT)?],
        recordings: 1,
        moments: [("told", told), ("held", held.from), ("resumed", resumed.to)]
            .map(|(name, at)| (name.to_owned(), at))
            .into(),
        ..Account::default()
    };
    Ok((cast, account))
}

/// When its notice had ended, by its ear.
fn told_whole(party: &Browser) -> Proof<i64> {
    party.wait_heard(PROMPT, PROMPT_MS - 60, SOON)?;
    let heard: Vec<Interval> = party.heard().iter().flat_map(|ear| ear.audible(PROMPT)).collect();
    let prompt = joined(&heard, 60);
    promise!(prompt.len() == 1, "the prompt is heard once, in one piece: {}", listed(&prompt));
    promise!((prompt[0].length() - PROMPT_MS).abs() <= 120, "{PROMPT_MS} ms are due: {}", listed(&prompt));
    Ok(prompt[0].to)
}

fn told_captured_and_held(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    let zero = zero_of(view)?;
    let (party, agent) = (&account.parts[0], &account.parts[1]);
    let at = |name: &str| account.moments.iter().find(|(own, _)| own == name).map_or(0, |(_, at)| at - zero);
    let state = view.notices.iter().find(|notice| notice["leg"] == party.leg.as_str()).map(|own| own["state"].clone());
    promise!(state == Some("informed".into()), "the browser's party was informed: {:#?}", view.notices);
    let (channel, track) = track_of(view, &party.leg)?;
    promise!(track.codec.as_deref() == Some("opus"), "it speaks Opus: {track:#?}");
    let found = joined(&opened.audible(channel, CALLER), 300);
    let due = [Interval::new(at("told"), at("held")), Interval::new(at("resumed"), party.call.to - zero)];
    let near =
        |due: &Interval, found: &Interval| (due.from - found.from).abs() <= ABOUT && (due.to - found.to).abs() <= ABOUT;
    let alike = found.len() == 2 && due.iter().zip(&found).all(|(due, found)| near(due, found));
    promise!(
        alike,
        "the party is on its track when it was told and did not hold: {}; due {}",
        listed(&found),
        listed(&due)
    );
    let held: i64 = track.gaps.iter().filter(|gap| gap.reason == "hold").map(|gap| gap.duration_ms).sum();
    promise!((held - due[1].from + due[0].to).abs() <= 2 * ABOUT, "{held} ms of hold: {:#?}", track.gaps);
    alone_on(CALLER, opened, channel)?;
    let (own, _) = track_of(view, &agent.leg)?;
    promise!(total(&opened.audible(own, AGENT)) >= 600, "the agent is on its own");
    alone_on(AGENT, opened, own)
}

fn objects(stage: &Stage, browser: &Path) -> Proof<(Cast, Account)> {
    let (cast, party) = cast(stage, browser, &[("notice-mode", "optout")])?;
    // The host offers it what the caller speaks.
    cast.agent.answering(Answering::AtOnce, silent().with_codecs(&[Codec::Opus]));
    party.call("line", SOON)?;
    let answered = party.wait("answered", SOON)?;
    let into = cast.agent.incoming(SOON)?;
    told_whole(&party)?;
    into.media().wait_heard(CALLER, SOON)?;
    party.press("9", SOON)?;
    ours(&cast, "objected")?;
    speak(&into, AGENT, Duration::from_millis(700))?;
    party.wait_heard(AGENT, 600, SOON)?;
    let ended = party.hang_up(SOON)?;
    into.wait_ended(SOON)?;
    let call = Interval::new(answered.at_ms, ended.at_ms);
    let own = Part { leg: answered.call, frequency: CALLER, spoken: vec![call], call };
    let account = Account { parts: vec![own, Part::of(&into, AGENT)?], recordings: 1, ..Account::default() };
    Ok((cast, account))
}
