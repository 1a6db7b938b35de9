//! What `list --json` and `show --json` say.
use serde::Deserialize;
use serde_json::Value;

/// A row of `list --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The recording's id.
    pub id: String,
    /// `inbound`, `outbound` or `internal`.
    pub direction: String,
    /// Unix ms, UTC.
    pub started_at_ms: i64,
    /// From the first answer to the end, or until now, ms.
    pub duration_ms: i64,
    /// `recording`, `kept`, `truncated`, `none`, `destroying`, `destroyed`.
    pub state: String,
    /// `recorded` or `not_recorded`; absent while it lasts.
    pub outcome: Option<String>,
    /// Why nothing is kept.
    pub reason: Option<String>,
}

/// `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The recording's id.
    pub id: String,
    /// As in [`Row`].
    pub direction: String,
    /// As in [`Row`].
    pub started_at_ms: i64,
    /// As in [`Row`].
    pub duration_ms: i64,
    /// As in [`Row`].
    pub state: String,
    /// As in [`Row`].
    pub outcome: Option<String>,
    /// As in [`Row`].
    pub reason: Option<String>,
    /// Which PBX.
    pub instance: String,
    /// Unix ms; the recording's zero, from which offsets count.
    pub answered_at_ms: Option<i64>,
    /// Unix ms.
    pub ended_at_ms: Option<i64>,
    /// Unix ms.
    pub expires_at_ms: Option<i64>,
    /// One per party.
    pub tracks: Vec<Track>,
    /// One per notice.
    pub notices: Vec<Value>,
    /// How each party stood, and since when.
    #[serde(default)]
    pub parties: Vec<PartyView>,
    /// What the tombstone has, where it was destroyed.
    #[serde(default)]
    pub destroyed: Option<Value>,
}

impl View {
    /// How the party of a leg stood, one word after another.
    pub fn standings(&self, leg: &str) -> Vec<&str> {
        let own = self.parties.iter().filter(|party| party.leg == leg);
        own.flat_map(|party| &party.standings).map(|change| change.standing.as_str()).collect()
    }
}

/// A party of `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyView {
    /// The host's uuid of its leg.
    pub leg: String,
    /// As in [`Track`].
    pub party: String,
    /// Oldest first.
    pub standings: Vec<StandingView>,
}

/// Since when a party stands so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingView {
    /// `pending`, `informed`, `consented`, `objected` …
    pub standing: String,
    /// Unix ms.
    pub at_ms: i64,
    /// `prompt`, `digit`, `agent`, `command`, or what `told-by` names.
    pub by: String,
}

/// A track of `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// From 1; its place in an opened WAV's channels follows it.
    pub number: u16,
    /// `caller`, `callee`, `agent`, `joined`, `system`.
    pub party: String,
    /// The host's uuid of the leg.
    pub leg: String,
    /// How it is stored.
    pub codec: Option<String>,
    /// From the recording's start.
    pub offset_ms: Option<i64>,
    /// How long.
    pub duration_ms: Option<i64>,
    /// Stretches without audio.
    pub gaps: Vec<Gap>,
}

/// A gap of a track.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// From the recording's start.
    pub offset_ms: i64,
    /// How long.
    pub duration_ms: i64,
    /// Why.
    pub reason: String,
}
