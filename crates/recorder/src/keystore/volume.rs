//! Where the keystore's files lie: one small trait of a positional file, one of the two folders that hold them.
//!
//! Tests implement both in memory, with crash images and a countdown to an I/O error; the product has one
//! implementation, [`super::LocalVolume`].
use std::io;

/// The two places of a keystore; the second can be another volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Folder {
    /// The keystore's directory itself: `slots`.
    Slots,
    /// `epochs/`: one file per epoch.
    Epochs,
}

/// Files by name in two folders.
pub trait Volume: Send + Sync {
    /// Makes a file that must not be there yet.
    fn create(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>>;
    /// Opens a file that is there.
    fn open(&self, folder: Folder, name: &str) -> io::Result<Box<dyn PositionalFile>>;
    /// Takes a file's name away; gone for good after [`Volume::sync_names`].
    fn remove(&self, folder: Folder, name: &str) -> io::Result<()>;
    /// All names in the folder.
    fn names(&self, folder: Folder) -> io::Result<Vec<String>>;
    /// Makes names that were made or taken away durable.
    fn sync_names(&self, folder: Folder) -> io::Result<()>;
}

/// A file that is overwritten in place.
#[expect(clippy::len_without_is_empty, reason = "six verbs and no more: emptiness is a length of 0")]
pub trait PositionalFile: Send + Sync {
    /// Fills the buffer from this offset; `UnexpectedEof` where the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// As [`Self::read_at`], from the medium rather than a cache where the system lets us ask for that.
    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Writes all of it at this offset, in place, making the file longer where it ends before.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Flushes what was written to the medium.
    fn sync_data(&self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file to this many bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
}
