//! Where bytes lie: a directory of our own with `segments/` and `releases/` in it.
//!
//! The store knows nothing of what a segment says. It sees to it that a file is made new and for us alone, that
//! names are durable where they must be, and that everything written can be flushed at once for all calls.
mod fault;
mod file;
mod name;
mod private;

use std::path::{Path, PathBuf};

pub use fault::{DirectoryFault, StoreFault};
pub use file::{AppendFile, StoreFile, StoreReader};
pub use name::{BadSegmentName, SegmentName};
pub use private::{FreeSpace, PrivateDirectory, PrivateFile};

use crate::ids::{RecordingId, TrackNumber};

/// The local store under `data-dir`. All methods take `&self`: files are made and removed from any thread.
#[derive(Debug)]
pub struct Store {
    root: PrivateDirectory,
    segments: PrivateDirectory,
    releases: PrivateDirectory,
}

impl Store {
    /// Makes `data_dir` (mode 0700, its parent must be there) or takes an empty one, then opens it.
    pub fn create(data_dir: &Path) -> Result<Self, StoreFault> {
        Self::within(PrivateDirectory::create(data_dir)?)
    }

    /// Opens `data_dir`; refuses one that is missing, a link, another user's, open to others or read-only (SEC-04).
    pub fn open(data_dir: &Path) -> Result<Self, StoreFault> {
        Self::within(PrivateDirectory::open(data_dir)?)
    }

    fn within(root: PrivateDirectory) -> Result<Self, StoreFault> {
        let segments = root.subdirectory("segments")?;
        let releases = root.subdirectory("releases")?;
        Ok(Self { root, segments, releases })
    }

    /// `data-dir` itself, for the files beside the segments (`audit.log`, `node.key`).
    pub fn directory(&self) -> &PrivateDirectory {
        &self.root
    }

    /// Makes a segment's file. It survives this process at once, a power cut after the next [`Self::sync_all`].
    pub fn create_segment(
        &self,
        recording: RecordingId,
        track: TrackNumber,
        segment: u32,
    ) -> Result<(SegmentName, StoreFile), StoreFault> {
        let name = SegmentName { recording, track, segment };
        let file = create_in(&self.segments, &name.to_string())?;
        Ok((name, file))
    }

    /// Opens a segment's file for reading, or for closing it after a crash.
    pub fn open_segment(&self, name: &SegmentName) -> Result<StoreFile, StoreFault> {
        open_in(&self.segments, &name.to_string())
    }

    /// Removes a segment's file, durably. One that is gone already is no error: destruction is repeated after a crash.
    pub fn remove_segment(&self, name: &SegmentName) -> Result<(), StoreFault> {
        self.remove_segments(std::slice::from_ref(name))
    }

    /// Removes many and makes that durable once.
    pub fn remove_segments(&self, names: &[SegmentName]) -> Result<(), StoreFault> {
        remove_in(&self.segments, names.iter().map(SegmentName::to_string))
    }

    /// All segments, by recording, track and index. Files whose names the recorder did not write are left out.
    pub fn list_segments(&self) -> Result<Vec<SegmentName>, StoreFault> {
        let names = self.segments.names().map_err(|source| StoreFault::of("segments/", source))?;
        let mut segments: Vec<SegmentName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        segments.sort_unstable();
        Ok(segments)
    }

    /// Makes a released copy's file under `releases/` and says where it is.
    pub fn create_release(&self, name: &str) -> Result<(PathBuf, StoreFile), StoreFault> {
        let file = create_in(&self.releases, plain(name)?)?;
        Ok((self.release_path(name), file))
    }

    /// Opens a released copy that is still there.
    pub fn open_release(&self, name: &str) -> Result<StoreFile, StoreFault> {
        open_in(&self.releases, plain(name)?)
    }

    /// Overwrites a released copy in place, flushes that, and removes it, durably; `false` where it was not there: it
    /// has left the release directory. The overwriting is hygiene: a copy carries capsules of its own.
    pub fn remove_release(&self, name: &str) -> Result<bool, StoreFault> {
        let name = plain(name)?;
        let there = match self.releases.open_file(name) {
            Ok(file) => {
                overwrite(&file).map_err(|source| StoreFault::of(name, source))?;
                self.releases.remove_file(name).map_err(|source| StoreFault::of(name, source))?;
                true
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => false,
            Err(source) => return Err(StoreFault::of(name, source)),
        };
        self.releases.sync().map_err(|source| StoreFault::of("releases/", source))?;
        Ok(there)
    }

    /// The names of the copies in the release directory, sorted.
    pub fn list_releases(&self) -> Result<Vec<String>, StoreFault> {
        let mut names = self.releases.names().map_err(|source| StoreFault::of("releases/", source))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Where a released copy of this name lies, for the operator who carries it away.
    pub fn release_path(&self, name: &str) -> PathBuf {
        self.releases.path().join(name)
    }

    /// Makes a released copy's name durable, after its content was flushed.
    pub fn sync_releases(&self) -> Result<(), StoreFault> {
        self.releases.sync().map_err(|source| StoreFault::of("releases/", source))
    }

    /// Flushes all content and names of the store's file system to the medium, for all calls together (syncfs).
    pub fn sync_all(&self) -> Result<(), StoreFault> {
        self.segments.sync_file_system().map_err(|source| StoreFault::of("segments/", source))
    }

    /// Room on the store's volume.
    pub fn free_space(&self) -> Result<FreeSpace, StoreFault> {
        self.segments.free_space().map_err(|source| StoreFault::of("segments/", source))
    }
}

fn create_in(directory: &PrivateDirectory, name: &str) -> Result<StoreFile, StoreFault> {
    directory.create_file(name).and_then(StoreFile::new).map_err(|source| StoreFault::of(name, source))
}

fn open_in(directory: &PrivateDirectory, name: &str) -> Result<StoreFile, StoreFault> {
    directory.open_file(name).and_then(StoreFile::new).map_err(|source| StoreFault::of(name, source))
}

fn remove_in(directory: &PrivateDirectory, names: impl Iterator<Item = String>) -> Result<(), StoreFault> {
    for name in names {
        match directory.remove_file(&name) {
            Ok(()) => {}
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreFault::of(&name, source)),
        }
    }
    directory.sync().map_err(|source| StoreFault::of("segments/", source))
}

fn overwrite(file: &PrivateFile) -> std::io::Result<()> {
    const NOTHING: [u8; 16 * 1024] = [0; 16 * 1024];
    let len = file.len()?;
    let mut at = 0;
    while at < len {
        let count = usize::try_from(len - at).unwrap_or(NOTHING.len()).min(NOTHING.len());
        file.write_all_at(at, &NOTHING[..count])?;
        at += count as u64;
    }
    file.sync_data()
}

/// A name that stays in its directory and does not hide in it.
fn plain(name: &str) -> Result<&str, StoreFault> {
    let fits = (1..=200).contains(&name.len()) && !name.starts_with('.');
    if fits && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Ok(name);
    }
    Err(StoreFault::BadName { name: name.escape_default().take(200).collect() })
}
