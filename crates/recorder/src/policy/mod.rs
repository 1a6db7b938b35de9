//! What the admin wrote, typed. A [`Policy`] is an immutable snapshot, swapped whole on reload.
use std::path::PathBuf;
use std::time::Duration;

mod facts;
mod fault;
mod hash;
mod numbers;
mod outcome;
mod parse;
mod prompts;
mod purpose;
mod raw;
#[cfg(test)]
mod sample;

pub use facts::{LegSigns, NotDue, NoticeDue, NoticeFacts, PROMPT_NOTICE, PROMPT_OUTBOUND};
pub use fault::PolicyFault;
pub use outcome::{NotRecorded, Outcome};
pub use purpose::{Purpose, UnknownPurpose};
pub use raw::{RawConfig, RawElement};
#[cfg(test)]
pub(crate) use sample::{sample, sample_config};

/// How external parties agree (decision 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
