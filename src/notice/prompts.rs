//! The configured prompts: which may be played, how long they are, and which bytes (NOT-03).
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callvault_recorder::controller::{PromptState, PromptsState};
use callvault_recorder::policy::{Policy, Prompt};
use callvault_recorder::prompt::{PromptFault, QUIETEST_DB, examine, hash_of_file};

use crate::ffi::session::measure;

/// The rate that lengths are measured at; a length in time does not depend on it.
const RATE: u32 = 8000;

/// A prompt that may be played.
#[derive(Debug, Clone)]
pub struct MeasuredPrompt {
    /// Its id, version and language in the configuration.
    pub id: String,
    /// See `id`.
    pub version: String,
    /// See `id`.
    pub language: String,
    /// What the host plays.
    pub source: String,
    /// Of the file's bytes, 64 hexadecimal digits; empty where it is no file.
    pub sha256: String,
    samples: u64,
}

impl MeasuredPrompt {
    /// Packets it makes at this packet time.
    pub fn frames(&self, ptime_us: u32) -> u32 {
        let per_frame = u64::from(RATE) * u64::from(ptime_us.max(1_000)) / 1_000_000;
        u32::try_from(self.samples.div_ceil(per_frame.max(1))).unwrap_or(u32::MAX)
    }

    /// Its length.
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.samples * 1000 / u64::from(RATE))
    }

    /// Whether its file is still the one that was measured.
    pub fn is_unaltered(&self) -> bool {
        self.sha256.is_empty() || hash_of_file(Path::new(&self.source)).is_ok_and(|hash| hash == self.sha256)
    }
}

/// Why a prompt is not played.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// What its file and its manifest say.
    #[error(transparent)]
    Prompt(#[from] PromptFault),
    /// The host does not play it to an end.
    #[error(
        "{0} cannot be played to its end. Put the file in place, load the module that plays it, and run `callvault_admin reload`."
    )]
    NotPlayed(String),
    /// Nothing is heard in it.
    #[error("{source} is silent: its level is {level_db:.0} dB of full scale. Record it anew and run `callvault_admin reload`.", source = .name)]
    Silent {
        /// What the host would play.
        name: String,
        /// Its level.
        level_db: f64,
    },
    /// Its file is another than at load.
    #[error(
        "{0} is not the file that was there at the last load. Put it back, or run `callvault_admin reload` where it is to be another."
    )]
    Swapped(String),
    /// It is not in the configuration that was loaded.
    #[error("it is not in <prompts>. Put it there and run `callvault_admin reload`.")]
    Unknown,
}

/// One configured prompt.
struct Entry {
    prompt: Prompt,
    found: Result<MeasuredPrompt, String>,
    has_manifest: bool,
    swapped: AtomicBool,
}

/// The configured prompts, each looked at once, and its bytes again before each playing.
#[derive(Default)]
pub struct PromptBook {
    entries: Vec<Arc<Entry>>,
}

impl PromptBook {
    /// Looks at what the policy names. A party to whom a prompt that is not good would be played does not count as told.
    pub fn measure(policy: &Policy) -> Self {
        let entry = |prompt: &Prompt| {
            let found = measured(prompt, policy);
            if let Err(unusable) = &found {
                tracing::error!("prompt {} ({}) is not played: {unusable}", prompt.id, prompt.language);
            }
            let has_manifest = found.as_ref().is_ok_and(|(_, has_manifest)| *has_manifest);
            let found = found.map(|(measured, _)| measured).map_err(|unusable| unusable.to_string());
            Arc::new(Entry { prompt: prompt.clone(), found, has_manifest, swapped: AtomicBool::new(false) })
        };
        Self { entries: policy.prompts.iter().map(entry).collect() }
    }

    /// A prompt of the policy, where it may be played at this moment. `changed` hears of it where that is otherwise than
    /// it was before.
    pub fn usable(&self, prompt: &Prompt, changed: impl FnOnce(PromptsState)) -> Result<MeasuredPrompt, String> {
        let entry = self.entries.iter().find(|entry| entry.prompt == *prompt);
        let entry = entry.ok_or_else(|| Unusable::Unknown.to_string())?;
        let measured = entry.found.clone()?;
        let swapped = !measured.is_unaltered();
        if entry.swapped.swap(swapped, Ordering::AcqRel) != swapped {
            changed(self.state());
        }
        if swapped { Err(entry.is_swapped()) } else { Ok(measured) }
    }

    /// The same book with what the older one knows besides: between two policies both are in force.
    #[must_use]
    pub fn with(&self, older: &Self) -> Self {
        let besides = older.entries.iter().filter(|old| self.entries.iter().all(|new| new.prompt != old.prompt));
        Self { entries: self.entries.iter().chain(besides).cloned().collect() }
    }

    /// How long a prompt of the policy takes, where it was good at load.
    pub fn length(&self, prompt: &Prompt) -> Option<Duration> {
        let entry = self.entries.iter().find(|entry| entry.prompt == *prompt)?;
        entry.found.as_ref().ok().map(MeasuredPrompt::length)
    }

    /// What `callvault status` shows.
    pub fn state(&self) -> PromptsState {
        PromptsState { prompts: self.entries.iter().map(|entry| entry.state()).collect() }
    }
}

impl Entry {
    fn state(&self) -> PromptState {
        let fault = match &self.found {
            Err(fault) => Some(fault.clone()),
            Ok(_) if self.swapped.load(Ordering::Acquire) => Some(self.is_swapped()),
            Ok(_) => None,
        };
        let usable = fault.is_none();
        let no_manifest = || "it has no manifest: nothing says what is spoken in it; `callvault prompt add` makes one";
        let said = fault.or_else(|| (!self.has_manifest).then(no_manifest).map(str::to_owned));
        let Prompt { id, language, version, .. } = self.prompt.clone();
        PromptState { id, language, version, usable, said }
    }

    fn is_swapped(&self) -> String {
        Unusable::Swapped(self.prompt.file.clone()).to_string()
    }
}

fn measured(prompt: &Prompt, policy: &Policy) -> Result<(MeasuredPrompt, bool), Unusable> {
    let examined = examine(prompt, policy)?;
    let found = measure(&prompt.file, RATE).filter(|found| found.samples > 0);
    let found = found.ok_or_else(|| Unusable::NotPlayed(prompt.file.clone()))?;
    let level_db = 10.0 * found.power.log10();
    if level_db <= QUIETEST_DB {
        return Err(Unusable::Silent { name: prompt.file.clone(), level_db });
    }
    let measured = MeasuredPrompt {
        id: prompt.id.clone(),
        version: prompt.version.clone(),
        language: prompt.language.clone(),
        source: prompt.file.clone(),
        sha256: examined.sha256,
        samples: found.samples,
    };
    Ok((measured, examined.has_manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(source: &str, sha256: &str) -> MeasuredPrompt {
        MeasuredPrompt {
            id: String::new(),
            version: String::new(),
            language: String::new(),
            source: source.into(),
            sha256: sha256.into(),
            samples: 8001,
        }
    }

    #[test]
    fn a_prompts_packets_are_counted_up() {
        let prompt = prompt("", "");
        assert_eq!([10_000, 20_000, 30_000].map(|ptime| prompt.frames(ptime)), [101, 51, 34]);
    }

    /// NOT-03: a file that was swapped while calls went on.
    #[test]
    fn a_prompt_is_looked_at_again_before_it_is_played() {
        let here = std::env::temp_dir().join(format!("callvault-prompt-{}", std::process::id()));
        std::fs::write(&here, b"as it was").expect("written");
        let source = here.to_string_lossy().into_owned();
        let known = prompt(&source, &hash_of_file(&here).expect("read"));
        let configured =
            Prompt { id: "notice".into(), language: "nl".into(), file: source.clone(), version: "1".into() };
        let entry =
            Entry { prompt: configured.clone(), found: Ok(known), has_manifest: true, swapped: AtomicBool::new(false) };
        let book = PromptBook { entries: vec![Arc::new(entry)] };
        let told = std::cell::RefCell::new(Vec::new());
        let usable =
            |prompt: &Prompt| book.usable(prompt, |state| told.borrow_mut().push(state.prompts[0].usable)).is_ok();
        assert!(usable(&configured));
        std::fs::write(&here, b"another").expect("written");
        assert!(!usable(&configured) && !usable(&configured));
        std::fs::write(&here, b"as it was").expect("written");
        assert!(usable(&configured));
        std::fs::remove_file(&here).expect("removed");
        assert!(!usable(&configured));
        assert_eq!(*told.borrow(), [false, true, false]);
        let other = Prompt { version: "2".into(), ..configured };
        assert!(!usable(&other));
    }
}
