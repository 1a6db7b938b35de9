//! Opening the file: private, ours, and in a SQLite that overwrites what it deletes (DES-03, SEC-04).
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::{CatalogueFault, Doing};
use super::schema;

/// How long one connection waits for another.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How long emptying the write-ahead log waits for readers.
pub(super) const BUSY_CHECKPOINT: Duration = Duration::from_millis(250);

/// The one connection that writes. Makes the file where there is none.
pub(super) fn writer(path: &Path) -> Result<Connection, CatalogueFault> {
    make_private(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before the first table: incremental vacuum gives freed pages back after each destruction.
    set(&connection, "auto_vacuum", "INCREMENTAL")?;
    let mode: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).doing("read its journal mode")?;
    if mode != "wal" {
        set(&connection, "journal_mode", "WAL")?;
    }
    set(&connection, "synchronous", "FULL")?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, CatalogueFault> {
    assert_private(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    set(&connection, "query_only", "ON")?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, CatalogueFault> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(without_links_above(path)?, flags).doing("be opened")?;
    connection.busy_timeout(BUSY).doing("be opened")?;
    assert_erasing(&connection)?;
    set(&connection, "temp_store", "MEMORY")?;
    set(&connection, "trusted_schema", "OFF")?;
    Ok(connection)
}

/// SQLite's NOFOLLOW refuses a link anywhere in the path; that the directories above are reached through one is the
/// admin's choice, that the file is one is not.
fn without_links_above(path: &Path) -> Result<PathBuf, CatalogueFault> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let above = fs::canonicalize(above).map_err(|source| CatalogueFault::Io { path: path.to_owned(), source })?;
    Ok(path.file_name().map_or_else(|| above.clone(), |name| above.join(name)))
}

/// Compiled in, switched on, and read back: a SQLite that only claims to know the word is refused.
fn assert_erasing(connection: &Connection) -> Result<(), CatalogueFault> {
    for option in ["SECURE_DELETE", "TEMP_STORE=3"] {
        let used: bool = connection
            .query_row("SELECT sqlite_compileoption_used(?1)", [option], |row| row.get(0))
            .doing("tell how it was built")?;
        if !used {
            return Err(CatalogueFault::NotErasing(option));
        }
    }
    set(connection, "secure_delete", "ON")?;
    let erasing: i64 =
        connection.pragma_query_value(None, "secure_delete", |row| row.get(0)).doing("tell whether it erases")?;
    if erasing == 1 { Ok(()) } else { Err(CatalogueFault::NotErasing("SECURE_DELETE")) }
}

fn set(connection: &Connection, pragma: &str, value: &str) -> Result<(), CatalogueFault> {
    connection.pragma_update(None, pragma, value).doing("be configured")
}

fn make_private(path: &Path) -> Result<(), CatalogueFault> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(fault) if fault.kind() == std::io::ErrorKind::AlreadyExists => assert_private(path),
        Err(source) => Err(CatalogueFault::Io { path: path.to_owned(), source }),
    }
}

fn assert_private(path: &Path) -> Result<(), CatalogueFault> {
    let found = fs::symlink_metadata(path).map_err(|source| CatalogueFault::Io { path: path.to_owned(), source })?;
    if !found.file_type().is_file() {
        return Err(CatalogueFault::NotAFile(path.to_owned()));
    }
    match found.mode() & 0o7777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(CatalogueFault::NotPrivate { path: path.to_owned(), mode }),
    }
}
