//! Why the keystore refused: an enum per operation; each sentence says what happened and what to do.
use std::io;
use std::path::PathBuf;

use crate::ids::SlotNumber;
use crate::seal::{KeyFault, WrapFault};
use crate::store::DirectoryFault;
use crate::time::EpochDay;

/// The medium failed, or the operating system refused.
#[derive(Debug, thiserror::Error)]
#[error("the keystore could not {doing} ({source}): see that its volume is mounted, healthy and not full")]
pub struct MediumFault {
    /// What was being done, as `write a slot`.
    pub doing: &'static str,
    /// What the operating system said.
    pub source: io::Error,
}

impl MediumFault {
    pub(super) fn when(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, source }
    }
}

/// Why a keystore could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreFault {
    /// Its directory is at fault (SEC-04).
    #[error(transparent)]
    Directory(#[from] DirectoryFault),
    /// Another process has it open.
    #[error("the keystore {} is in use by {holder}: stop that first, two would overwrite each other's slots", .directory.display())]
    InUse {
        /// The keystore's directory.
        directory: PathBuf,
        /// Who, as `process 812 (freeswitch)`.
        holder: String,
    },
    /// No `slots`, or its first page says something else.
    #[error(
        "there is no whole keystore here ({0}): name the directory that `callvault init` made; one whose making was interrupted is emptied and made again"
    )]
    NotAKeystore(&'static str),
    /// It was written by a version of the format that this program does not know.
    #[error(
        "the keystore has format {0}, which this version does not read: use the version that wrote it, or a later one"
    )]
    UnknownFormat(u8),
    /// A slot has a state or a layout that this program does not know.
    #[error("slot {} is in a state that this version does not know: use the version that wrote it, or a later one", .0.0)]
    UnknownSlot(SlotNumber),
    /// Both copies of the accepted roster's mark are damaged.
    #[error(
        "the keystore no longer knows which roster it accepted: an older one could be slipped in. Restore `slots` from its newest copy, or make a new keystore"
    )]
    RosterMarkDamaged,
    /// Slots are in use and not one of their epochs is there.
    #[error("no epoch key of the {0} slots in use is there: mount the volume of `epochs/` and start again")]
    NoEpochs(usize),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: see that getrandom(2) is allowed to this process")]
    NoRandomness,
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl KeystoreFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Directory(fault) => fault.code(),
            Self::InUse { .. } => "keystore_in_use",
            Self::NotAKeystore(_) => "not_a_keystore",
            Self::UnknownFormat(_) | Self::UnknownSlot(_) => "keystore_unknown_format",
            Self::RosterMarkDamaged => "keystore_roster_mark",
            Self::NoEpochs(_) => "keystore_no_epochs",
            Self::NoRandomness => "no_randomness",
            Self::Medium(_) => "keystore_medium",
        }
    }

    pub(super) fn medium(doing: &'static str, source: io::Error) -> Self {
        Self::Medium(MediumFault { doing, source })
    }
}

/// Why no keys could be made ahead.
#[derive(Debug, thiserror::Error)]
pub enum PrepareFault {
    /// Nobody could open what they would seal.
    #[error("there is nobody to make capsules for: install a roster with a manager and a recovery key on it")]
    NoRecipients,
    /// A slot has not that much room.
    #[error(
        "a capsule was asked for {given} people and a slot holds {fit}: take people off the roster, or make a keystore with larger slots"
    )]
    TooManyRecipients {
        /// How many were asked for.
        given: usize,
        /// How many fit.
        fit: usize,
    },
    /// The epoch was never made, or is destroyed.
    #[error(
        "there is no epoch key of {0}: let the keeper make epochs ahead (`callvault status` shows how far), and check the clock"
    )]
    NoEpoch(EpochDay),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// No capsule could be made of it.
    #[error(transparent)]
    Capsule(#[from] WrapFault),
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl PrepareFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRecipients => "keystore_no_recipients",
            Self::TooManyRecipients { .. } => "keystore_too_many_recipients",
            Self::NoEpoch(_) => "keystore_no_epoch",
            Self::Key(_) => "keystore_no_key",
            Self::Capsule(_) => "keystore_no_capsule",
            Self::Medium(_) => "keystore_medium",
        }
    }
}

/// Why slots could not be bound to their recordings.
#[derive(Debug, thiserror::Error)]
pub enum BindFault {
    /// These slots hold no fresh key of that id; the others of the batch are bound and durable.
    #[error("{} of the slots hold no fresh key of that id: their recordings cannot be opened later, see the log", .0.len())]
    NotReady(Vec<SlotNumber>),
    /// The medium failed; the whole batch is to be tried again.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl BindFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotReady(_) => "keystore_not_ready",
            Self::Medium(_) => "keystore_medium",
        }
    }
}

/// Why a capsule was not handed out.
#[derive(Debug, thiserror::Error)]
pub enum CapsuleFault {
    /// The slot is destroyed, or holds another key by now.
    #[error("the key in slot {} is destroyed: what it sealed cannot be opened by anyone", .0.0)]
    Gone(SlotNumber),
    /// No capsule in it is for this person.
    #[error(
        "this person was not on the roster when the recording was made: ask somebody who was, or use the recovery key"
    )]
    NotForThisPerson,
    /// The epoch's key is destroyed or lost.
    #[error("the epoch key of {0} is gone: what was sealed for that day cannot be opened by anyone")]
    EpochGone(EpochDay),
    /// The slot's or the epoch's content is not what was written.
    #[error("slot {} is damaged: its capsule cannot be read back. Check the medium, and restore the keystore's copy", .0.0)]
    Damaged(SlotNumber),
    /// No memory for the keys.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl CapsuleFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gone(_) => "destroyed",
            Self::NotForThisPerson => "no_capsule",
            Self::EpochGone(_) => "destroyed",
            Self::Damaged(_) => "keystore_damaged",
            Self::Key(_) => "keystore_no_key",
            Self::Medium(_) => "keystore_medium",
        }
    }
}

/// Why a slot or an epoch could not be shown to be destroyed. It is to be tried again until it can.
#[derive(Debug, thiserror::Error)]
pub enum DestroyFault {
    /// What was read back is not what was written over it.
    #[error("slot {} was overwritten but reads back otherwise: the medium does not keep what it is given, replace it", .0.0)]
    SlotNotOverwritten(SlotNumber),
    /// Likewise for an epoch.
    #[error(
        "the epoch key of {0} was overwritten but reads back otherwise: the medium does not keep what it is given, replace it"
    )]
    EpochNotOverwritten(EpochDay),
    /// Capsules still hang on this epoch.
    #[error("the epoch key of {day} is still needed by {slots} slots: destroy those first")]
    EpochInUse {
        /// The day.
        day: EpochDay,
        /// How many slots.
        slots: usize,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: see that getrandom(2) is allowed to this process")]
    NoRandomness,
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl DestroyFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SlotNotOverwritten(_) | Self::EpochNotOverwritten(_) => "keystore_not_overwritten",
            Self::EpochInUse { .. } => "keystore_epoch_in_use",
            Self::NoRandomness => "no_randomness",
            Self::Medium(_) => "keystore_medium",
        }
    }
}

/// Why epochs could not be made ahead.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionFault {
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl ProvisionFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(_) => "keystore_no_key",
            Self::Medium(_) => "keystore_medium",
        }
    }
}

/// Why a roster's mark was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RosterMarkFault {
    /// It is older than one that was accepted.
    #[error(
        "the roster is version {version}, and version {accepted} was accepted before: ask the officer for the newest one"
    )]
    Older {
        /// This one's version.
        version: u64,
        /// The accepted one's.
        accepted: u64,
    },
    /// The accepted version had another content.
    #[error(
        "the roster says it is version {0} and differs from the one that was accepted as that: ask the officer for a new version"
    )]
    Another(u64),
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] MediumFault),
}

impl RosterMarkFault {
    /// For `-ERR <code> <text>`: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Older { .. } => "roster_older",
            Self::Another(_) => "roster_another",
            Self::Medium(_) => "keystore_medium",
        }
    }
}
