//! Whether a call that begins now can be recorded: one word that any thread reads.
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a call that begins now would not be recorded. A notice must not be played then (NOT-08).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRecord {
    /// `callvault_admin stop`.
    #[error("recording was stopped by an operator; `callvault_admin start` resumes it")]
    Stopped,
    /// No roster that the privacy officer signed.
    #[error(
        "there is no valid roster; put the one that the privacy officer signed in place and run `callvault_admin reload`"
    )]
    NoRoster,
    /// A roster of nobody.
    #[error(
        "nobody on the roster may open a recording; have the privacy officer add a manager and run `callvault_admin reload`"
    )]
    NobodyOnRoster,
    /// No key can be made ready.
    #[error("the keystore gives no keys; see the alarms of `callvault status`")]
    Keystore,
    /// The store takes no bytes.
    #[error("the store does not take what is written; see the alarms of `callvault status`")]
    Store,
    /// The recorder is going.
    #[error("the recorder is shutting down")]
    ShuttingDown,
}

impl CannotRecord {
    const ALL: [Self; 6] =
        [Self::ShuttingDown, Self::Stopped, Self::NoRoster, Self::NobodyOnRoster, Self::Keystore, Self::Store];

    /// The reason's word.
    pub fn code(self) -> &'static str {
        match self {
            Self::Stopped => "operator_stop",
            Self::NoRoster => "no_roster",
            Self::NobodyOnRoster => "nobody_on_roster",
            Self::Keystore => "keystore_fault",
            Self::Store => "store_fault",
            Self::ShuttingDown => "shutting_down",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::ShuttingDown => 1,
            Self::Stopped => 2,
            Self::NoRoster => 4,
            Self::NobodyOnRoster => 8,
            Self::Keystore => 16,
            Self::Store => 32,
        }
    }
}

/// Each reason is set and cleared by the one thread that knows of it.
#[derive(Debug, Default)]
pub(super) struct Readiness(AtomicU8);

impl Readiness {
    /// The gravest reason, if there is one.
    pub(super) fn check(&self) -> Result<(), CannotRecord> {
        let word = self.0.load(Ordering::Acquire);
        CannotRecord::ALL.into_iter().find(|reason| word & reason.bit() != 0).map_or(Ok(()), Err)
    }

    /// Says whether `reason` holds; answers whether that is new.
    pub(super) fn set(&self, reason: CannotRecord, holds: bool) -> bool {
        let before = if holds {
            self.0.fetch_or(reason.bit(), Ordering::AcqRel)
        } else {
            self.0.fetch_and(!reason.bit(), Ordering::AcqRel)
        };
        (before & reason.bit() != 0) != holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_word_is_named_before_a_fault_and_each_reason_clears_alone() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check(), Ok(()));
        assert!(readiness.set(CannotRecord::Keystore, true));
        assert!(!readiness.set(CannotRecord::Keystore, true));
        assert!(readiness.set(CannotRecord::Stopped, true));
        assert_eq!(readiness.check(), Err(CannotRecord::Stopped));
        readiness.set(CannotRecord::Stopped, false);
        assert_eq!(readiness.check(), Err(CannotRecord::Keystore));
        readiness.set(CannotRecord::Keystore, false);
        assert_eq!(readiness.check(), Ok(()));
    }
}
