//! `callvault.conf` through the host's XML into the recorder's policy (decision 15).
use callvault_recorder::policy::{Policy, PolicyFault};

use crate::ffi::xml;

/// The configuration's name, as `autoload_configs/<name>.xml` and xml_curl have it.
const NAME: &str = "callvault.conf";

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The host finds no such configuration.
    #[error("autoload_configs/callvault.conf.xml was not found; copy it from freeswitch-conf and run reloadxml")]
    Missing,
    /// It says things that cannot be; all of them.
    #[error("callvault.conf.xml has {} fault(s): {}", .0.len(), joined(.0))]
    Wrong(Vec<PolicyFault>),
}

fn joined(faults: &[PolicyFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

/// Reads it anew.
pub fn read() -> Result<Policy, ConfigFault> {
    let raw = xml::open_config(NAME).ok_or(ConfigFault::Missing)?;
    Policy::parse(&raw).map_err(ConfigFault::Wrong)
}
