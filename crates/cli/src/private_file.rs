//! A new file that only its owner may read, that never replaces another, and that has no name until it is whole.
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// A file that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileFault {
    /// The name is taken.
    #[error("{} exists already, and nothing is overwritten. Move it away or give another name.", .0.display())]
    Exists(PathBuf),
    /// The system refused.
    #[error("{} cannot be written: {source}. Check the directory and the space on it.", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file while it is being written. Dropped before [`keep`](Self::keep), it leaves nothing behind.
#[derive(Debug)]
pub struct PrivateFile {
    file: File,
    path: PathBuf,
    named: bool,
    kept: bool,
}

impl PrivateFile {
    /// Begins a file, mode 0600, that will be called `path`.
    pub fn create(path: &Path) -> Result<Self, PrivateFileFault> {
        if path.symlink_metadata().is_ok() {
            return Err(PrivateFileFault::Exists(path.to_owned()));
        }
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        // A file without a name disappears with its process, however that ends. Not every file system has it.
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, dir, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Ok(Self { file: file.into(), path: path.to_owned(), named: false, kept: false }),
            Err(_) => Self::create_named(path),
        }
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Another handle of the open file, for a writer that wants one of its own.
    pub fn handle(&self) -> Result<File, PrivateFileFault> {
        self.file.try_clone().map_err(|source| PrivateFileFault::Io { path: self.path.clone(), source })
    }

    /// Flushes it to the medium and gives it its name. Where that has been taken meanwhile, nothing is replaced.
    pub fn keep(mut self) -> Result<PathBuf, PrivateFileFault> {
        self.file.sync_all().map_err(|source| PrivateFileFault::Io { path: self.path.clone(), source })?;
        if !self.named {
            let open = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.file));
            rustix::fs::linkat(CWD, open, CWD, &self.path, AtFlags::SYMLINK_FOLLOW).map_err(|errno| match errno {
                rustix::io::Errno::EXIST => PrivateFileFault::Exists(self.path.clone()),
                other => PrivateFileFault::Io { path: self.path.clone(), source: other.into() },
            })?;
        }
        self.kept = true;
        Ok(self.path.clone())
    }

    fn create_named(path: &Path) -> Result<Self, PrivateFileFault> {
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                PrivateFileFault::Exists(path.to_owned())
            } else {
                PrivateFileFault::Io { path: path.to_owned(), source }
            }
        })?;
        Ok(Self { file, path: path.to_owned(), named: true, kept: false })
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if self.named && !self.kept {
            // The best that can be done: the fault that led here is the one that is told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    type Maker = fn(&Path) -> Result<PrivateFile, PrivateFileFault>;

    #[test]
    fn a_file_is_private_whole_or_not_there() {
        for create in [PrivateFile::create as Maker, PrivateFile::create_named as Maker] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("secret");

            let mut dropped = create(&path).expect("begun");
            dropped.file().write_all(b"half").expect("written");
            drop(dropped);
            assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 0);

            let mut kept = create(&path).expect("begun");
            kept.file().write_all(b"whole").expect("written");
            kept.keep().expect("kept");
            assert_eq!(std::fs::read(&path).expect("read"), b"whole");
            assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);

            assert!(matches!(create(&path), Err(PrivateFileFault::Exists(_))));
            assert_eq!(std::fs::read(&path).expect("read"), b"whole");
        }
    }

    #[test]
    fn a_name_taken_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        let late = PrivateFile::create(&path).expect("begun");
        if !late.named {
            std::fs::write(&path, b"another's").expect("written");
            assert!(matches!(late.keep(), Err(PrivateFileFault::Exists(_))));
            assert_eq!(std::fs::read(&path).expect("read"), b"another's");
        }
    }
}
