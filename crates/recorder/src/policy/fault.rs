//! What is wrong with a config, one sentence per place (E12).
use std::fmt;

/// One fault of a config. A config with any is refused whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The element's path, as `settings/param[retention-days]`.
    pub path: String,
    /// What was found there.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl PolicyFault {
    pub(super) fn new(path: impl Into<String>, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { path: path.into(), found: found.into(), right: right.into() }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; right would be {}", self.path, self.found, self.right)
    }
}

impl std::error::Error for PolicyFault {}

/// A value from the config between quotes, shortened and without control characters.
pub(super) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = value.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if value.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
