//! SEC-01: where the system locks no memory there is no key, and the sentence says what to do. This file has one
//! test, because it takes the whole process's limit away.
use std::io::Write;

use callvault_secretmem::{LockedKey, memlock_limit};
use rustix::process::{Resource, Rlimit, setrlimit};

#[test]
fn where_no_memory_can_be_locked_there_is_no_key() {
    setrlimit(Resource::Memlock, Rlimit { current: Some(0), maximum: Some(0) }).expect("a limit may be lowered");
    if memlock_limit().limit.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: CAP_IPC_LOCK sets the limit aside (run without it)");
        return;
    }
    let refused = LockedKey::fill(|bytes| bytes.fill(1)).expect_err("no memory may be locked");
    assert_eq!(refused.report.limit, Some(0));
    assert_eq!(refused.report.keys_left(), Some(0));
    assert!(refused.to_string().contains("LimitMEMLOCK"), "{refused}");
}
