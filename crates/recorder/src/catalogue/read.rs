//! Questions to the catalogue. Functions of a connection, so that the writer and the readers share them.
use std::cmp::Reverse;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::evidence::{Gap, NoticeEvidence, Party, Stood};
use crate::ids::{LegUuid, RecordingId, hex};
use crate::time::{EpochDay, UnixMillis};

use super::due;
use super::fault::{CatalogueFault, Doing};
use super::tombstone::{CopyFate, Tombstone};
use super::view::{Filter, OutcomeFilter, OutcomeWord, PartyView, RecordingRow, RecordingView, State, TrackView};
use super::words::{from_json, meaning, recording_id, track_number, unsigned, word};

const DAY_MS: i64 = 86_400_000;

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
    // Each table is read along its index and no further than the limit; a sorted union of both would read all of both.
    let mut found = some_of(connection, LIVE, "started_at", filter, now)?;
    found.extend(some_of(connection, BURIED, "day_ms", filter, now)?);
    found.sort_by_key(|row| (Reverse(row.started_at_ms), row.id));
    found.truncate(usize::try_from(filter.limit()).unwrap_or(usize::MAX));
    Ok(found)
}

/// Live recordings and tombstones, with the columns that `recording_row` reads.
const LIVE: &str = "SELECT id, direction, started_at AS started, answered_at, ended_at, NULL AS duration_class, state,
    outcome, reason FROM recordings";
const BURIED: &str = "SELECT id, direction, day_ms AS started, NULL AS answered_at, ended_at, duration_class,
    'destroyed' AS state, outcome, outcome_reason AS reason FROM tombstones";

fn some_of(
    connection: &Connection,
    table: &str,
    start: &str,
    filter: &Filter,
    now: UnixMillis,
) -> Result<Vec<RecordingRow>, CatalogueFault> {
    let mut wanted = String::from(if table == LIVE { "merged_into IS NULL" } else { "1" });
    let mut values: Vec<Value> = Vec::new();
    if let Some(since) = filter.since {
        wanted.push_str(&format!(" AND {start} >= ?"));
        values.push(since.0.into());
    }
    if let Some(until) = filter.until {
        wanted.push_str(&format!(" AND {start} < ?"));
        values.push(until.0.into());
    }
    if let Some(outcome) = filter.outcome {
        let (column, value) = match outcome {
            OutcomeFilter::Outcome(outcome) => ("outcome", word(&outcome)),
            OutcomeFilter::Reason(why) if start == "started_at" => ("reason", why.as_str().to_owned()),
            OutcomeFilter::Reason(why) => ("outcome_reason", why.as_str().to_owned()),
        };
        wanted.push_str(&format!(" AND {column} = ?"));
        values.push(value.into());
    }
    values.push(i64::from(filter.limit()).into());
    let sql = format!("{table} WHERE {wanted} ORDER BY {start} DESC, id LIMIT ?");
    let mut statement = connection.prepare_cached(&sql).doing("list recordings")?;
    let mut rows = statement.query(params_from_iter(values)).doing("list recordings")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing("list recordings")? {
        found.push(recording_row(row, now)?);
    }
    Ok(found)
}

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
    let Some(row) = one_of(connection, LIVE, id, now)? else {
        return one_of(connection, BURIED, id, now)?.map(|row| buried(connection, row)).transpose();
    };
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
        parties: parties(connection, id)?,
        destroyed: None,
    }))
}

fn one_of(
    connection: &Connection,
    table: &str,
    id: RecordingId,
    now: UnixMillis,
) -> Result<Option<RecordingRow>, CatalogueFault> {
    let mut statement = connection.prepare_cached(&format!("{table} WHERE id = ?1")).doing("show a recording")?;
    let mut rows = statement.query([id.bytes()]).doing("show a recording")?;
    rows.next().doing("show a recording")?.map(|row| recording_row(row, now)).transpose()
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
        parties: Vec::new(),
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

/// Everybody who took part, the first to come first, and those who only stood somewhere.
fn parties(connection: &Connection, id: RecordingId) -> Result<Vec<PartyView>, CatalogueFault> {
    let what = "read parties";
    let mut parties: Vec<PartyView> = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT leg, party FROM legs WHERE recording = ?1 ORDER BY joined_at, leg")
        .doing(what)?;
    let mut rows = statement.query([id.bytes()]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let party: Option<String> = row.get(1).doing(what)?;
        parties.push(PartyView {
            leg: LegUuid::from_host(row.get::<_, String>(0).doing(what)?.as_bytes()),
            party: party.map(|party| meaning::<Party>(party, "party")).transpose()?,
            standings: Vec::new(),
        });
    }
    let mut statement = connection
        .prepare_cached("SELECT leg, standing, at, by FROM standings WHERE recording = ?1 ORDER BY number")
        .doing(what)?;
    let mut rows = statement.query([id.bytes()]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let leg = LegUuid::from_host(row.get::<_, String>(0).doing(what)?.as_bytes());
        let stood = Stood {
            standing: meaning(row.get(1).doing(what)?, "standing")?,
            at_ms: UnixMillis(row.get(2).doing(what)?),
            by: row.get(3).doing(what)?,
        };
        match parties.iter_mut().find(|party| party.leg == leg) {
            Some(party) => party.standings.push(stood),
            None => parties.push(PartyView { leg, party: None, standings: vec![stood] }),
        }
    }
    Ok(parties)
}

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
    let buried: i64 = connection
        .prepare_cached("SELECT count(*) FROM tombstones")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .doing("count tombstones")?;
    counts.destroyed += unsigned(buried);
    counts.overdue = due::count(connection, now, retention)?;
    Ok(counts)
}

/// What each conversation that ended since then came to: the outcome's word, or the reason's, and how many.
pub(super) fn outcomes_since(connection: &Connection, since: UnixMillis) -> Result<Vec<(String, u64)>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached(
            "SELECT coalesce(reason, outcome) AS word, count(*) FROM (
                 SELECT outcome, reason FROM recordings WHERE ended_at >= ?1 AND merged_into IS NULL
                 UNION ALL SELECT outcome, outcome_reason FROM tombstones WHERE day_ms >= ?2 AND ended_at >= ?1)
             GROUP BY word ORDER BY word",
        )
        .doing("count outcomes")?;
    let rows = statement
        .query_map([since.0, since.0.saturating_sub(3 * DAY_MS)], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
        .doing("count outcomes")?;
    rows.map(|row| row.doing("count outcomes").map(|(word, many)| (word, unsigned(many)))).collect()
}

/// Whether a recording has its outcome, destroyed ones included.
pub(super) fn has_outcome(connection: &Connection, id: RecordingId) -> Result<bool, CatalogueFault> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM recordings WHERE id = ?1 AND outcome IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM tombstones WHERE id = ?1)",
        )
        .and_then(|mut statement| statement.query_row([id.bytes()], |row| row.get(0)))
        .doing("look for an outcome")
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

/// Those of the release directory's files that no row knows of.
pub(super) fn copies_without_row(connection: &Connection, names: &[String]) -> Result<Vec<String>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM releases WHERE path = ?1 OR path LIKE '%/' || ?1)")
        .doing("look for a copy")?;
    let mut strays = Vec::new();
    for name in names {
        if !statement.query_row([name], |row| row.get::<_, bool>(0)).doing("look for a copy")? {
            strays.push(name.clone());
        }
    }
    Ok(strays)
}
