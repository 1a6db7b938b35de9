//! The roster in force. One that the privacy officer did not sign, or an older one than was accepted before, is
//! refused; the last valid one stays, and an alarm says so (decision 6).
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use sha2::{Digest, Sha256};

use super::readiness::CannotRecord;
use super::shared::Shared;
use super::status::RosterState;
use crate::access::{MAX_ROSTER_BYTES, PublicSigningKey, Role, Roster, RosterFault};
use crate::keystore::{Keystore, Recipients, RosterMark, RosterMarkFault};

/// The last accepted roster is kept beside the catalogue, so that it outlives a restart.
const LAST_ACCEPTED: &str = "roster.accepted";

/// Why a roster is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum RefusedRoster {
    #[error(transparent)]
    Roster(Box<RosterFault>),
    #[error(transparent)]
    Mark(#[from] RosterMarkFault),
}

impl RefusedRoster {
    /// It is the officer's and the newest, and nobody on it may open anything.
    fn is_nobody(&self) -> bool {
        matches!(self, Self::Roster(fault) if matches!(**fault, RosterFault::NobodyOnIt))
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Roster(fault) => fault.code(),
            Self::Mark(RosterMarkFault::Older { .. }) => "roster_older",
            Self::Mark(RosterMarkFault::Another(_)) => "roster_another",
            Self::Mark(RosterMarkFault::Medium(_)) => "keystore_fault",
        }
    }
}

impl From<RosterFault> for RefusedRoster {
    fn from(fault: RosterFault) -> Self {
        Self::Roster(Box::new(fault))
    }
}

/// Holds the roster in force.
pub(super) struct Rosters {
    officer: PublicSigningKey,
    keystore: Arc<Keystore>,
    last_accepted: PathBuf,
    current: ArcSwapOption<InForce>,
}

struct InForce {
    roster: Roster,
    sha256: [u8; 32],
}

impl Rosters {
    pub(super) fn new(officer: PublicSigningKey, keystore: Arc<Keystore>, data_dir: &Path) -> Self {
        Self { officer, keystore, last_accepted: data_dir.join(LAST_ACCEPTED), current: ArcSwapOption::empty() }
    }

    /// The roster in force.
    pub(super) fn current(&self) -> Option<Roster> {
        self.current.load().as_ref().map(|in_force| in_force.roster.clone())
    }

    /// For whom keys are made.
    pub(super) fn recipients(&self) -> Option<Recipients> {
        let in_force = self.current.load();
        let roster = &in_force.as_ref()?.roster;
        let managers = roster.people.iter().any(|person| person.role == Role::Manager);
        // Where nobody may open, no key is made: nothing is recorded that the recovery key alone could open.
        let holders = roster.capsule_holders().filter(|_| managers);
        Some(Recipients { roster: roster.version, keys: holders.map(|person| person.age).collect() })
    }

    /// What of it is shown.
    pub(super) fn state(&self) -> Option<RosterState> {
        let in_force = self.current.load();
        let roster = &in_force.as_ref()?.roster;
        let count = |role| roster.people.iter().filter(|person| person.role == role).count();
        Some(RosterState { version: roster.version, managers: count(Role::Manager), recovery: count(Role::Recovery) })
    }

    /// Reads `path` and takes it, where it is a newer valid roster. Where nothing is in force yet and it is not
    /// valid, the one that was accepted last is.
    pub(super) fn refresh(&self, path: &Path, shared: &Shared) -> Result<(), RefusedRoster> {
        let refused = match self.take(path) {
            Ok(()) => {
                shared.clear("roster_refused");
                None
            }
            Err(refused) => Some(refused),
        };
        if let Some(refused) = refused.as_ref().filter(|refused| !refused.is_nobody()) {
            if self.current.load().is_none() {
                // Whatever is wrong with the copy, what is wrong with the original is what has to be mended.
                let _ = self.take(&self.last_accepted);
            }
            let kept = match self.state() {
                Some(state) => format!("version {} stays in force", state.version),
                None => "nothing is recorded until a valid one is there".to_owned(),
            };
            shared.raise("roster_refused", format!("{refused} ({kept})"));
        }
        let state = self.state();
        let nobody = state.is_some_and(|state| state.managers == 0);
        if nobody {
            shared.raise("roster_nobody", RosterFault::NobodyOnIt.to_string());
        } else {
            shared.clear("roster_nobody");
        }
        shared.readiness.set(CannotRecord::NobodyOnRoster, nobody);
        shared.readiness.set(CannotRecord::NoRoster, state.is_none());
        refused.map_or(Ok(()), Err)
    }

    fn take(&self, path: &Path) -> Result<(), RefusedRoster> {
        let text = read(path)?;
        let sha256 = Sha256::digest(text.as_bytes()).into();
        if self.current.load().as_ref().is_some_and(|in_force| in_force.sha256 == sha256) {
            return Ok(());
        }
        let accepted = self.keystore.accepted_roster().map_or(0, |mark| mark.version);
        // A newer roster of nobody is the officer's word, too: whoever was on the former one opens nothing any more.
        let (roster, refused) = match Roster::verify(&text, &self.officer, accepted) {
            Err(RosterFault::NobodyOnIt) => (Roster::read_signed(&text, &self.officer)?, Err(RosterFault::NobodyOnIt)),
            roster => (roster?, Ok(())),
        };
        self.keystore.accept_roster(RosterMark { version: roster.version, sha256 })?;
        if path != self.last_accepted {
            // Without the copy the next start depends on the original alone, as it does the first time.
            let _ = keep_copy(&self.last_accepted, &text);
        }
        self.current.store(Some(Arc::new(InForce { roster, sha256 })));
        Ok(refused?)
    }
}

fn read(path: &Path) -> Result<String, RefusedRoster> {
    use std::io::Read as _;
    let unreadable = |source| RosterFault::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One byte more than may be, so that a longer one is refused rather than cut.
    file.take(MAX_ROSTER_BYTES as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn keep_copy(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let new = path.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
