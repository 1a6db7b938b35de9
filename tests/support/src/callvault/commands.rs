//! What people do with the recorder: the commands of fs_cli, and the program.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Opened, Row, Vault, View};
use crate::freeswitch::Instance;
use crate::{Proof, broken};

/// How soon what is not to be kept is destroyed (NOT-05).
const GONE: Duration = Duration::from_secs(60);

const PASSPHRASE: &str = "a test's passphrase, of no use elsewhere";

/// Whoever takes the commands of fs_cli: a real host, or one that stands in for it.
pub trait Commands {
    /// A command's whole output.
    fn api(&self, command: &str) -> Proof<String>;
}

impl Commands for Instance {
    fn api(&self, command: &str) -> Proof<String> {
        Instance::api(self, command)
    }
}

impl Vault {
    /// `callvault list --json`.
    pub fn list(&self, host: &dyn Commands) -> Proof<Vec<Row>> {
        json(&host.api("callvault list --json --limit 100000")?)
    }

    /// `callvault show ID --json`.
    pub fn show(&self, host: &dyn Commands, id: &str) -> Proof<View> {
        json(&host.api(&format!("callvault show {id} --json"))?)
    }

    /// `callvault status --json`.
    pub fn status(&self, host: &dyn Commands) -> Proof<Value> {
        json(&host.api("callvault status --json")?)
    }

    /// Waits until exactly `count` recordings are listed and all of them have ended.
    pub fn wait_listed(&self, host: &dyn Commands, count: usize) -> Proof<Vec<Row>> {
        self.wait_listed_within(Duration::from_secs(20), host, count)
    }

    /// The same with another limit.
    pub fn wait_listed_within(&self, limit: Duration, host: &dyn Commands, count: usize) -> Proof<Vec<Row>> {
        let ended = |row: &Row| row.state != "recording" && row.outcome.is_some();
        let all_ended = |rows: &Vec<Row>| rows.len() == count && rows.iter().all(ended);
        looked_at_until(limit, &format!("{count} ended calls to be listed"), || self.list(host), all_ended)
    }

    /// `callvault show` of what is not to be kept, when nothing of it is any more.
    pub fn wait_gone(&self, host: &dyn Commands, id: &str) -> Proof<View> {
        let gone = |view: &View| view.state != "kept";
        looked_at_until(GONE, "what is not to be kept to be gone", || self.show(host, id), gone)
    }

    /// A ticket of the starter's manager for one recording.
    pub fn ticket(&self, id: &str) -> Proof<String> {
        self.ticket_for(id, "complaint")
    }

    /// A ticket for a purpose.
    pub fn ticket_for(&self, id: &str, purpose: &str) -> Proof<String> {
        let identity = self.identity("manager")?;
        let arguments = ["ticket", id, "--purpose", purpose, "--reference", "case 1", "--identity"];
        let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        all.push(identity.as_ref());
        Ok(run(&self.built.program, &all)?.trim().to_owned())
    }

    /// `callvault_release TICKET`: the released copy's path.
    pub fn release(&self, host: &dyn Commands, id: &str) -> Proof<PathBuf> {
        let answer = host.api(&format!("callvault_release {}", self.ticket(id)?))?;
        match answer.trim().strip_prefix("+OK ") {
            Some(path) => Ok(path.into()),
            None => broken!("the release of {id} was refused: {}", answer.trim()),
        }
    }

    /// Releases a recording and opens the copy to one WAV with a channel per track.
    pub fn opened(&self, host: &dyn Commands, id: &str) -> Proof<Opened> {
        let copy = self.release(host, id)?;
        self.open(&copy)
    }

    /// `callvault open FILE` as its manager.
    pub fn open(&self, copy: &Path) -> Proof<Opened> {
        let output = self.directory.with_extension("opened").join(copy.file_stem().unwrap_or_default());
        std::fs::create_dir_all(&output)?;
        let identity = self.identity("manager")?;
        run(
            &self.built.program,
            &[
                "open".as_ref(),
                copy.as_ref(),
                "--identity".as_ref(),
                identity.as_ref(),
                "--output".as_ref(),
                output.as_ref(),
            ],
        )?;
        let file = std::fs::read_dir(&output)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "wav"));
        match file {
            Some(file) => Opened::read(&file),
            None => broken!("`callvault open` wrote no WAV into {}", output.display()),
        }
    }

    /// The program with these arguments: its output, where it succeeds.
    pub fn run(&self, arguments: &[&str]) -> Proof<String> {
        run(&self.built.program, &arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// The starter's identity of a role.
    pub fn identity(&self, role: &str) -> Proof<PathBuf> {
        let found = std::fs::read_dir(&self.keys)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(role)));
        found.ok_or_else(|| format!("`init --starter` made no {role}'s identity in {}", self.keys.display()).into())
    }
}

pub(super) fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> Proof<String> {
    let output = Command::new(program).args(arguments).env("CALLVAULT_PASSPHRASE", PASSPHRASE).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        broken!("callvault {arguments:?} failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn json<T: serde::de::DeserializeOwned>(answer: &str) -> Proof<T> {
    match serde_json::from_str(answer) {
        Ok(value) => Ok(value),
        Err(fault) => broken!("no JSON of the agreed shape ({fault}): {answer}"),
    }
}

/// The catalogue tells nobody of its rows: looked at again after a while, until it is as wanted.
fn looked_at_until<T: std::fmt::Debug>(
    limit: Duration,
    what: &str,
    look: impl Fn() -> Proof<T>,
    wanted: impl Fn(&T) -> bool,
) -> Proof<T> {
    let until = Instant::now() + limit;
    loop {
        let seen = look()?;
        if wanted(&seen) {
            return Ok(seen);
        }
        if Instant::now() >= until {
            broken!("waited {limit:?} in vain for {what}; there is {seen:#?}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
