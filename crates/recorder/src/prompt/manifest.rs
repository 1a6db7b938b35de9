//! The manifest beside a prompt's audio: canonical JSON (RFC 8785), written whole or not at all.
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::audio::read_file;
use super::{Audio, NamedPurposes, PromptFault, names_a_place};
use crate::policy::is_language;

/// This form of it.
const FORMAT: u32 = 1;

/// What is added to the audio's name.
const ENDING: &str = ".prompt.json";

/// Longer texts are no prompts.
const LONGEST_TEXT: usize = 4_000;

/// Nobody says more letters and spaces in a second, nor fewer.
const FASTEST: f64 = 30.0;
const SLOWEST: f64 = 6.0;

/// Pauses that a short text may have besides.
const PAUSES_S: f64 = 2.0;

/// What is said in a prompt, and in which bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The language that is spoken: `nl`, `en-GB`.
    pub language: String,
    /// The purposes that the text names.
    pub purposes: NamedPurposes,
    /// The words that are spoken.
    pub text: String,
    /// SHA-256 of the audio's file, 64 hexadecimal digits.
    pub sha256: String,
    /// The audio's length.
    pub duration_ms: u64,
}

impl Manifest {
    /// Where the manifest of this audio lies.
    pub fn path_of(audio: &Path) -> PathBuf {
        let mut name = OsString::from(audio);
        name.push(ENDING);
        name.into()
    }

    /// Of an audio file, where it may be a prompt: it is heard, as long as its text takes to say, and a layered text
    /// says where the rest is read.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn of(path: &Path, language: &str, purposes: NamedPurposes, text: &str) -> Result<Self, PromptFault> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let manifest = Self {
            format: FORMAT,
            language: language.to_owned(),
            purposes,
            text,
            sha256: String::new(),
            duration_ms: 0,
        };
        manifest.speaks()?;
        let audio = Audio::read(path)?;
        manifest.is_said_by(path, &audio)?;
        Ok(Self { sha256: audio.sha256, duration_ms: audio.duration_ms, ..manifest })
    }

    /// The manifest of this audio; `None` where there is none. The audio itself is not looked at.
    ///
    /// # Errors
    /// It is there and cannot be read, or is not one.
    pub fn read(audio: &Path) -> Result<Option<Self>, PromptFault> {
        let path = Self::path_of(audio);
        let bytes = match read_file(&path) {
            Ok(bytes) => bytes,
            Err(PromptFault::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let malformed = |why: String| PromptFault::Malformed { path: path.clone(), why };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|fault| malformed(fault.to_string()))?;
        if manifest.format != FORMAT {
            return Err(malformed(format!("its form is {}, and this program knows {FORMAT}", manifest.format)));
        }
        manifest.speaks().map_err(|fault| malformed(fault.to_string()))?;
        Ok(Some(manifest))
    }

    /// Whether this audio is the one that it speaks of, and may be a prompt.
    ///
    /// # Errors
    /// It is another, silent, or not as long as the text takes to say.
    pub fn is_true_of(&self, path: &Path, audio: &Audio) -> Result<(), PromptFault> {
        if audio.sha256 != self.sha256 || audio.duration_ms != self.duration_ms {
            return Err(PromptFault::Altered(path.to_owned()));
        }
        self.is_said_by(path, audio)
    }

    /// Whether it is in this language; `en` and `en-GB` are one.
    pub fn speaks_language(&self, language: &str) -> bool {
        let tongue = |language: &str| language.split('-').next().map(str::to_owned);
        tongue(&self.language) == tongue(language)
    }

    /// Writes it beside the audio in place of an older one. A reader finds the old or the new one, whole. Whoever may
    /// read the audio may read it.
    ///
    /// # Errors
    /// The directory does not take it.
    pub fn write(&self, audio: &Path) -> Result<PathBuf, PromptFault> {
        let path = Self::path_of(audio);
        let not_written = |source| PromptFault::NotWritten { path: path.clone(), source };
        let mut text = serde_json_canonicalizer::to_vec(self).map_err(|fault| not_written(io::Error::other(fault)))?;
        text.push(b'\n');
        let mut new = OsString::from(&path);
        new.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(new);
        let written = write_new(&new, &text, audio).and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            // The fault that led here is the one that is told.
            let _ = fs::remove_file(&new);
        }
        written.map_err(not_written)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(not_written)?;
        Ok(path)
    }

    /// What can be said without the audio.
    fn speaks(&self) -> Result<(), PromptFault> {
        if !is_language(&self.language) {
            return Err(PromptFault::Language(self.language.clone()));
        }
        let letters = self.text.chars().count();
        if !(1..=LONGEST_TEXT).contains(&letters) || !self.text.chars().any(char::is_alphabetic) {
            return Err(PromptFault::Text(LONGEST_TEXT));
        }
        if self.purposes == NamedPurposes::Layered && !names_a_place(&self.text) {
            return Err(PromptFault::NamesNoPlace);
        }
        Ok(())
    }

    fn is_said_by(&self, path: &Path, audio: &Audio) -> Result<(), PromptFault> {
        let path = path.to_owned();
        if audio.is_silent() {
            return Err(PromptFault::Silent { path, level_db: audio.level_db });
        }
        let letters = self.text.chars().count() as f64;
        let (least_s, most_s) = (letters / FASTEST, letters / SLOWEST + PAUSES_S);
        let heard_s = audio.heard_ms as f64 / 1000.0;
        if (least_s..=most_s).contains(&heard_s) {
            Ok(())
        } else {
            Err(PromptFault::Implausible { path, heard_s, least_s, most_s })
        }
    }
}

fn write_new(path: &Path, bytes: &[u8], like: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::metadata(like)?.permissions())?;
    file.sync_all()
}
