//! The second part, thirty-one days later: everything is destroyed, and nothing opens it any more.
use std::path::Path;

use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::freeswitch::Configuration;
use callvault_test_support::{Proof, broken, promise};

use crate::host::Stage;
use crate::say;

pub fn act(output: &Path) -> Proof {
    say::title("Thirty-one days later");
    let vault = Vault::at(output)?;
    let host = Stage::find().start(&vault, Configuration::new(), &output.join("later"))?;
    let done = host.api("callvault_admin expire-now")?;
    say::typed("fs_cli", "callvault_admin expire-now", &done);
    say::typed("fs_cli", "callvault list", &host.api("callvault list")?);
    let ids = std::fs::read_to_string(output.join("recordings"))?;
    for id in ids.lines() {
        let answer = host.api(&format!("callvault_release {}", vault.ticket(id)?))?;
        say::typed("fs_cli", "callvault_release <a new ticket>", &answer);
        promise!(answer.starts_with("-ERR"), "a destroyed recording was released: {answer}");
    }
    let segments = std::fs::read_dir(vault.data().join("segments"))?.count();
    say::line(&format!("segments left in the store: {segments}"));
    promise!(segments == 0, "{segments} segments are left");
    let carried = output.join("carried-off.callvault");
    match crate::calls::open(&vault, &carried, "wav", output) {
        Ok(()) => broken!("a copy past its expiry was opened"),
        Err(refused) => say::line(refused.message().unwrap_or_default()),
    }
    host.stop()?;
    Ok(())
}
