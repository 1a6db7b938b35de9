//! REC-06: every codec that a party may speak is on its track.
use callvault_test_support::codec::Codec;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, silent};
use crate::oracle::each_on_its_own_track;
use crate::promise::{Account, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "pcma", act: |stage| spoken(stage, Codec::Pcma), judge: each_on_its_own_track },
        Promise { name: "g722", act: |stage| spoken(stage, Codec::G722), judge: each_on_its_own_track },
        Promise { name: "opus", act: |stage| spoken(stage, Codec::Opus), judge: each_on_its_own_track },
        Promise { name: "l16", act: |stage| spoken(stage, Codec::L16 { rate: 16_000 }), judge: each_on_its_own_track },
        Promise { name: "opus_to_pcmu", act: transcoded, judge: each_on_its_own_track },
    ])
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
