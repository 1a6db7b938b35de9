//! What a destruction works with. Each trait is what [`run`](super::run) needs of one part, and no more.
//!
//! All of it may be repeated: a kill can come after the act and before its row, so doing it again must change nothing
//! and succeed.
use std::error::Error;
use std::time::Duration;

use crate::audit::{AuditFault, AuditLog, Entry};
use crate::catalogue::{Catalogue, CatalogueFault, Change, DueRow, Material};
use crate::ids::{KeyId, RecordingId, SlotNumber};
use crate::keystore::{Keystore, SlotKey};
use crate::store::{AppendFile, SegmentName, Store};
use crate::time::{EpochDay, UnixMillis};

/// What a part says when it could not.
pub type HandFault = Box<dyn Error + Send + Sync>;

/// Everything that a destruction works with.
pub struct Hands<'a> {
    /// The audit log.
    pub log: &'a mut dyn Log,
    /// The catalogue.
    pub ledger: &'a mut dyn Ledger,
    /// The keystore.
    pub keys: &'a mut dyn Keys,
    /// The store's segments.
    pub segments: &'a mut dyn Segments,
    /// The release directory.
    pub copies: &'a mut dyn Copies,
}

/// The audit log.
pub trait Log {
    /// Appends these entries, on the medium when it returns.
    fn append(&mut self, entries: &[Entry]) -> Result<(), AuditFault>;
}

/// The catalogue.
pub trait Ledger {
    /// At most `limit` recordings that are due, begun destructions first, then the oldest.
    fn due(&mut self, now: UnixMillis, retention: Duration, limit: u32) -> Result<Vec<DueRow>, CatalogueFault>;
    /// At most `limit` recordings of which nothing is to be kept, whatever the clock says.
    fn not_to_be_kept(&mut self, limit: u32) -> Result<Vec<DueRow>, CatalogueFault>;
    /// Where the parts of a recording lie.
    fn material(&mut self, id: RecordingId) -> Result<Option<Material>, CatalogueFault>;
    /// Applies a group, all or none, on the medium when it returns.
    fn apply(&mut self, changes: &[Change]) -> Result<(), CatalogueFault>;
    /// Empties the write-ahead log.
    fn checkpoint(&mut self) -> Result<(), CatalogueFault>;
    /// Whether anything kept was sealed under a key that this epoch wraps.
    fn epoch_in_use(&mut self, day: EpochDay) -> Result<bool, CatalogueFault>;
}

/// The keystore.
pub trait Keys {
    /// Overwrites these slots, flushes, re-reads and compares. A slot that no longer holds the key beside it was
    /// destroyed before and may be another track's by now: it is left alone, and its proof says so.
    fn destroy(&mut self, slots: &[(SlotNumber, KeyId)]) -> Result<Vec<SlotProof>, HandFault>;
    /// The epochs that there are keys for.
    fn epochs(&mut self) -> Vec<EpochDay>;
    /// Whether a slot still needs this epoch's key.
    fn is_needed(&mut self, day: EpochDay) -> bool;
    /// Overwrites an epoch's key, flushes, re-reads, unlinks; SHA-256 of what was re-read, `None` where it was gone.
    fn destroy_epoch(&mut self, day: EpochDay) -> Result<Option<[u8; 32]>, HandFault>;
}

/// A slot that holds its key no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: SlotNumber,
    /// SHA-256 of what was re-read; `None` where it was destroyed earlier.
    pub reread_sha256: Option<[u8; 32]>,
}

/// The store's segments.
pub trait Segments {
    /// Removes these files, durably; those that are gone already are no error.
    fn remove(&mut self, names: &[String]) -> Result<(), HandFault>;
}

/// The release directory.
pub trait Copies {
    /// Overwrites and removes a released copy; `false` where it is not there any more.
    fn remove(&mut self, path: &str) -> Result<bool, HandFault>;
}

impl<F: AppendFile> Log for AuditLog<F> {
    fn append(&mut self, entries: &[Entry]) -> Result<(), AuditFault> {
        self.append_all(entries).map(drop)
    }
}

impl Ledger for Catalogue {
    fn due(&mut self, now: UnixMillis, retention: Duration, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        Self::due(self, now, retention, limit)
    }

    fn not_to_be_kept(&mut self, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        Self::not_to_be_kept(self, limit)
    }

    fn material(&mut self, id: RecordingId) -> Result<Option<Material>, CatalogueFault> {
        Self::material(self, id)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), CatalogueFault> {
        Self::apply(self, changes)
    }

    fn checkpoint(&mut self) -> Result<(), CatalogueFault> {
        Self::checkpoint(self)
    }

    fn epoch_in_use(&mut self, day: EpochDay) -> Result<bool, CatalogueFault> {
        Self::epoch_in_use(self, day)
    }
}

impl Segments for &Store {
    fn remove(&mut self, names: &[String]) -> Result<(), HandFault> {
        let names = names.iter().map(|name| name.parse::<SegmentName>()).collect::<Result<Vec<_>, _>>()?;
        Ok(self.remove_segments(&names)?)
    }
}

impl Copies for &Store {
    fn remove(&mut self, path: &str) -> Result<bool, HandFault> {
        Ok(self.remove_release(super::execute::file_name(path))?)
    }
}

impl Keys for &Keystore {
    fn destroy(&mut self, slots: &[(SlotNumber, KeyId)]) -> Result<Vec<SlotProof>, HandFault> {
        let slots: Vec<SlotKey> = slots.iter().map(|&(slot, key)| SlotKey { slot, key }).collect();
        let destroyed = Keystore::destroy(self, &slots)?;
        Ok(destroyed.iter().map(|of| SlotProof { slot: of.slot, reread_sha256: of.reread_sha256 }).collect())
    }

    fn epochs(&mut self) -> Vec<EpochDay> {
        Keystore::epochs(self)
    }

    fn is_needed(&mut self, day: EpochDay) -> bool {
        !self.slots_of_epoch(day).is_empty()
    }

    fn destroy_epoch(&mut self, day: EpochDay) -> Result<Option<[u8; 32]>, HandFault> {
        Ok(Keystore::destroy_epoch(self, day)?.map(|destroyed| destroyed.reread_sha256))
    }
}
