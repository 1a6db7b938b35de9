//! A segment's file, made when its first record is written: a store that is away for a while costs nothing.
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{AppendFile, SegmentName, Store, StoreFault};

/// Where segments' files come from: the store, or in tests one that fails.
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

/// The file, and what it begins with until that is written: the segment's prologue, which holds no audio. So the
/// first append succeeds whatever the store does.
pub(super) struct SegmentFile {
    files: Arc<dyn SegmentFiles>,
    name: SegmentName,
    prologue: Prologue,
    file: Option<Box<dyn AppendFile>>,
    made: Arc<AtomicBool>,
}

enum Prologue {
    Awaited,
    Waiting(Vec<u8>),
    Written,
}

impl SegmentFile {
    /// Of this name; `made` becomes true when the file is there with its prologue.
    pub(super) fn new(files: Arc<dyn SegmentFiles>, name: SegmentName, made: Arc<AtomicBool>) -> Self {
        Self { files, name, prologue: Prologue::Awaited, file: None, made }
    }

    /// The file with its prologue.
    fn made(&mut self) -> io::Result<&mut Box<dyn AppendFile>> {
        if self.file.is_none() {
            self.file = Some(self.files.create(&self.name).map_err(io::Error::other)?);
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if let Prologue::Waiting(bytes) = &self.prologue {
            if file.len()? != 0 {
                file.set_len(0)?;
            }
            file.append(bytes)?;
            self.prologue = Prologue::Written;
            self.made.store(true, Ordering::Release);
        }
        Ok(file)
    }
}

impl AppendFile for SegmentFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.prologue, Prologue::Awaited) {
            self.prologue = Prologue::Waiting(bytes.to_vec());
            return Ok(());
        }
        self.made()?.append(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.made()?.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        match (&self.prologue, &self.file) {
            (Prologue::Awaited, _) => Ok(0),
            (Prologue::Waiting(bytes), _) => Ok(bytes.len() as u64),
            (Prologue::Written, Some(file)) => file.len(),
            (Prologue::Written, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.made()?.set_len(len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.as_ref().ok_or(io::ErrorKind::NotFound)?.read_at(offset, buffer)
    }

    fn close(self) -> io::Result<()> {
        // A boxed file cannot be consumed by its own `close`; a store's file keeps no error back but for its flush.
        Ok(())
    }
}
