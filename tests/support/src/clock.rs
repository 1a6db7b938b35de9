//! The test's monotonic moments on the wall clock, by which the recorder dates what it keeps.
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::rtp::milliseconds_between;

/// A moment as Unix milliseconds, UTC; one pairing of both clocks per process.
pub fn unix_ms(at: Instant) -> i64 {
    static PAIR: OnceLock<(Instant, i64)> = OnceLock::new();
    let (then, unix) = *PAIR.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), since.as_millis() as i64)
    });
    unix + milliseconds_between(then, at)
}

/// How long it is until then; nothing where it is over.
pub fn until(unix: i64) -> std::time::Duration {
    std::time::Duration::from_millis(unix.saturating_sub(unix_ms(Instant::now())).max(0) as u64)
}
