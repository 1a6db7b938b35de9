//! A directory that is ours alone, and the plain files in it (SEC-04).
//!
//! A [`PrivateDirectory`] is held open: what is done in it is done relative to that handle, so that nobody who
//! moves or replaces the path afterwards changes where bytes go. No call here follows a symbolic link.
use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, AtFlags, Dir, FileType, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use super::fault::DirectoryFault;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A directory of mode 0700 that belongs to this process's user, held open.
#[derive(Debug)]
pub struct PrivateDirectory {
    handle: OwnedFd,
    path: PathBuf,
}

impl PrivateDirectory {
    /// Opens what is there, and refuses it unless it is a writable directory of ours that nobody else may enter.
    pub fn open(path: &Path) -> Result<Self, DirectoryFault> {
        // Trailing slashes would make the last part's link be followed in spite of NOFOLLOW.
        let path = path.components().as_path().to_owned();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = rustix::fs::openat(rustix::fs::CWD, &path, flags, Mode::empty());
        Self::admit(found, path)
    }

    /// Makes the directory (its parent must be there) or takes an empty one of ours.
    pub fn create(path: &Path) -> Result<Self, DirectoryFault> {
        let path = path.components().as_path().to_owned();
        match rustix::fs::mkdirat(rustix::fs::CWD, &path, Mode::from_raw_mode(DIRECTORY_MODE)) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let existing = Self::open(&path)?;
                return match existing.names() {
                    // A volume of its own has this from its birth.
                    Ok(names) if names.iter().all(|name| name == "lost+found") => Ok(existing),
                    Ok(_) => Err(DirectoryFault::NotEmpty(path)),
                    Err(source) => Err(DirectoryFault::Io { path, source }),
                };
            }
            Err(Errno::NOENT) => return Err(DirectoryFault::Missing(parent_of(&path))),
            Err(errno) => return Err(Self::refused(path, errno)),
        }
        let made = Self::open(&path)?;
        sync_parent(&made.path).map_err(|source| DirectoryFault::Io { path, source })?;
        Ok(made)
    }

    /// A directory in this one, made where it is missing.
    pub fn subdirectory(&self, name: &str) -> Result<Self, DirectoryFault> {
        let path = self.path.join(name);
        match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(DIRECTORY_MODE)) {
            Ok(()) => self.sync().map_err(|source| DirectoryFault::Io { path: path.clone(), source })?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(Self::refused(path, errno)),
        }
        self.existing_subdirectory(name)
    }

    /// A directory in this one that must be there: a volume of its own, for instance.
    pub fn existing_subdirectory(&self, name: &str) -> Result<Self, DirectoryFault> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Self::admit(rustix::fs::openat(&self.handle, name, flags, Mode::empty()), self.path.join(name))
    }

    fn admit(found: Result<OwnedFd, Errno>, path: PathBuf) -> Result<Self, DirectoryFault> {
        let handle = match found {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Err(DirectoryFault::Missing(path)),
            Err(errno) => return Err(Self::refused(path, errno)),
        };
        let stat = match rustix::fs::fstat(&handle) {
            Ok(stat) => stat,
            Err(errno) => return Err(Self::refused(path, errno)),
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Symlink {
            return Err(DirectoryFault::SymbolicLink(path));
        }
        if kind != FileType::Directory {
            return Err(DirectoryFault::NotADirectory(path));
        }
        belongs_to_us_alone(&path, stat.st_uid, stat.st_mode, DIRECTORY_MODE)?;
        if stat.st_mode & 0o700 != 0o700 {
            return Err(DirectoryFault::ReadOnly(path));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(&handle, ".", flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(errno) => return Err(Self::refused(path, errno)),
        };
        match rustix::fs::fstatvfs(&handle) {
            Ok(volume) if volume.f_flag.contains(StatVfsMountFlags::RDONLY) => Err(DirectoryFault::ReadOnly(path)),
            Ok(_) => Ok(Self { handle, path }),
            Err(errno) => Err(Self::refused(path, errno)),
        }
    }

    fn refused(path: PathBuf, errno: Errno) -> DirectoryFault {
        match errno {
            Errno::ROFS => DirectoryFault::ReadOnly(path),
            _ => DirectoryFault::Io { path, source: errno.into() },
        }
    }

    /// Where it was when it was opened; for messages, never to open anything by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file that must not be there yet, mode 0600, for reading and writing.
    pub fn create_file(&self, name: &str) -> io::Result<PrivateFile> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(PrivateFile(rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(FILE_MODE))?))
    }

    /// Opens a file that is there, for reading and writing; refuses links, other users' files and wide modes.
    pub fn open_file(&self, name: &str) -> io::Result<PrivateFile> {
        // NONBLOCK: a FIFO that somebody put there must not hold us up.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = self.path.join(name);
        let handle = match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => {
                return Err(io::Error::other(DirectoryFault::NotAPlainFile(path)));
            }
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other(DirectoryFault::NotAPlainFile(path)));
        }
        belongs_to_us_alone(&path, stat.st_uid, stat.st_mode, FILE_MODE).map_err(io::Error::other)?;
        Ok(PrivateFile(handle))
    }

    /// Takes a file's name away. It is gone for good only after [`Self::sync`].
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Every name in it but `.` and `..`, in no order; names that are not UTF-8 are not ours and are left out.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            if let Ok(name) = entry?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Makes names that were made or taken away durable (fsync of the directory).
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    /// Flushes everything on the file system that the directory lies on (syncfs).
    pub fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.handle)?)
    }

    /// Room for an ordinary user on that file system: bytes and files.
    pub fn free_space(&self) -> io::Result<FreeSpace> {
        let volume = rustix::fs::fstatvfs(&self.handle)?;
        Ok(FreeSpace { bytes: volume.f_bavail.saturating_mul(volume.f_frsize), files: volume.f_favail })
    }
}

/// Room on a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Bytes that can still be written.
    pub bytes: u64,
    /// Files that can still be made; file systems without a fixed number say 0 or a large one.
    pub files: u64,
}

/// A plain file of ours, read and written at positions.
#[derive(Debug)]
pub struct PrivateFile(OwnedFd);

impl PrivateFile {
    /// Fills the buffer from this offset; `UnexpectedEof` where the file ends before.
    pub fn read_exact_at(&self, offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let mut at = offset;
        while !buffer.is_empty() {
            let count = rustix::io::retry_on_intr(|| rustix::io::pread(&self.0, &mut *buffer, at))?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[count..];
            at += count as u64;
        }
        Ok(())
    }

    /// Writes all of it at this offset.
    pub fn write_all_at(&self, offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        let mut at = offset;
        while !bytes.is_empty() {
            let count = rustix::io::retry_on_intr(|| rustix::io::pwrite(&self.0, bytes, at))?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[count..];
            at += count as u64;
        }
        Ok(())
    }

    /// Flushes the content to the medium (fdatasync).
    pub fn sync_data(&self) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| rustix::fs::fdatasync(&self.0))?)
    }

    /// Its length in bytes.
    pub fn len(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstat(&self.0)?;
        u64::try_from(stat.st_size).map_err(io::Error::other)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts or extends it to this many bytes.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        Ok(rustix::io::retry_on_intr(|| rustix::fs::ftruncate(&self.0, len))?)
    }

    /// Asks the kernel to forget its clean pages of this range, so that the next read comes from the medium.
    pub fn forget_cached(&self, offset: u64, len: u64) -> io::Result<()> {
        Ok(rustix::fs::fadvise(&self.0, offset, NonZeroU64::new(len), Advice::DontNeed)?)
    }

    /// Takes the exclusive lock of the whole file; `false` where another open handle has it.
    pub fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.0, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn belongs_to_us_alone(path: &Path, owner: u32, mode: u32, allowed: u32) -> Result<(), DirectoryFault> {
    let us = rustix::process::geteuid().as_raw();
    if owner != us {
        return Err(DirectoryFault::ForeignOwner { path: path.to_owned(), owner, us });
    }
    if mode & 0o077 != 0 {
        return Err(DirectoryFault::TooOpen { path: path.to_owned(), mode: mode & 0o7777, allowed });
    }
    Ok(())
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = rustix::fs::openat(rustix::fs::CWD, parent_of(path), flags, Mode::empty())?;
    Ok(rustix::fs::fsync(&parent)?)
}
