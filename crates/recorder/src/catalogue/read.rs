//! Questions to the catalogue. Functions of a connection, so that the writer and the readers share them.
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::evidence::{Gap, NoticeEvidence};
use crate::ids::{LegUuid, RecordingId, hex};
use crate::time::{EpochDay, UnixMillis};

use super::fault::{CatalogueFault, Doing};
use super::tombstone::{CopyFate, DestructionReason, Tombstone};
use super::view::{Filter, OutcomeFilter, OutcomeWord, RecordingRow, RecordingView, State, TrackView};
use super::words::{from_json, meaning, recording_id, signed, track_number, unsigned, word};

const DAY: i64 = 86_400_000;

/// How many recordings are in which state, and what of them is late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Going on.
    pub recording: u64,
    /// Kept, truncated ones included.
    pub kept: u64,
    /// Ended without audio.
    pub none: u64,
    /// Destruction begun and not finished.
    pub destroying: u64,
    /// Tombstones.
    pub destroyed: u64,
    /// Due to be destroyed and not yet destroyed (RET-03).
    pub overdue: u64,
}

/// Recordings, the newest first.
pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    now: UnixMillis,
) -> Result<Vec<RecordingRow>, CatalogueFault> {
    let mut wanted = String::from("1");
    let mut values: Vec<Value> = Vec::new();
    if let Some(since) = filter.since {
        wanted.push_str(" AND started >= ?");
        values.push(since.0.into());
    }
    if let Some(until) = filter.until {
        wanted.push_str(" AND started < ?");
        values.push(until.0.into());
    }
    if let Some(outcome) = filter.outcome {
        let (column, value) = match outcome {
            OutcomeFilter::Outcome(outcome) => ("outcome", word(&outcome)),
            OutcomeFilter::Reason(reason) => ("reason", reason.as_str().to_owned()),
        };
        wanted.push_str(&format!(" AND {column} = ?"));
        values.push(value.into());
    }
    values.push(i64::from(filter.limit()).into());
    let sql = format!("{ROWS} WHERE {wanted} ORDER BY started DESC, id LIMIT ?");
    let mut statement = connection.prepare_cached(&sql).doing("list recordings")?;
    let mut rows = statement.query(params_from_iter(values)).doing("list recordings")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing("list recordings")? {
        found.push(recording_row(row, now)?);
    }
    Ok(found)
}

/// Live recordings and tombstones as the columns of `list`.
const ROWS: &str = "SELECT id, direction, started, answered_at, ended_at, duration_class, state, outcome, reason FROM (
    SELECT id, direction, started_at AS started, answered_at, ended_at, NULL AS duration_class, state, outcome, reason
    FROM recordings
    UNION ALL
    SELECT id, direction, day * 86400000, NULL, ended_at, duration_class, 'destroyed', outcome, outcome_reason
    FROM tombstones)";

fn recording_row(row: &Row<'_>, now: UnixMillis) -> Result<RecordingRow, CatalogueFault> {
    let column = "read a recording";
    let answered: Option<i64> = row.get("answered_at").doing(column)?;
    let ended: Option<i64> = row.get("ended_at").doing(column)?;
    let class: Option<i64> = row.get("duration_class").doing(column)?;
    let outcome: Option<String> = row.get("outcome").doing(column)?;
    let reason: Option<String> = row.get("reason").doing(column)?;
    Ok(RecordingRow {
        id: recording_id(&row.get::<_, Vec<u8>>("id").doing(column)?)?,
        direction: meaning(row.get("direction").doing(column)?, "direction")?,
        started_at_ms: UnixMillis(row.get("started").doing(column)?),
        duration_ms: match (class, answered) {
            (Some(class), _) => unsigned(class),
            (None, Some(answered)) => unsigned(ended.unwrap_or(now.0).saturating_sub(answered)),
            (None, None) => 0,
        },
        state: meaning::<State>(row.get("state").doing(column)?, "state")?,
        outcome: outcome.map(|outcome| meaning::<OutcomeWord>(outcome, "outcome")).transpose()?,
        reason: reason.map(|reason| meaning(reason, "reason")).transpose()?,
    })
}

/// One recording with its parts, or its tombstone.
pub(super) fn show(
    connection: &Connection,
    id: RecordingId,
    now: UnixMillis,
) -> Result<Option<RecordingView>, CatalogueFault> {
    let mut statement = connection.prepare_cached(&format!("{ROWS} WHERE id = ?1")).doing("show a recording")?;
    let mut rows = statement.query([id.bytes()]).doing("show a recording")?;
    let Some(row) = rows.next().doing("show a recording")? else { return Ok(None) };
    let row = recording_row(row, now)?;
    if row.state == State::Destroyed {
        return buried(connection, row).map(Some);
    }
    let (instance, answered, ended, expires): (String, Option<i64>, Option<i64>, Option<i64>) = connection
        .query_row(
            "SELECT instance, answered_at, ended_at, expires_at FROM recordings WHERE id = ?1",
            [id.bytes()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .doing("show a recording")?;
    Ok(Some(RecordingView {
        row,
        instance,
        answered_at_ms: answered.map(UnixMillis),
        ended_at_ms: ended.map(UnixMillis),
        expires_at_ms: expires.map(UnixMillis),
        tracks: tracks(connection, id, answered, ended.unwrap_or(now.0))?,
        notices: notices(connection, id)?,
        destroyed: None,
    }))
}

fn buried(connection: &Connection, row: RecordingRow) -> Result<RecordingView, CatalogueFault> {
    struct Stone {
        instance: String,
        ended: i64,
        expires: i64,
        at: i64,
        method: String,
        reason: String,
        policy: String,
        segments: Vec<u8>,
        copies: String,
    }
    let stone = connection
        .query_row(
            "SELECT instance, ended_at, expires_at, destroyed_at, method, reason, policy, segments, copies
             FROM tombstones WHERE id = ?1",
            [row.id.bytes()],
            |row| {
                Ok(Stone {
                    instance: row.get(0)?,
                    ended: row.get(1)?,
                    expires: row.get(2)?,
                    at: row.get(3)?,
                    method: row.get(4)?,
                    reason: row.get(5)?,
                    policy: row.get(6)?,
                    segments: row.get(7)?,
                    copies: row.get(8)?,
                })
            },
        )
        .doing("read a tombstone")?;
    Ok(RecordingView {
        row,
        instance: stone.instance,
        answered_at_ms: None,
        ended_at_ms: Some(UnixMillis(stone.ended)),
        expires_at_ms: Some(UnixMillis(stone.expires)),
        tracks: Vec::new(),
        notices: Vec::new(),
        destroyed: Some(Tombstone {
            at_ms: UnixMillis(stone.at),
            method: stone.method,
            reason: meaning(stone.reason, "reason")?,
            policy: stone.policy,
            segments: stone.segments.chunks(32).map(hex).collect(),
            copies: from_json::<Vec<CopyFate>>(&stone.copies, "list of copies")?,
        }),
    })
}

fn tracks(
    connection: &Connection,
    id: RecordingId,
    answered: Option<i64>,
    until: i64,
) -> Result<Vec<TrackView>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached(
            "SELECT number, party, leg, offset_ms, duration_ms, gaps,
                 (SELECT group_concat(codec, ',') FROM (SELECT codec FROM segments
                  WHERE recording = tracks.recording AND track = tracks.number GROUP BY codec ORDER BY min(segment)))
             FROM tracks WHERE recording = ?1 ORDER BY number",
        )
        .doing("read tracks")?;
    let mut rows = statement.query([id.bytes()]).doing("read tracks")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing("read tracks")? {
        let offset: i64 = row.get(3).doing("read a track")?;
        let closed: Option<i64> = row.get(4).doing("read a track")?;
        let so_far = || answered.map_or(0, |answered| until.saturating_sub(answered).saturating_sub(offset));
        found.push(TrackView {
            number: track_number(row.get(0).doing("read a track")?)?,
            party: meaning(row.get(1).doing("read a track")?, "party")?,
            leg: LegUuid::from_host(row.get::<_, String>(2).doing("read a track")?.as_bytes()),
            codec: row.get::<_, Option<String>>(6).doing("read a track")?.unwrap_or_default(),
            offset_ms: unsigned(offset),
            duration_ms: unsigned(closed.unwrap_or_else(so_far)),
            gaps: from_json::<Vec<Gap>>(&row.get::<_, String>(5).doing("read a track")?, "list of gaps")?,
        });
    }
    Ok(found)
}

fn notices(connection: &Connection, id: RecordingId) -> Result<Vec<NoticeEvidence>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached("SELECT evidence FROM notices WHERE recording = ?1 ORDER BY number")
        .doing("read notices")?;
    let texts = statement.query_map([id.bytes()], |row| row.get::<_, String>(0)).doing("read notices")?;
    texts.map(|text| from_json(&text.doing("read a notice")?, "notice")).collect()
}

/// What is due at `now` where recordings are kept for `retention`, the oldest first. What was begun comes before all.
const DUE: &str = "ended_at IS NOT NULL AND (state = 'destroying'
    OR state IN ('kept', 'truncated', 'none') AND min(expires_at, ended_at + ?2) <= ?1
    OR state IN ('kept', 'truncated') AND outcome = 'not_recorded')";

/// How many recordings are in which state.
pub(super) fn counts(connection: &Connection, now: UnixMillis, retention: Duration) -> Result<Counts, CatalogueFault> {
    let mut counts = Counts::default();
    let mut statement =
        connection.prepare_cached("SELECT state, count(*) FROM recordings GROUP BY state").doing("count recordings")?;
    let mut rows = statement.query([]).doing("count recordings")?;
    while let Some(row) = rows.next().doing("count recordings")? {
        let many = unsigned(row.get(1).doing("count recordings")?);
        match meaning::<State>(row.get(0).doing("count recordings")?, "state")? {
            State::Recording => counts.recording += many,
            State::Kept | State::Truncated => counts.kept += many,
            State::None => counts.none += many,
            State::Destroying => counts.destroying += many,
            State::Destroyed => counts.destroyed += many,
        }
    }
    let count = |sql: &str, values: &[i64]| -> Result<u64, CatalogueFault> {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0)))
            .doing("count recordings")
            .map(unsigned)
    };
    counts.destroyed += count("SELECT count(*) FROM tombstones", &[])?;
    counts.overdue = count(&format!("SELECT count(*) FROM recordings WHERE {DUE}"), &[now.0, millis(retention)])?;
    Ok(counts)
}

/// What each conversation that ended since then came to: the outcome's word, or the reason's, and how many.
pub(super) fn outcomes_since(connection: &Connection, since: UnixMillis) -> Result<Vec<(String, u64)>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached(
            "SELECT coalesce(reason, outcome) AS word, count(*) FROM (
                 SELECT outcome, reason FROM recordings WHERE ended_at >= ?1
                 UNION ALL SELECT outcome, outcome_reason FROM tombstones WHERE day >= ?2 AND ended_at >= ?1)
             GROUP BY word ORDER BY word",
        )
        .doing("count outcomes")?;
    let rows = statement
        .query_map([since.0, since.0.div_euclid(DAY) - 2], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
        .doing("count outcomes")?;
    rows.map(|row| row.doing("count outcomes").map(|(word, many)| (word, unsigned(many)))).collect()
}

/// A recording that is due, as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    /// The recording.
    pub id: RecordingId,
    /// Its end.
    pub ended_at: UnixMillis,
    /// Its expiry as it was fixed at its end.
    pub expires_at: UnixMillis,
    /// What became of the call.
    pub outcome: OutcomeWord,
    /// Where it is in its life.
    pub state: State,
    /// Why its destruction was begun, where it was.
    pub begun: Option<DestructionReason>,
    /// How many tracks, segments and released copies it has.
    pub tracks: u32,
    /// See `tracks`.
    pub segments: u32,
    /// See `tracks`.
    pub copies: u32,
}

/// At most `limit` recordings that are due: begun ones first, then the oldest.
pub(super) fn due(
    connection: &Connection,
    now: UnixMillis,
    retention: Duration,
    limit: u32,
) -> Result<Vec<DueRow>, CatalogueFault> {
    let sql = format!(
        "SELECT id, ended_at, expires_at, outcome, state,
             (SELECT count(*) FROM tracks WHERE recording = id),
             (SELECT count(*) FROM segments WHERE recording = id),
             (SELECT count(*) FROM releases WHERE recording = id), destroying_reason
         FROM recordings WHERE {DUE}
         ORDER BY state = 'destroying' DESC, min(expires_at, ended_at + ?2), id LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql).doing("find what is due")?;
    let mut rows = statement.query(params![now.0, millis(retention), limit]).doing("find what is due")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing("find what is due")? {
        let column = "read a recording that is due";
        found.push(DueRow {
            id: recording_id(&row.get::<_, Vec<u8>>(0).doing(column)?)?,
            ended_at: UnixMillis(row.get(1).doing(column)?),
            expires_at: UnixMillis(row.get(2).doing(column)?),
            outcome: meaning(row.get(3).doing(column)?, "outcome")?,
            state: meaning(row.get(4).doing(column)?, "state")?,
            tracks: row.get(5).doing(column)?,
            segments: row.get(6).doing(column)?,
            copies: row.get(7).doing(column)?,
            begun: row
                .get::<_, Option<String>>(8)
                .doing(column)?
                .map(|reason| meaning(reason, "reason of a destruction"))
                .transpose()?,
        });
    }
    Ok(found)
}

/// Whether anything that is not destroyed was sealed under a key that this epoch wraps.
pub(super) fn epoch_in_use(connection: &Connection, epoch: EpochDay) -> Result<bool, CatalogueFault> {
    connection
        .prepare_cached("SELECT 1 FROM recordings WHERE epoch = ?1 AND state <> 'none' LIMIT 1")
        .and_then(|mut statement| statement.query_row([epoch.0], |_| Ok(())).optional())
        .doing("look for an epoch's recordings")
        .map(|found| found.is_some())
}

/// Whether a ticket with this nonce was used.
pub(super) fn ticket_used(connection: &Connection, nonce: &[u8]) -> Result<bool, CatalogueFault> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM used_tickets WHERE nonce = ?1)")
        .and_then(|mut statement| statement.query_row([nonce], |row| row.get(0)))
        .doing("look for a ticket")
}

fn millis(duration: Duration) -> i64 {
    signed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).min(i64::MAX / 4)
}
