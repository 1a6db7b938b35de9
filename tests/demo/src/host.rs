//! The host that the demonstration is on: a FreeSWITCH where one is found, else the one that stands in for it.
use std::path::{Path, PathBuf};

use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::freeswitch::{Configuration, FreeSwitch, Installation, Instance};
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::{Proof, broken};

/// Where there is which.
pub enum Stage {
    /// A FreeSWITCH is installed.
    Real(Installation),
    /// None is.
    StandIn,
}

/// A running one.
pub enum Host {
    /// A FreeSWITCH.
    Real(Instance),
    /// The one that stands in.
    StandIn(StandIn),
}

impl Stage {
    /// What this machine has.
    pub fn find() -> Self {
        FreeSwitch::find().map_or(Self::StandIn, Self::Real)
    }

    /// Starts a host with the module loaded.
    pub fn start(&self, vault: &Vault, configuration: Configuration, directory: &Path) -> Proof<Host> {
        let configuration = vault.installed(configuration);
        let host = match self {
            Self::Real(installation) => Host::Real(Instance::start(installation, &configuration, directory)?),
            Self::StandIn => Host::StandIn(StandIn::start(&configuration, directory)?),
        };
        let answer = host.api("load mod_callvault")?;
        if answer.contains("-ERR") {
            broken!("the module was not loaded: {answer}");
        }
        Ok(host)
    }
}

impl Host {
    /// Its orderly end.
    pub fn stop(self) -> Proof {
        match self {
            Self::Real(host) => host.stop().map(drop),
            Self::StandIn(host) => host.stop().map(drop),
        }
    }
}

impl Commands for Host {
    fn api(&self, command: &str) -> Proof<String> {
        match self {
            Self::Real(host) => host.api(command),
            Self::StandIn(host) => host.api(command),
        }
    }
}

/// A call of the demonstration as a real FreeSWITCH had it.
pub fn trace(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../host/traces/demonstration_{name}.trace"))
}
