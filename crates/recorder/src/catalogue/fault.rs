//! What can go wrong with the catalogue.
use std::path::PathBuf;

/// Why the catalogue could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFault {
    /// Others may read it (SEC-04).
    #[error("{path} may be read by others (mode {mode:03o}); set it to 600 and find out who widened it", path = .path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A link, a directory, a device.
    #[error("{path} is not a plain file; move it away and put the catalogue's own file back", path = .0.display())]
    NotAFile(PathBuf),
    /// Another program's database.
    #[error("{path} is a database of another program; check data-dir", path = .0.display())]
    Foreign(PathBuf),
    /// Made by a later version.
    #[error(
        "the catalogue has schema {found}, this program knows {known}; run the version that made it, or a later one"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// Known here.
        known: i64,
    },
    /// The SQLite in this program does not overwrite what it deletes (DES-03).
    #[error(
        "SQLite is built without {0}, so destroyed rows would stay on disk; build with the flags of .cargo/config.toml"
    )]
    NotErasing(&'static str),
    /// The operating system refused.
    #[error("{path} cannot be opened: {source}; check that data-dir exists and belongs to the host's user", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the catalogue could not {doing}: {source}; check free space and the disk's health")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: rusqlite::Error,
    },
    /// A change speaks of a row that is not there. Nothing of its group was applied.
    #[error(
        "change {index} of the group speaks of {what}, which the catalogue does not have; apply the others without it"
    )]
    NoSuchRow {
        /// Which change of the group, from 0.
        index: usize,
        /// What is missing.
        what: &'static str,
    },
    /// A ticket was presented twice. Nothing of its group was applied.
    #[error("this ticket was used before; ask its holder for a new one")]
    TicketUsedBefore,
    /// A stored value is none that this program writes.
    #[error("the catalogue holds an unreadable {0}; restore it from a copy, or rebuild it")]
    Damaged(&'static str),
    /// Readers kept the write-ahead log busy; what was deleted may still lie in it.
    #[error("the catalogue's write-ahead log is still being read; it is truncated at the next run")]
    LogBusy,
}

impl CatalogueFault {
    /// A stable word for `-ERR`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotPrivate { .. } => "catalogue_not_private",
            Self::NotAFile(_) | Self::Io { .. } => "catalogue_unavailable",
            Self::Foreign(_) | Self::Newer { .. } => "catalogue_version",
            Self::NotErasing(_) => "catalogue_not_erasing",
            Self::Sqlite { .. } => "catalogue_fault",
            Self::NoSuchRow { .. } => "catalogue_no_such_row",
            Self::TicketUsedBefore => "ticket_used",
            Self::Damaged(_) => "catalogue_damaged",
            Self::LogBusy => "catalogue_busy",
        }
    }
}

/// Names what was being done when SQLite refused.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, CatalogueFault>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, doing: &'static str) -> Result<T, CatalogueFault> {
        self.map_err(|source| CatalogueFault::Sqlite { doing, source })
    }
}
