//! How much memory this process may lock.
use std::fmt;

use rustix::process::{Resource, getrlimit};

use crate::KEYS_PER_PAGE;

/// What may be locked and what is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemlockReport {
    /// `RLIMIT_MEMLOCK`'s soft limit; `None` means no limit (none set, or the process has `CAP_IPC_LOCK`).
    pub limit: Option<u64>,
    /// What the whole process has locked now (`VmLck`), the host's own locks included.
    pub locked: u64,
}

/// The limit now and what is used of it. Reads `/proc/self/status`; what cannot be read counts as 0.
pub fn memlock_limit() -> MemlockReport {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let locked = field("VmLck:")
        .and_then(|value| value.strip_suffix(" kB"))
        .and_then(|kibibytes| kibibytes.trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024;
    let capabilities = field("CapEff:").and_then(|value| u64::from_str_radix(value, 16).ok()).unwrap_or(0);
    let unlimited = capabilities & CAP_IPC_LOCK != 0;
    let limit = if unlimited { None } else { getrlimit(Resource::Memlock).current };
    MemlockReport { limit, locked }
}

const PAGE: u64 = 4096;

/// capabilities(7): bit 14.
const CAP_IPC_LOCK: u64 = 1 << 14;

impl MemlockReport {
    /// How many more keys the limit allows, with pages of 4096 bytes; `None` where there is no limit.
    pub fn keys_left(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.locked) / PAGE * KEYS_PER_PAGE as u64)
    }
}

impl fmt::Display for MemlockReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "{} KiB of {} KiB locked", self.locked / 1024, limit / 1024),
            None => write!(f, "{} KiB locked, no limit", self.locked / 1024),
        }
    }
}
