//! What is due to be destroyed, found along an index for each of the reasons, however much is kept.
use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, params};

use crate::ids::RecordingId;
use crate::time::UnixMillis;

use super::fault::{CatalogueFault, Doing};
use super::tombstone::DestructionReason;
use super::view::{OutcomeWord, State};
use super::words::{meaning, recording_id, signed, unsigned};

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

/// Ways of being due: the index to be found by, the condition, the order of that index. `?1` is now, `?2` the retention.
/// The index is named because a planner without statistics takes the one of `state`, and reads everything that is kept.
const WAYS: [(&str, &str, &str); 4] = [
    ("recordings_by_state", "state = 'destroying'", "id"),
    (
        "recordings_not_to_be_kept",
        "outcome = 'not_recorded' AND state IN ('kept', 'truncated') AND ended_at <= ?1",
        "ended_at",
    ),
    ("recordings_by_expiry", "expires_at <= ?1 AND state IN ('kept', 'truncated', 'none')", "expires_at"),
    ("recordings_by_end", "ended_at <= ?1 - ?2 AND state IN ('kept', 'truncated', 'none')", "ended_at"),
];

/// Of these, those that are due whatever the clock says: nothing of them was to be kept (NOT-05).
const UNDATED: [(&str, &str, &str); 2] = [
    ("recordings_by_state", "state = 'destroying' AND destroying_reason = 'not_recorded'", "id"),
    ("recordings_not_to_be_kept", "outcome = 'not_recorded' AND state IN ('kept', 'truncated')", "ended_at"),
];

/// At most `limit` recordings of which nothing is to be kept, whenever they ended.
pub(super) fn not_to_be_kept(connection: &Connection, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
    found(connection, &UNDATED, UnixMillis(0), Duration::ZERO, limit)
}

/// At most `limit` recordings that are due where recordings are kept for `retention`: begun ones first, then the oldest.
pub(super) fn due(
    connection: &Connection,
    now: UnixMillis,
    retention: Duration,
    limit: u32,
) -> Result<Vec<DueRow>, CatalogueFault> {
    found(connection, &WAYS, now, retention, limit)
}

fn found(
    connection: &Connection,
    ways: &[(&str, &str, &str)],
    now: UnixMillis,
    retention: Duration,
    limit: u32,
) -> Result<Vec<DueRow>, CatalogueFault> {
    let mut found: BTreeMap<RecordingId, DueRow> = BTreeMap::new();
    for (index, way, order) in ways {
        let sql = format!(
            "SELECT id, ended_at, expires_at, outcome, state, destroying_reason,
                 (SELECT count(*) FROM tracks WHERE recording = id),
                 (SELECT count(*) FROM segments WHERE recording = id),
                 (SELECT count(*) FROM releases WHERE recording = id)
             FROM recordings INDEXED BY {index} WHERE {way} AND ?1 = ?1 AND ?2 = ?2 ORDER BY {order} LIMIT ?3"
        );
        let mut statement = connection.prepare_cached(&sql).doing("find what is due")?;
        let mut rows = statement.query(params![now.0, millis(retention), limit]).doing("find what is due")?;
        while let Some(row) = rows.next().doing("find what is due")? {
            let row = due_row(row)?;
            found.insert(row.id, row);
        }
    }
    let mut found: Vec<DueRow> = found.into_values().collect();
    found.sort_by_key(|row| (row.begun.is_none(), row.expires_at.min(row.ended_at.plus(retention)), row.id));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// How many are due.
pub(super) fn count(connection: &Connection, now: UnixMillis, retention: Duration) -> Result<u64, CatalogueFault> {
    let ways =
        WAYS.map(|(index, way, _)| format!("SELECT id FROM recordings INDEXED BY {index} WHERE {way}")).join(" UNION ");
    connection
        .prepare_cached(&format!("SELECT count(*) FROM ({ways}) WHERE ?1 = ?1 AND ?2 = ?2"))
        .and_then(|mut statement| statement.query_row(params![now.0, millis(retention)], |row| row.get(0)))
        .doing("count what is due")
        .map(unsigned)
}

fn due_row(row: &rusqlite::Row<'_>) -> Result<DueRow, CatalogueFault> {
    let column = "read a recording that is due";
    Ok(DueRow {
        id: recording_id(&row.get::<_, Vec<u8>>(0).doing(column)?)?,
        ended_at: UnixMillis(row.get(1).doing(column)?),
        expires_at: UnixMillis(row.get(2).doing(column)?),
        outcome: meaning(row.get(3).doing(column)?, "outcome")?,
        state: meaning(row.get(4).doing(column)?, "state")?,
        begun: row
            .get::<_, Option<String>>(5)
            .doing(column)?
            .map(|reason| meaning(reason, "reason of a destruction"))
            .transpose()?,
        tracks: row.get(6).doing(column)?,
        segments: row.get(7).doing(column)?,
        copies: row.get(8).doing(column)?,
    })
}

fn millis(duration: Duration) -> i64 {
    signed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).min(i64::MAX / 4)
}
