//! Each change as the rows it writes.
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::ids::RecordingId;
use crate::policy::{NotRecorded, Outcome};
use crate::time::UnixMillis;

use super::change::Change;
use super::fault::{CatalogueFault, Doing};
use super::tombstone::{CopyFate, METHOD, duration_class};
use super::view::State;
use super::words::{direction, json, signed, word};

const DAY_MS: i64 = 86_400_000;

/// Writes one change. `index` is its place in the group, for the fault.
pub(super) fn write(connection: &Connection, index: usize, change: &Change) -> Result<(), CatalogueFault> {
    let there = |rows: usize, what| if rows == 0 { Err(CatalogueFault::NoSuchRow { index, what }) } else { Ok(()) };
    // What a party does after its recording was destroyed is nobody's any more: those rows find no recording.
    match change {
        Change::RecordingStarted { id, direction: way, started_at, instance, policy_hash, epoch } => run(
            connection,
            "INSERT INTO recordings (id, direction, instance, policy, epoch, started_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'recording')",
            params![id.bytes(), direction(*way), instance, policy_hash, epoch.0, started_at.0],
        )
        .map(drop),
        Change::RecordingAnswered { id, at } => run(
            connection,
            "UPDATE recordings SET answered_at = coalesce(answered_at, ?2) WHERE id = ?1",
            params![id.bytes(), at.0],
        )
        .and_then(|rows| there(rows, "a recording")),
        Change::LegJoined { recording, leg, party, at } => run(
            connection,
            "INSERT INTO legs (recording, leg, party, joined_at) SELECT id, ?2, ?3, ?4 FROM recordings WHERE id = ?1
             ON CONFLICT DO UPDATE SET party = coalesce(party, excluded.party)",
            params![recording.bytes(), leg.as_str(), party.as_ref().map(word), at.0],
        )
        .map(drop),
        Change::TrackOpened { recording, number, party, leg, slot, key, personal_sealed, offset_ms } => run(
            connection,
            "INSERT INTO tracks (recording, number, party, leg, slot, key, personal, offset_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                recording.bytes(),
                number.get(),
                word(party),
                leg.as_str(),
                slot.0,
                key.0,
                personal_sealed,
                signed(*offset_ms)
            ],
        )
        .map(drop),
        Change::SegmentOpened { recording, track, segment, name, codec, sample_rate, channels } => run(
            connection,
            "INSERT INTO segments (recording, track, segment, name, codec, sample_rate, channels)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![recording.bytes(), track.get(), segment, name, codec, sample_rate, channels],
        )
        .map(drop),
        Change::SegmentClosed { recording, track, segment, records, bytes, sha256 } => run(
            connection,
            "UPDATE segments SET records = ?4, bytes = ?5, sha256 = ?6
             WHERE recording = ?1 AND track = ?2 AND segment = ?3",
            params![recording.bytes(), track.get(), segment, signed(*records), signed(*bytes), sha256],
        )
        .and_then(|rows| there(rows, "a segment")),
        Change::SegmentMissing { recording, track, segment } => run(
            connection,
            "DELETE FROM segments WHERE recording = ?1 AND track = ?2 AND segment = ?3",
            params![recording.bytes(), track.get(), segment],
        )
        .map(drop),
        Change::TrackClosed { recording, number, offset_ms, duration_ms, gaps, frames, frames_lost } => run(
            connection,
            "UPDATE tracks SET offset_ms = ?3, duration_ms = ?4, gaps = ?5, frames = ?6, frames_lost = ?7
             WHERE recording = ?1 AND number = ?2",
            params![
                recording.bytes(),
                number.get(),
                signed(*offset_ms),
                signed(*duration_ms),
                json(gaps),
                signed(*frames),
                signed(*frames_lost)
            ],
        )
        .and_then(|rows| there(rows, "a track")),
        Change::Notice { recording, evidence } => run(
            connection,
            "INSERT INTO notices (recording, number, evidence)
             SELECT id, (SELECT count(*) FROM notices WHERE recording = ?1), ?2 FROM recordings WHERE id = ?1",
            params![recording.bytes(), json(evidence)],
        )
        .map(drop),
        Change::Standing { recording, change } => run(
            connection,
            "INSERT INTO standings (recording, number, leg, standing, at, by)
             SELECT id, (SELECT count(*) FROM standings WHERE recording = ?1), ?2, ?3, ?4, ?5
             FROM recordings WHERE id = ?1",
            params![recording.bytes(), change.leg.as_str(), word(&change.standing), change.at_ms.0, change.by],
        )
        .map(drop),
        Change::RecordingEnded { id, ended_at, outcome, expires_at } => {
            end(connection, *id, *ended_at, *outcome, *expires_at, State::Kept)
                .and_then(|rows| there(rows, "a recording"))
        }
        Change::RecordingMerged { id, into, ended_at } => {
            end(connection, *id, *ended_at, Outcome::NotRecorded(NotRecorded::NoSpeech), *ended_at, State::Kept)
                .and_then(|rows| there(rows, "a recording"))?;
            run(connection, "UPDATE recordings SET merged_into = ?2 WHERE id = ?1", params![id.bytes(), into.bytes()])
                .map(drop)
        }
        Change::RecordingTruncated { id, ended_at, outcome, expires_at } => {
            end(connection, *id, *ended_at, *outcome, *expires_at, State::Truncated)
                .and_then(|rows| there(rows, "a recording"))
        }
        Change::RetentionIs { retention } => shorten(connection, *retention),
        Change::Released { recording, path, holder_key_hash, ticket_sha256, at, expires_at, left } => run(
            connection,
            "INSERT INTO releases (recording, path, holder, ticket_sha256, at, expires_at, has_left)
             SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM recordings WHERE id = ?1 AND state IN ('kept', 'truncated')
             ON CONFLICT DO UPDATE SET has_left = excluded.has_left",
            params![recording.bytes(), path, holder_key_hash, ticket_sha256, at.0, expires_at.0, left],
        )
        .and_then(|rows| there(rows, "a recording that is kept")),
        Change::TicketUsed { nonce, ticket_sha256, at } => {
            let written = run(
                connection,
                "INSERT INTO used_tickets (nonce, ticket_sha256, used_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![nonce, ticket_sha256, at.0],
            )?;
            if written == 0 { Err(CatalogueFault::TicketUsedBefore) } else { Ok(()) }
        }
        Change::Destroying { id, at, reason } => run(
            connection,
            "UPDATE recordings SET state = 'destroying',
                 destroying_since = coalesce(destroying_since, ?2), destroying_reason = coalesce(destroying_reason, ?3)
             WHERE id = ?1 AND ended_at IS NOT NULL",
            params![id.bytes(), at.0, reason.as_str()],
        )
        .and_then(|rows| there(rows, "a recording that ended")),
        Change::Destroyed { id, at, copies } => {
            bury(connection, *id, *at, copies).and_then(|rows| there(rows, "a recording being destroyed"))
        }
    }
}

fn end(
    connection: &Connection,
    id: RecordingId,
    ended_at: UnixMillis,
    outcome: Outcome,
    expires_at: UnixMillis,
    with_audio: State,
) -> Result<usize, CatalogueFault> {
    let (outcome, reason) = match outcome {
        Outcome::Recorded => ("recorded", None),
        Outcome::NotRecorded(reason) => ("not_recorded", Some(reason.as_str())),
    };
    // A track means that a key was given out: even of a call that is not to be kept there is something to destroy.
    run(
        connection,
        "UPDATE recordings SET ended_at = ?2, outcome = ?3, reason = ?4, expires_at = ?5,
             state = CASE WHEN EXISTS (SELECT 1 FROM tracks WHERE recording = ?1) THEN ?6 ELSE 'none' END
         WHERE id = ?1 AND state IN ('recording', 'kept', 'truncated', 'none')",
        params![id.bytes(), ended_at.0, outcome, reason, expires_at.0, word(&with_audio)],
    )
}

fn shorten(connection: &Connection, retention: Duration) -> Result<(), CatalogueFault> {
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX / 4);
    run(
        connection,
        "UPDATE recordings SET expires_at = ended_at + ?1 WHERE ended_at IS NOT NULL AND expires_at > ended_at + ?1",
        params![retention],
    )
    .map(drop)
}

/// Replaces a recording's rows by its tombstone.
fn bury(
    connection: &Connection,
    id: RecordingId,
    at: UnixMillis,
    copies: &[CopyFate],
) -> Result<usize, CatalogueFault> {
    let times: Option<(i64, Option<i64>, i64)> = connection
        .prepare_cached(
            "SELECT started_at, answered_at, ended_at FROM recordings WHERE id = ?1 AND state = 'destroying'",
        )
        .and_then(|mut statement| {
            statement.query_row([id.bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .doing("read a recording")?;
    let Some((started, answered, ended)) = times else { return Ok(0) };
    let duration = answered.map_or(Duration::ZERO, |answered| UnixMillis(ended).since(UnixMillis(answered)));
    run(
        connection,
        "INSERT INTO tombstones (id, direction, instance, policy, epoch, day_ms, duration_class, ended_at, expires_at,
             outcome, outcome_reason, destroyed_at, method, reason, segments, copies)
         SELECT id, direction, instance, policy, epoch, ?2, ?3, ended_at, expires_at,
             outcome, reason, ?4, ?5, destroying_reason, ?6, ?7
         FROM recordings WHERE id = ?1 AND merged_into IS NULL",
        params![
            id.bytes(),
            started.div_euclid(DAY_MS) * DAY_MS,
            signed(duration_class(duration)),
            at.0,
            METHOD,
            segment_hashes(connection, id)?,
            json(&copies)
        ],
    )?;
    for table in ["legs", "tracks", "segments", "notices", "standings", "releases"] {
        run(connection, &format!("DELETE FROM {table} WHERE recording = ?1"), params![id.bytes()])?;
    }
    run(connection, "DELETE FROM recordings WHERE id = ?1", params![id.bytes()])
}

fn segment_hashes(connection: &Connection, id: RecordingId) -> Result<Vec<u8>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached(
            "SELECT sha256 FROM segments WHERE recording = ?1 AND sha256 IS NOT NULL ORDER BY track, segment",
        )
        .doing("read segments")?;
    let hashes = statement.query_map([id.bytes()], |row| row.get::<_, Vec<u8>>(0)).doing("read segments")?;
    let hashes = hashes.collect::<Result<Vec<_>, _>>().doing("read segments")?;
    Ok(hashes.concat())
}

fn run(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<usize, CatalogueFault> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)).doing("write a row")
}
