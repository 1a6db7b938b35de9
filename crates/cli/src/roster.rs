//! `callvault roster`: the privacy officer's signed list.
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use callvault_recorder::access::{Role, Roster, RosterFault};
use callvault_recorder::time::{Clock as _, SystemClock};

use crate::args::{RosterCommand, RosterFiles};
use crate::failure::{Kind, of_identity, of_roster};
use crate::identity::{Identity, IdentityFault, LockedIdentity};
use crate::output::{self, OutputFault};
use crate::passphrase;

/// Why the roster is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RosterCommandFault {
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// It is not an officer's.
    #[error(
        "this identity's role is {0}, and only the privacy officer signs the roster. Give the officer's with --identity."
    )]
    NotAnOfficer(Role),
    /// The roster.
    #[error(transparent)]
    Roster(#[from] RosterFault),
    /// It cannot be written.
    #[error("the roster {} cannot be written: {source}. Check the directory and the space on it.", path.display())]
    NotWritten {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputFault),
}

impl RosterCommandFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Identity(fault) => of_identity(fault),
            Self::NotAnOfficer(_) => (Kind::Refused, "not_an_officer"),
            Self::Roster(fault) => of_roster(fault),
            Self::NotWritten { .. } => (Kind::System, "roster_not_written"),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// Does it.
pub fn run(command: &RosterCommand) -> Result<(), RosterCommandFault> {
    match command {
        RosterCommand::Add { line, purposes, files } => {
            let locked = officer(files)?;
            let mut roster = read(&files.roster, &locked)?.unwrap_or_else(Roster::empty);
            roster.add(line, purposes.iter().copied().collect::<BTreeSet<_>>())?;
            let version = sign_and_write(&mut roster, locked, &files.roster)?;
            output::print(&format!("{} added; the roster is version {version}", line.name))?;
            warn(&roster);
        }
        RosterCommand::Remove { name, files } => {
            let locked = officer(files)?;
            let mut roster = existing(&files.roster, &locked)?;
            roster.remove(name)?;
            let version = sign_and_write(&mut roster, locked, &files.roster)?;
            output::print(&format!("{name} removed; the roster is version {version}"))?;
            warn(&roster);
        }
        RosterCommand::List { files, json } => {
            let roster = existing(&files.roster, &officer(files)?)?;
            if *json { output::print_json(&roster)? } else { output::print(&table(&roster))? }
        }
    }
    Ok(())
}

/// Signs the next version and puts it in the old one's place; the old one stays until the new one is whole.
pub fn write(roster: &mut Roster, officer: &Identity, path: &Path) -> Result<u64, RosterCommandFault> {
    let text = roster.sign_next(officer.signing(), SystemClock.now())?;
    replace(path, &text).map_err(|source| RosterCommandFault::NotWritten { path: path.to_owned(), source })?;
    Ok(roster.version)
}

fn sign_and_write(roster: &mut Roster, locked: LockedIdentity, path: &Path) -> Result<u64, RosterCommandFault> {
    let passphrase = passphrase::ask(locked.line().name.as_str()).map_err(IdentityFault::from)?;
    write(roster, &locked.unlock(passphrase)?, path)
}

fn officer(files: &RosterFiles) -> Result<LockedIdentity, RosterCommandFault> {
    let locked = LockedIdentity::read(&files.identity)?;
    match locked.line().role {
        Role::Officer => Ok(locked),
        role @ (Role::Manager | Role::Recovery) => Err(RosterCommandFault::NotAnOfficer(role)),
    }
}

fn existing(path: &Path, officer: &LockedIdentity) -> Result<Roster, RosterCommandFault> {
    let missing = || RosterFault::Unreadable { path: path.to_owned(), source: rustix::io::Errno::NOENT.into() };
    Ok(read(path, officer)?.ok_or_else(missing)?)
}

fn read(path: &Path, officer: &LockedIdentity) -> Result<Option<Roster>, RosterFault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Roster::read_signed(&text, &officer.line().ed25519).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RosterFault::Unreadable { path: path.to_owned(), source }),
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = (|| {
        // Not secret: the host's user reads it.
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    })();
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = std::fs::remove_file(&new);
    }
    written
}

/// What the officer should know of a roster that is in order, but not all that it should be.
fn warn(roster: &Roster) {
    let has = |role| roster.people.iter().any(|person| person.role == role);
    if !has(Role::Manager) {
        output::complain("callvault: no manager is on it yet, so nothing is recorded with it. Add one.");
    }
    if !has(Role::Recovery) {
        output::complain(
            "callvault: no recovery key is on it. Without one, what is recorded is lost with the managers' identities.",
        );
    }
}

fn table(roster: &Roster) -> String {
    let mut lines = vec![format!("version {} of {}", roster.version, roster.issued_at)];
    for person in &roster.people {
        let purposes: Vec<&str> = person.purposes.iter().map(|purpose| purpose.as_str()).collect();
        let line = format!("{:<20} {:<9} {}", person.name, person.role, purposes.join(","));
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}
