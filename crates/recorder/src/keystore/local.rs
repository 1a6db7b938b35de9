//! The keystore's files in a directory of our own, for one process at a time.
use std::io;
use std::path::Path;

use super::fault::KeystoreFault;
use super::volume::{Folder, PositionalFile, Volume};
use crate::store::{PrivateDirectory, PrivateFile};

const LOCK: &str = "lock";
const EPOCHS: &str = "epochs";

/// `keystore-dir` and its `epochs/`, locked for this process until dropped.
#[derive(Debug)]
pub struct LocalVolume {
    slots: PrivateDirectory,
    epochs: PrivateDirectory,
    _lock: PrivateFile,
}

impl LocalVolume {
    /// Makes `directory` (or takes an empty one) and `epochs/` in it.
    pub fn create(directory: &Path) -> Result<Self, KeystoreFault> {
        let slots = PrivateDirectory::create(directory)?;
        let epochs = slots.subdirectory(EPOCHS)?;
        Self::locked(slots, epochs)
    }

    /// Opens what is there. `epochs/` is not made anew: where it is missing, its volume is not mounted.
    pub fn open(directory: &Path) -> Result<Self, KeystoreFault> {
        let slots = PrivateDirectory::open(directory)?;
        let epochs = slots.existing_subdirectory(EPOCHS)?;
        Self::locked(slots, epochs)
    }

    fn locked(slots: PrivateDirectory, epochs: PrivateDirectory) -> Result<Self, KeystoreFault> {
        let lock = match slots.create_file(LOCK) {
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => slots.open_file(LOCK),
            other => other,
        };
        let lock = lock.map_err(|source| KeystoreFault::medium("open its lock", source))?;
        if !lock.try_lock().map_err(|source| KeystoreFault::medium("take its lock", source))? {
            return Err(KeystoreFault::InUse { directory: slots.path().to_owned(), holder: holder_of(&lock) });
        }
        name_ourselves(&lock).map_err(|source| KeystoreFault::medium("write its lock", source))?;
        Ok(Self { slots, epochs, _lock: lock })
    }

    fn folder(&self, folder: Folder) -> &PrivateDirectory {
        match folder {
            Folder::Slots => &self.slots,
            Folder::Epochs => &self.epochs,
        }
    }
}

impl Volume for LocalVolume {
    fn create(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>> {
        Ok(Box::new(self.folder(folder).create_file(name)?))
    }

    fn open(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>> {
        Ok(Box::new(self.folder(folder).open_file(name)?))
    }

    fn remove(&self, folder: Folder, name: &str) -> io::Result<()> {
        self.folder(folder).remove_file(name)
    }

    fn names(&self, folder: Folder) -> io::Result<Vec<String>> {
        self.folder(folder).names()
    }

    fn sync_names(&self, folder: Folder) -> io::Result<()> {
        self.folder(folder).sync()
    }
}

impl PositionalFile for PrivateFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(offset, buffer)
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.forget_cached(offset, buffer.len() as u64)?;
        self.read_exact_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        PrivateFile::sync_data(self)
    }

    fn len(&self) -> io::Result<u64> {
        PrivateFile::len(self)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        PrivateFile::set_len(self, len)
    }
}

/// What the holder of the lock wrote of itself, for the message to whoever came second.
fn holder_of(lock: &PrivateFile) -> String {
    let mut text = [0; 64];
    let len = lock.len().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX)).min(text.len());
    match lock.read_exact_at(0, &mut text[..len]) {
        Ok(()) if len > 0 => String::from_utf8_lossy(&text[..len]).trim().escape_default().to_string(),
        _ => "another process".to_owned(),
    }
}

fn name_ourselves(lock: &PrivateFile) -> io::Result<()> {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(16).collect();
    lock.set_len(0)?;
    lock.write_all_at(0, format!("process {} ({name})\n", std::process::id()).as_bytes())
}
