//! What an entry says, in closed words wherever there is one.
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::ids::{LegUuid, RecordingId, hex};
use crate::time::{EpochDay, UnixMillis};

/// One thing that was done, is about to be done, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, UTC.
    pub at: UnixMillis,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what.
    pub object: Object,
    /// How it went.
    pub outcome: Verdict,
    /// Why, as a code; escaped and capped when written.
    pub reason: Option<String>,
    /// More of it: hashes, counts, a purpose, a reference. Values are escaped and capped when written; at most
    /// [`Entry::MAX_DETAILS`] of them. Numbers and names of people never.
    pub details: BTreeMap<&'static str, String>,
}

impl Entry {
    /// More details than this are left out, the last in alphabetical order first.
    pub const MAX_DETAILS: usize = 24;

    /// An entry without reason or details.
    pub fn new(at: UnixMillis, actor: Actor, action: Action, object: Object, outcome: Verdict) -> Self {
        Self { at, actor, action, object, outcome, reason: None, details: BTreeMap::new() }
    }

    /// The same, with a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The same, gone wrong.
    #[must_use]
    pub fn failed(self) -> Self {
        Self { outcome: Verdict::Failed, ..self }
    }

    /// The same, not allowed.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { outcome: Verdict::Refused, ..self }
    }

    /// The same, with one more detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.insert(name, value.to_string());
        self
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The recorder by itself: expiry, recovery, its own start.
    Recorder,
    /// Whoever types into fs_cli; the host tells no more of him (decision 7).
    Operator,
    /// The company's party, by the keys of its telephone.
    Agent,
    /// An outside party, by a key of its telephone.
    OutsideParty,
    /// Somebody with access to the host or its dialplan; it tells no more.
    Unknown,
    /// A person of the roster, by the SHA-256 of the public signing key.
    Person {
        /// That hash.
        key_sha256: [u8; 32],
    },
}

impl Actor {
    pub(super) fn word(&self) -> String {
        match self {
            Self::Recorder => "recorder".into(),
            Self::Operator => "operator".into(),
            Self::Agent => "agent".into(),
            Self::OutsideParty => "outside_party".into(),
            Self::Unknown => "unknown".into(),
            Self::Person { key_sha256 } => format!("person:{}", hex(key_sha256)),
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A torn last line was cut off.
    LogRepair,
    /// The recorder started; details name its version.
    RecorderStart,
    /// It stopped.
    RecorderStop,
    /// A policy was read; details have its hash.
    PolicyLoad,
    /// A roster was read; details have its version and hash.
    RosterLoad,
    /// A call got its outcome.
    CallOutcome,
    /// A recording without an end was closed after a crash.
    RecordingTruncate,
    /// A ticket was presented and a copy released, or not.
    Release,
    /// The destruction of a recording.
    Destroy,
    /// Its proof: slots overwritten and read again, files and copies removed.
    DestroyProof,
    /// An epoch's key is destroyed with the last slot it wrapped.
    EpochDestroy,
    /// New calls are not recorded from now on.
    OperatorStop,
    /// They are again.
    OperatorStart,
    /// Stop, and wait for what goes on.
    OperatorDrain,
    /// An expiry run by hand.
    OperatorExpire,
    /// The capture of a leg was paused.
    Pause,
    /// It goes on.
    Resume,
    /// The clock cannot be believed.
    ClockDoubt,
    /// The store, the keystore or the catalogue failed.
    StorageFault,
    /// Our tap was taken off a leg by others.
    TapRemoved,
    /// It was put back.
    TapRepair,
    /// Somebody else's tap is on a leg in scope; details have its function and target.
    ForeignTap,
    /// The leg that listened was hung up.
    ListenerHangUp,
    /// Media that bypassed this host was brought back, or could not be.
    MediaReturn,
    /// A dialplan's variable was refused.
    DialplanWish,
    /// The company's side says that it told the other party.
    Attest,
    /// A party objects to being recorded, or somebody says that it does.
    Object,
    /// A party that had agreed or gone on takes that back.
    Withdraw,
    /// An answered call in scope of which the recorder knows no outcome.
    CallUnreconciled,
    /// An operator has read the alarms that stand for what is over.
    OperatorAcknowledge,
}

impl Action {
    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogRepair => "log.repair",
            Self::RecorderStart => "recorder.start",
            Self::RecorderStop => "recorder.stop",
            Self::PolicyLoad => "policy.load",
            Self::RosterLoad => "roster.load",
            Self::CallOutcome => "call.outcome",
            Self::RecordingTruncate => "recording.truncate",
            Self::Release => "release",
            Self::Destroy => "destroy",
            Self::DestroyProof => "destroy.proof",
            Self::EpochDestroy => "epoch.destroy",
            Self::OperatorStop => "operator.stop",
            Self::OperatorStart => "operator.start",
            Self::OperatorDrain => "operator.drain",
            Self::OperatorExpire => "operator.expire",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::ClockDoubt => "clock.doubt",
            Self::StorageFault => "storage.fault",
            Self::TapRemoved => "tap.removed",
            Self::TapRepair => "tap.repair",
            Self::ForeignTap => "tap.foreign",
            Self::ListenerHangUp => "listener.hangup",
            Self::MediaReturn => "media.return",
            Self::DialplanWish => "dialplan.wish",
            Self::Attest => "attest",
            Self::Object => "object",
            Self::Withdraw => "withdraw",
            Self::CallUnreconciled => "call.unreconciled",
            Self::OperatorAcknowledge => "operator.acknowledge",
        }
    }
}

/// What it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A recording.
    Recording(RecordingId),
    /// A leg, by the host's uuid.
    Leg(LegUuid),
    /// A UTC day's key.
    Epoch(EpochDay),
    /// The recorder as a whole.
    Recorder,
    /// The policy.
    Policy,
    /// The roster.
    Roster,
    /// This log.
    Log,
}

impl Object {
    pub(super) fn word(&self) -> String {
        match self {
            Self::Recording(id) => format!("recording:{id}"),
            Self::Leg(uuid) => format!("leg:{}", escaped(uuid.as_str())),
            Self::Epoch(day) => format!("epoch:{day}"),
            Self::Recorder => "recorder".into(),
            Self::Policy => "policy".into(),
            Self::Roster => "roster".into(),
            Self::Log => "log".into(),
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It may be done, and is about to be.
    Allowed,
    /// It is done.
    Done,
    /// It may not be done.
    Refused,
    /// It went wrong.
    Failed,
}

impl Verdict {
    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The most bytes that are kept of a text from outside.
const CAP: usize = 256;

/// A text from outside made harmless (E16): at most 256 of its bytes; all but ASCII letters, digits, space and
/// `-_.,:;/()=+@*#` as `%` and two hexadecimal digits; `%~` at the end where something was cut off.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(CAP));
    for &byte in text.as_bytes().iter().take(CAP) {
        if byte.is_ascii_alphanumeric() || b" -_.,:;/()=+@*#".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    if text.len() > CAP {
        out.push_str("%~");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E16: what a caller sends can end no line, open no field and fill no disk.
    #[test]
    fn hostile_text_becomes_short_plain_ascii() {
        assert_eq!(escaped("case 2026/17 (a)"), "case 2026/17 (a)");
        assert_eq!(escaped("\r\n{\"seq\":"), "%0d%0a%7b%22seq%22:");
        assert_eq!(escaped("50%~"), "50%25%7e");
        assert_eq!(escaped("\u{202e}x"), "%e2%80%aex");
        let long = escaped(&"é".repeat(60_000));
        assert!(long.len() <= CAP * 3 + 2 && long.ends_with("%~"));
        assert!(long.is_ascii());
    }
}
