//! From the host's session to our leg, for the media thread: fixed, lock-free, never allocating.
//!
//! Hooks carry no user data and the host's own lookup takes a lock that a variable dump holds long (switch_channel_get_private).
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Legs at one time. Far above what one host carries; the table is 1 MiB of zero pages until used.
const PLACES: usize = 1 << 16;
const EMPTY: usize = 0;
const CLAIMED: usize = 1;

struct Place<T> {
    /// The session's address, or EMPTY, or CLAIMED while an insertion is under way.
    key: AtomicUsize,
    value: AtomicPtr<T>,
}

/// An open-addressed table of `Arc`s. A key is inserted and removed by its own session (birth and destruction), and
/// found only between the two, so a value found is alive for the callback that found it.
pub struct LegTable<T: 'static> {
    places: [Place<T>; PLACES],
}

impl<T> LegTable<T> {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            places: [const { Place { key: AtomicUsize::new(EMPTY), value: AtomicPtr::new(std::ptr::null_mut()) } };
                PLACES],
        }
    }

    /// Puts a leg in; false where the table is full.
    pub fn insert(&self, session: usize, leg: Arc<T>) -> bool {
        for place in self.probe(session) {
            if place.key.compare_exchange(EMPTY, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                place.value.store(Arc::into_raw(leg).cast_mut(), Ordering::Release);
                place.key.store(session, Ordering::Release);
                return true;
            }
        }
        false
    }

    /// The leg of a session, for a callback of that very session.
    ///
    /// # Safety
    /// Called from a callback that the host runs for this session between its birth and its destruction, and the
    /// reference is used within that callback only.
    pub unsafe fn find(&self, session: usize) -> Option<&T> {
        let place = self.place_of(session)?;
        let leg = place.value.load(Ordering::Acquire);
        // SAFETY: `remove` runs in the session's destruction, after the host has had the session's write lock, or at
        // unload after the hooks are gone and everybody inside has left; so the Arc in the place is alive here.
        unsafe { leg.as_ref() }
    }

    /// Takes a leg out.
    pub fn remove(&self, session: usize) -> Option<Arc<T>> {
        let place = self.place_of(session)?;
        let leg = place.value.swap(std::ptr::null_mut(), Ordering::AcqRel).cast_const();
        place.key.store(EMPTY, Ordering::Release);
        // SAFETY: not null means this call took over the count that `insert` gave to the table.
        (!leg.is_null()).then(|| unsafe { Arc::from_raw(leg) })
    }

    fn place_of(&self, session: usize) -> Option<&Place<T>> {
        // Places are freed to EMPTY, so a hole proves nothing: go on to the end. A session that has hooks has a
        // place, and its place is near its start, so this walk is short where it matters.
        self.probe(session).find(|place| place.key.load(Ordering::Acquire) == session)
    }

    fn probe(&self, session: usize) -> impl Iterator<Item = &Place<T>> {
        // Sessions are heap addresses: the low bits say nothing, so mix (Fibonacci hashing).
        let start = (session >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        let (before, after) = self.places.split_at(start % PLACES);
        after.iter().chain(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: LegTable<usize> = LegTable::new();

    #[test]
    fn every_session_finds_its_own_leg_whatever_came_and_went() {
        let sessions: Vec<usize> = (1..5000).map(|n| 0x7f00_0000_0000 + n * 4096).collect();
        for &session in &sessions {
            assert!(TABLE.insert(session, Arc::new(session)));
        }
        for &session in sessions.iter().step_by(2) {
            assert_eq!(TABLE.remove(session).as_deref(), Some(&session));
        }
        for (index, &session) in sessions.iter().enumerate() {
            // SAFETY: nothing is removed while this test looks.
            let found = unsafe { TABLE.find(session) };
            assert_eq!(found, (index % 2 == 1).then_some(&session));
        }
        for &session in sessions.iter().skip(1).step_by(2) {
            assert!(TABLE.remove(session).is_some());
            assert!(TABLE.remove(session).is_none());
        }
    }
}
