//! Slots and epochs: where tracks' keys wait for somebody who may open them, and where they are destroyed
//! (decisions 5 and 6; bytes and write order in `docs/keystore.md`).
//!
//! A slot holds one track's key, as a standard age file per person who was on the roster, all wrapped again to the
//! public key of an epoch (a UTC day). Slots are overwritten in place; an epoch is a file of its own. Nothing here can
//! read a key back: that takes a person's identity, which never is on this machine.
//!
//! The life of a slot: [`Keystore::prepare`] writes fresh keys ahead of calls, [`ReadyKeys`] hands them out without a
//! disk, [`Keystore::bind`] writes whose they became, [`Keystore::capsule_for`] hands a person's capsule out,
//! [`Keystore::destroy`] overwrites. After a start, [`Keystore::settle`] decides on what the former life left ready.
mod capsules;
mod epochs;
mod fault;
mod layout;
mod local;
mod ready;
mod slots;
mod types;
mod volume;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ed25519_dalek::VerifyingKey;

pub use fault::{
    BindFault, CapsuleFault, DestroyFault, KeystoreFault, MediumFault, PrepareFault, ProvisionFault, RosterMarkFault,
};
pub use layout::RosterMark;
pub use local::LocalVolume;
pub use ready::{ReadyKeys, ReadyState};
pub use types::{Binding, EpochDestroyed, Found, KeystoreStats, ReadyKey, Recipients, Settled, SlotDestroyed, SlotKey};
pub use volume::{Folder, PositionalFile, Volume};

use crate::ids::{KeyId, SlotNumber};
use crate::seal::{RecipientKey, TrackKey, UnwrapFault, unwrap_age};
use crate::time::{EpochDay, UnixMillis};
use epochs::Epochs;
use layout::{Header, HeaderFault, PAGE, ROSTER_AT, SLOTS_AT, body_range};
use slots::{CHUNK, Slots};

const SLOTS: &str = "slots";
const SLOT_BYTES: usize = 2 * PAGE;

/// How many days beyond today epochs are made ahead (requirement (c) 3).
pub const EPOCHS_AHEAD: i32 = 37;

/// The epoch of a recording: the UTC day of its start, and the retention, and one.
pub fn epoch_of(started_at: UnixMillis, retention: Duration) -> EpochDay {
    EpochDay(started_at.plus(retention).day().0.saturating_add(1))
}

/// The keystore of one recorder. All methods take `&self`; only [`Keystore::prepare`]'s arithmetic runs beside others.
pub struct Keystore {
    volume: Box<dyn Volume>,
    header: Header,
    officer: VerifyingKey,
    found: Found,
    inner: Mutex<Inner>,
}

struct Inner {
    slots: Slots,
    epochs: Epochs,
    roster: Option<RosterMark>,
    /// Which of the mark's two copies is the one that counts.
    roster_copy: usize,
}

impl Keystore {
    /// Makes a keystore in `directory` (missing or empty) and pins the privacy officer's key in it.
    pub fn create(directory: &Path, officer: &VerifyingKey) -> Result<Self, KeystoreFault> {
        Self::create_on(Box::new(LocalVolume::create(directory)?), officer)
    }

    /// Opens the keystore in `directory`, for this process alone.
    pub fn open(directory: &Path) -> Result<Self, KeystoreFault> {
        Self::open_on(Box::new(LocalVolume::open(directory)?))
    }

    /// As [`Self::create`], on any volume.
    pub fn create_on(volume: Box<dyn Volume>, officer: &VerifyingKey) -> Result<Self, KeystoreFault> {
        let making = || MediumFault::when("be made");
        let mut keystore = [0; 16];
        getrandom::fill(&mut keystore).map_err(|_| KeystoreFault::NoRandomness)?;
        let header = Header { keystore, officer: officer.to_bytes(), slot_bytes: SLOT_BYTES };
        let file = volume.create(Folder::Slots, SLOTS).map_err(making())?;
        file.write_at(0, &vec![0; usize::try_from(SLOTS_AT).unwrap_or(0)]).map_err(making())?;
        file.write_at(SLOTS_AT, &vec![0; CHUNK * SLOT_BYTES]).map_err(making())?;
        file.sync_data().map_err(making())?;
        // Last, so that a header means a whole keystore.
        file.write_at(0, &header.to_page()).map_err(making())?;
        file.sync_data().map_err(making())?;
        volume.sync_names(Folder::Slots).map_err(making())?;
        drop(file);
        Self::open_on(volume)
    }

    /// As [`Self::open`], on any volume.
    pub fn open_on(volume: Box<dyn Volume>) -> Result<Self, KeystoreFault> {
        let file = match volume.open(Folder::Slots, SLOTS) {
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                return Err(KeystoreFault::NotAKeystore("no file `slots`"));
            }
            other => other.map_err(MediumFault::when("open its slots"))?,
        };
        let header = read_header(&*file)?;
        let officer = VerifyingKey::from_bytes(&header.officer)
            .map_err(|_| KeystoreFault::NotAKeystore("the officer's key is no Ed25519 key"))?;
        let (roster, roster_copy) = read_roster(&*file, &header.keystore)?;
        let (slots, damaged) = Slots::open(file, header.keystore, header.slot_bytes)?;
        let needed = slots.epochs_needed();
        let epochs = Epochs::open(&*volume, header.keystore, &needed)?;
        let epochs_missing: Vec<_> = needed.iter().copied().filter(|&day| epochs.public(day).is_none()).collect();
        if !needed.is_empty() && epochs_missing.len() == needed.len() {
            let counts = slots.counts();
            return Err(KeystoreFault::NoEpochs(counts.ready + counts.bound));
        }
        let found = Found { unsettled: slots.unsettled().len(), damaged, epochs_missing };
        let inner = Mutex::new(Inner { slots, epochs, roster, roster_copy });
        Ok(Self { volume, header, officer, found, inner })
    }

    /// What was found at open.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The privacy officer's key, pinned when the keystore was made: who signs rosters.
    pub fn officer(&self) -> &VerifyingKey {
        &self.officer
    }

    /// The newest roster that was ever accepted.
    pub fn accepted_roster(&self) -> Option<RosterMark> {
        self.lock().roster
    }

    /// Marks a roster as accepted, durably. An older one is refused, also after a restart; the same one is no change.
    pub fn accept_roster(&self, mark: RosterMark) -> Result<(), RosterMarkFault> {
        let mut inner = self.lock();
        if let Some(accepted) = inner.roster {
            if mark.version < accepted.version {
                return Err(RosterMarkFault::Older { version: mark.version, accepted: accepted.version });
            }
            if mark.version == accepted.version {
                let same = mark.sha256 == accepted.sha256;
                return if same { Ok(()) } else { Err(RosterMarkFault::Another(mark.version)) };
            }
        }
        let copy = 1 - inner.roster_copy;
        let page = mark.to_page(&self.header.keystore);
        inner.slots.write_page(ROSTER_AT[copy], &page)?;
        inner.roster = Some(mark);
        inner.roster_copy = copy;
        Ok(())
    }

    /// Makes epochs from `today` to `ahead` days later where they are missing; says how many were made.
    pub fn provision(&self, today: EpochDay, ahead: i32) -> Result<usize, ProvisionFault> {
        let mut inner = self.lock();
        let needed = inner.slots.epochs_needed();
        let days = (today.0..=today.0.saturating_add(ahead)).map(EpochDay);
        inner.epochs.provision(&*self.volume, days, &needed)
    }

    /// The days that have an epoch, ascending.
    pub fn epochs(&self) -> Vec<EpochDay> {
        self.lock().epochs.days().collect()
    }

    /// Makes `count` keys, writes their capsules for these people into free slots and flushes once.
    pub fn prepare(&self, count: usize, epoch: EpochDay, to: &Recipients) -> Result<Vec<ReadyKey>, PrepareFault> {
        if to.keys.is_empty() {
            return Err(PrepareFault::NoRecipients);
        }
        let fit = capsules::people_that_fit(body_range(self.header.slot_bytes).len());
        if to.keys.len() > fit {
            return Err(PrepareFault::TooManyRecipients { given: to.keys.len(), fit });
        }
        let public = self.lock().epochs.public(epoch).ok_or(PrepareFault::NoEpoch(epoch))?;
        let mut keys = Vec::with_capacity(count);
        let mut fresh = Vec::with_capacity(count);
        for _ in 0..count {
            let key = TrackKey::generate()?;
            fresh.push((key.id(), capsules::write_body(&key, &to.keys, &public)?));
            keys.push(key);
        }
        let mut inner = self.lock();
        // The keeper may have destroyed the epoch while the capsules were made.
        if inner.epochs.public(epoch) != Some(public) {
            return Err(PrepareFault::NoEpoch(epoch));
        }
        let numbers = inner.slots.write_ready(epoch, to.roster, &fresh)?;
        let ready = keys.into_iter().zip(numbers);
        Ok(ready.map(|(key, slot)| ReadyKey { key, slot, epoch, roster: to.roster }).collect())
    }

    /// Writes whose these keys became, and flushes once. Binding the same again is no change.
    pub fn bind(&self, bindings: &[Binding]) -> Result<(), BindFault> {
        self.lock().slots.bind(bindings)
    }

    /// Once after a start: slots that were left ready are bound where a segment on disk was sealed by their key (its
    /// header names slot and key), because the crash may have come before the binding; all others are destroyed.
    pub fn settle(&self, claims: &[Binding]) -> Result<Settled, DestroyFault> {
        let mut inner = self.lock();
        let before = inner.slots.unsettled().len();
        match inner.slots.bind(claims) {
            Ok(()) | Err(BindFault::NotReady(_)) => {}
            Err(BindFault::Medium(fault)) => return Err(fault.into()),
        }
        let bound = before - inner.slots.unsettled().len();
        let destroyed = inner.slots.destroy_unsettled()?;
        Ok(Settled { bound, destroyed })
    }

    /// Takes the epoch's layer off and returns this person's capsule: a standard age file that only they can open.
    /// For `seal::read_capsule`, on their machine.
    pub fn capsule_for(&self, slot: SlotNumber, key: KeyId, person: &RecipientKey) -> Result<Vec<u8>, CapsuleFault> {
        let inner = self.lock();
        let (epoch, body) = inner.slots.body(slot, key)?;
        let identity = inner.epochs.identity(&*self.volume, epoch)?;
        drop(inner);
        let set = unwrap_age(&body, &identity).map_err(|fault| match fault {
            // The epoch was destroyed, and its day was given a new key.
            UnwrapFault::NotForThisIdentity => CapsuleFault::EpochGone(epoch),
            UnwrapFault::Key(fault) => CapsuleFault::Key(fault),
            UnwrapFault::Form | UnwrapFault::NotAuthentic => CapsuleFault::Damaged(slot),
        })?;
        capsules::find(&set, person)
            .map_err(|capsules::NotASet| CapsuleFault::Damaged(slot))?
            .ok_or(CapsuleFault::NotForThisPerson)
    }

    /// Overwrites slots, flushes, reads them back and compares (DES-01). Safe to repeat, with the same outcome, after a
    /// fault or a crash. Others get their turn between batches of 64.
    pub fn destroy(&self, slots: &[SlotKey]) -> Result<Vec<SlotDestroyed>, DestroyFault> {
        let mut destroyed = Vec::with_capacity(slots.len());
        for some in slots.chunks(CHUNK) {
            destroyed.extend(self.lock().slots.destroy(some)?);
        }
        Ok(destroyed)
    }

    /// The slots that still need this epoch's key.
    pub fn slots_of_epoch(&self, day: EpochDay) -> Vec<SlotKey> {
        self.lock().slots.needing(day)
    }

    /// Whose each bound slot is, to compare with the catalogue. Reads a sector per bound slot.
    pub fn bindings(&self) -> Result<Vec<Binding>, MediumFault> {
        self.lock().slots.bindings()
    }

    /// Destroys an epoch's key once no slot needs it: whatever copies of its slots exist elsewhere are dead from then
    /// on. `None` where there is none (any more).
    pub fn destroy_epoch(&self, day: EpochDay) -> Result<Option<EpochDestroyed>, DestroyFault> {
        let mut inner = self.lock();
        let slots = inner.slots.needing(day).len();
        if slots > 0 {
            return Err(DestroyFault::EpochInUse { day, slots });
        }
        inner.epochs.destroy(&*self.volume, day)
    }

    /// Figures for `callvault status`.
    pub fn stats(&self) -> KeystoreStats {
        let inner = self.lock();
        let counts = inner.slots.counts();
        KeystoreStats {
            free: counts.free,
            ready: counts.ready,
            bound: counts.bound,
            torn: counts.torn,
            epochs: inner.epochs.days().count(),
            last_epoch: inner.epochs.days().next_back(),
            people_that_fit: capsules::people_that_fit(body_range(self.header.slot_bytes).len()),
        }
    }

    /// What is remembered changes only after the medium did, so it is whole also where a thread panicked.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keystore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keystore").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn read_header(file: &dyn PositionalFile) -> Result<Header, KeystoreFault> {
    let mut page = [0; PAGE];
    match file.read_at(0, &mut page) {
        Ok(()) => {}
        Err(fault) if fault.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(KeystoreFault::NotAKeystore("`slots` is too short"));
        }
        Err(source) => return Err(KeystoreFault::medium("read its header", source)),
    }
    Header::of_page(&page).map_err(|fault| match fault {
        HeaderFault::NotAKeystore => KeystoreFault::NotAKeystore("`slots` has no header"),
        HeaderFault::Damaged => KeystoreFault::NotAKeystore("the header of `slots` is damaged"),
        HeaderFault::UnknownFormat(format) => KeystoreFault::UnknownFormat(format),
    })
}

/// The mark with the higher version, and which copy it is. One torn copy is what a crash leaves, two are not.
fn read_roster(file: &dyn PositionalFile, keystore: &[u8; 16]) -> Result<(Option<RosterMark>, usize), KeystoreFault> {
    let mut copies = [Ok(None), Ok(None)];
    for (copy, at) in copies.iter_mut().zip(ROSTER_AT) {
        let mut page = [0; PAGE];
        file.read_at(at, &mut page).map_err(MediumFault::when("read the roster's mark"))?;
        *copy = RosterMark::of_page(&page, keystore);
    }
    match copies {
        [Ok(first), Ok(last)] => {
            let last_counts = last.map(|mark| mark.version) > first.map(|mark| mark.version);
            Ok(if last_counts { (last, 1) } else { (first, 0) })
        }
        [Ok(first), Err(())] => Ok((first, 0)),
        [Err(()), Ok(last)] => Ok((last, 1)),
        [Err(()), Err(())] => Err(KeystoreFault::RosterMarkDamaged),
    }
}
