//! What happens on a leg while its notice plays, as the thread that writes to it sees it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use callvault_recorder::time::Monotonic;

/// Watches one notice after another. Its marks are set by whoever sees something, and read when the notice ended.
#[derive(Default)]
pub struct Watch {
    on: AtomicBool,
    /// Of the last packet written, ns; 0 before the first.
    last: AtomicU64,
    longest_pause: AtomicU64,
    unsent: AtomicU32,
    disturbed: AtomicBool,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The longest time between two packets.
    pub longest_pause: Duration,
    /// Packets that were written while the leg's media did not flow out.
    pub unsent: u32,
    /// A party began to hold, or ceased to.
    pub disturbed: bool,
}

impl Watch {
    /// A notice begins.
    pub fn begin(&self) {
        self.last.store(0, Ordering::Relaxed);
        self.longest_pause.store(0, Ordering::Relaxed);
        self.unsent.store(0, Ordering::Relaxed);
        self.disturbed.store(false, Ordering::Relaxed);
        self.on.store(true, Ordering::Release);
    }

    /// It ended; what was seen.
    pub fn end(&self) -> Watched {
        self.on.store(false, Ordering::Release);
        Watched {
            longest_pause: Duration::from_nanos(self.longest_pause.load(Ordering::Relaxed)),
            unsent: self.unsent.load(Ordering::Relaxed),
            disturbed: self.disturbed.load(Ordering::Relaxed),
        }
    }

    /// Whether a notice plays.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// The media thread: a packet is being written.
    pub fn written(&self, at: Monotonic, flows: bool) {
        let before = self.last.swap(at.0, Ordering::Relaxed);
        if before > 0 {
            self.longest_pause.fetch_max(at.0.saturating_sub(before), Ordering::Relaxed);
        }
        if !flows {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A signalling thread: a party holds, or holds no more.
    pub fn disturbed(&self) {
        self.disturbed.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-02.
    #[test]
    fn each_notice_has_its_own_pauses_and_holds() {
        let watch = Watch::default();
        watch.disturbed();
        assert!(!watch.is_on());
        watch.begin();
        for (ms, flows) in [(20, true), (40, true), (260, false), (280, true)] {
            watch.written(Monotonic(ms * 1_000_000), flows);
        }
        assert!(watch.is_on());
        let seen = Watched { longest_pause: Duration::from_millis(220), unsent: 1, disturbed: false };
        assert_eq!(watch.end(), seen);
        watch.begin();
        watch.written(Monotonic(9_000_000_000), true);
        watch.disturbed();
        assert_eq!(watch.end(), Watched { disturbed: true, ..Watched::default() });
        assert!(!watch.is_on());
    }
}
