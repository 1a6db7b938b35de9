//! The host as a process: what it holds, and its violent end.
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Proof, broken};

/// How much of a host's memory is read at once.
const PIECE: usize = 1 << 20;

/// A running host seen from outside.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: Pid,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Proof<Self> {
        match i32::try_from(pid).ok().and_then(Pid::from_raw) {
            Some(pid) => Ok(Self { pid }),
            None => broken!("{pid} is no process id"),
        }
    }

    /// Its threads by name and how many of each there are.
    pub fn threads(&self) -> Proof<BTreeMap<String, usize>> {
        let mut names = BTreeMap::new();
        for task in std::fs::read_dir(self.path("task"))? {
            // A thread may end while the list is read.
            if let Ok(name) = std::fs::read_to_string(task?.path().join("comm")) {
                *names.entry(name.trim().to_owned()).or_default() += 1;
            }
        }
        Ok(names)
    }

    /// What its descriptors stand for, sorted; sockets and pipes without their numbers.
    pub fn descriptors(&self) -> Proof<Vec<String>> {
        let mut targets = Vec::new();
        for descriptor in std::fs::read_dir(self.path("fd"))? {
            if let Ok(target) = std::fs::read_link(descriptor?.path()) {
                let target = target.to_string_lossy().into_owned();
                targets.push(target.split(":[").next().unwrap_or(&target).to_owned());
            }
        }
        targets.sort();
        Ok(targets)
    }

    /// Resident memory, KiB.
    pub fn resident(&self) -> Proof<u64> {
        let status = std::fs::read_to_string(self.path("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        match line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()) {
            Some(kilobytes) => Ok(kilobytes),
            None => broken!("the host's memory cannot be read"),
        }
    }

    /// What of it can be written to, piece by piece: neighbouring pieces overlap by `overlap` bytes. Whoever may trace the
    /// process may read it (ptrace(2)).
    pub fn memory(&self, overlap: usize, mut look: impl FnMut(&[u8])) -> Proof {
        let memory = std::fs::File::open(self.path("mem"))?;
        let mut piece = vec![0; PIECE];
        for line in std::fs::read_to_string(self.path("maps"))?.lines() {
            let mut words = line.split_whitespace();
            let Some((from, to)) = words.next().and_then(|range| range.split_once('-')) else { continue };
            if !words.next().is_some_and(|rights| rights.starts_with("rw")) {
                continue;
            }
            let (mut at, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
            while at < to {
                let wanted = PIECE.min((to - at) as usize);
                // A region may be gone, or secret, by the time it is read.
                let Ok(read @ 1..) = memory.read_at(&mut piece[..wanted], at) else { break };
                look(&piece[..read]);
                at += if read == PIECE { (read - overlap) as u64 } else { read as u64 };
            }
        }
        Ok(())
    }

    /// SIGKILL: nothing of the host or of us runs any more.
    pub fn kill(&self) -> Proof {
        Ok(kill_process(self.pid, Signal::KILL)?)
    }

    /// SIGTERM: the host's orderly end.
    pub fn terminate(&self) -> Proof {
        Ok(kill_process(self.pid, Signal::TERM)?)
    }

    fn path(&self, part: &str) -> PathBuf {
        format!("/proc/{}/{part}", self.pid.as_raw_nonzero()).into()
    }
}
