//! `init --starter`: one person plays officer, manager and recovery, to try it all in a minute.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use callvault_recorder::access::{PublicLine, Role, Roster};
use callvault_recorder::policy::Purpose;

use crate::identity::{Identity, IdentityFault};
use crate::init::InitFault;
use crate::passphrase;
use crate::roster::{self, RosterCommandFault};

/// The manager's name on the starter's roster.
pub const MANAGER: &str = "manager";

/// Three identities under one passphrase, and a roster of them.
pub struct Starter {
    officer: Identity,
    manager: Identity,
    recovery: Identity,
    passphrase: SecretString,
}

impl Starter {
    /// Asks for the passphrase and makes them.
    pub fn generate() -> Result<Self, IdentityFault> {
        let passphrase = passphrase::choose("the starter's identities")?;
        let identity = |role: Role| Identity::generate(role, role.as_str().parse().expect("a role's word is a name"));
        Ok(Self {
            officer: identity(Role::Officer)?,
            manager: identity(Role::Manager)?,
            recovery: identity(Role::Recovery)?,
            passphrase,
        })
    }

    /// Who signs the roster.
    pub fn officer(&self) -> &PublicLine {
        self.officer.line()
    }

    /// Where the three identities go.
    pub fn files(&self, keys: &Path) -> Vec<PathBuf> {
        self.identities().iter().map(|identity| keys.join(format!("{}.identity", identity.line().role))).collect()
    }

    /// Writes them, and the roster.
    pub fn write(&self, keys: &Path, roster_file: &Path) -> Result<(), InitFault> {
        let mut begun = Vec::new();
        for (identity, path) in self.identities().iter().zip(self.files(keys)) {
            begun.push(identity.write(&path, self.passphrase.clone())?);
        }
        let mut people = Roster::empty();
        let on_it = people.add(self.manager.line(), BTreeSet::from(Purpose::ALL));
        on_it.and_then(|()| people.add(self.recovery.line(), BTreeSet::new())).map_err(RosterCommandFault::from)?;
        roster::write(&mut people, &self.officer, roster_file)?;
        for file in begun {
            file.keep()?;
        }
        Ok(())
    }

    fn identities(&self) -> [&Identity; 3] {
        [&self.officer, &self.manager, &self.recovery]
    }
}
