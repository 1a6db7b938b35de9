//! Six verbs of a file: what a segment and a log need of where they are written.
//!
//! Tests implement it with crash images and a countdown to an I/O error; the product has one implementation,
//! [`StoreFile`].
use std::io;

use super::private::PrivateFile;

/// A file that grows at its end.
#[expect(clippy::len_without_is_empty, reason = "six verbs and no more: emptiness is a length of 0")]
pub trait AppendFile: Send {
    /// Writes all of it at the end, or, on an error, leaves the file as long as it was where that is possible.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Flushes what was appended to the medium.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file to this many bytes (a torn tail).
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Fills the buffer from this offset; `UnexpectedEof` where the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Ends the use of the file, with the error that dropping would hide. It flushes nothing.
    fn close(self) -> io::Result<()>
    where
        Self: Sized;
}

/// A plain file of the store, opened for this process alone to write.
#[derive(Debug)]
pub struct StoreFile {
    file: PrivateFile,
    len: u64,
}

impl StoreFile {
    /// Appends to a file of a private directory from where it ends.
    pub fn new(file: PrivateFile) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, len })
    }
}

impl AppendFile for StoreFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all_at(self.len, bytes) {
            Ok(()) => {
                self.len += bytes.len() as u64;
                Ok(())
            }
            Err(fault) => {
                // Half a record (a full disk) would read as a torn one; where cutting fails too, it does.
                let _ = self.file.set_len(self.len);
                Err(fault)
            }
        }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.len = len;
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(offset, buffer)
    }

    fn close(self) -> io::Result<()> {
        // No flush here: all other segments would wait for it. Errors that the kernel kept back come out of
        // the next `Store::sync_all`.
        drop(self.file);
        Ok(())
    }
}

/// Reads a store file from its start, for what wants a `Read`.
#[derive(Debug)]
pub struct StoreReader {
    file: StoreFile,
    at: u64,
}

impl From<StoreFile> for StoreReader {
    fn from(file: StoreFile) -> Self {
        Self { file, at: 0 }
    }
}

impl io::Read for StoreReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.len.saturating_sub(self.at);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.file.file.read_exact_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}
