//! Why the store, or a directory of ours, cannot be used. Each sentence says what happened and what to do.
use std::io;
use std::path::PathBuf;

/// A directory that may not be used for what is kept here (SEC-04).
#[derive(Debug, thiserror::Error)]
pub enum DirectoryFault {
    /// There is nothing at the path.
    #[error("the directory {} does not exist: make it with `callvault init`, or mount the volume it lies on", .0.display())]
    Missing(PathBuf),
    /// The path's last part is a symbolic link.
    #[error("{} is a symbolic link: name the directory it points to, a link can be turned to another place", .0.display())]
    SymbolicLink(PathBuf),
    /// The path names something else than a directory.
    #[error("{} is not a directory: name the directory made by `callvault init`", .0.display())]
    NotADirectory(PathBuf),
    /// Another user owns it.
    #[error("{} belongs to user id {owner} and this process runs as {us}: `chown -R {us}` it, or run as its owner", .path.display())]
    ForeignOwner {
        /// The directory or file.
        path: PathBuf,
        /// The user id that owns it.
        owner: u32,
        /// The user id of this process.
        us: u32,
    },
    /// Group or others may enter, read or write.
    #[error("{} is open to others (mode {mode:04o}): `chmod {allowed:04o}` it", .path.display())]
    TooOpen {
        /// The directory or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The widest permission bits that are accepted.
        allowed: u32,
    },
    /// The file system is mounted read-only, or the owner has no right to write.
    #[error("{} cannot be written: mount its file system read-write and `chmod 0700` it", .0.display())]
    ReadOnly(PathBuf),
    /// A name in it is a link, a device or a directory where a plain file belongs.
    #[error("{} is not a plain file: take it away, nothing but the recorder may put files there", .0.display())]
    NotAPlainFile(PathBuf),
    /// The directory that is to be made is there and holds something.
    #[error("{} exists and is not empty: name a new directory", .0.display())]
    NotEmpty(PathBuf),
    /// The operating system refused.
    #[error("{} could not be used ({source}): see that its volume is mounted and healthy", .path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl DirectoryFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "directory_missing",
            Self::SymbolicLink(_) => "directory_is_link",
            Self::NotADirectory(_) => "not_a_directory",
            Self::ForeignOwner { .. } => "foreign_owner",
            Self::TooOpen { .. } => "too_open",
            Self::ReadOnly(_) => "read_only",
            Self::NotAPlainFile(_) => "not_a_plain_file",
            Self::NotEmpty(_) => "directory_not_empty",
            Self::Io { .. } => "directory_io",
        }
    }
}

/// Why the store refused an operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// The directory itself is at fault.
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
    /// The volume has no room.
    #[error("there is no room left for {name}: make room on the store's volume, or move `data-dir` to a larger one")]
    Full {
        /// The file that was to be written.
        name: String,
    },
    /// A file of that name is there already and is never overwritten.
    #[error("{name} exists already and is never overwritten: ask for a new name")]
    Exists {
        /// The file that was to be made.
        name: String,
    },
    /// No file of that name.
    #[error("{name} is not in the store: it was destroyed, or the store was moved without it")]
    NoSuchFile {
        /// The file that was asked for.
        name: String,
    },
    /// A name that could leave the directory or hide in it.
    #[error("{name} is no name for a file of the store: use letters, digits, `-`, `_` and `.`, at most 200 of them")]
    BadName {
        /// The name, made printable.
        name: String,
    },
    /// The operating system refused.
    #[error("{name} could not be used ({source}): see that the store's volume is mounted and healthy")]
    Io {
        /// The file or the directory.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl StoreFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Directory(fault) => fault.code(),
            Self::Full { .. } => "store_full",
            Self::Exists { .. } => "file_exists",
            Self::NoSuchFile { .. } => "no_such_file",
            Self::BadName { .. } => "bad_file_name",
            Self::Io { .. } => "store_io",
        }
    }

    /// Sorts what the operating system said about a name.
    pub(super) fn of(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        let kind = source.kind();
        if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            Self::Full { name }
        } else if kind == io::ErrorKind::AlreadyExists {
            Self::Exists { name }
        } else if kind == io::ErrorKind::NotFound {
            Self::NoSuchFile { name }
        } else {
            Self::Io { name, source }
        }
    }
}
