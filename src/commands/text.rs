//! Lists and recordings for a person.
use std::fmt::Write as _;

use callvault_recorder::catalogue::{RecordingRow, RecordingView};
use callvault_recorder::controller::ActiveRecording;
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
        let _ = writeln!(text, "{}  since {}", recording.id, recording.started_at_ms);
        for leg in &recording.legs {
            let track = leg.track.map_or_else(|| "-".into(), |track| track.to_string());
            let _ = writeln!(text, "  track {track:>2}  {:<7} {:<10} {}", word(&leg.party), word(&leg.state), leg.leg);
        }
    }
    let _ = writeln!(text, "{} being made", recordings.len());
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
    for notice in &view.notices {
        let _ = writeln!(
            text,
            "notice     {} {} ({}) to the {}: {}, {} of {} packets written, {} sent",
            notice.prompt,
            notice.version,
            notice.language,
            word(&notice.party),
            word(&notice.state),
            notice.frames_written,
            notice.frames_due,
            notice.packets_sent.map_or_else(|| "unknown".into(), |sent| sent.to_string()),
        );
    }
    text
}
