//! What the admin wrote, typed. A [`Policy`] is an immutable snapshot, swapped whole on reload.
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

mod facts;
mod fault;
mod hash;
mod numbers;
mod outcome;
mod parse;
mod parse_telling;
mod prompts;
mod purpose;
mod raw;
#[cfg(test)]
mod sample;
mod signals;

pub use facts::{LegSigns, NotDue, NoticeDue, NoticeFacts, PROMPT_NOTICE, PROMPT_OUTBOUND, PROMPT_STOPPED};
pub use fault::PolicyFault;
pub use outcome::{NotRecorded, Outcome};
pub(crate) use parse::is_language;
pub use purpose::{Purpose, UnknownPurpose};
pub use raw::{RawConfig, RawElement};
#[cfg(test)]
pub(crate) use sample::{sample, sample_config};
pub use signals::{AskedFor, DigitMemory};

/// How external parties agree (decision 10), the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeMode {
    /// Told; going on is stored as `informed_continued`, hanging up in the notice as `refused_hangup`.
    Notice,
    /// Told, and a digit objects.
    OptOut,
    /// Told, and recorded only after a digit agrees.
    OptIn,
}

/// What happens to an outside party that no dialplan told by `callvault_notice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninformed {
    /// The module plays the notice on that leg at its answer, before anything else (decision 17).
    Play,
    /// That call is not recorded: `not_informed`.
    Refuse,
    /// Recorded: the party is told by other means.
    Record,
}

/// How outside parties that are rung are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboundNotice {
    /// By the notice, after their answer and before the conversation.
    Play,
    /// By the agent, who attests having said it (STF-01).
    Attest,
}

/// What becomes of a call whose media does not pass through this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BypassedMedia {
    /// It stays so: `not_recorded(no_media_path)`, and an alarm.
    Leave,
    /// Its media is brought back (`switch_ivr_media`), and an alarm says so.
    Return,
}

/// What becomes of a media bug of somebody else on a leg in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignTaps {
    /// Audited, and an alarm.
    Report,
    /// The same, and the leg that listens is hung up.
    HangUp,
}

/// Which channel variables a dialplan may set; what it asks for can only make the policy stricter, but for `exempt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialplanMay {
    /// `callvault_exempt`.
    pub exempt: bool,
    /// `callvault_language`.
    pub language: bool,
    /// `callvault_mode`.
    pub mode: bool,
    /// `callvault_retention`.
    pub retention: bool,
}

/// What parties press, as characters of a telephone's keys. `None`: nothing does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// `objection-digit`: an outside party objects. `9` in the modes `optout` and `optin`; in `notice` none, for no
    /// prompt names one, unless the config does.
    pub object: Option<char>,
    /// `agree-digit`, `decline-digit`: the answers that `optin` asks for.
    pub agree: char,
    /// See `agree`.
    pub decline: char,
    /// `attest-code`, the key after `*`: the company's party has told the other one.
    pub attest: Option<char>,
    /// `agent-objection-code`, the key after `*`: the company's party says that the other one objects.
    pub agent_object: Option<char>,
    /// `pause-code`, `resume-code`, the keys after `*`: payment data is being said, or no more.
    pub pause: Option<char>,
    /// See `pause`.
    pub resume: Option<char>,
}

/// How audio is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Opus, VOIP, complexity 0, 20 ms; 16 kbit/s at 8 kHz, 24 kbit/s at 16 kHz and above.
    Opus,
    /// Opus at 12 kbit/s, complexity 0.
    Economy,
    /// Opus at 24 kbit/s, complexity 5.
    Quality,
    /// G.711 as it came; everything else as in `Opus`.
    Native,
}

/// One prompt of `<prompts>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its id; `notice` is the one that `callvault_notice` plays unless told otherwise.
    pub id: String,
    /// `nl`, `en` …
    pub language: String,
    /// Anything the host can play: a file's path or `tone_stream://…`.
    pub file: String,
    /// The admin's version of it; `1` where none is given.
    pub version: String,
}

/// The whole policy. Built by [`Policy::parse`] from the host's XML, all faults at once.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `data-dir`: store, catalogue, audit log, releases.
    pub data_dir: PathBuf,
    /// `keystore-dir`: slots and epochs.
    pub keystore_dir: PathBuf,
    /// `roster`: the signed roster's file.
    pub roster: PathBuf,
    /// `instance`: this PBX's name.
    pub instance: String,
    /// `notice-mode`.
    pub notice_mode: NoticeMode,
    /// `uninformed`.
    pub uninformed: Uninformed,
    /// `told-by`: by which other means parties are told where `uninformed` is `record`; kept with the evidence.
    pub told_by: String,
    /// `outbound-notice`.
    pub outbound_notice: OutboundNotice,
    /// `attest-beep-seconds`: when an agent who has not attested is reminded.
    pub attest_beep: Duration,
    /// `attest-seconds`: when it is too late.
    pub attest_within: Duration,
    /// What parties press.
    pub digits: Digits,
    /// `consent-seconds`: how long `optin` waits for a digit after its prompt.
    pub consent_within: Duration,
    /// `objection-seconds`: how long after its notice an outside party's digit objects.
    pub objection_within: Duration,
    /// `inband-digits`: whether tones in the audio count as digits too.
    pub inband_digits: bool,
    /// `pause-seconds`: how long a pause for payment data lasts at most.
    pub pause_at_most: Duration,
    /// `queue-applications`: dialplan applications in which a leg waits and is not captured.
    pub queue_applications: Vec<String>,
    /// `waiting-sound`: what a party hears while the other one is told; `None` is silence.
    pub waiting_sound: Option<String>,
    /// `staff-beep`: whether the company's party hears a beep when capture begins (STF-04).
    pub staff_beep: bool,
    /// `bypassed-media`.
    pub bypassed_media: BypassedMedia,
    /// `foreign-taps`.
    pub foreign_taps: ForeignTaps,
    /// `dialplan-may`.
    pub dialplan_may: DialplanMay,
    /// `prompt-manifests`: whether a prompt without a manifest counts as none (`required`).
    pub manifests_required: bool,
    /// `purposes`: the purposes that are enabled; every prompt names them all, or is layered (NOT-03).
    pub purposes: BTreeSet<Purpose>,
    /// `company-numbers`: a number that matches is the company's party.
    pub company_numbers: Option<regex::Regex>,
    /// `exempt-numbers`: a call to or from such a number is `not_recorded(exempt_line)`.
    pub exempt_numbers: Option<regex::Regex>,
    /// `emergency-numbers`: `not_recorded(emergency)`, never told, never delayed.
    pub emergency_numbers: Option<regex::Regex>,
    /// `record-internal`: calls with company parties only.
    pub record_internal: bool,
    /// `retention-days`: 1 to 30; kept that many times 24 h from the call's end.
    pub retention: Duration,
    /// `profile`.
    pub profile: Profile,
    /// `encoder-threads`; by default cores − 1, at least 1.
    pub encoder_threads: usize,
    /// `sync-interval-ms`: how often what was written is flushed to the medium.
    pub sync_interval: Duration,
    /// `ticket-minutes`: how long a ticket is good for.
    pub ticket_validity: Duration,
    /// `system-track`: whether a leg without a recorded partner gets a track of what it hears.
    pub system_track: bool,
    /// `default-language`, for channels that name none.
    pub default_language: String,
    /// `<prompts>`.
    pub prompts: Vec<Prompt>,
    /// SHA-256 over the canonical form of all of the above, 64 hexadecimal digits; audited.
    pub hash: String,
}
