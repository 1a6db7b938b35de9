//! What a request belongs to: a case, a complaint, a draw.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The case, complaint or draw that a request belongs to: 1 to 128 letters, digits, spaces and ASCII punctuation,
/// not blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reference(Box<str>);

/// A text that cannot be a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable reference; take 1 to 128 letters, digits, spaces and punctuation, such as a case number")]
pub struct BadReference;

impl Reference {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        let usable = |c: char| c.is_alphanumeric() || c.is_ascii_punctuation() || c == ' ';
        let text = text.trim();
        if !text.is_empty() && text.chars().count() <= 128 && text.chars().all(usable) {
            Ok(Self(text.into()))
        } else {
            Err(BadReference)
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
