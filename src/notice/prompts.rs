//! The prompts as they lie there at load: how long they are, and which bytes.
use std::collections::HashMap;

use callvault_recorder::policy::{Policy, Prompt};
use sha2::{Digest, Sha256};

use crate::ffi::session::measure;

/// The rate that lengths are measured at; a length in time does not depend on it.
const RATE: u32 = 8000;

/// A prompt whose length is known.
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
}

/// The configured prompts, each measured once.
#[derive(Default)]
pub struct PromptBook {
    prompts: HashMap<String, MeasuredPrompt>,
}

impl PromptBook {
    /// Measures what the policy names. What cannot be measured is left out, with a line that says so: a party to whom it
    /// is played would not count as told.
    pub fn measure(policy: &Policy) -> Self {
        let mut prompts = HashMap::new();
        for prompt in &policy.prompts {
            match measured(prompt) {
                Some(measured) => drop(prompts.insert(key(prompt), measured)),
                None => tracing::error!(
                    "prompt {} ({}): {} cannot be played to its end; put the file in place and run callvault_admin reload",
                    prompt.id,
                    prompt.language,
                    prompt.file
                ),
            }
        }
        Self { prompts }
    }

    /// A prompt of the policy as it was measured.
    pub fn measured(&self, prompt: &Prompt) -> Option<MeasuredPrompt> {
        self.prompts.get(&key(prompt)).cloned()
    }
}

fn key(prompt: &Prompt) -> String {
    [&*prompt.id, &prompt.language, &prompt.version, &prompt.file].join("\0")
}

fn measured(prompt: &Prompt) -> Option<MeasuredPrompt> {
    let samples = measure(&prompt.file, RATE).filter(|&samples| samples > 0)?;
    let sha256 = std::fs::read(&prompt.file)
        .map(|bytes| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
        .unwrap_or_default();
    Some(MeasuredPrompt {
        id: prompt.id.clone(),
        version: prompt.version.clone(),
        language: prompt.language.clone(),
        source: prompt.file.clone(),
        sha256,
        samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompts_packets_are_counted_up() {
        let prompt = MeasuredPrompt {
            id: String::new(),
            version: String::new(),
            language: String::new(),
            source: String::new(),
            sha256: String::new(),
            samples: 8001,
        };
        assert_eq!([10_000, 20_000, 30_000].map(|ptime| prompt.frames(ptime)), [101, 51, 34]);
    }
}
