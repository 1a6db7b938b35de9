//! Fresh keys in memory, so that a call's track gets its key at once and never waits for a disk.
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ReadyKey;
use crate::time::EpochDay;

/// A bounded stock of [`ReadyKey`]s, filled by the bookkeeper and taken from by the controller. Its lock is held for a
/// few moves in memory and for nothing else.
#[derive(Debug)]
pub struct ReadyKeys {
    capacity: usize,
    low_water: usize,
    stock: Mutex<Stock>,
}

#[derive(Debug, Default)]
struct Stock {
    ready: VecDeque<ReadyKey>,
    stale: Vec<ReadyKey>,
    roster: u64,
    taken: u64,
    found_empty: u64,
}

/// How the stock stands, for `callvault status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyState {
    /// Keys that can be taken.
    pub ready: usize,
    /// Below this many for an epoch the bookkeeper fills up.
    pub low_water: usize,
    /// So many are kept for each epoch.
    pub capacity: usize,
    /// Keys to be destroyed.
    pub stale: usize,
    /// Keys taken since the start.
    pub taken: u64,
    /// How often a key was wanted and none was there: calls that were not recorded for it.
    pub found_empty: u64,
}

impl ReadyKeys {
    /// A stock of up to `capacity` keys for each epoch, to be filled up when fewer than `low_water` are left.
    pub fn new(capacity: usize, low_water: usize) -> Self {
        Self { capacity, low_water: low_water.min(capacity), stock: Mutex::default() }
    }

    /// A key of this epoch, or `None`. Keys of earlier epochs become stale; those of later ones (made ahead of
    /// midnight) stay.
    pub fn take(&self, epoch: EpochDay) -> Option<ReadyKey> {
        let mut stock = self.lock();
        stock.retire(|key| key.epoch < epoch);
        let found = stock.ready.iter().position(|key| key.epoch == epoch);
        let key = found.and_then(|at| stock.ready.remove(at));
        match key {
            Some(_) => stock.taken += 1,
            None => stock.found_empty += 1,
        }
        key
    }

    /// Puts prepared keys in. What is of another roster than the current one, or more than fits, becomes stale.
    pub fn put(&self, keys: Vec<ReadyKey>) {
        let mut stock = self.lock();
        for key in keys {
            let fits = stock.count(key.epoch) < self.capacity && key.roster == stock.roster;
            if fits {
                stock.ready.push_back(key);
            } else {
                stock.stale.push(key);
            }
        }
    }

    /// From now on keys of this roster count: those of any other become stale.
    pub fn set_roster(&self, version: u64) {
        let mut stock = self.lock();
        stock.roster = version;
        stock.retire(|key| key.roster != version);
    }

    /// How many keys of this epoch to prepare now: 0 while the low-water mark is not passed, else up to capacity.
    pub fn missing(&self, epoch: EpochDay) -> usize {
        let there = self.lock().count(epoch);
        if there < self.low_water.max(1) { self.capacity - there } else { 0 }
    }

    /// The stale keys, out of the stock, for the bookkeeper to destroy.
    pub fn take_stale(&self) -> Vec<ReadyKey> {
        std::mem::take(&mut self.lock().stale)
    }

    /// Everything, out of the stock: at unload what was never used is destroyed.
    pub fn drain(&self) -> Vec<ReadyKey> {
        let mut stock = self.lock();
        stock.retire(|_| true);
        std::mem::take(&mut stock.stale)
    }

    /// How it stands.
    pub fn state(&self) -> ReadyState {
        let stock = self.lock();
        ReadyState {
            ready: stock.ready.len(),
            low_water: self.low_water,
            capacity: self.capacity,
            stale: stock.stale.len(),
            taken: stock.taken,
            found_empty: stock.found_empty,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    fn count(&self, epoch: EpochDay) -> usize {
        self.ready.iter().filter(|key| key.epoch == epoch).count()
    }

    fn retire(&mut self, is_stale: impl Fn(&ReadyKey) -> bool) {
        if self.ready.iter().any(&is_stale) {
            let (stale, ready) = std::mem::take(&mut self.ready).into_iter().partition(|key| is_stale(key));
            self.ready = ready;
            self.stale.extend::<VecDeque<_>>(stale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SlotNumber;
    use crate::seal::TrackKey;

    const TODAY: EpochDay = EpochDay(20_000);
    const TOMORROW: EpochDay = EpochDay(20_001);

    fn keys(count: u32, epoch: EpochDay, roster: u64) -> Vec<ReadyKey> {
        let key = || TrackKey::generate().expect("a key");
        (0..count).map(|slot| ReadyKey { key: key(), slot: SlotNumber(slot), epoch, roster }).collect()
    }

    fn stock(capacity: usize, low_water: usize) -> ReadyKeys {
        let stock = ReadyKeys::new(capacity, low_water);
        stock.set_roster(1);
        stock
    }

    #[test]
    fn at_midnight_tomorrows_keys_are_there_and_yesterdays_are_stale() {
        let stock = stock(4, 2);
        stock.put(keys(3, TODAY, 1));
        stock.put(keys(2, TOMORROW, 1));
        assert_eq!(stock.take(TODAY).map(|key| key.epoch), Some(TODAY));
        assert_eq!(stock.take(TOMORROW).map(|key| key.epoch), Some(TOMORROW));
        assert_eq!(stock.take_stale().len(), 2);
        assert_eq!(stock.state().ready, 1);
    }

    #[test]
    fn an_empty_stock_says_none_at_once_and_counts_it() {
        let stock = stock(4, 2);
        assert!(stock.take(TODAY).is_none());
        assert_eq!(stock.state().found_empty, 1);
        assert_eq!(stock.missing(TODAY), 4);
    }

    #[test]
    fn it_is_filled_up_below_the_low_water_mark_only() {
        let stock = stock(4, 2);
        stock.put(keys(4, TODAY, 1));
        stock.take(TODAY).expect("there");
        stock.take(TODAY).expect("there");
        assert_eq!(stock.missing(TODAY), 0);
        stock.take(TODAY).expect("there");
        assert_eq!(stock.missing(TODAY), 3);
    }

    #[test]
    fn keys_of_a_roster_that_was_replaced_are_never_taken() {
        let stock = stock(4, 2);
        stock.put(keys(2, TODAY, 1));
        stock.set_roster(2);
        stock.put(keys(1, TODAY, 1));
        assert!(stock.take(TODAY).is_none());
        assert_eq!(stock.take_stale().len(), 3);
    }

    #[test]
    fn the_stock_is_bounded_and_drained_at_the_end() {
        let stock = stock(2, 2);
        stock.put(keys(3, TODAY, 1));
        assert_eq!((stock.state().ready, stock.state().stale), (2, 1));
        assert_eq!(stock.drain().len(), 3);
        assert_eq!(stock.state().ready, 0);
    }
}
