//! A volume in memory that knows what was flushed: it gives the disk as a crash after any of its operations would
//! have left it, and fails an operation that is asked for by number.
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callvault_recorder::keystore::{Folder, PositionalFile, Volume};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub struct MemoryVolume(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    names: BTreeMap<(Folder, String), usize>,
    files: Vec<Vec<u8>>,
    journal: Vec<Operation>,
    ground: Ground,
    fail_at: Option<usize>,
    asked: usize,
}

/// What was durable before the journal's first operation.
#[derive(Default, Clone)]
struct Ground {
    names: BTreeMap<(Folder, String), usize>,
    files: Vec<Vec<u8>>,
}

enum Operation {
    Create(Folder, String, usize),
    Remove(Folder, String),
    SyncNames(Folder),
    Write(usize, usize, Vec<u8>),
    SetLen(usize, usize),
    SyncData(usize),
}

/// What a crash takes.
#[derive(Debug, Clone, Copy)]
pub enum Loss {
    /// The process died, the machine did not: all writes are there.
    Nothing,
    /// Power went, and took all that was not flushed.
    AllUnflushed,
    /// Power went; of what was not flushed, sectors and names survived at random (this seed), and with an even seed
    /// also torn sectors.
    SomeUnflushed(u64),
}

impl MemoryVolume {
    /// How many operations that change something were carried out.
    pub fn operations(&self) -> usize {
        self.disk().journal.len()
    }

    /// The `n`-th operation from now (0 the next; reads count too) fails once, a write after half of its bytes.
    pub fn fail_after(&self, n: usize) {
        let mut disk = self.disk();
        disk.fail_at = Some(disk.asked + n);
    }

    /// Whether the failure that was asked for has happened.
    pub fn has_failed(&self) -> bool {
        let disk = self.disk();
        disk.fail_at.is_none_or(|at| disk.asked > at)
    }

    /// The disk as a crash right after the first `operations` would have left it.
    pub fn crashed_after(&self, operations: usize, loss: Loss) -> Self {
        let disk = self.disk();
        let journal = &disk.journal[..operations];
        let mut dice = match loss {
            Loss::SomeUnflushed(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            Loss::Nothing | Loss::AllUnflushed => 1,
        };
        let mut lives = |flushed: bool| match loss {
            _ if flushed => true,
            Loss::Nothing => true,
            Loss::AllUnflushed => false,
            Loss::SomeUnflushed(_) => {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                dice & 4 == 0
            }
        };
        let torn = matches!(loss, Loss::SomeUnflushed(seed) if seed % 2 == 0);
        let piece = if torn { SECTOR / 16 } else { SECTOR };
        let mut left = disk.ground.clone();
        left.files.resize(disk.files.len(), Vec::new());
        for (at, operation) in journal.iter().enumerate() {
            let later = &journal[at..];
            let data_flushed = |file| later.iter().any(|o| matches!(o, Operation::SyncData(f) if *f == file));
            let names_flushed = |folder| later.iter().any(|o| matches!(o, Operation::SyncNames(f) if *f == folder));
            match operation {
                Operation::Create(folder, name, file) => {
                    if lives(names_flushed(*folder)) {
                        left.names.insert((*folder, name.clone()), *file);
                    }
                }
                Operation::Remove(folder, name) => {
                    if lives(names_flushed(*folder)) {
                        left.names.remove(&(*folder, name.clone()));
                    }
                }
                Operation::Write(file, offset, bytes) => {
                    let flushed = data_flushed(*file);
                    if flushed || matches!(loss, Loss::Nothing) {
                        write(&mut left.files[*file], *offset, bytes);
                        continue;
                    }
                    for (at, bytes) in bytes.chunks(piece).enumerate() {
                        if lives(false) {
                            write(&mut left.files[*file], offset + at * piece, bytes);
                        }
                    }
                }
                Operation::SetLen(file, len) => {
                    if lives(data_flushed(*file)) {
                        left.files[*file].resize(*len, 0);
                    }
                }
                Operation::SyncData(_) | Operation::SyncNames(_) => {}
            }
        }
        let Ground { names, files } = left.clone();
        Self(Arc::new(Mutex::new(Disk { names, files, ground: left, ..Disk::default() })))
    }

    /// Whether any sector of the disk, of files with and without a name, holds these bytes at this place in it.
    pub fn holds(&self, place_in_sector: usize, bytes: &[u8]) -> bool {
        let disk = self.disk();
        let mut sectors = disk.files.iter().flat_map(|file| file.chunks(SECTOR));
        sectors.any(|sector| sector.get(place_in_sector..).is_some_and(|rest| rest.starts_with(bytes)))
    }

    /// All bytes of a file.
    pub fn bytes(&self, folder: Folder, name: &str) -> Option<Vec<u8>> {
        let disk = self.disk();
        disk.names.get(&(folder, name.to_owned())).map(|&file| disk.files[file].clone())
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn asked(&mut self) -> io::Result<()> {
        let now = self.asked;
        self.asked += 1;
        if self.fail_at == Some(now) { Err(io::Error::other("a fault that the test asked for")) } else { Ok(()) }
    }
}

impl Volume for MemoryVolume {
    fn create(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>> {
        let mut disk = self.disk();
        disk.asked()?;
        if disk.names.contains_key(&(folder, name.to_owned())) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = disk.files.len();
        disk.files.push(Vec::new());
        disk.names.insert((folder, name.to_owned()), file);
        disk.journal.push(Operation::Create(folder, name.to_owned(), file));
        Ok(Box::new(MemoryFile { volume: self.clone(), file }))
    }

    fn open(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>> {
        let mut disk = self.disk();
        disk.asked()?;
        let file = *disk.names.get(&(folder, name.to_owned())).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile { volume: self.clone(), file }))
    }

    fn remove(&self, folder: Folder, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.asked()?;
        disk.names.remove(&(folder, name.to_owned())).ok_or(io::ErrorKind::NotFound)?;
        disk.journal.push(Operation::Remove(folder, name.to_owned()));
        Ok(())
    }

    fn names(&self, folder: Folder) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        disk.asked()?;
        Ok(disk.names.keys().filter(|(f, _)| *f == folder).map(|(_, name)| name.clone()).collect())
    }

    fn sync_names(&self, folder: Folder) -> io::Result<()> {
        let mut disk = self.disk();
        disk.asked()?;
        disk.journal.push(Operation::SyncNames(folder));
        Ok(())
    }
}

struct MemoryFile {
    volume: MemoryVolume,
    file: usize,
}

impl PositionalFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut disk = self.volume.disk();
        disk.asked()?;
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = disk.files[self.file].get(from..from + buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.volume.disk();
        let outcome = disk.asked();
        let bytes = if outcome.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        write(&mut disk.files[self.file], at, bytes);
        disk.journal.push(Operation::Write(self.file, at, bytes.to_vec()));
        outcome
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.volume.disk();
        disk.asked()?;
        disk.journal.push(Operation::SyncData(self.file));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut disk = self.volume.disk();
        disk.asked()?;
        Ok(disk.files[self.file].len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.volume.disk();
        disk.asked()?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        disk.files[self.file].resize(len, 0);
        disk.journal.push(Operation::SetLen(self.file, len));
        Ok(())
    }
}

fn write(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
