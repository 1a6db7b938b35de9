//! What the recorder tells its host: about a leg's recording, and about itself.
use std::borrow::Cow;

use crate::conversation::Request;
use crate::evidence::NoticeState;
use crate::ids::{LegKey, LegUuid, RecordingId};
use crate::policy::Outcome;

/// The host's side of what the recorder has to say. Called on the recorder's own threads (and, while it starts, on
/// the one that starts it); none of it may block, or call back into the recorder and wait.
pub trait Notify: Send + Sync {
    /// The leg now belongs to `recording`: it is what CDRs must find, `former` what they found before.
    fn recording_changed(&self, leg: LegKey, recording: RecordingId, former: RecordingId);
    /// How the call ended for this leg's recording; comes once for each of its legs that are still there.
    fn outcome(&self, leg: LegKey, recording: RecordingId, outcome: Outcome);
    /// Do this on that leg.
    fn ask(&self, leg: LegKey, request: Request);
    /// Something to log and to publish as an event.
    fn event(&self, event: RecorderEvent);
}

/// One thing worth an event and a log line. Holds no number and no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderEvent {
    /// The first track of a recording is open.
    Started {
        /// Which.
        recording: RecordingId,
        /// The leg whose party is heard on it.
        leg: LegUuid,
    },
    /// A recording's conversation is over.
    Ended {
        /// Which.
        recording: RecordingId,
        /// How.
        outcome: Outcome,
    },
    /// A recording's capture ended: its conversation is over, or was objected to. Comes with its outcome, where anything
    /// of it was captured.
    Stopped {
        /// Which.
        recording: RecordingId,
        /// The outcome as it stands.
        outcome: Outcome,
    },
    /// A notice ended on a leg.
    Notice {
        /// Which recording.
        recording: RecordingId,
        /// On which leg.
        leg: LegUuid,
        /// How far it got.
        state: NoticeState,
        /// The prompt's id.
        prompt: String,
        /// Its language.
        language: String,
    },
    /// A party objected.
    Objected {
        /// Which recording.
        recording: RecordingId,
        /// On which leg.
        leg: LegUuid,
        /// `digit`, `agent` or `command`.
        by: String,
    },
    /// A recording's capture was paused, or goes on.
    Paused {
        /// Which recording.
        recording: RecordingId,
        /// From whose side.
        leg: LegUuid,
        /// Whether it is paused now.
        on: bool,
        /// How long it was, milliseconds, where it is over.
        lasted_ms: Option<u64>,
    },
    /// An operator switched recording on or off.
    Switched {
        /// Whether new calls are recorded.
        on: bool,
    },
    /// The policy was replaced.
    PolicyReloaded {
        /// Its hash, 64 hexadecimal digits.
        hash: String,
    },
    /// A copy was released.
    Released {
        /// Of which recording.
        recording: RecordingId,
    },
    /// A release was refused.
    ReleaseRefused {
        /// The refusal's code.
        code: &'static str,
    },
    /// A recording was destroyed on its expiry.
    Destroyed {
        /// Which.
        recording: RecordingId,
    },
    /// Something needs a person.
    Alarm(Alarm),
    /// The alarm of that code is over.
    AlarmCleared {
        /// Its code.
        code: &'static str,
    },
}

impl RecorderEvent {
    /// The event's word: the subclass of a host's custom event is `callvault::` and this.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Ended { .. } => "ended",
            Self::Stopped { .. } => "stopped",
            Self::Notice { .. } => "notice",
            Self::Objected { .. } => "objected",
            Self::Paused { .. } => "paused",
            Self::Switched { .. } => "switched",
            Self::PolicyReloaded { .. } => "policy_reloaded",
            Self::Released { .. } => "released",
            Self::ReleaseRefused { .. } => "release_refused",
            Self::Destroyed { .. } => "destroyed",
            Self::Alarm(_) => "alarm",
            Self::AlarmCleared { .. } => "alarm_cleared",
        }
    }

    /// Its particulars, by name, in a fixed order.
    pub fn fields(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        match self {
            Self::Started { recording, leg } => {
                vec![("recording", recording.to_string().into()), ("leg", leg.as_str().into())]
            }
            Self::Notice { recording, leg, state, prompt, language } => vec![
                ("recording", recording.to_string().into()),
                ("leg", leg.as_str().into()),
                ("state", state.as_str().into()),
                ("prompt", prompt.as_str().into()),
                ("language", language.as_str().into()),
            ],
            Self::Objected { recording, leg, by } => vec![
                ("recording", recording.to_string().into()),
                ("leg", leg.as_str().into()),
                ("by", by.as_str().into()),
            ],
            Self::Paused { recording, leg, on, lasted_ms } => {
                let mut fields = vec![
                    ("recording", recording.to_string().into()),
                    ("leg", leg.as_str().into()),
                    ("paused", if *on { "on".into() } else { "off".into() }),
                ];
                fields.extend(lasted_ms.map(|ms| ("lasted-ms", ms.to_string().into())));
                fields
            }
            Self::Ended { recording, outcome } | Self::Stopped { recording, outcome } => {
                let mut fields = vec![("recording", recording.to_string().into())];
                fields.extend(outcome_words(*outcome).map(|(name, word)| (name, word.into())));
                fields
            }
            Self::Switched { on } => vec![("recording", if *on { "on".into() } else { "off".into() })],
            Self::PolicyReloaded { hash } => vec![("hash", hash.as_str().into())],
            Self::Released { recording } | Self::Destroyed { recording } => {
                vec![("recording", recording.to_string().into())]
            }
            Self::ReleaseRefused { code } | Self::AlarmCleared { code } => vec![("code", (*code).into())],
            Self::Alarm(alarm) => vec![("code", alarm.code.into()), ("text", alarm.text.as_str().into())],
        }
    }

    /// Whether a person should look.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::Alarm(_))
    }
}

fn outcome_words(outcome: Outcome) -> impl Iterator<Item = (&'static str, &'static str)> {
    let (word, reason) = outcome.words();
    std::iter::once(("outcome", word)).chain(reason.map(|reason| ("reason", reason)))
}

/// Something is wrong and stays wrong until it is cleared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Alarm {
    /// One word per kind of trouble; an alarm of the same code replaces the one before.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}
