//! `callvault prompt`: what a prompt says, beside its audio (NOT-03).
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callvault_recorder::policy::Purpose;
use callvault_recorder::prompt::{Audio, Manifest, NamedPurposes, PromptFault};

use crate::args::{PromptAdd, PromptCommand};
use crate::failure::Kind;
use crate::output::{self, OutputFault};

/// Why a prompt is not good, or nothing could be written of it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum PromptCommandFault {
    /// The prompt.
    Prompt(#[from] PromptFault),
    /// Standard output.
    Output(#[from] OutputFault),
}

impl PromptCommandFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Output(_) => (Kind::System, "output_failed"),
            Self::Prompt(fault) => (kind(fault), fault.code()),
        }
    }
}

fn kind(fault: &PromptFault) -> Kind {
    match fault {
        PromptFault::Unreadable { .. } | PromptFault::NotWritten { .. } => Kind::System,
        PromptFault::NotWav { .. }
        | PromptFault::Silent { .. }
        | PromptFault::Implausible { .. }
        | PromptFault::Text(_)
        | PromptFault::Language(_)
        | PromptFault::NamesNoPlace
        | PromptFault::NoManifest(_)
        | PromptFault::Malformed { .. }
        | PromptFault::Altered(_)
        | PromptFault::AnotherLanguage { .. }
        | PromptFault::LacksPurpose { .. } => Kind::Malformed,
    }
}

/// Adds or checks.
pub fn run(command: &PromptCommand) -> Result<(), PromptCommandFault> {
    match command {
        PromptCommand::Add(asked) => add(asked),
        PromptCommand::Check { file, json } => check(file, *json),
    }
}

fn add(asked: &PromptAdd) -> Result<(), PromptCommandFault> {
    let manifest = Manifest::of(&asked.file, &asked.language, asked.purposes.clone(), &asked.text)?;
    let written = manifest.write(&asked.file)?;
    output::print(&line(asked))?;
    output::complain(&format!(
        "{} is written. Put the line above into <prompts> and run `callvault_admin reload`.{}",
        written.display(),
        warning(&manifest.purposes)
    ));
    Ok(())
}

/// The element that the configuration wants.
fn line(asked: &PromptAdd) -> String {
    let file = std::fs::canonicalize(&asked.file).unwrap_or_else(|_| asked.file.clone());
    format!(
        "<prompt id=\"{}\" language=\"{}\" file=\"{}\" version=\"{}\"/>",
        escaped(&asked.id),
        escaped(&asked.language),
        escaped(&file.to_string_lossy()),
        escaped(&asked.version)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Purposes that have to be disabled before a notice of this text counts.
fn warning(purposes: &NamedPurposes) -> String {
    let missing: Vec<&str> =
        purposes.missing(&BTreeSet::from(Purpose::ALL)).iter().map(|purpose| purpose.as_str()).collect();
    let none = NamedPurposes::Named(BTreeSet::new());
    if missing.is_empty() || *purposes == none {
        return String::new();
    }
    format!(
        " A notice counts only where the policy's `purposes` leaves out what it does not name: {}.",
        missing.join(", ")
    )
}

fn check(file: &Path, json: bool) -> Result<(), PromptCommandFault> {
    let audio = Audio::read(file)?;
    let manifest = Manifest::read(file)?.ok_or_else(|| PromptFault::NoManifest(PathBuf::from(file)))?;
    manifest.is_true_of(file, &audio)?;
    if json {
        return Ok(output::print_json(&manifest)?);
    }
    output::print(&format!(
        "{} is as its manifest says\nlanguage  {}\npurposes  {}\nlength    {:.1} s, at {:.0} dB of full scale\nsha256    {}\ntext      {}",
        file.display(),
        manifest.language,
        manifest.purposes,
        audio.duration_ms as f64 / 1000.0,
        audio.level_db,
        manifest.sha256,
        manifest.text
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_xml_whatever_the_file_is_called() {
        let asked = PromptAdd {
            file: "/nowhere/a \"b\" <c> & d.wav".into(),
            language: "nl".into(),
            purposes: NamedPurposes::Layered,
            text: String::new(),
            id: "notice".into(),
            version: "1".into(),
        };
        assert_eq!(
            line(&asked),
            "<prompt id=\"notice\" language=\"nl\" file=\"/nowhere/a &quot;b&quot; &lt;c&gt; &amp; d.wav\" version=\"1\"/>"
        );
    }
}
