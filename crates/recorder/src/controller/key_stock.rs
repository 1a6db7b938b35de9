//! Keys made ahead, so that no call waits for a disk: the bookkeeper's part of [`ReadyKeys`].
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::keystore::{
    DestroyFault, EPOCHS_AHEAD, Keystore, PrepareFault, ProvisionFault, ReadyKey, ReadyKeys, Recipients, SlotKey,
    epoch_of,
};
use crate::time::{EpochDay, UnixMillis};

/// Keys kept ready at least and at most: 256 KiB of locked memory, 64 MiB of slots.
const STOCK: std::ops::RangeInclusive<usize> = 256..=8192;
/// Filled up when so many are taken.
const TAKEN: usize = 64;
/// A disk may make no keys for so long without a call going without one.
const STALL_SECONDS: u32 = 30;
/// Keys made at a time: rows of calls go between two batches.
const BATCH: usize = 32;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// This long before midnight UTC tomorrow's keys are made, too.
const BEFORE_MIDNIGHT: Duration = Duration::from_secs(3600);

/// Why no keys are made.
#[derive(Debug, thiserror::Error)]
pub(super) enum StockFault {
    #[error(transparent)]
    Prepare(#[from] PrepareFault),
    #[error(transparent)]
    Provision(#[from] ProvisionFault),
    #[error(transparent)]
    Destroy(#[from] DestroyFault),
}

/// What the host lets happen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLimits {
    /// Sessions (legs) at most.
    pub sessions: u32,
    /// New sessions a second at most.
    pub sessions_per_second: u32,
}

impl HostLimits {
    /// How many keys are to be ready: one for every leg that may begin while the disk stalls, but no more than there can be
    /// legs at once.
    pub(super) fn keys(self) -> usize {
        let burst = self.sessions.min(self.sessions_per_second.saturating_mul(STALL_SECONDS));
        usize::try_from(burst).unwrap_or(usize::MAX).clamp(*STOCK.start(), *STOCK.end())
    }
}

/// The stock and for whom it is.
pub(super) struct KeyStock {
    keys: Arc<ReadyKeys>,
    recipients: Option<Recipients>,
    filling: Vec<(EpochDay, usize)>,
    stale: Vec<SlotKey>,
    try_again: Option<Instant>,
}

impl KeyStock {
    pub(super) fn new(limits: HostLimits) -> Self {
        let wanted = limits.keys();
        Self {
            keys: Arc::new(ReadyKeys::new(wanted, wanted - TAKEN)),
            recipients: None,
            filling: Vec::new(),
            stale: Vec::new(),
            try_again: None,
        }
    }

    /// The stock that the controller takes from.
    pub(super) fn keys(&self) -> Arc<ReadyKeys> {
        Arc::clone(&self.keys)
    }

    /// Another roster: keys for the former one are stale.
    pub(super) fn change_recipients(&mut self, recipients: Recipients) {
        self.keys.set_roster(recipients.roster);
        self.recipients = Some(recipients);
        self.filling.clear();
        self.try_again = None;
    }

    /// Whether there is something to make right now.
    pub(super) fn is_filling(&self) -> bool {
        !self.filling.is_empty() && self.try_again.is_none_or(|at| Instant::now() >= at)
    }

    /// Whether a track that opens now would get no key.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.state().ready == 0
    }

    /// Destroys stale keys, makes one batch where keys are missing. `None` where it failed a moment ago and is not
    /// tried again yet.
    pub(super) fn restock(&mut self, keystore: &Keystore, shared: &Shared) -> Option<Result<(), StockFault>> {
        if self.try_again.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        let outcome = self.make_batch(keystore, shared).and_then(|()| self.destroy_stale(keystore));
        self.try_again = outcome.is_err().then(|| Instant::now() + RETRY);
        Some(outcome)
    }

    /// Nothing unused outlives the recorder. What cannot be destroyed now is at the next start.
    pub(super) fn destroy_all(&mut self, keystore: &Keystore) -> Result<(), StockFault> {
        self.stale.extend(self.keys.drain().iter().map(ReadyKey::slot_key));
        self.destroy_stale(keystore)
    }

    fn make_batch(&mut self, keystore: &Keystore, shared: &Shared) -> Result<(), StockFault> {
        let Some(recipients) = self.recipients.as_ref().filter(|recipients| !recipients.keys.is_empty()) else {
            return Ok(());
        };
        let (now, retention) = (shared.clock.now(), shared.policy.load().retention);
        if self.filling.is_empty() {
            let missing = epochs_wanted(now, retention).into_iter().map(|epoch| (epoch, self.keys.missing(epoch)));
            self.filling = missing.filter(|&(_, missing)| missing > 0).collect();
        }
        let Some((epoch, missing)) = self.filling.first_mut() else { return Ok(()) };
        let batch = BATCH.min(*missing);
        let made = match keystore.prepare(batch, *epoch, recipients) {
            Err(PrepareFault::NoEpoch(_)) => {
                provision(keystore, now, retention)?;
                keystore.prepare(batch, *epoch, recipients)?
            }
            made => made?,
        };
        self.keys.put(made);
        *missing -= batch;
        if *missing == 0 {
            self.filling.remove(0);
        }
        Ok(())
    }

    fn destroy_stale(&mut self, keystore: &Keystore) -> Result<(), StockFault> {
        self.stale.extend(self.keys.take_stale().iter().map(ReadyKey::slot_key));
        if !self.stale.is_empty() {
            keystore.destroy(&self.stale)?;
            self.stale.clear();
        }
        Ok(())
    }
}

/// Makes the epochs that tracks of the next days need.
pub(super) fn provision(keystore: &Keystore, now: UnixMillis, retention: Duration) -> Result<usize, ProvisionFault> {
    let farthest = epoch_of(now, retention).0.saturating_sub(now.day().0).saturating_add(2);
    keystore.provision(now.day(), EPOCHS_AHEAD.max(farthest))
}

fn epochs_wanted(now: UnixMillis, retention: Duration) -> Vec<EpochDay> {
    let mut epochs = vec![epoch_of(now, retention), epoch_of(now.plus(BEFORE_MIDNIGHT), retention)];
    epochs.dedup();
    epochs
}

#[cfg(test)]
mod tests {
    use super::HostLimits;

    #[test]
    fn the_stock_is_what_may_begin_while_a_disk_stalls_and_no_more_than_there_can_be() {
        let keys = |sessions, sessions_per_second| HostLimits { sessions, sessions_per_second }.keys();
        assert_eq!(keys(1000, 30), 900);
        assert_eq!(keys(1000, 200), 1000);
        assert_eq!(keys(10, 30), 256);
        assert_eq!(keys(u32::MAX, u32::MAX), 8192);
    }
}
