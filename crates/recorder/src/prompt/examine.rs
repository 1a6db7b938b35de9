//! Whether a configured prompt may be played as a notice now.
use std::path::Path;

use super::{Audio, Manifest, PromptFault};
use crate::policy::{PROMPT_STOPPED, Policy, Prompt};

/// What is known of a prompt that may be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// SHA-256 of its file, 64 hexadecimal digits; empty where its source is no file.
    pub sha256: String,
    /// Whether a manifest says what is spoken in it.
    pub has_manifest: bool,
}

/// Looks at a configured prompt's file and manifest. Whether it is heard is only known here where it has a manifest: the
/// host plays more kinds of audio than are read here, and measures them itself.
///
/// # Errors
/// Why it must not be played: missing, altered, silent, in another language, without an enabled purpose, or without the
/// manifest that the policy requires.
pub fn examine(prompt: &Prompt, policy: &Policy) -> Result<Examined, PromptFault> {
    let path = Path::new(&prompt.file);
    if prompt.file.contains("://") {
        return match policy.manifests_required {
            true => Err(PromptFault::NoManifest(path.to_owned())),
            false => Ok(Examined { sha256: String::new(), has_manifest: false }),
        };
    }
    let sha256 = super::hash_of_file(path)?;
    let Some(manifest) = Manifest::read(path)? else {
        return match policy.manifests_required {
            true => Err(PromptFault::NoManifest(path.to_owned())),
            false => Ok(Examined { sha256, has_manifest: false }),
        };
    };
    if manifest.sha256 != sha256 {
        return Err(PromptFault::Altered(path.to_owned()));
    }
    manifest.is_true_of(path, &Audio::read(path)?)?;
    if !manifest.speaks_language(&prompt.language) {
        let (says, wanted) = (manifest.language, prompt.language.clone());
        return Err(PromptFault::AnotherLanguage { path: path.to_owned(), says, wanted });
    }
    let missing = manifest.purposes.missing(&policy.purposes);
    // "Recording has stopped" tells nobody that there is one.
    if !missing.is_empty() && prompt.id != PROMPT_STOPPED {
        let missing = missing.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>().join(", ");
        return Err(PromptFault::LacksPurpose { path: path.to_owned(), missing });
    }
    Ok(Examined { sha256, has_manifest: true })
}

#[cfg(test)]
mod tests;
