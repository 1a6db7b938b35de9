//! REC-06: a party that changes its codec in the call stays on its track, whole.
use std::time::Duration;

use callvault_test_support::Proof;
use callvault_test_support::codec::Codec;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::each_on_its_own_track;
use crate::promise::{Account, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "codec_reinvite_to_pcma", act: to_pcma, judge: each_on_its_own_track },
        Promise { name: "codec_reinvite_to_wideband", act: to_g722, judge: each_on_its_own_track },
    ])
}

fn to_pcma(stage: &Stage) -> Proof<(Cast, Account)> {
    changing(stage, Codec::Pcma)
}

fn to_g722(stage: &Stage) -> Proof<(Cast, Account)> {
    changing(stage, Codec::G722)
}

fn changing(stage: &Stage, codec: Codec) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent().with_codecs(&[Codec::Pcmu]), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.change_codec(codec)?;
    out.talk(Duration::from_millis(500))?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
