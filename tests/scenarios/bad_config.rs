//! Decision 15: a bad file refuses load with all its faults at once, and on reload leaves the old policy in force.
use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::house::{Place, on_both};

pub fn trials() -> Vec<Trial> {
    let refused_at_load = on_both("bad_config_refuses_load_with_all_faults", refused_at_load);
    let refused_at_reload = on_both("bad_config_on_reload_keeps_the_old_one", refused_at_reload);
    refused_at_load.into_iter().chain(refused_at_reload).collect()
}

const FAULTS: [(&str, &str); 4] =
    [("retention-days", "-1"), ("notice-mode", "sometimes"), ("encoder-threads", "many"), ("colour", "blue")];

fn spoilt(vault: Vault) -> Vault {
    FAULTS.iter().fold(vault, |vault, (name, value)| vault.with(name, value))
}

fn refused_at_load(place: Place<'_>) -> Proof {
    let house = place.open(spoilt)?;
    let answer = house.api("load mod_callvault")?;
    promise!(answer.contains("-ERR"), "a bad file refuses load: {answer}");
    promise!(!house.has_module()?, "a refused module is not there");
    let log = house.log();
    for (name, value) in FAULTS {
        promise!(log.contains(&format!("settings/param[{name}]")), "the log names settings/param[{name}]");
        promise!(name == "colour" || log.contains(value), "the log says what was found for {name}: {value}");
    }
    // The host goes on, and so do its calls.
    house.goes_on()
}

fn refused_at_reload(place: Place<'_>) -> Proof {
    let house = place.open_loaded(|vault| vault)?;
    let file = house.directory().join("conf/autoload_configs/callvault.conf.xml");
    let good = house.vault().configuration().to_owned();
    std::fs::write(&file, spoilt(house.vault().clone()).configuration())?;
    house.must("reloadxml")?;
    let answer = house.api("callvault_admin reload")?;
    promise!(answer.starts_with("-ERR"), "a bad file is refused: {answer}");
    for (name, _) in FAULTS {
        promise!(answer.contains(&format!("settings/param[{name}]")), "the answer names {name}: {answer}");
    }
    house.call()?;
    let rows = house.vault().wait_listed(&house, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "the old policy records on: {rows:#?}");
    std::fs::write(&file, good)?;
    house.must("reloadxml")?;
    house.must("callvault_admin reload").map(drop)
}
