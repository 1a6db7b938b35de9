//! REC-06: every codec that a party may speak is on its track.
use callvault_test_support::codec::Codec;
use callvault_test_support::intervals::total;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, OUTSIDE, SOON, converse, silent};
use crate::oracle::{each_on_its_own_track, whole};
use crate::promise::{Account, Findings, Promise, on_each_host};

/// How long the host's tone sounds, ms.
const SOUNDED_MS: i64 = 3_000;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise { name: "pcma", act: |stage| spoken(stage, Codec::Pcma), judge: whole },
        Promise { name: "g722", act: |stage| spoken(stage, Codec::G722), judge: whole },
        Promise { name: "opus", act: |stage| spoken(stage, Codec::Opus), judge: whole },
        Promise { name: "l16", act: |stage| spoken(stage, Codec::L16 { rate: 16_000 }), judge: whole },
        Promise { name: "opus_to_pcmu", act: transcoded, judge: each_on_its_own_track },
    ]);
    for (name, codec) in [
        ("opus_of_two_channels", "opus@48000h@20i@2c"),
        ("l16_of_two_channels", "L16@48000h@10i@2c"),
        ("opus_at_eight_kilohertz", "opus@8000h@20i@1c"),
    ] {
        trials.push(on_freeswitch(name, move |stage| from_the_host_itself(stage, codec)));
    }
    trials
}

/// What no telephone of the suite speaks: the host rings itself in that codec, and plays a tone to the leg that came in.
fn from_the_host_itself(stage: &Stage, codec: &str) -> Proof {
    let mut casting = Casting::new(stage)?;
    // Both ends are legs of one host: they cannot have the call's id both.
    casting.configuration = casting
        .configuration
        .profile_parameter("codec-prefs", codec)
        .profile_parameter("inbound-use-callid-as-uuid", "false");
    let cast = casting.start(stage)?;
    let port = cast.host.sip_port();
    let way = format!("{{origination_caller_id_number={OUTSIDE},absolute_codec_string={codec}}}sofia/test/park");
    let job = format!("originate {way}@127.0.0.1:{port} &playback(tone_stream://%({SOUNDED_MS},0,{CALLER}))");
    let answer = cast.host.events().background(&job, SOON)?;
    promise!(answer.starts_with("+OK"), "`{job}` answered {answer}");
    cast.wait_idle()?;
    let channels = codec.split('@').next_back().and_then(|last| last.strip_suffix('c')).unwrap_or("1");
    let agreed = format!("bits {channels} channels");
    promise!(
        cast.host.log().lines().any(|line| line.contains("Set Codec") && line.contains(&agreed)),
        "{codec} is spoken"
    );
    let findings = Findings::gather(&cast.vault, &cast.host, 2)?;
    let heard = findings.opened.iter().flatten().flat_map(|opened| {
        (0..opened.tracks.len()).map(|track| total(&opened.audible(track, CALLER))).collect::<Vec<_>>()
    });
    let heard: Vec<i64> = heard.filter(|ms| *ms > 0).collect();
    promise!(
        heard.len() == 1 && (heard[0] - SOUNDED_MS).abs() <= 120,
        "{SOUNDED_MS} ms are due on one track: {heard:?}; {:#?}",
        findings.views
    );
    Ok(())
}

fn spoken(stage: &Stage, codec: Codec) -> Proof<(Cast, Account)> {
    between(Cast::on(stage)?, "2001", codec, codec)
}

/// The host would offer the agent what the caller speaks, and nothing else.
fn transcoded(stage: &Stage) -> Proof<(Cast, Account)> {
    let casting = Casting::new(stage)?;
    let dial = format!("{{absolute_codec_string=PCMU}}{}", casting.agent.dial_string());
    let cast = casting.extension("narrow", &[("bridge", &dial)]).start(stage)?;
    between(cast, "narrow", Codec::Opus, Codec::Pcmu)
}

fn between(cast: Cast, extension: &str, caller: Codec, agent: Codec) -> Proof<(Cast, Account)> {
    let (out, into) = cast.bridged_by(extension, silent().with_codecs(&[caller]), silent().with_codecs(&[agent]))?;
    promise!(
        out.codec() == Some(caller) && into.codec() == Some(agent),
        "{:?} and {:?} agreed",
        out.codec(),
        into.codec()
    );
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
