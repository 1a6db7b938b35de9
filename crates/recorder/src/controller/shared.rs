//! What the recorder's threads share: clocks, the policy, published views, alarms, counts. Nothing here is held
//! across I/O.
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::event::{Alarm, Notify, RecorderEvent};
use super::readiness::Readiness;
use super::tally::Tally;
use super::views::{ActiveRecording, Views};
use super::watch::Watch;
use crate::policy::Policy;
use crate::time::{Clock, UnixMillis};

/// Shared by all threads of one recorder.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notify: Arc<dyn Notify>,
    pub(super) policy: ArcSwap<Policy>,
    pub(super) readiness: Readiness,
    pub(super) views: Views,
    pub(super) active: ArcSwap<Vec<ActiveRecording>>,
    pub(super) counts: Counts,
    pub(super) taps: Mutex<TapTotals>,
    pub(super) started_at: UnixMillis,
    clock_jump: AtomicI64,
    tally: Mutex<Tally>,
    watch: Mutex<Watch>,
    alarms: Mutex<BTreeMap<&'static str, Alarm>>,
}

/// What is counted. All since start, except where a field says that it is a level.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Tracks that got no key.
    pub(super) keys_refused: AtomicU64,
    /// `tell_and_wait` that was not answered in time.
    pub(super) answers_late: AtomicU64,
    /// Panics caught on our own threads, and those that the host's side reports.
    pub(super) panics: AtomicU64,
    /// Faults that the pool reported.
    pub(super) pool_faults: AtomicU64,
    /// Level: rows that wait for the catalogue.
    pub(super) rows_waiting: AtomicUsize,
    /// Rows given up: no room to keep them, or the catalogue refuses them for good.
    pub(super) rows_lost: AtomicU64,
    /// Groups that the catalogue did not take at once.
    pub(super) catalogue_faults: AtomicU64,
    /// Flushes of the store that failed.
    pub(super) sync_faults: AtomicU64,
    /// Copies released.
    pub(super) released: AtomicU64,
    /// Releases refused or failed.
    pub(super) releases_refused: AtomicU64,
    /// Recordings destroyed.
    pub(super) destroyed: AtomicU64,
    /// Level: recordings whose conversation or tracks are not closed yet.
    pub(super) recordings_open: AtomicUsize,
}

/// What taps of legs that are gone counted, and the counters of those that are there.
#[derive(Debug, Default)]
pub(super) struct TapTotals {
    pub(super) gone: TapSum,
    pub(super) live: BTreeMap<(u64, u8), Arc<crate::capture::TapCounters>>,
}

/// Frames and bytes that taps took, and frames they had to leave.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TapSum {
    /// Frames taken.
    pub frames: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Frames lost because the ring was full.
    pub ring_full: u64,
    /// Frames lost because they were larger than any frame can be.
    pub oversized: u64,
}

impl TapSum {
    pub(super) fn add(&mut self, count: crate::capture::TapCount) {
        self.frames += count.frames;
        self.bytes += count.bytes;
        self.ring_full += count.ring_full;
        self.oversized += count.oversized;
    }
}

impl TapTotals {
    pub(super) fn sum(&self) -> TapSum {
        let mut sum = self.gone;
        self.live.values().for_each(|counters| sum.add(counters.read()));
        sum
    }

    /// Whether any frame of the leg was taken, as far as its counters are still there.
    pub(super) fn has_heard(&self, leg: u64) -> bool {
        let mut sides = self.live.range((leg, 0)..=(leg, u8::MAX)).peekable();
        sides.peek().is_none() || sides.any(|(_, counters)| counters.read().frames > 0)
    }

    /// The leg's counters are folded into the total.
    pub(super) fn forget(&mut self, leg: u64) {
        let (gone, live) = (&mut self.gone, &mut self.live);
        live.retain(|&(key, _), counters| {
            if key == leg {
                gone.add(counters.read());
            }
            key != leg
        });
    }
}

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>, notify: Arc<dyn Notify>, policy: Arc<Policy>) -> Self {
        Self {
            started_at: clock.now(),
            clock,
            notify,
            policy: ArcSwap::new(policy),
            readiness: Readiness::default(),
            views: Views::default(),
            active: ArcSwap::default(),
            counts: Counts::default(),
            taps: Mutex::default(),
            clock_jump: AtomicI64::new(0),
            tally: Mutex::default(),
            watch: Mutex::default(),
            alarms: Mutex::default(),
        }
    }

    /// Raises an alarm. It is told once, and again where its text changes.
    pub(super) fn raise(&self, code: &'static str, text: impl Into<String>) {
        let alarm = Alarm { code, text: text.into() };
        let known = self.alarms().insert(code, alarm.clone());
        if known.as_ref() != Some(&alarm) {
            self.event(RecorderEvent::Alarm(alarm));
        }
    }

    /// The trouble of that code is over.
    pub(super) fn clear(&self, code: &'static str) {
        if self.alarms().remove(code).is_some() {
            self.event(RecorderEvent::AlarmCleared { code });
        }
    }

    /// The alarms that stand, by code.
    pub(super) fn standing_alarms(&self) -> Vec<Alarm> {
        self.alarms().values().cloned().collect()
    }

    /// Tells the host. A panic of the host's side stays there.
    pub(super) fn event(&self, event: RecorderEvent) {
        self.guarded(|| self.notify.event(event));
    }

    /// Runs `work`; a panic in it is counted and raises an alarm, and the thread goes on.
    pub(super) fn guarded<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        match std::panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => Some(result),
            Err(_) => {
                self.counts.panics.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// By how much the wall clock jumped, where it is not believed.
    pub(super) fn clock_jump_ms(&self) -> Option<i64> {
        Some(self.clock_jump.load(Ordering::Relaxed)).filter(|&jump| jump != 0)
    }

    pub(super) fn doubt_clock(&self, jump_ms: Option<i64>) {
        self.clock_jump.store(jump_ms.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn taps(&self) -> MutexGuard<'_, TapTotals> {
        self.taps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alarms(&self) -> MutexGuard<'_, BTreeMap<&'static str, Alarm>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
