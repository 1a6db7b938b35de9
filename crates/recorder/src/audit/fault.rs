//! Why an entry is not in the log.
use std::io;

use crate::store::DirectoryFault;

/// Why the audit log cannot be opened or written. Where it cannot be written, what it was to allow is not done.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The file cannot be read, written or flushed.
    #[error("the audit log cannot be {doing}: {source}; check free space and the rights of data-dir")]
    Io {
        /// What was being done: opened, read, written, repaired.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The directory is not ours alone.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
    /// Another process writes it.
    #[error("the audit log is being written by another process; stop the other one, two must not share a data-dir")]
    InUse,
    /// Its last line is whole, but none that the recorder wrote.
    #[error("the audit log does not end with an entry of the recorder; move audit.log aside and keep it as evidence")]
    Damaged,
    /// A write failed half-way and could not be undone.
    #[error("an earlier write to the audit log could not be undone; mend the disk, then reload the module")]
    Broken,
}

impl AuditFault {
    /// A stable word for `-ERR`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Directory(_) => "audit_unavailable",
            Self::InUse => "audit_in_use",
            Self::Damaged => "audit_damaged",
            Self::Broken => "audit_broken",
        }
    }
}
