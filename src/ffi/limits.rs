//! How many sessions the host lets there be (switch.conf's `max-sessions` and `sessions-per-second`).
use callvault_recorder::controller::HostLimits;

use super::bindings as host;

/// As they are now; an operator may change them (`fsctl max_sessions`, `fsctl sps`), which counts from the next load.
pub fn limits() -> HostLimits {
    // SAFETY: both read a number of the core's; 0 changes nothing.
    unsafe {
        HostLimits {
            sessions: host::switch_core_session_limit(0),
            sessions_per_second: host::switch_core_sessions_per_second(0),
        }
    }
}
