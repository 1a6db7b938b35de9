//! A segment's file as the pool sees it: what is appended is on its way to the store.
use std::io;
use std::sync::Arc;

use super::store_writer::{Progress, StoreWriter};
use crate::store::{AppendFile, SegmentName, Store, StoreFault};

/// Where segments' files come from: the store, or in tests one that fails or stalls.
pub trait SegmentFiles: Send + Sync {
    /// Makes the file of a segment.
    fn create(&self, name: &SegmentName) -> Result<Box<dyn AppendFile>, StoreFault>;
}

impl SegmentFiles for Store {
    fn create(&self, name: &SegmentName) -> Result<Box<dyn AppendFile>, StoreFault> {
        let (_, file) = self.create_segment(name.recording, name.track, name.segment)?;
        Ok(Box::new(file))
    }
}

/// A file that is only ever appended to, by the thread that waits for the store. Appending succeeds at once, whatever
/// the store does.
pub(super) struct SegmentFile {
    writer: StoreWriter,
    name: SegmentName,
    progress: Arc<Progress>,
    len: u64,
}

impl SegmentFile {
    pub(super) fn new(writer: StoreWriter, name: SegmentName, progress: Arc<Progress>) -> Self {
        Self { writer, name, progress, len: 0 }
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        self.writer.end(self.name);
    }
}

impl AppendFile for SegmentFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.append(self.name, &self.progress, bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What was appended, written or not.
    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn set_len(&mut self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn close(self) -> io::Result<()> {
        Ok(())
    }
}
