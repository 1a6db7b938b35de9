//! SEC-04, REC-02: without a store the calls go on and say why they are not recorded; nothing lands elsewhere.
use std::path::Path;
use std::time::Duration;

use callvault_test_support::callvault::Commands;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::is_ours;
use crate::house::{Place, on_both};

pub fn trials() -> Vec<Trial> {
    let trials = [
        on_both("store_missing_at_load", |place| at_load(place, Path::new("/nonexistent/callvault"))),
        // A file system that takes no file from anybody, root included.
        on_both("store_read_only_at_load", |place| at_load(place, Path::new("/proc/self/callvault"))),
        on_both("store_gone_in_a_call", in_a_call),
        on_both("no_roster_no_recording", without_roster),
    ];
    trials.into_iter().flatten().collect()
}

fn at_load(place: Place<'_>, directory: &Path) -> Proof {
    let store = directory.to_string_lossy().into_owned();
    let house = place.open(|vault| vault.with("data-dir", &store))?;
    let answer = house.api("load mod_callvault")?;
    promise!(answer.contains("-ERR"), "a recorder without a store does not load as if it had one: {answer}");
    promise!(house.log().contains(&store), "the log says where the store was looked for: {store}");
    house.goes_on()?;
    promise!(!directory.exists(), "{store} was made behind the admin's back");
    Ok(())
}

fn in_a_call(place: Place<'_>) -> Proof {
    let house = place.open_loaded(|vault| vault)?;
    std::fs::remove_dir(house.vault().data().join("segments"))?;
    house.call()?;
    // What the store refused is kept for a minute, in case it comes back.
    let rows = house.vault().wait_listed_within(Duration::from_secs(100), &house, 1)?;
    promise!(rows[0].reason.as_deref() == Some("recorder_fault"), "the fault is the reason: {rows:#?}");
    house.goes_on()
}

fn without_roster(place: Place<'_>) -> Proof {
    let missing = place.directory().join("no-roster").to_string_lossy().into_owned();
    let house = place.open_loaded(|vault| vault.with("roster", &missing))?;
    house.call()?;
    let rows = house.vault().wait_listed(&house, 1)?;
    promise!(rows[0].reason.as_deref() == Some("recorder_fault"), "nobody could ever open it: {rows:#?}");
    let segments = std::fs::read_dir(house.vault().data().join("segments"))?.count();
    promise!(segments == 0, "{segments} segments that nobody can open");
    promise!(house.log().lines().any(|line| is_ours(line) && line.contains("roster")), "the log names the roster");
    house.goes_on()
}
