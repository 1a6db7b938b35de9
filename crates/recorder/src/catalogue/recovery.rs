//! After a crash: closing what has no end (E06).
//!
//! What the catalogue knows of a recording in progress may lag behind what lies in the store, because rows are written
//! in groups. So the segment files decide: a file without a row is adopted, a row without a file is dropped.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::conversation::Direction;
use crate::evidence::Party;
use crate::ids::{KeyId, LegUuid, RecordingId, SlotNumber, TrackNumber};
use crate::policy::{NotRecorded, Outcome};
use crate::time::{EpochDay, UnixMillis};

use super::change::Change;
use super::fault::{CatalogueFault, Doing};
use super::view::State;
use super::words::{meaning, recording_id, track_number, unsigned};

/// A recording with an open end, as the catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The recording.
    pub id: RecordingId,
    /// Where it is in its life.
    pub state: State,
    /// The birth of its first leg.
    pub started_at: UnixMillis,
    /// Its first answer.
    pub answered_at: Option<UnixMillis>,
    /// Its end and outcome, where only a track or a segment of it was not closed.
    pub ended: Option<(UnixMillis, Outcome)>,
    /// All its tracks.
    pub tracks: Vec<UnfinishedTrack>,
}

/// A track of such a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedTrack {
    /// The track.
    pub number: TrackNumber,
    /// When it begins, from the recording's zero.
    pub offset_ms: u64,
    /// Whether it was closed.
    pub closed: bool,
    /// Its segments, and whether each was closed.
    pub segments: BTreeMap<u32, bool>,
}

/// What lies in the store of one segment: its header, its length, its time. No key is needed to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFacts {
    /// Its name in the store.
    pub name: String,
    /// From the header: the recording.
    pub recording: RecordingId,
    /// From the header: the track.
    pub track: TrackNumber,
    /// From the header: the segment's index.
    pub segment: u32,
    /// From the header: the track's party.
    pub party: Party,
    /// From the header: the track's leg.
    pub leg: LegUuid,
    /// From the header: which key sealed it.
    pub key: KeyId,
    /// From the header: the key's slot.
    pub slot: SlotNumber,
    /// From the header: the instance.
    pub instance: String,
    /// From the header: the stored codec's name.
    pub codec: String,
    /// From the header.
    pub sample_rate: u32,
    /// From the header.
    pub channels: u8,
    /// From the header: the recording's zero.
    pub zero_at: UnixMillis,
    /// Whole records in it.
    pub records: u64,
    /// Its length in bytes, whole records only.
    pub bytes: u64,
    /// SHA-256 over those bytes.
    pub sha256: [u8; 32],
    /// Whether its last record says that it is the last.
    pub whole: bool,
    /// The end of its last whole record, UTC: the recording's zero and that record's end from it.
    pub last_record_ends_at: UnixMillis,
}

/// What recovery found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovery {
    /// What closes the recordings; to be applied in one group.
    pub changes: Vec<Change>,
    /// The recordings that were cut short.
    pub truncated: Vec<RecordingId>,
    /// Names of segments of recordings that were destroyed: to be removed, their keys are gone.
    pub strays: Vec<String>,
}

/// Closes what has no end. `unfinished` are the recordings with an open end, and those that any of `segments` belongs
/// to; `buried` those among the segments' recordings that have a tombstone. Expiry counts from the last record: a stop
/// of the recorder lengthens nothing.
pub(super) fn recover(
    unfinished: &[Unfinished],
    buried: &BTreeSet<RecordingId>,
    segments: &[SegmentFacts],
    now: UnixMillis,
    retention: Duration,
) -> Recovery {
    let mut by_recording: BTreeMap<RecordingId, Vec<&SegmentFacts>> = BTreeMap::new();
    let mut recovery = Recovery::default();
    for facts in segments {
        if buried.contains(&facts.recording) {
            recovery.strays.push(facts.name.clone());
        } else {
            by_recording.entry(facts.recording).or_default().push(facts);
        }
    }
    for found in by_recording.values_mut() {
        found.sort_by_key(|facts| (facts.track, facts.segment));
    }
    for recording in unfinished {
        let found = by_recording.remove(&recording.id).unwrap_or_default();
        close(recording, &found, now, retention, &mut recovery);
    }
    for (id, found) in by_recording {
        adopt(id, &found, now, retention, &mut recovery);
    }
    recovery
}

/// A recording of which only files are left. Its policy is not known any more; its epoch follows from its start.
fn adopt(id: RecordingId, found: &[&SegmentFacts], now: UnixMillis, retention: Duration, recovery: &mut Recovery) {
    let Some(first) = found.first() else { return };
    let rang_us = found.iter().any(|facts| facts.party == Party::Caller);
    recovery.changes.push(Change::RecordingStarted {
        id,
        direction: if rang_us { Direction::Inbound } else { Direction::Outbound },
        started_at: first.zero_at,
        instance: first.instance.clone(),
        policy_hash: String::new(),
        epoch: EpochDay(first.zero_at.plus(retention).day().0.saturating_add(1)),
    });
    let recording = Unfinished {
        id,
        state: State::Recording,
        started_at: first.zero_at,
        answered_at: None,
        ended: None,
        tracks: Vec::new(),
    };
    close(&recording, found, now, retention, recovery);
}

fn close(
    recording: &Unfinished,
    found: &[&SegmentFacts],
    now: UnixMillis,
    retention: Duration,
    recovery: &mut Recovery,
) {
    let id = recording.id;
    let first_zero = found.first().map(|facts| facts.zero_at);
    if let (None, Some(at)) = (recording.answered_at, first_zero) {
        recovery.changes.push(Change::RecordingAnswered { id, at });
    }
    let zero = recording.answered_at.or(first_zero).unwrap_or(recording.started_at);
    let mut tracks: BTreeMap<TrackNumber, UnfinishedTrack> =
        recording.tracks.iter().map(|track| (track.number, track.clone())).collect();
    for facts in found {
        let track = tracks.entry(facts.track).or_insert_with(|| {
            recovery.changes.push(opened_track(facts));
            UnfinishedTrack { number: facts.track, offset_ms: 0, closed: false, segments: BTreeMap::new() }
        });
        let closed = track.segments.insert(facts.segment, true);
        if closed.is_none() {
            recovery.changes.push(opened_segment(facts));
        }
        if closed != Some(true) {
            recovery.changes.push(Change::SegmentClosed {
                recording: id,
                track: facts.track,
                segment: facts.segment,
                records: facts.records,
                bytes: facts.bytes,
                sha256: facts.sha256,
            });
        }
    }
    let last_of = |track: Option<TrackNumber>| {
        let of = found.iter().filter(|facts| facts.records > 0 && track.is_none_or(|track| track == facts.track));
        of.map(|facts| facts.last_record_ends_at.clamp(zero, now.max(zero))).max()
    };
    for track in tracks.values() {
        for (&segment, _) in track.segments.iter().filter(|(_, closed)| !**closed) {
            recovery.changes.push(Change::SegmentMissing { recording: id, track: track.number, segment });
        }
        if !track.closed {
            let until = last_of(Some(track.number))
                .map_or(0, |last| u64::try_from(last.since(zero).as_millis()).unwrap_or(u64::MAX));
            recovery.changes.push(Change::TrackClosed {
                recording: id,
                number: track.number,
                offset_ms: track.offset_ms,
                duration_ms: until.saturating_sub(track.offset_ms),
                gaps: Vec::new(),
                frames: 0,
                frames_lost: 0,
            });
        }
    }
    if recording.state == State::Destroying {
        return;
    }
    let cut_short = found.iter().any(|facts| !facts.whole);
    if recording.ended.is_some() && !cut_short {
        return;
    }
    let (ended_at, outcome) = recording.ended.unwrap_or(match last_of(None) {
        Some(last) => (last, Outcome::Recorded),
        None => (zero.max(recording.started_at), Outcome::NotRecorded(NotRecorded::RecorderFault)),
    });
    recovery.truncated.push(id);
    recovery.changes.push(Change::RecordingTruncated { id, ended_at, outcome, expires_at: ended_at.plus(retention) });
}

fn opened_track(facts: &SegmentFacts) -> Change {
    Change::TrackOpened {
        recording: facts.recording,
        number: facts.track,
        party: facts.party,
        leg: facts.leg.clone(),
        slot: facts.slot,
        key: facts.key,
        personal_sealed: Vec::new(),
        offset_ms: 0,
    }
}

fn opened_segment(facts: &SegmentFacts) -> Change {
    Change::SegmentOpened {
        recording: facts.recording,
        track: facts.track,
        segment: facts.segment,
        name: facts.name.clone(),
        codec: facts.codec.clone(),
        sample_rate: facts.sample_rate,
        channels: facts.channels,
    }
}

/// The ids of recordings without an end, and of those that ended with a track or a segment still open.
const OPEN: &str = "SELECT id FROM recordings WHERE state = 'recording'
    UNION SELECT recording FROM segments WHERE sha256 IS NULL
    UNION SELECT recording FROM tracks WHERE duration_ms IS NULL";

/// Those of a store's segments whose facts [`recover`] wants: of recordings with an open end, and unknown ones.
pub(super) fn wanted(connection: &Connection, names: &[String]) -> Result<Vec<String>, CatalogueFault> {
    let open = open(connection)?;
    let what = "look for a segment";
    let mut statement = connection.prepare_cached("SELECT recording FROM segments WHERE name = ?1").doing(what)?;
    let mut wanted = Vec::new();
    for name in names {
        let owner: Option<Vec<u8>> = statement.query_row([name], |row| row.get(0)).optional().doing(what)?;
        let closed = match owner {
            Some(owner) => !open.contains(&recording_id(&owner)?),
            None => false,
        };
        if !closed {
            wanted.push(name.clone());
        }
    }
    Ok(wanted)
}

fn open(connection: &Connection) -> Result<BTreeSet<RecordingId>, CatalogueFault> {
    let what = "find recordings without an end";
    let mut statement = connection.prepare_cached(OPEN).doing(what)?;
    let ids = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).doing(what)?;
    ids.map(|id| recording_id(&id.doing(what)?)).collect()
}

/// The recordings that need closing, given what the store has, and which of its recordings are destroyed.
pub(super) fn unfinished(
    connection: &Connection,
    segments: &[SegmentFacts],
) -> Result<(Vec<Unfinished>, BTreeSet<RecordingId>), CatalogueFault> {
    let mut ids = open(connection)?;
    ids.extend(segments.iter().map(|facts| facts.recording));
    let (mut found, mut buried) = (Vec::new(), BTreeSet::new());
    for id in ids {
        if let Some(recording) = one(connection, id)? {
            found.push(recording);
        } else if exists(connection, id)? {
            buried.insert(id);
        }
    }
    Ok((found, buried))
}

fn exists(connection: &Connection, buried: RecordingId) -> Result<bool, CatalogueFault> {
    connection
        .query_row("SELECT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1)", [buried.bytes()], |row| row.get(0))
        .doing("look for a tombstone")
}

fn one(connection: &Connection, id: RecordingId) -> Result<Option<Unfinished>, CatalogueFault> {
    let what = "read a recording without an end";
    let mut statement = connection
        .prepare_cached("SELECT state, started_at, answered_at, ended_at, reason FROM recordings WHERE id = ?1")
        .doing(what)?;
    let mut rows = statement.query([id.bytes()]).doing(what)?;
    let Some(row) = rows.next().doing(what)? else { return Ok(None) };
    let ended: Option<i64> = row.get(3).doing(what)?;
    let outcome = match row.get::<_, Option<String>>(4).doing(what)? {
        Some(reason) => Outcome::NotRecorded(meaning(reason, "reason")?),
        None => Outcome::Recorded,
    };
    Ok(Some(Unfinished {
        id,
        state: meaning(row.get(0).doing(what)?, "state")?,
        started_at: UnixMillis(row.get(1).doing(what)?),
        answered_at: row.get::<_, Option<i64>>(2).doing(what)?.map(UnixMillis),
        ended: ended.map(|ended| (UnixMillis(ended), outcome)),
        tracks: tracks(connection, id)?,
    }))
}

fn tracks(connection: &Connection, id: RecordingId) -> Result<Vec<UnfinishedTrack>, CatalogueFault> {
    let what = "read tracks";
    let mut statement = connection
        .prepare_cached("SELECT number, offset_ms, duration_ms IS NOT NULL FROM tracks WHERE recording = ?1")
        .doing(what)?;
    let mut segments = connection
        .prepare_cached("SELECT segment, sha256 IS NOT NULL FROM segments WHERE recording = ?1 AND track = ?2")
        .doing(what)?;
    let mut rows = statement.query([id.bytes()]).doing(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let number = track_number(row.get(0).doing(what)?)?;
        let of_track = segments
            .query_map(rusqlite::params![id.bytes(), number.get()], |row| Ok((row.get(0)?, row.get(1)?)))
            .doing(what)?;
        found.push(UnfinishedTrack {
            number,
            offset_ms: unsigned(row.get(1).doing(what)?),
            closed: row.get(2).doing(what)?,
            segments: of_track.collect::<Result<_, _>>().doing(what)?,
        });
    }
    Ok(found)
}
