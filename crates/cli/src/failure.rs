//! What is answered when a command cannot be done. Each command has its own faults; this maps them to a stable
//! code and an exit code, in one place.
use callvault_recorder::access::RosterFault;
use callvault_recorder::disclosure::CopyFault;

use crate::enrol::EnrolFault;
use crate::identity::IdentityFault;
use crate::init::InitFault;
use crate::inspect::InspectFault;
use crate::open::OpenFault;
use crate::output::OutputFault;
use crate::prompt::PromptCommandFault;
use crate::roster::RosterCommandFault;
use crate::ticket::TicketCommandFault;

/// Any command's fault.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum Failure {
    Init(#[from] InitFault),
    Enrol(#[from] EnrolFault),
    Roster(#[from] RosterCommandFault),
    Ticket(#[from] TicketCommandFault),
    Prompt(#[from] PromptCommandFault),
    Open(#[from] OpenFault),
    Inspect(#[from] InspectFault),
    Output(#[from] OutputFault),
}

/// What stood in the way, as a calling script sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file, the disk or the system.
    System,
    /// What was given is not what it should be.
    Malformed,
    /// Not allowed.
    Refused,
}

impl Failure {
    /// Stable, for scripts and for looking it up.
    pub fn code(&self) -> &'static str {
        self.kind_and_code().1
    }

    /// As the help text documents.
    pub fn exit_code(&self) -> u8 {
        match self.kind_and_code().0 {
            Kind::System => 1,
            Kind::Malformed => 3,
            Kind::Refused => 4,
        }
    }

    fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Init(fault) => fault.kind_and_code(),
            Self::Enrol(fault) => fault.kind_and_code(),
            Self::Roster(fault) => fault.kind_and_code(),
            Self::Ticket(fault) => fault.kind_and_code(),
            Self::Prompt(fault) => fault.kind_and_code(),
            Self::Open(fault) => fault.kind_and_code(),
            Self::Inspect(fault) => fault.kind_and_code(),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// A roster's faults come from the recorder and have their codes already.
pub fn of_roster(fault: &RosterFault) -> (Kind, &'static str) {
    let kind = match fault {
        RosterFault::Unreadable { .. } => Kind::System,
        RosterFault::Unsigned
        | RosterFault::AnotherSigner { .. }
        | RosterFault::Changed
        | RosterFault::Older { .. }
        | RosterFault::Malformed(_)
        | RosterFault::NobodyOnIt
        | RosterFault::NameTaken(_)
        | RosterFault::KeyTaken(_)
        | RosterFault::NotOnIt(_)
        | RosterFault::Purposes => Kind::Malformed,
    };
    (kind, fault.code())
}

/// An identity's faults, likewise.
pub fn of_identity(fault: &IdentityFault) -> (Kind, &'static str) {
    match fault {
        IdentityFault::Unreadable { .. } => (Kind::System, "identity_unreadable"),
        IdentityFault::NotWritten(_) => (Kind::System, "identity_not_written"),
        IdentityFault::NoRandomness => (Kind::System, "no_randomness"),
        IdentityFault::Key(_) => (Kind::System, "no_key"),
        IdentityFault::Malformed { .. } => (Kind::Malformed, "identity_malformed"),
        IdentityFault::Altered { .. } => (Kind::Malformed, "identity_altered"),
        IdentityFault::WrongPassphrase { .. } => (Kind::Refused, "wrong_passphrase"),
        IdentityFault::Passphrase(fault) => (Kind::Refused, fault.code()),
    }
}

/// A copy's faults, likewise.
pub fn of_copy(fault: &CopyFault) -> (Kind, &'static str) {
    let kind = match fault {
        CopyFault::Unreadable { .. } => Kind::System,
        CopyFault::Expired(_) | CopyFault::AnothersCopy { .. } => Kind::Refused,
        CopyFault::NotACopy
        | CopyFault::UnknownForm
        | CopyFault::Cut { .. }
        | CopyFault::Extended(_)
        | CopyFault::ManifestChanged
        | CopyFault::SignatureWrong
        | CopyFault::AnotherNode { .. }
        | CopyFault::Changed(_)
        | CopyFault::Swapped { .. }
        | CopyFault::Capsule { .. } => Kind::Malformed,
    };
    (kind, fault.code())
}
