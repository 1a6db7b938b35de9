//! REC-01: whoever rings the company and is answered is recorded, with no dialplan change.
use callvault_test_support::Proof;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::CALLER;
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, converse, silent};
use crate::oracle::each_on_its_own_track;
use crate::promise::{Account, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "answered_inbound", act: parked, judge: each_on_its_own_track },
        Promise { name: "answered_by_an_application", act: played, judge: each_on_its_own_track },
    ])
}

fn parked(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    calls(cast, "park")
}

fn played(stage: &Stage) -> Proof<(Cast, Account)> {
    let menu = [("answer", ""), ("playback", "tone_stream://%(1000,0,620);loops=-1")];
    let cast = Casting::new(stage)?.extension("menu", &menu).start(stage)?;
    calls(cast, "menu")
}

fn calls(cast: Cast, extension: &str) -> Proof<(Cast, Account)> {
    let call = cast.dial(extension, silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let account = Account::of(&[(&call, CALLER)])?;
    Ok((cast, account))
}
