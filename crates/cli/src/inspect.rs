//! `callvault inspect` and `callvault verify`: what anybody can see of a copy or a segment, without a secret.
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use callvault_recorder::access::{Manifest, ManifestTrack, PublicSigningKey, Sha256Digest};
use callvault_recorder::disclosure::{CopyFault, CopyReader};
use callvault_recorder::evidence::{GapReason, NoticeEvidence, of_leg, party_in_words};
use callvault_recorder::seal::{self, Ending, Inspection, ReadFault};
use callvault_recorder::time::{Clock as _, SystemClock, UnixMillis};
use serde_json::json;

use crate::args::{Inspect, Verify};
use crate::failure::{Kind, of_copy};
use crate::open::length;
use crate::output::{self, OutputFault};
use crate::progress::Progress;

/// Why nothing can be said of a file, or what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum InspectFault {
    /// It cannot be read.
    #[error("{} cannot be read: {source}. Check the path and the disk.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is neither of the two.
    #[error("{} is neither a released copy nor a segment. Take the file as it was released or recorded.", .0.display())]
    NeitherKind(PathBuf),
    /// The copy.
    #[error(transparent)]
    Copy(#[from] CopyFault),
    /// The segment.
    #[error(transparent)]
    Segment(#[from] ReadFault),
    /// The segment has no last record.
    #[error(
        "the segment ends without its last record: the recorder was stopped in it, or it was cut. Its {records} whole records can still be opened."
    )]
    Torn {
        /// Whole records.
        records: u64,
    },
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputFault),
}

impl InspectFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Unreadable { .. } => (Kind::System, "file_unreadable"),
            Self::NeitherKind(_) => (Kind::Malformed, "file_neither"),
            Self::Copy(fault) => of_copy(fault),
            Self::Segment(ReadFault::Io(_)) => (Kind::System, "file_unreadable"),
            Self::Segment(_) => (Kind::Malformed, "segment_damaged"),
            Self::Torn { .. } => (Kind::Malformed, "segment_torn"),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// What a file is, by how it begins.
enum Found {
    Copy(Box<CopyReader>),
    Segment(Box<Inspection>),
}

/// Shows what the file says of itself.
pub fn run(asked: &Inspect) -> Result<(), InspectFault> {
    match (look(&asked.file)?, asked.json) {
        (Found::Copy(copy), true) => output::print_json(copy.manifest())?,
        (Found::Copy(copy), false) => output::print(&copy_in_words(copy.manifest(), SystemClock.now()))?,
        (Found::Segment(segment), true) => output::print_json(&segment_as_json(&segment))?,
        (Found::Segment(segment), false) => output::print(&segment_in_words(&segment))?,
    }
    Ok(())
}

/// Checks that the file is whole and as it was made.
pub fn verify(asked: &Verify) -> Result<(), InspectFault> {
    match look(&asked.file)? {
        Found::Copy(copy) => verify_copy(&copy, asked),
        Found::Segment(segment) => verify_segment(&segment, asked),
    }
}

fn verify_copy(copy: &CopyReader, asked: &Verify) -> Result<(), InspectFault> {
    if let Some(node) = &asked.node {
        copy.check_node(node)?;
    }
    let mut progress = Progress::new("checking", copy.segment_bytes());
    copy.check_parts(&mut |bytes| progress.at(bytes))?;
    drop(progress);
    let manifest = copy.manifest();
    let expired = copy.check_expiry(SystemClock.now()).is_err();
    let segments: usize = manifest.tracks.iter().map(|track| track.segments.len()).sum();
    if asked.json {
        let said = json!({
            "kind": "released_copy", "recording": manifest.recording, "whole": true, "node": manifest.node,
            "tracks": manifest.tracks.len(), "segments": segments,
            "expires_at_ms": manifest.expires_at_ms, "expired": expired,
        });
        return Ok(output::print_json(&said)?);
    }
    let mut lines = vec![
        format!("recording {}: whole, as it was released", manifest.recording),
        format!("{} tracks, {segments} segments: every digest is the manifest's", manifest.tracks.len()),
        signer(&manifest.node, asked.node.is_some()),
        expiry(manifest.expires_at_ms, expired),
    ];
    lines.extend(parties_in_words(manifest));
    Ok(output::print(&lines.join("\n"))?)
}

fn verify_segment(segment: &Inspection, asked: &Verify) -> Result<(), InspectFault> {
    match segment.ending {
        Ending::Torn { .. } => Err(InspectFault::Torn { records: segment.records }),
        Ending::Whole if asked.json => Ok(output::print_json(&segment_as_json(segment))?),
        Ending::Whole => {
            let header = &segment.header;
            let name =
                format!("segment {} of track {} of recording {}", header.segment, header.track, header.recording);
            let mut lines = vec![
                format!("{name}: {} records, the last one among them", segment.records),
                "whether they are unchanged, only the key or a released copy's manifest tells".to_owned(),
            ];
            lines.extend(told_in_words(segment));
            Ok(output::print(&lines.join("\n"))?)
        }
    }
}

fn look(path: &Path) -> Result<Found, InspectFault> {
    let unreadable = |source| InspectFault::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut first = Vec::new();
    file.by_ref().take(16).read_to_end(&mut first).map_err(unreadable)?;
    if CopyReader::is_copy(&first) {
        return Ok(Found::Copy(Box::new(CopyReader::open(path)?)));
    }
    let file = File::open(path).map_err(unreadable)?;
    match seal::inspect(BufReader::new(file)) {
        Ok(inspection) => Ok(Found::Segment(Box::new(inspection))),
        Err(ReadFault::NotASegment) => Err(InspectFault::NeitherKind(path.to_owned())),
        Err(fault) => Err(fault.into()),
    }
}

fn copy_in_words(manifest: &Manifest, now: UnixMillis) -> String {
    let mut lines = vec![
        format!("recording  {}", manifest.recording),
        format!("instance   {}", manifest.instance),
        format!("call       {}, {} to {}", word(&manifest.direction), manifest.started_at_ms, manifest.ended_at_ms),
        format!("answered   {}", manifest.answered_at_ms.map_or_else(|| "never".to_owned(), |at| at.to_string())),
        format!("holder     {} ({})", manifest.holder.name, manifest.holder.age),
        format!("purpose    {}, reference {}", manifest.purpose, manifest.reference),
        format!("released   {}, ticket {}", manifest.released_at_ms, manifest.ticket_sha256),
        expiry(manifest.expires_at_ms, now >= manifest.expires_at_ms),
        format!("node       {}", manifest.node),
    ];
    for track in &manifest.tracks {
        lines.push(track_in_words(track));
        lines.extend(track.gaps.iter().map(|gap| {
            format!(
                "  gap      from {}, {} long: {}",
                length(gap.offset_ms),
                length(gap.duration_ms),
                gap_in_words(gap.reason)
            )
        }));
    }
    lines.extend(parties_in_words(manifest));
    lines.join("\n")
}

fn track_in_words(track: &ManifestTrack) -> String {
    let bytes: u64 = track.segments.iter().map(|segment| segment.bytes).sum();
    format!(
        "track {}    {}, leg {}, {}, from {}, {} long, {} segments, {bytes} bytes",
        track.number,
        word(&track.party),
        track.leg,
        track.codec,
        length(track.offset_ms),
        length(track.duration_ms),
        track.segments.len(),
    )
}

fn segment_in_words(segment: &Inspection) -> String {
    let header = &segment.header;
    let ending = match segment.ending {
        Ending::Whole => "whole".to_owned(),
        Ending::Torn { lost } => format!("without its last record, {lost} bytes after the last whole one"),
    };
    let mut lines = vec![
        format!("recording  {}", header.recording),
        format!("instance   {}", header.instance),
        format!("track      {}, segment {}", header.track, header.segment),
        format!("party      {}, leg {}", word(&header.party), header.leg),
        format!("codec      {}, {} Hz, {} channels", header.codec.as_str(), header.sample_rate, header.channels),
        format!("started    {} (the recording)", header.recording_started_at),
        format!("key        {}, slot {}", header.key, header.slot.0),
        format!("records    {}, until {}, {ending}", segment.records, length(segment.until_us / 1000)),
        format!("file       {} bytes, SHA-256 {}", segment.bytes, Sha256Digest::from_bytes(segment.sha256)),
    ];
    lines.extend(told_in_words(segment));
    lines.join("\n")
}

/// What the track's party was told before it was captured, and how it stood then.
fn told_in_words(segment: &Inspection) -> Option<String> {
    let header = &segment.header;
    let standings = of_leg(&header.leg, &header.standings);
    let told = party_in_words(&header.leg, &header.notices, &standings, Some(header.recording_started_at))?;
    Some(format!("stood      {told}"))
}

fn segment_as_json(segment: &Inspection) -> serde_json::Value {
    json!({
        "kind": "segment",
        "header": segment.header,
        "records": segment.records,
        "until_ms": segment.until_us / 1000,
        "whole": segment.ending == Ending::Whole,
        "bytes": segment.bytes,
        "sha256": Sha256Digest::from_bytes(segment.sha256),
    })
}

/// NOT-02 and NOT-04 in sentences: each party, what it was told and what it did.
fn parties_in_words(manifest: &Manifest) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for party in &manifest.parties {
        let told = party_in_words(&party.leg, &manifest.notices, &party.standings, manifest.answered_at_ms);
        let outcome = word(&party.outcome).replace('_', " ");
        let line = format!("party      {} on leg {}: {outcome}", party.party.in_words(), party.leg);
        lines.push(told.map_or_else(|| line.clone(), |told| format!("{line}; {told}")));
    }
    let of_no_party = |notice: &&NoticeEvidence| !manifest.parties.iter().any(|party| party.leg == notice.leg);
    lines.extend(
        manifest.notices.iter().filter(of_no_party).map(|notice| {
            format!("notice     {} on leg {}: {}", notice.party.in_words(), notice.leg, notice.in_words())
        }),
    );
    lines
}

fn gap_in_words(reason: GapReason) -> &'static str {
    match reason {
        GapReason::NotReceived => "the network delivered nothing",
        GapReason::RingFull => "the recorder was too slow",
        GapReason::Hold => "on hold or in a queue",
        GapReason::Muted => "muted",
        GapReason::Paused => "paused",
        GapReason::NoMedia => "the media did not pass through the recording host",
        GapReason::NoKey => "no key was ready",
        GapReason::Undecodable => "could not be decoded",
        GapReason::StoreFault => "the store refused it",
        GapReason::Withheld => "withheld",
    }
}

fn signer(node: &PublicSigningKey, pinned: bool) -> String {
    if pinned {
        format!("signed by node {node}, as expected")
    } else {
        format!("signed by node {node}; give the node's key with --node to hold it against")
    }
}

fn expiry(at: UnixMillis, expired: bool) -> String {
    if expired { format!("expired    {at}: it is not opened any more") } else { format!("expires    {at}") }
}

/// A word as the manifest has it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "?".to_owned(),
    }
}
