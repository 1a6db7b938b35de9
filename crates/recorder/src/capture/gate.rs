//! What the controller says to a media thread, and what the media thread says back: one word each way.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crossbeam::utils::CachePadded;

use super::Generation;
use crate::time::Monotonic;

/// Whether a leg's frames may be taken, and for which opening. One atomic word: the controller sets it, the media
/// thread reads it. Shut at birth.
#[derive(Debug, Default)]
pub struct Gate {
    /// The open generation's number; 0 is shut.
    word: CachePadded<AtomicU32>,
}

impl Gate {
    /// A gate that is shut.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets frames through from the next one on, marked with this generation.
    pub fn open(&self, generation: Generation) {
        self.word.store(generation.0.get(), Ordering::Release);
    }

    /// Lets nothing through from the next frame on.
    pub fn shut(&self) {
        self.word.store(0, Ordering::Release);
    }

    /// The open generation; `None` while shut.
    pub fn current(&self) -> Option<Generation> {
        NonZeroU32::new(self.word.load(Ordering::Acquire)).map(Generation)
    }
}

/// What one side of a leg has taken and lost. Written by its media thread only, read by anyone.
#[derive(Debug, Default)]
pub struct TapCounters {
    counts: CachePadded<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    frames: AtomicU64,
    bytes: AtomicU64,
    ring_full: AtomicU64,
    oversized: AtomicU64,
    losing_since: AtomicU64,
}

/// A reading of [`TapCounters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TapCount {
    /// Frames that went into the ring.
    pub frames: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Frames that found no room in the ring.
    pub ring_full: u64,
    /// Frames whose payload is longer than any audio codec makes (see [`super::MAX_PAYLOAD`]).
    pub oversized: u64,
    /// When the first of the frames was lost that are being lost now; `None` while none is.
    pub losing_since: Option<Monotonic>,
}

impl TapCounters {
    /// All at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// What they read now. The numbers are each true, not all of the same instant.
    pub fn read(&self) -> TapCount {
        let since = self.counts.losing_since.load(Ordering::Relaxed);
        TapCount {
            frames: self.counts.frames.load(Ordering::Relaxed),
            bytes: self.counts.bytes.load(Ordering::Relaxed),
            ring_full: self.counts.ring_full.load(Ordering::Relaxed),
            oversized: self.counts.oversized.load(Ordering::Relaxed),
            losing_since: (since != 0).then_some(Monotonic(since)),
        }
    }

    pub(super) fn took(&self, bytes: usize) {
        bump(&self.counts.frames, 1);
        bump(&self.counts.bytes, bytes as u64);
    }

    pub(super) fn found_ring_full(&self) {
        bump(&self.counts.ring_full, 1);
    }

    pub(super) fn found_oversized(&self) {
        bump(&self.counts.oversized, 1);
    }

    pub(super) fn losing(&self, since: Option<Monotonic>) {
        self.counts.losing_since.store(since.map_or(0, |at| at.0.max(1)), Ordering::Relaxed);
    }
}

/// One writer, so a load and a store do what a locked addition would.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_shut_until_it_is_opened_and_says_for_what() {
        let gate = Gate::new();
        assert_eq!(gate.current(), None);
        let third = Generation(NonZeroU32::new(3).expect("3 is not 0"));
        gate.open(third);
        assert_eq!(gate.current(), Some(third));
        gate.shut();
        assert_eq!(gate.current(), None);
    }
}
