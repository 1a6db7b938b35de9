//! SEC-04, REC-02: without a store the calls go on and say why they are not recorded; nothing lands elsewhere.
use std::path::Path;
use std::time::Duration;

use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, SOON, converse, is_ours, silent};

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("store_missing_at_load", |stage| at_load(stage, Path::new("/nonexistent/callvault"))),
        // A file system that takes no file from anybody, root included.
        on_freeswitch("store_read_only_at_load", |stage| at_load(stage, Path::new("/proc/self/callvault"))),
        on_freeswitch("store_gone_in_a_call", in_a_call),
        on_freeswitch("no_roster_no_recording", without_roster),
    ]
}

fn at_load(stage: &Stage, directory: &Path) -> Proof {
    let place = directory.to_string_lossy().into_owned();
    let cast = Casting::new(stage)?.policy(|vault| vault.with("data-dir", &place)).start_without_module(stage)?;
    let answer = cast.host.api("load mod_callvault")?;
    promise!(answer.contains("-ERR"), "a recorder without a store does not load as if it had one: {answer}");
    promise!(cast.host.log().contains(&place), "the log says where the store was looked for: {place}");
    goes_on(&cast)?;
    promise!(!directory.exists(), "{place} was made behind the admin's back");
    Ok(())
}

fn in_a_call(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    std::fs::remove_dir(cast.vault.data().join("segments"))?;
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    // What the store refused is kept for half a minute, in case it comes back.
    let rows = cast.vault.wait_listed_within(Duration::from_secs(50), &cast.host, 1)?;
    promise!(rows[0].reason.as_deref() == Some("recorder_fault"), "the fault is the reason: {rows:#?}");
    goes_on(&cast)
}

fn without_roster(stage: &Stage) -> Proof {
    let missing = stage.directory().join("no-roster").to_string_lossy().into_owned();
    let cast = Casting::new(stage)?.policy(|vault| vault.with("roster", &missing)).start(stage)?;
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].reason.as_deref() == Some("recorder_fault"), "nobody could ever open it: {rows:#?}");
    let segments = std::fs::read_dir(cast.vault.data().join("segments"))?.count();
    promise!(segments == 0, "{segments} segments that nobody can open");
    promise!(cast.host.log().lines().any(|line| is_ours(line) && line.contains("roster")), "the log names the roster");
    goes_on(&cast)
}

/// A call is a call: answered, and heard.
fn goes_on(cast: &Cast) -> Proof {
    let call = cast.dial("echo", silent())?;
    call.say(callvault_test_support::rtp::Speech::Tone(CALLER));
    call.media().wait_heard(CALLER, SOON)?;
    call.hang_up()
}
