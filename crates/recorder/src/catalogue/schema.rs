//! The tables, by version. `PRAGMA user_version` says which a file has.
use rusqlite::{Connection, TransactionBehavior};

use super::fault::{CatalogueFault, Doing};

/// "cvlt": marks a file as ours.
const APPLICATION_ID: i64 = 0x6376_6c74;

/// One step per version, in order. What is here never changes; what is to change is a further step.
const STEPS: [&str; 2] = [VERSION_1, VERSION_2];

const VERSION_1: &str = "
CREATE TABLE recordings (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    direction   TEXT NOT NULL,
    instance    TEXT NOT NULL,
    policy      TEXT NOT NULL,
    epoch       INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    answered_at INTEGER,
    ended_at    INTEGER,
    expires_at  INTEGER,
    state       TEXT NOT NULL,
    outcome     TEXT,
    reason      TEXT,
    merged_into BLOB,
    destroying_since  INTEGER,
    destroying_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX recordings_by_start ON recordings (started_at);
CREATE INDEX recordings_by_end ON recordings (ended_at);
CREATE INDEX recordings_by_expiry ON recordings (expires_at);
CREATE INDEX recordings_by_epoch ON recordings (epoch);
CREATE INDEX recordings_by_state ON recordings (state);
CREATE INDEX recordings_not_to_be_kept ON recordings (ended_at)
    WHERE outcome = 'not_recorded' AND state IN ('kept', 'truncated');

CREATE TABLE legs (
    recording BLOB NOT NULL,
    leg       TEXT NOT NULL,
    party     TEXT,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (recording, leg)
) STRICT, WITHOUT ROWID;

CREATE TABLE tracks (
    recording   BLOB NOT NULL,
    number      INTEGER NOT NULL,
    party       TEXT NOT NULL,
    leg         TEXT NOT NULL,
    slot        INTEGER NOT NULL,
    key         BLOB NOT NULL CHECK (length(key) = 16),
    personal    BLOB NOT NULL,
    offset_ms   INTEGER NOT NULL,
    duration_ms INTEGER,
    gaps        TEXT NOT NULL DEFAULT '[]',
    frames      INTEGER NOT NULL DEFAULT 0,
    frames_lost INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (recording, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tracks_open ON tracks (recording) WHERE duration_ms IS NULL;

CREATE TABLE segments (
    recording   BLOB NOT NULL,
    track       INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    name        TEXT NOT NULL,
    codec       TEXT NOT NULL,
    sample_rate INTEGER NOT NULL,
    channels    INTEGER NOT NULL,
    records     INTEGER,
    bytes       INTEGER,
    sha256      BLOB CHECK (length(sha256) = 32),
    PRIMARY KEY (recording, track, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX segments_by_name ON segments (name);
CREATE INDEX segments_open ON segments (recording) WHERE sha256 IS NULL;

CREATE TABLE notices (
    recording BLOB NOT NULL,
    number    INTEGER NOT NULL,
    evidence  TEXT NOT NULL,
    PRIMARY KEY (recording, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    recording     BLOB NOT NULL,
    path          TEXT NOT NULL,
    holder        BLOB NOT NULL CHECK (length(holder) = 32),
    ticket_sha256 BLOB NOT NULL CHECK (length(ticket_sha256) = 32),
    at            INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    has_left      INTEGER NOT NULL,
    PRIMARY KEY (recording, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE used_tickets (
    nonce         BLOB PRIMARY KEY,
    ticket_sha256 BLOB NOT NULL CHECK (length(ticket_sha256) = 32),
    used_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
    id             BLOB PRIMARY KEY CHECK (length(id) = 16),
    direction      TEXT NOT NULL,
    instance       TEXT NOT NULL,
    policy         TEXT NOT NULL,
    epoch          INTEGER NOT NULL,
    day_ms         INTEGER NOT NULL,
    duration_class INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    outcome        TEXT NOT NULL,
    outcome_reason TEXT,
    destroyed_at   INTEGER NOT NULL,
    method         TEXT NOT NULL,
    reason         TEXT NOT NULL,
    segments       BLOB NOT NULL,
    copies         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_day ON tombstones (day_ms);
";

/// How parties came to stand towards being recorded (NOT-04).
const VERSION_2: &str = "
CREATE TABLE standings (
    recording BLOB NOT NULL,
    number    INTEGER NOT NULL,
    leg       TEXT NOT NULL,
    standing  TEXT NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT NOT NULL,
    PRIMARY KEY (recording, number)
) STRICT, WITHOUT ROWID;
";

/// Brings a file to the newest schema, or says why not. Each step is one transaction, so a kill leaves a whole version.
pub(super) fn migrate(connection: &mut Connection, path: &std::path::Path) -> Result<(), CatalogueFault> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let found = pragma(connection, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).doing("read its schema")?;
    if (found > 0 || tables > 0) && pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(CatalogueFault::Foreign(path.to_owned()));
    }
    if found > known {
        return Err(CatalogueFault::Newer { found, known });
    }
    for (version, step) in (1i64..).zip(STEPS).skip_while(|(version, _)| *version <= found) {
        let step_taken =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).doing("begin a migration")?;
        step_taken.execute_batch(step).doing("migrate")?;
        step_taken.pragma_update(None, "application_id", APPLICATION_ID).doing("migrate")?;
        step_taken.pragma_update(None, "user_version", version).doing("migrate")?;
        step_taken.commit().doing("migrate")?;
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, CatalogueFault> {
    connection.pragma_query_value(None, name, |row| row.get(0)).doing("read its version")
}
