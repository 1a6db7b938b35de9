//! The one writer of the log.
use std::io;

use ed25519_dalek::SigningKey;

use crate::ids::hex;
use crate::store::{AppendFile, PrivateDirectory, StoreFile};
use crate::time::UnixMillis;

use super::entry::{Action, Actor, Entry, Object, Verdict};
use super::fault::AuditFault;
use super::line::{self, BEFORE_ALL, Line, MAX_LINE, Place};

/// A checkpoint is written after this many entries.
pub const CHECKPOINT_EVERY: u32 = 256;

const NAME: &str = "audit.log";

/// Which boot of the machine entries were written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootId(String);

impl BootId {
    /// The kernel's, `/proc/sys/kernel/random/boot_id`; `unknown` where there is none.
    pub fn of_this_machine() -> Self {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let text = text.trim();
        let is_id = !text.is_empty() && text.len() <= 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        Self(if is_id { text.into() } else { "unknown".into() })
    }
}

/// Where an entry is in the log. It is on the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its number, from 1.
    pub seq: u64,
    /// SHA-256 of its line.
    pub sha256: [u8; 32],
}

/// The log, open for appending.
#[derive(Debug)]
pub struct AuditLog<F: AppendFile = StoreFile> {
    file: F,
    key: SigningKey,
    boot: BootId,
    next: Place,
    unsigned: u32,
    last_entry_at: Option<UnixMillis>,
    broken: bool,
}

impl AuditLog {
    /// Opens `audit.log` in this directory, for this process alone, or makes it.
    pub fn open(
        directory: &PrivateDirectory,
        key: SigningKey,
        boot: BootId,
        now: UnixMillis,
    ) -> Result<Self, AuditFault> {
        let opening = |source| AuditFault::Io { doing: "opened", source };
        let file = match directory.open_file(NAME) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                let made = directory.create_file(NAME).map_err(opening)?;
                directory.sync().map_err(opening)?;
                made
            }
            found => found.map_err(opening)?,
        };
        if !file.try_lock().map_err(opening)? {
            return Err(AuditFault::InUse);
        }
        Self::over(StoreFile::new(file).map_err(opening)?, key, boot, now)
    }
}

impl<F: AppendFile> AuditLog<F> {
    /// Goes on with a log. A last line that a crash tore is cut off, and an entry says so.
    pub fn over(file: F, key: SigningKey, boot: BootId, now: UnixMillis) -> Result<Self, AuditFault> {
        let tail = Tail::read(&file)?;
        let mut log = Self {
            file,
            key,
            boot,
            next: Place { seq: 1, prev: BEFORE_ALL },
            // A log that was not closed is signed with its next entry.
            unsigned: CHECKPOINT_EVERY,
            last_entry_at: None,
            broken: false,
        };
        if let Some(last) = &tail.last {
            let parsed = Line::parse(last).ok_or(AuditFault::Damaged)?;
            log.next = Place { seq: parsed.seq() + 1, prev: line::hash(last) };
            log.last_entry_at = Some(parsed.at());
        }
        if matches!(tail.last.as_deref().map(Line::parse), None | Some(Some(Line::Checkpoint(_)))) {
            log.unsigned = 0;
        }
        if !tail.torn.is_empty() {
            log.file.set_len(tail.whole).map_err(|source| AuditFault::Io { doing: "repaired", source })?;
            let repair = Entry::new(now, Actor::Recorder, Action::LogRepair, Object::Log, Verdict::Done)
                .because("torn_last_line")
                .with("bytes", tail.torn.len())
                .with("sha256", hex(&line::hash(&tail.torn)));
            log.append(repair)?;
        }
        Ok(log)
    }

    /// Appends an entry; it is on the medium when this returns.
    pub fn append(&mut self, entry: Entry) -> Result<Appended, AuditFault> {
        let appended = self.append_all(std::slice::from_ref(&entry))?;
        appended.first().copied().ok_or(AuditFault::Broken)
    }

    /// Appends a group of entries with one flush, all or none of them.
    pub fn append_all(&mut self, entries: &[Entry]) -> Result<Vec<Appended>, AuditFault> {
        let Some(last) = entries.last() else { return Ok(Vec::new()) };
        let mut group = Group { bytes: Vec::new(), next: self.next };
        let mut appended = Vec::with_capacity(entries.len());
        for entry in entries {
            appended.push(group.push(line::entry(entry, group.next, &self.boot.0))?);
        }
        let mut unsigned = self.unsigned.saturating_add(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        if unsigned >= CHECKPOINT_EVERY {
            group.push(line::checkpoint(last.at, group.next, &self.boot.0, &self.key))?;
            unsigned = 0;
        }
        self.write(group)?;
        self.unsigned = unsigned;
        self.last_entry_at = Some(last.at);
        Ok(appended)
    }

    /// Signs what has no checkpoint yet. To be called every few minutes and before a stop.
    pub fn checkpoint(&mut self, now: UnixMillis) -> Result<(), AuditFault> {
        if self.unsigned == 0 {
            return Ok(());
        }
        let mut group = Group { bytes: Vec::new(), next: self.next };
        group.push(line::checkpoint(now, group.next, &self.boot.0, &self.key))?;
        self.write(group)?;
        self.unsigned = 0;
        Ok(())
    }

    /// Signs and closes.
    pub fn close(mut self, now: UnixMillis) -> Result<(), AuditFault> {
        self.checkpoint(now)?;
        self.file.close().map_err(|source| AuditFault::Io { doing: "closed", source })
    }

    /// When the last entry was written: no clock that stands before it is right.
    pub fn last_entry_at(&self) -> Option<UnixMillis> {
        self.last_entry_at
    }

    fn write(&mut self, group: Group) -> Result<(), AuditFault> {
        if self.broken {
            return Err(AuditFault::Broken);
        }
        let writing = |source| AuditFault::Io { doing: "written", source };
        let before = self.file.len().map_err(writing)?;
        let written = self.file.append(&group.bytes).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // An entry that was not flushed allowed nothing, so it must not stand in the log either.
            self.broken = self.file.set_len(before).is_err();
            return Err(writing(source));
        }
        self.next = group.next;
        Ok(())
    }
}

/// Lines that are written together.
struct Group {
    bytes: Vec<u8>,
    next: Place,
}

impl Group {
    fn push(&mut self, line: Option<Vec<u8>>) -> Result<Appended, AuditFault> {
        let unwritable = || AuditFault::Io { doing: "written", source: io::ErrorKind::InvalidData.into() };
        let line = line.filter(|line| line.len() < MAX_LINE).ok_or_else(unwritable)?;
        let appended = Appended { seq: self.next.seq, sha256: line::hash(&line) };
        self.next = Place { seq: self.next.seq + 1, prev: appended.sha256 };
        self.bytes.extend_from_slice(&line);
        self.bytes.push(b'\n');
        Ok(appended)
    }
}

/// How a log ends.
struct Tail {
    /// The length up to and with the last newline.
    whole: u64,
    /// The last line that has a newline, without it.
    last: Option<Vec<u8>>,
    /// What follows it.
    torn: Vec<u8>,
}

impl Tail {
    /// Reads backwards until two newlines are found or the file begins.
    fn read(file: &impl AppendFile) -> Result<Self, AuditFault> {
        let reading = |source| AuditFault::Io { doing: "read", source };
        let len = file.len().map_err(reading)?;
        let mut window = (2 * MAX_LINE) as u64;
        loop {
            let from = len.saturating_sub(window);
            let mut bytes = vec![0; usize::try_from(len - from).unwrap_or(usize::MAX)];
            file.read_at(from, &mut bytes).map_err(reading)?;
            let end = bytes.iter().rposition(|&b| b == b'\n').map(|at| at + 1);
            let torn = bytes.split_off(end.unwrap_or(0));
            let line = bytes.strip_suffix(b"\n");
            let begin = line.and_then(|line| line.iter().rposition(|&b| b == b'\n')).map(|at| at + 1);
            // A group may be long, and be torn anywhere.
            if from > 0 && begin.is_none() {
                window = window.saturating_mul(8);
                continue;
            }
            let last = line.map(|line| line[begin.unwrap_or(0)..].to_vec());
            return Ok(Self { whole: len - torn.len() as u64, last, torn });
        }
    }
}
