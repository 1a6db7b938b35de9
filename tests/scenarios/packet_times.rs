//! REC-06: every packet time a party may send at, mixed ones too, is whole on its track.
use callvault_test_support::Proof;
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::oracle::{each_on_its_own_track_in_packets, has_no_hole, whole};
use crate::promise::{Account, Findings, Promise, on_each_host};

pub fn trials() -> Vec<Trial> {
    on_each_host([
        Promise { name: "packets_of_10_ms", act: |stage| packed(stage, &[10]), judge: whole },
        Promise { name: "packets_of_30_ms", act: |stage| packed(stage, &[30]), judge: whole },
        Promise { name: "packets_of_60_ms", act: |stage| packed(stage, &[60]), judge: in_long_packets },
        Promise { name: "packets_of_20_and_30_ms", act: |stage| packed(stage, &[20, 30]), judge: whole },
        Promise { name: "packets_of_20_and_40_ms", act: |stage| packed(stage, &[20, 40]), judge: whole },
    ])
}

fn in_long_packets(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track_in_packets(60, account, findings)?;
    has_no_hole(account, findings)
}

fn packed(stage: &Stage, times: &[u32]) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent().with_packet_times(times), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&[(&out, CALLER), (&into, AGENT)])?;
    Ok((cast, account))
}
