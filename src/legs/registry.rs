//! Every leg by address, uuid and key, for threads that may take a short lock. The media thread has [`super::LEGS`].
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callvault_recorder::ids::{LegKey, LegUuid};

use super::Leg;

/// Keys are never reused while the process lives, also across reloads.
static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// The legs that are there now.
#[derive(Default)]
pub struct Registry {
    legs: Mutex<Legs>,
}

#[derive(Default)]
struct Legs {
    by_address: HashMap<usize, Arc<Leg>>,
    by_uuid: HashMap<LegUuid, usize>,
    by_key: HashMap<LegKey, usize>,
}

impl Registry {
    /// A key for a new leg.
    pub fn new_key(&self) -> LegKey {
        LegKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed))
    }

    /// Enters a leg; false where its session is known already.
    pub fn insert(&self, leg: &Arc<Leg>) -> bool {
        let mut legs = self.lock();
        if legs.by_address.contains_key(&leg.address) {
            return false;
        }
        legs.by_uuid.insert(leg.uuid(), leg.address);
        legs.by_key.insert(leg.key, leg.address);
        legs.by_address.insert(leg.address, Arc::clone(leg));
        true
    }

    /// Forgets a leg.
    pub fn remove(&self, leg: &Leg) {
        let mut legs = self.lock();
        legs.by_address.remove(&leg.address);
        legs.by_key.remove(&leg.key);
        let uuid = leg.uuid();
        if legs.by_uuid.get(&uuid) == Some(&leg.address) {
            legs.by_uuid.remove(&uuid);
        }
    }

    /// The host renamed a leg.
    pub fn rename(&self, leg: &Leg, uuid: LegUuid) {
        let mut legs = self.lock();
        legs.by_uuid.remove(&leg.uuid());
        legs.by_uuid.insert(uuid.clone(), leg.address);
        leg.set_uuid(uuid);
    }

    /// The leg of a session.
    pub fn by_address(&self, address: usize) -> Option<Arc<Leg>> {
        self.lock().by_address.get(&address).cloned()
    }

    /// The leg that the host names so.
    pub fn by_uuid(&self, uuid: &LegUuid) -> Option<Arc<Leg>> {
        let legs = self.lock();
        legs.by_address.get(legs.by_uuid.get(uuid)?).cloned()
    }

    /// The leg of that key.
    pub fn by_key(&self, key: LegKey) -> Option<Arc<Leg>> {
        let legs = self.lock();
        legs.by_address.get(legs.by_key.get(&key)?).cloned()
    }

    /// All legs.
    pub fn all(&self) -> Vec<Arc<Leg>> {
        self.lock().by_address.values().cloned().collect()
    }

    /// How many legs there are.
    pub fn count(&self) -> usize {
        self.lock().by_address.len()
    }

    fn lock(&self) -> MutexGuard<'_, Legs> {
        self.legs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
