//! How a call ended for the recorder: `recorded` or `not_recorded(reason)`, no third state (REC-02, decision 19).
use serde::{Deserialize, Serialize};

/// The outcome of an in-scope call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// At least one party's voice is kept.
    Recorded,
    /// Nothing is kept, and why.
    NotRecorded(NotRecorded),
}

impl Outcome {
    /// `recorded` or `not_recorded`, and the reason's word.
    pub fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Recorded => ("recorded", None),
            Self::NotRecorded(reason) => ("not_recorded", Some(reason.as_str())),
        }
    }
}

/// Why nothing is kept. Closed: no other reason exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotRecorded {
    /// The party hung up in the notice.
    RefusedHangup,
    /// A party objected.
    Objected,
    /// A line the policy exempts.
    ExemptLine,
    /// An emergency call.
    Emergency,
    /// Company parties only, and `record-internal` is off.
    Internal,
    /// An outside party was not told.
    NotInformed,
    /// No company party was on the call.
    NoCompanyParty,
    /// The audio does not pass through this host, or nothing here can decode it.
    NoMediaPath,
    /// No audio came (fax, video only, no packet).
    NoSpeech,
    /// Stopped by an operator (`callvault_admin stop`).
    OperatorStop,
    /// The recorder could not: no valid roster, no key, store refused.
    RecorderFault,
}

impl NotRecorded {
    /// The reason's word, as `list`, `show` and the CDR variable have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RefusedHangup => "refused_hangup",
            Self::Objected => "objected",
            Self::ExemptLine => "exempt_line",
            Self::Emergency => "emergency",
            Self::Internal => "internal",
            Self::NotInformed => "not_informed",
            Self::NoCompanyParty => "no_company_party",
            Self::NoMediaPath => "no_media_path",
            Self::NoSpeech => "no_speech",
            Self::OperatorStop => "operator_stop",
            Self::RecorderFault => "recorder_fault",
        }
    }

    /// All of them, in the order of decision 19.
    pub const ALL: [Self; 11] = [
        Self::RefusedHangup,
        Self::Objected,
        Self::ExemptLine,
        Self::Emergency,
        Self::Internal,
        Self::NotInformed,
        Self::NoCompanyParty,
        Self::NoMediaPath,
        Self::NoSpeech,
        Self::OperatorStop,
        Self::RecorderFault,
    ];
}
