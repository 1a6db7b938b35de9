//! `callvault ticket`: sign a single-use request for one recording.
use callvault_recorder::access::{Nonce, Role, TicketRequest, sign_ticket};
use callvault_recorder::time::{Clock as _, SystemClock};

use crate::args::Ticket;
use crate::failure::{Kind, of_identity};
use crate::identity::{IdentityFault, LockedIdentity};
use crate::output::{self, OutputFault};
use crate::passphrase;

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketCommandFault {
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// It is not a manager's.
    #[error("this identity's role is {0}, and only a manager's ticket opens a recording. Ask a manager.")]
    NotAManager(Role),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputFault),
}

impl TicketCommandFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Identity(fault) => of_identity(fault),
            Self::NotAManager(_) => (Kind::Refused, "not_a_manager"),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// Makes it and prints it alone.
pub fn run(asked: &Ticket) -> Result<(), TicketCommandFault> {
    let locked = LockedIdentity::read(&asked.identity)?;
    match locked.line().role {
        Role::Manager => {}
        role @ (Role::Officer | Role::Recovery) => return Err(TicketCommandFault::NotAManager(role)),
    }
    let passphrase = passphrase::ask(locked.line().name.as_str()).map_err(IdentityFault::from)?;
    let identity = locked.unlock(passphrase)?;
    let nonce = Nonce::generate().ok_or(IdentityFault::NoRandomness)?;
    let request =
        TicketRequest { recording: asked.recording, purpose: asked.purpose, reference: asked.reference.clone() };
    output::print(&sign_ticket(&request, identity.signing(), SystemClock.now(), nonce))?;
    Ok(())
}
