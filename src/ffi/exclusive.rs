//! A cell for one user at a time, who never waits: what a media thread may hold.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Holds a value that at most one thread uses at a time. The host reads a leg from one thread at a time, but that
/// thread changes (its own, a bridge's, a helper's while a prompt plays): the flag makes sure, and whoever comes
/// second goes away instead of waiting.
pub struct Exclusive<T> {
    in_use: AtomicBool,
    value: UnsafeCell<T>,
}

impl<T: Default> Default for Exclusive<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

// SAFETY: the value is reached only between a successful swap of `in_use` to true and its release, so by one thread
// at a time; T is Send, so it may be used from any of them.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    /// Free, holding this.
    pub const fn new(value: T) -> Self {
        Self { in_use: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Uses the value; `None`, without waiting, where another thread is using it.
    pub fn try_use<R>(&self, using: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.in_use.swap(true, Ordering::Acquire) {
            return None;
        }
        let release = Release(&self.in_use);
        // SAFETY: the swap above made this thread the only user until `release` is dropped.
        let result = using(unsafe { &mut *self.value.get() });
        drop(release);
        Some(result)
    }
}

/// Frees the cell also where the user unwinds.
struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_user_goes_away_and_the_next_one_is_served() {
        let cell = Exclusive::new(1);
        let outer = cell.try_use(|value| {
            *value += 1;
            cell.try_use(|_| ())
        });
        assert_eq!(outer, Some(None));
        assert_eq!(cell.try_use(|value| *value), Some(2));
    }

    #[test]
    fn a_user_that_unwinds_frees_the_cell() {
        let cell = Exclusive::new(());
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cell.try_use(|()| panic!("planted"))));
        assert!(unwound.is_err());
        assert_eq!(cell.try_use(|()| ()), Some(()));
    }
}
