//! What a person is to the recorder: a name and a role.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a person may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May open recordings, for the purposes that the roster grants.
    Manager,
    /// The privacy officer: signs the roster.
    Officer,
    /// The offline key that every capsule is also sealed to; opens nothing by ticket.
    Recovery,
}

/// A role that is none of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such role; a person is manager, officer or recovery")]
pub struct UnknownRole;

impl Role {
    /// The role's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Officer => "officer",
            Self::Recovery => "recovery",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Manager, Self::Officer, Self::Recovery].into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A person's name on the roster: 1 to 64 ASCII letters, digits and `.` `_` `-` `@` `+`, the first a letter or a
/// digit. So it is one shell word, and safe in a log line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PersonName(Box<str>);

/// A text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable name; take 1 to 64 letters, digits and . _ - @ + without spaces, the first a letter or a digit")]
pub struct BadPersonName;

impl PersonName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PersonName {
    type Err = BadPersonName;

    fn from_str(text: &str) -> Result<Self, BadPersonName> {
        let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins_well && text.len() <= 64 && text.bytes().all(usable) {
            Ok(Self(text.into()))
        } else {
            Err(BadPersonName)
        }
    }
}

impl<'de> Deserialize<'de> for PersonName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_shell_word() {
        for name in ["anna", "j.de-vries", "anna@example.nl", "7"] {
            assert_eq!(name.parse::<PersonName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
        for name in ["", " ", "anna b", "-rf", "a:b", "a\n", "naïef", "$(id)", &"a".repeat(65)] {
            assert_eq!(name.parse::<PersonName>(), Err(BadPersonName), "{name:?}");
        }
    }
}
