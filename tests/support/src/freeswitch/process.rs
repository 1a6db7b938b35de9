//! The host as a process: what it holds, and its violent end.
use std::collections::BTreeMap;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Proof, broken};

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
