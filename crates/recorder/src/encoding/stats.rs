//! What the pool counts, for `status` and `metrics`.
use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of the pool's counters, all since its start but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Frames that were taken for a track.
    pub frames: u64,
    /// Frames that could not be decoded.
    pub undecodable: u64,
    /// Frames dropped because the generation of their gate never became a track's.
    pub unrouted: u64,
    /// Times that a ring's fill went past the mark at which G.711 is kept as it came.
    pub overloads: u64,
    /// Frames kept as they came because of that.
    pub kept_by_overload: u64,
    /// Times that the store began to refuse a track's records.
    pub store_faults: u64,
    /// Entries lost because more waited for the store than may.
    pub lost_to_store: u64,
    /// Panics caught.
    pub panics: u64,
    /// Bytes that wait, sealed, for the store now.
    pub waiting_bytes: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Debug, Default)]
        pub(super) struct PoolCounters {
            $(pub(super) $name: AtomicU64,)*
        }

        impl PoolCounters {
            pub(super) fn read(&self, waiting_bytes: u64) -> PoolStats {
                PoolStats { $($name: self.$name.load(Ordering::Relaxed),)* waiting_bytes }
            }
        }
    };
}

counters!(frames, undecodable, unrouted, overloads, kept_by_overload, store_faults, lost_to_store, panics);

/// Adds one.
pub(super) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
