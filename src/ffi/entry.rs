//! The one border into us: every callback of the host passes here. It catches unwinds, counts who is inside, and
//! gives the host its neutral value on a fault. The call always goes on.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

static INSIDE: AtomicUsize = AtomicUsize::new(0);
static CLOSED: AtomicBool = AtomicBool::new(true);
static PANICS: AtomicU64 = AtomicU64::new(0);
static LAST_PANIC: LastPanic = LastPanic::new();

/// Runs a callback of the host. While the module is closed, and where `inside` panics, the host gets `neutral`.
#[deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
pub fn enter<R>(neutral: R, inside: impl FnOnce() -> R) -> R {
    // Counted before CLOSED is read: `close` sets the flag first and then waits for the count.
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let result = if CLOSED.load(Ordering::SeqCst) {
        neutral
    } else {
        catch_unwind(AssertUnwindSafe(inside)).unwrap_or_else(|_| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            neutral
        })
    };
    INSIDE.fetch_sub(1, Ordering::SeqCst);
    result
}

/// Like [`enter`], for load and shutdown themselves, which run while the module is closed.
pub fn enter_closed<R>(neutral: R, inside: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(inside)).unwrap_or_else(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        neutral
    })
}

/// Lets callbacks in.
pub fn open() {
    CLOSED.store(false, Ordering::SeqCst);
}

/// Turns callbacks away from now on; those inside go on.
pub fn close() {
    CLOSED.store(true, Ordering::SeqCst);
}

/// Waits until nobody is inside, at most this long, and asks those who are to leave, time and again. Callers that stand in
/// front of our code are not counted: wait more than a packet time after this.
pub fn wait_until_empty(at_most: Duration, ask_to_leave: impl Fn()) -> bool {
    let start = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 {
        if start.elapsed() > at_most {
            return false;
        }
        ask_to_leave();
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Panics caught at the border since the process began.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Makes panics silent where they happen (they may happen on a media thread) and keeps the place of the last one.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            LAST_PANIC.store(place.file(), place.line());
        }
    }));
}

/// `file:line` of the last panic, once per panic: what a later, unhurried thread logs.
pub fn take_last_panic() -> Option<String> {
    LAST_PANIC.take()
}

/// A place in the source, kept without allocation or lock.
struct LastPanic {
    file: [AtomicU8; 96],
    line: AtomicU32,
}

impl LastPanic {
    const fn new() -> Self {
        Self { file: [const { AtomicU8::new(0) }; 96], line: AtomicU32::new(0) }
    }

    fn store(&self, file: &str, line: u32) {
        let tail = &file.as_bytes()[file.len().saturating_sub(self.file.len())..];
        for (index, cell) in self.file.iter().enumerate() {
            cell.store(tail.get(index).copied().unwrap_or(0), Ordering::Relaxed);
        }
        self.line.store(line, Ordering::Release);
    }

    fn take(&self) -> Option<String> {
        let line = self.line.swap(0, Ordering::Acquire);
        if line == 0 {
            return None;
        }
        let bytes: Vec<u8> =
            self.file.iter().map(|cell| cell.load(Ordering::Relaxed)).take_while(|&b| b != 0).collect();
        Some(format!("{}:{line}", String::from_utf8_lossy(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_inside_and_is_counted_and_its_place_is_told_once() {
        install_panic_hook();
        let before = panics();
        assert_eq!(enter_closed(7, || -> i32 { panic!("planted") }), 7);
        assert_eq!(panics(), before + 1);
        assert!(take_last_panic().is_some_and(|place| place.contains("entry.rs:")));
        assert_eq!(take_last_panic(), None);
    }
}
