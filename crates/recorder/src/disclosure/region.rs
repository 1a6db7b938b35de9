//! A part of a file as a `Read`, so that several parts are read at once through one handle.
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Bytes from one position to another.
#[derive(Debug, Clone)]
pub(super) struct Region {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Region {
    pub(super) fn new(file: &Arc<File>, at: u64, bytes: u64) -> Self {
        Self { file: Arc::clone(file), at, end: at.saturating_add(bytes) }
    }
}

impl Read for Region {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
