//! What goes in and out of the keystore.
use crate::ids::{KeyId, RecordingId, SlotNumber, TrackNumber};
use crate::seal::{RecipientKey, TrackKey};
use crate::time::EpochDay;

/// For whom capsules are made: the managers of a roster, and recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients {
    /// The roster's version.
    pub roster: u64,
    /// Their age public keys.
    pub keys: Vec<RecipientKey>,
}

/// A fresh key whose capsules are durable already.
#[derive(Debug)]
pub struct ReadyKey {
    /// The key.
    pub key: TrackKey,
    /// Where its capsules lie.
    pub slot: SlotNumber,
    /// The epoch that they are wrapped to.
    pub epoch: EpochDay,
    /// The roster that they were made for.
    pub roster: u64,
}

impl ReadyKey {
    /// What [`Keystore::destroy`] wants to know of it.
    pub fn slot_key(&self) -> SlotKey {
        SlotKey { slot: self.slot, key: self.key.id() }
    }
}

/// A slot as the holder of this key: slots are reused, so a number alone may mean another recording by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotKey {
    /// The slot.
    pub slot: SlotNumber,
    /// The key that it held.
    pub key: KeyId,
}

/// Whose a slot's key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The slot.
    pub slot: SlotNumber,
    /// The key in it.
    pub key: KeyId,
    /// The recording.
    pub recording: RecordingId,
    /// The track in it.
    pub track: TrackNumber,
}

/// A destroyed slot, for the log and the tombstone (DES-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotDestroyed {
    /// The slot.
    pub slot: SlotNumber,
    /// The key that is gone.
    pub key: KeyId,
    /// SHA-256 over the overwritten slot as it was read back; `None` where the slot was destroyed earlier and holds
    /// another key by now.
    pub reread_sha256: Option<[u8; 32]>,
}

/// A destroyed epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochDestroyed {
    /// The day.
    pub day: EpochDay,
    /// SHA-256 over the overwritten page as it was read back.
    pub reread_sha256: [u8; 32],
}

/// What [`Keystore::settle`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Slots that a segment claimed and that are bound now.
    pub bound: usize,
    /// Slots that were destroyed: never used, or torn by a crash.
    pub destroyed: usize,
}

/// What was found at open and wants to be told to an operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Slots ready or torn, to be settled.
    pub unsettled: usize,
    /// Bound slots whose content is not what was written: half destroyed, or rotten.
    pub damaged: Vec<SlotNumber>,
    /// Epochs that slots need and that are not there or not whole.
    pub epochs_missing: Vec<EpochDay>,
}

/// Figures for `callvault status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeystoreStats {
    /// Slots in the file that can take a key now; the file grows when they are used up.
    pub free: usize,
    /// Slots with a fresh key.
    pub ready: usize,
    /// Slots with a track's key.
    pub bound: usize,
    /// Slots that a crash tore, until they are settled.
    pub torn: usize,
    /// Epochs there are.
    pub epochs: usize,
    /// The last day that an epoch was made for.
    pub last_epoch: Option<EpochDay>,
    /// How many people's capsules fit in a slot.
    pub people_that_fit: usize,
}
