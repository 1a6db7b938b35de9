//! Why a prompt or its manifest is not good.
use std::io;
use std::path::PathBuf;

/// One fault of a prompt: what is wrong, and what to do. Paths are configuration, not personal data.
#[derive(Debug, thiserror::Error)]
pub enum PromptFault {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}. Put the file in place and let FreeSWITCH's user read it.", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest cannot be written.
    #[error("{} cannot be written: {source}. Check the directory and the space on it.", path.display())]
    NotWritten {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no audio that can be read here.
    #[error("{} is no WAV file of whole or floating samples ({why}). Convert it: `sox FILE -r 16000 -c 1 -b 16 NAME.wav`.", path.display())]
    NotWav {
        /// Which.
        path: PathBuf,
        /// What the reader said.
        why: String,
    },
    /// Nothing is heard in it.
    #[error("{} is silent: its level is {level_db:.0} dB of full scale. Record it anew.", path.display())]
    Silent {
        /// Which.
        path: PathBuf,
        /// Its root mean square, dB of full scale.
        level_db: f64,
    },
    /// Nobody speaks so fast or so slowly.
    #[error("{} is heard for {heard_s:.1} s, and its text takes {least_s:.1} to {most_s:.1} s to say. Give the words that are spoken, all of them, or the right file.", path.display())]
    Implausible {
        /// Which.
        path: PathBuf,
        /// From the first sound to the last, seconds.
        heard_s: f64,
        /// The shortest that the text can take.
        least_s: f64,
        /// The longest.
        most_s: f64,
    },
    /// No words.
    #[error("the text is empty or longer than {0} characters. Give the words that are spoken.")]
    Text(usize),
    /// No language.
    #[error("\"{0}\" is no language. Write it as \"nl\" or \"en-GB\".")]
    Language(String),
    /// A layered text that does not say where the rest is.
    #[error(
        "a layered text says where the rest is read, and this one names no address. Let it say one, as \"example.org/privacy\" or \"example punt nl\", or name the purposes."
    )]
    NamesNoPlace,
    /// It has none, and the policy requires one.
    #[error("{} has no manifest. Make it with `callvault prompt add`.", .0.display())]
    NoManifest(PathBuf),
    /// It is not what `callvault prompt add` writes.
    #[error("{} is no manifest of a prompt: {why}. Make it anew with `callvault prompt add`.", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The audio is not the one that the manifest speaks of.
    #[error("{} is not the audio that its manifest speaks of. Put the right file back, or run `callvault prompt add` for the new one; then `callvault_admin reload`.", .0.display())]
    Altered(PathBuf),
    /// It is in another language than the configuration says.
    #[error("{} is in language {says}, and the configuration has it as {wanted}. Correct the one that is wrong.", path.display())]
    AnotherLanguage {
        /// Which.
        path: PathBuf,
        /// What the manifest says.
        says: String,
        /// What the configuration says.
        wanted: String,
    },
    /// It does not name a purpose for which recordings may be opened.
    #[error("{} does not name every enabled purpose: {missing} is missing. Record a text that names it, or disable it by `purposes`.", path.display())]
    LacksPurpose {
        /// Which.
        path: PathBuf,
        /// The purposes that it does not name, with commas.
        missing: String,
    },
}

impl PromptFault {
    /// Stable, for scripts and alarms.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "prompt_unreadable",
            Self::NotWritten { .. } => "prompt_manifest_not_written",
            Self::NotWav { .. } => "prompt_not_wav",
            Self::Silent { .. } => "prompt_silent",
            Self::Implausible { .. } => "prompt_implausible",
            Self::Text(_) => "prompt_text",
            Self::Language(_) => "prompt_language",
            Self::NamesNoPlace => "prompt_names_no_place",
            Self::NoManifest(_) => "prompt_no_manifest",
            Self::Malformed { .. } => "prompt_manifest_malformed",
            Self::Altered(_) => "prompt_altered",
            Self::AnotherLanguage { .. } => "prompt_another_language",
            Self::LacksPurpose { .. } => "prompt_lacks_purpose",
        }
    }
}
