//! Epochs: one X25519 identity per UTC day, each in a file of its own. Secret halves are read when a capsule is
//! handed out and at no other time.
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use callvault_secretmem::wipe_stack;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::EpochDestroyed;
use super::fault::{CapsuleFault, DestroyFault, MediumFault, ProvisionFault};
use super::layout::{EpochPage, PAGE};
use super::volume::{Folder, PositionalFile, Volume};
use crate::seal::{RecipientKey, X25519Identity};
use crate::time::EpochDay;

const SUFFIX: &str = ".epoch";

pub(super) struct Epochs {
    keystore: [u8; 16],
    public: BTreeMap<EpochDay, RecipientKey>,
}

impl Epochs {
    /// Reads every epoch's page. One that is not whole and that no slot needs was being made or destroyed when the
    /// machine stopped: its destruction is finished.
    pub(super) fn open(
        volume: &dyn Volume,
        keystore: [u8; 16],
        needed: &BTreeSet<EpochDay>,
    ) -> Result<Self, MediumFault> {
        let mut epochs = Self { keystore, public: BTreeMap::new() };
        let needed: BTreeSet<String> = needed.iter().map(|&day| EpochPage::file_name(day)).collect();
        let names = volume.names(Folder::Epochs).map_err(MediumFault::when("list its epochs"))?;
        let mut finished = false;
        for name in names.iter().filter(|name| name.ends_with(SUFFIX)) {
            let file = volume.open(Folder::Epochs, name).map_err(MediumFault::when("open an epoch"))?;
            match epochs.page(&*file)? {
                Some(page) if *name == EpochPage::file_name(page.day) => {
                    epochs.public.insert(page.day, RecipientKey::from_bytes(page.public));
                }
                _ if needed.contains(name) => {}
                _ => {
                    file.write_at(0, &[0; PAGE]).map_err(MediumFault::when("overwrite an epoch"))?;
                    file.sync_data().map_err(MediumFault::when("flush an epoch"))?;
                    volume.remove(Folder::Epochs, name).map_err(MediumFault::when("remove an epoch"))?;
                    finished = true;
                }
            }
        }
        if finished {
            volume.sync_names(Folder::Epochs).map_err(MediumFault::when("flush the epochs' names"))?;
        }
        // Pages were parsed here, secret halves and all.
        wipe_stack();
        Ok(epochs)
    }

    pub(super) fn days(&self) -> impl DoubleEndedIterator<Item = EpochDay> {
        self.public.keys().copied()
    }

    pub(super) fn public(&self, day: EpochDay) -> Option<RecipientKey> {
        self.public.get(&day).copied()
    }

    /// Makes the identities of these days that are missing; they count once their names are durable. Returns how many.
    pub(super) fn provision(
        &mut self,
        volume: &dyn Volume,
        days: impl Iterator<Item = EpochDay>,
        needed: &BTreeSet<EpochDay>,
    ) -> Result<usize, ProvisionFault> {
        let mut made = Vec::new();
        for day in days.filter(|day| !self.public.contains_key(day) && !needed.contains(day)) {
            made.push((day, self.make(volume, day)?));
        }
        if !made.is_empty() {
            volume.sync_names(Folder::Epochs).map_err(MediumFault::when("flush the epochs' names"))?;
        }
        let count = made.len();
        self.public.extend(made);
        Ok(count)
    }

    fn make(&self, volume: &dyn Volume, day: EpochDay) -> Result<RecipientKey, ProvisionFault> {
        let name = EpochPage::file_name(day);
        let file = match volume.create(Folder::Epochs, &name) {
            // Left by an attempt that failed halfway.
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => volume.open(Folder::Epochs, &name),
            other => other,
        };
        let file = file.map_err(MediumFault::when("make an epoch"))?;
        let identity = X25519Identity::generate()?;
        let public = identity.to_public();
        let mut page = Zeroizing::new([0; PAGE]);
        identity.expose(|secret| EpochPage::fill_page(&mut page, &self.keystore, day, secret, &public.bytes()));
        file.write_at(0, &*page).map_err(MediumFault::when("write an epoch"))?;
        file.sync_data().map_err(MediumFault::when("flush an epoch"))?;
        Ok(public)
    }

    /// The day's identity, read anew.
    pub(super) fn identity(&self, volume: &dyn Volume, day: EpochDay) -> Result<X25519Identity, CapsuleFault> {
        let file = match volume.open(Folder::Epochs, &EpochPage::file_name(day)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Err(CapsuleFault::EpochGone(day)),
            other => other.map_err(MediumFault::when("open an epoch"))?,
        };
        let page = self.page(&*file)?.filter(|page| page.day == day).ok_or(CapsuleFault::EpochGone(day))?;
        let identity = X25519Identity::from_secret_bytes(&page.secret);
        drop(page);
        wipe_stack();
        Ok(identity?)
    }

    /// Overwrites the page, flushes, reads it back, and only then takes the name away. `None`: there is none.
    pub(super) fn destroy(
        &mut self,
        volume: &dyn Volume,
        day: EpochDay,
    ) -> Result<Option<EpochDestroyed>, DestroyFault> {
        let name = EpochPage::file_name(day);
        let file = match volume.open(Folder::Epochs, &name) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(MediumFault::when("open an epoch"))?,
        };
        let mut noise = [0; PAGE];
        getrandom::fill(&mut noise).map_err(|_| DestroyFault::NoRandomness)?;
        file.write_at(0, &noise).map_err(MediumFault::when("overwrite an epoch"))?;
        // From here on nothing may be sealed to it, whatever comes of the rest.
        self.public.remove(&day);
        file.sync_data().map_err(MediumFault::when("flush an epoch"))?;
        let mut back = [0; PAGE];
        file.read_back(0, &mut back).map_err(MediumFault::when("read back an epoch"))?;
        if back != noise {
            return Err(DestroyFault::EpochNotOverwritten(day));
        }
        volume.remove(Folder::Epochs, &name).map_err(MediumFault::when("remove an epoch"))?;
        volume.sync_names(Folder::Epochs).map_err(MediumFault::when("flush the epochs' names"))?;
        Ok(Some(EpochDestroyed { day, reread_sha256: Sha256::digest(back).into() }))
    }

    fn page(&self, file: &dyn PositionalFile) -> Result<Option<EpochPage>, MediumFault> {
        let mut page = Zeroizing::new([0; PAGE]);
        match file.read_at(0, &mut *page) {
            Ok(()) => Ok(EpochPage::of_page(&page, &self.keystore)),
            Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(fault) => Err(MediumFault::when("read an epoch")(fault)),
        }
    }
}
