//! The five purposes a recording may be opened for, and no other (PUR-01…06). Closed in code.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a recording is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To look into a complaint.
    Complaint,
    /// A management spot check.
    Spotcheck,
    /// A threat to health or safety, or crime.
    SafetyCrime,
    /// Compliance with legal procedures.
    LegalCompliance,
    /// Training and coaching.
    Training,
}

/// A purpose that is none of the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such purpose; a recording is opened for complaint, spotcheck, safety_crime, legal_compliance or training")]
pub struct UnknownPurpose;

impl Purpose {
    /// All five.
    pub const ALL: [Self; 5] =
        [Self::Complaint, Self::Spotcheck, Self::SafetyCrime, Self::LegalCompliance, Self::Training];

    /// The purpose's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Spotcheck => "spotcheck",
            Self::SafetyCrime => "safety_crime",
            Self::LegalCompliance => "legal_compliance",
            Self::Training => "training",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(UnknownPurpose)
    }
}
