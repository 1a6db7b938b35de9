//! Which purposes a prompt names.
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::Purpose;

/// The word for a short text that says where the purposes are read.
const LAYERED: &str = "layered";

/// The word for a text that names none, as "recording has stopped".
const NONE: &str = "none";

/// What a prompt's text says of purposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedPurposes {
    /// It names these.
    Named(BTreeSet<Purpose>),
    /// It says where they are read (a layered notice).
    Layered,
}

/// Neither purposes nor `layered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write the purposes that the text names, with commas between them (complaint, spotcheck, safety_crime, legal_compliance, training), or \"layered\", or \"none\""
)]
pub struct BadPurposes;

impl NamedPurposes {
    /// The enabled purposes that it does not name; none where it is layered.
    pub fn missing(&self, enabled: &BTreeSet<Purpose>) -> Vec<Purpose> {
        match self {
            Self::Named(named) => enabled.difference(named).copied().collect(),
            Self::Layered => Vec::new(),
        }
    }
}

impl fmt::Display for NamedPurposes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layered => f.write_str(LAYERED),
            Self::Named(named) if named.is_empty() => f.write_str(NONE),
            Self::Named(named) => {
                let words: Vec<&str> = named.iter().map(|purpose| purpose.as_str()).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

impl FromStr for NamedPurposes {
    type Err = BadPurposes;

    fn from_str(text: &str) -> Result<Self, BadPurposes> {
        match text.trim() {
            LAYERED => Ok(Self::Layered),
            NONE => Ok(Self::Named(BTreeSet::new())),
            list => {
                let named: Result<BTreeSet<Purpose>, _> = list.split(',').map(|word| word.trim().parse()).collect();
                named.map(Self::Named).map_err(|_| BadPurposes)
            }
        }
    }
}

impl Serialize for NamedPurposes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Layered => serializer.serialize_str(LAYERED),
            Self::Named(named) => named.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for NamedPurposes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            List(BTreeSet<Purpose>),
        }
        match Written::deserialize(deserializer)? {
            Written::Word(word) if word == LAYERED => Ok(Self::Layered),
            Written::List(named) => Ok(Self::Named(named)),
            Written::Word(_) => Err(D::Error::custom(BadPurposes)),
        }
    }
}

/// Whether a text says where more is read: an address as written (`example.org`) or as spoken (`example dot org`,
/// `example punt nl`).
pub fn names_a_place(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split_whitespace().map(|word| word.trim_matches(|c: char| ",;:!?()\"'".contains(c))).collect();
    let written = words.iter().any(|word| is_address(word));
    let spoken = words.windows(3).any(|three| {
        let is_word = |word: &str| word.chars().any(char::is_alphanumeric);
        matches!(three[1], "punt" | "dot") && is_word(three[0]) && is_word(three[2])
    });
    written || spoken
}

/// `example.org`, `www.example.org/privacy`, `https://example.org`.
fn is_address(word: &str) -> bool {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = word.split('/').next().unwrap_or(word).trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    let label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    labels.len() >= 2
        && labels.iter().all(label)
        && labels.last().is_some_and(|last| last.len() >= 2 && last.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-03: a layered text names where the rest is read.
    #[test]
    fn an_address_is_known_as_it_is_written_and_as_it_is_spoken() {
        for text in [
            "Waarom, en uw rechten: gigaleads punt nl, schuine streep privacy.",
            "Your rights: gigaleads dot N L, slash privacy.",
            "Lees meer op example.org/privacy.",
            "See https://www.example.co.uk.",
            "Meer op voorbeeld.nl",
        ] {
            assert!(names_a_place(text), "{text}");
        }
        for text in [
            "Dit gesprek wordt opgenomen.",
            "Dat is een punt.",
            "Punt nl",
            "Call recorded at 9.30 today.",
            "Uw rechten leest u op onze website.",
            "e.g. this one",
            "",
        ] {
            assert!(!names_a_place(text), "{text}");
        }
    }

    #[test]
    fn purposes_are_the_five_or_layered_or_none() {
        let all = BTreeSet::from(Purpose::ALL);
        assert_eq!("layered".parse(), Ok(NamedPurposes::Layered));
        assert_eq!("none".parse(), Ok(NamedPurposes::Named(BTreeSet::new())));
        let two: NamedPurposes = "training, complaint".parse().expect("two purposes");
        assert_eq!(two.to_string(), "complaint,training");
        assert_eq!(two.missing(&all), [Purpose::Spotcheck, Purpose::SafetyCrime, Purpose::LegalCompliance]);
        assert_eq!(NamedPurposes::Layered.missing(&all), []);
        for wrong in ["", "marketing", "training,layered", "training,,complaint", "ALL"] {
            assert_eq!(wrong.parse::<NamedPurposes>(), Err(BadPurposes), "{wrong}");
        }
    }
}
