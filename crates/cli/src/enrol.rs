//! `callvault enrol`: make an identity, print its public line.
use callvault_recorder::access::Role;

use crate::args::Enrol;
use crate::failure::{Kind, of_identity};
use crate::identity::{Identity, IdentityFault};
use crate::output::{self, OutputFault};
use crate::passphrase;
use crate::private_file::PrivateFileFault;

/// Why nobody was enrolled.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum EnrolFault {
    /// The identity could not be made.
    Identity(#[from] IdentityFault),
    /// Its file could not be made.
    File(#[from] PrivateFileFault),
    /// The line could not be printed.
    Output(#[from] OutputFault),
}

impl EnrolFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Identity(fault) => of_identity(fault),
            Self::File(_) => (Kind::System, "identity_not_written"),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// Makes it.
pub fn run(asked: &Enrol) -> Result<(), EnrolFault> {
    if asked.identity.symlink_metadata().is_ok() {
        return Err(PrivateFileFault::Exists(asked.identity.clone()).into());
    }
    let passphrase = passphrase::choose(asked.name.as_str()).map_err(IdentityFault::from)?;
    let identity = Identity::generate(asked.role, asked.name.clone())?;
    let file = identity.write(&asked.identity, passphrase)?;
    file.keep()?;
    output::print(&identity.line().to_string())?;
    output::complain(&format!(
        "{} holds your identity. Send the line above to {}; the file and its passphrase stay with you.",
        asked.identity.display(),
        match asked.role {
            Role::Manager => "the privacy officer",
            Role::Officer | Role::Recovery => "who runs `callvault init` and to the privacy officer",
        },
    ));
    Ok(())
}
