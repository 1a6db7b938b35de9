//! Decision 15: a bad file refuses load with all its faults at once, and on reload leaves the old policy in force.
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, converse, silent};

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("bad_config_refuses_load_with_all_faults", refused_at_load),
        on_freeswitch("bad_config_on_reload_keeps_the_old_one", refused_at_reload),
    ]
}

const FAULTS: [(&str, &str); 4] =
    [("retention-days", "-1"), ("notice-mode", "sometimes"), ("encoder-threads", "many"), ("colour", "blue")];

fn spoilt(casting: Casting) -> Casting {
    casting.policy(|vault| FAULTS.iter().fold(vault, |vault, (name, value)| vault.with(name, value)))
}

fn refused_at_load(stage: &Stage) -> Proof {
    let cast = spoilt(Casting::new(stage)?).start_without_module(stage)?;
    let answer = cast.host.api("load mod_callvault")?;
    promise!(answer.contains("-ERR"), "a bad file refuses load: {answer}");
    promise!(cast.host.api("module_exists mod_callvault")?.trim() == "false", "a refused module is not there");
    let log = cast.host.log();
    for (name, value) in FAULTS {
        promise!(log.contains(&format!("settings/param[{name}]")), "the log names settings/param[{name}]");
        promise!(name == "colour" || log.contains(value), "the log says what was found for {name}: {value}");
    }
    // The host goes on, and so do its calls.
    let call = cast.dial("echo", silent())?;
    call.say(callvault_test_support::rtp::Speech::Tone(CALLER));
    call.media().wait_heard(CALLER, crate::cast::SOON)?;
    call.hang_up()
}

fn refused_at_reload(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let file = cast.host.directory().join("conf/autoload_configs/callvault.conf.xml");
    let good = cast.vault.configuration().to_owned();
    let bad = FAULTS.iter().fold(cast.vault.clone(), |vault, (name, value)| vault.with(name, value));
    std::fs::write(&file, bad.configuration())?;
    cast.host.must("reloadxml")?;
    let answer = cast.host.api("callvault_admin reload")?;
    promise!(answer.starts_with("-ERR"), "a bad file is refused: {answer}");
    for (name, _) in FAULTS {
        promise!(answer.contains(&format!("settings/param[{name}]")), "the answer names {name}: {answer}");
    }
    let call = cast.dial("park", silent())?;
    converse(&[(&call, CALLER)])?;
    call.hang_up()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    promise!(rows[0].outcome.as_deref() == Some("recorded"), "the old policy records on: {rows:#?}");
    std::fs::write(&file, good)?;
    cast.host.must("reloadxml")?;
    cast.host.must("callvault_admin reload").map(drop)
}
