//! Two clocks: UTC for what is stored, monotonic for how long things took (requirement E09, E10).
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment in UTC, in milliseconds of Unix time. What is stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// This much later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero where it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// From Unix milliseconds or RFC 3339 as people type them; `None` where the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let typed = text.parse().ok().map(Self);
        typed.or_else(|| text.parse::<jiff::Timestamp>().ok().map(|time| Self(time.as_millisecond())))
    }

    /// The UTC day, in days since 1970-01-01.
    pub fn day(self) -> EpochDay {
        EpochDay(i32::try_from(self.0.div_euclid(86_400_000)).unwrap_or(i32::MAX))
    }
}

impl fmt::Display for UnixMillis {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A UTC day, in days since 1970-01-01; an epoch key is good for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochDay(pub i32);

impl fmt::Display for EpochDay {
    /// `2026-11-24`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(i64::from(self.0) * 86_400) {
            Ok(time) => write!(f, "{}", jiff::tz::TimeZone::UTC.to_datetime(time).date()),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

/// A moment on the monotonic clock, in nanoseconds since an arbitrary start in this process. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// How long after `earlier` this is; zero where it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This much later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Where the time comes from. Decisions take moments as arguments; only threads ask a clock.
pub trait Clock: Send + Sync {
    /// UTC now.
    fn now(&self) -> UnixMillis;
    /// The monotonic clock now.
    fn monotonic(&self) -> Monotonic;
}

/// The operating system's clocks, read through the C library (so that a test's preloaded clock reaches us too).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Where the process's monotonic time counts from: the first time anybody asked.
static START: OnceLock<Instant> = OnceLock::new();

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        UnixMillis(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        })
    }

    fn monotonic(&self) -> Monotonic {
        let since = Instant::now().saturating_duration_since(*START.get_or_init(Instant::now));
        // One second ahead, so that what happened just before the first question has a time too.
        Monotonic(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(1_000_000_000))
    }
}

/// A clock that is moved by hand: a day of calls, an expiry, in a millisecond.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// Starts at this UTC moment, with the monotonic clock at one second.
    pub fn at(now: UnixMillis) -> Self {
        Self { now: AtomicI64::new(now.0), monotonic: AtomicU64::new(1_000_000_000) }
    }

    /// Both clocks go on by this much.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.monotonic.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// The wall clock jumps, the monotonic one does not.
    pub fn jump_to(&self, now: UnixMillis) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.monotonic.load(Ordering::SeqCst))
    }
}
