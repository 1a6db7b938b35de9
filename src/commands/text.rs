//! Lists and recordings for a person.
use std::fmt::Write as _;

use callvault_recorder::catalogue::{RecordingRow, RecordingView};
use callvault_recorder::controller::ActiveRecording;
use callvault_recorder::evidence::{Party, party_in_words};
use callvault_recorder::time::UnixMillis;
use serde::Serialize;

/// The word that a value has in JSON.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "-".into(),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

fn moment(at: Option<UnixMillis>) -> String {
    at.map_or_else(|| "-".into(), |at| at.to_string())
}

fn outcome(row: &RecordingRow) -> String {
    match &row.reason {
        Some(reason) => format!("not_recorded({})", word(reason)),
        None => word(&row.outcome),
    }
}

/// `callvault active`.
pub fn active(recordings: &[ActiveRecording]) -> String {
    let mut text = String::new();
    for recording in recordings {
        // Writing to a String cannot fail, here and below.
        let over = match (recording.outcome, recording.reason) {
            (None, _) => String::new(),
            (Some(outcome), None) => format!("  over: {outcome}; the call goes on"),
            (Some(outcome), Some(reason)) => format!("  over: {outcome}({reason}); the call goes on"),
        };
        let _ = writeln!(text, "{}  since {}{over}", recording.id, recording.started_at_ms);
        for leg in &recording.legs {
            let track = leg.track.map_or_else(|| "-".into(), |track| track.to_string());
            let _ = writeln!(text, "  track {track:>2}  {:<7} {:<10} {}", word(&leg.party), word(&leg.state), leg.leg);
        }
    }
    let being_made = recordings.iter().filter(|recording| recording.outcome.is_none()).count();
    let _ = writeln!(text, "{being_made} being made");
    text
}

/// `callvault list`.
pub fn list(rows: &[RecordingRow]) -> String {
    let mut text =
        format!("{:<32}  {:<24}  {:<8}  {:>12}  {:<10}  outcome\n", "id", "started", "way", "length", "state");
    for row in rows {
        let _ = writeln!(
            text,
            "{}  {:<24}  {:<8}  {:>12}  {:<10}  {}",
            row.id,
            row.started_at_ms,
            word(&row.direction),
            seconds(row.duration_ms),
            word(&row.state),
            outcome(row)
        );
    }
    let _ = writeln!(text, "{} shown", rows.len());
    text
}

/// `callvault show`.
pub fn show(view: &RecordingView) -> String {
    let row = &view.row;
    let mut text = String::new();
    let _ = writeln!(text, "recording  {} of {}", row.id, view.instance);
    let _ = writeln!(text, "direction  {}", word(&row.direction));
    let _ = writeln!(text, "started    {}", row.started_at_ms);
    let _ = writeln!(text, "answered   {}", moment(view.answered_at_ms));
    let _ = writeln!(text, "ended      {}", moment(view.ended_at_ms));
    let _ = writeln!(text, "length     {}", seconds(row.duration_ms));
    let _ = writeln!(text, "state      {}, {}", word(&row.state), outcome(row));
    let _ = writeln!(text, "expires    {}", moment(view.expires_at_ms));
    if let Some(tombstone) = &view.destroyed {
        let _ = writeln!(
            text,
            "destroyed  {} by {}: {}, {} segments (start and length are kept as a day and a class)",
            tombstone.at_ms,
            tombstone.method,
            word(&tombstone.reason),
            tombstone.segments.len()
        );
        for copy in &tombstone.copies {
            let fate = if copy.left { "had left the release directory" } else { "was removed" };
            let _ = writeln!(text, "copy       {} {fate}", copy.name);
        }
    }
    for track in &view.tracks {
        let _ = writeln!(
            text,
            "track {:>2}   {:<7} {:<12} from {}, {} long, leg {}",
            track.number,
            word(&track.party),
            track.codec,
            seconds(track.offset_ms),
            seconds(track.duration_ms),
            track.leg
        );
        for gap in &track.gaps {
            let _ = writeln!(
                text,
                "  gap      at {}, {}: {}",
                seconds(gap.offset_ms),
                seconds(gap.duration_ms),
                word(&gap.reason)
            );
        }
    }
    for party in parties(view) {
        let _ = writeln!(text, "party      {party}");
    }
    text
}

/// What each party was told and did; who was told and is no party of it comes last.
fn parties(view: &RecordingView) -> Vec<String> {
    let beginning = view.answered_at_ms;
    let mut lines = Vec::new();
    for party in &view.parties {
        let who = party.party.map_or("somebody", Party::in_words);
        let words = party_in_words(&party.leg, &view.notices, &party.standings, beginning);
        let words = words.unwrap_or_else(|| match party.party {
            Some(Party::Agent) => "one of the company's own".to_owned(),
            Some(Party::Caller | Party::Callee | Party::Joined | Party::System) | None => "never told".to_owned(),
        });
        lines.push(format!("{who} on leg {}: {words}", party.leg));
    }
    for notice in view.notices.iter().filter(|notice| !view.parties.iter().any(|party| party.leg == notice.leg)) {
        lines.push(format!("{} on leg {}: {}", notice.party.in_words(), notice.leg, notice.in_words()));
    }
    lines
}
