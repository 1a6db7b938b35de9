//! Where the parts of a recording lie: what a release copies, and what a destruction destroys.
use rusqlite::{Connection, OptionalExtension};

use crate::evidence::Party;
use crate::ids::{KeyId, LegUuid, RecordingId, SlotNumber, TrackNumber};
use crate::time::{EpochDay, UnixMillis};

use super::fault::{CatalogueFault, Doing};
use super::view::State;
use super::words::{key_id, meaning, track_number, unsigned};

/// A recording's parts, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The recording.
    pub id: RecordingId,
    /// Where it is in its life.
    pub state: State,
    /// Its expiry, where it ended.
    pub expires_at: Option<UnixMillis>,
    /// The epoch that wraps its slots.
    pub epoch: EpochDay,
    /// Its tracks, in order.
    pub tracks: Vec<TrackMaterial>,
    /// Its released copies, in the order of their release.
    pub copies: Vec<ReleasedCopy>,
}

/// A track's key and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackMaterial {
    /// The track.
    pub number: TrackNumber,
    /// Whose voice.
    pub party: Party,
    /// On which leg.
    pub leg: LegUuid,
    /// Where its capsules lie.
    pub slot: SlotNumber,
    /// Which key they hold. A slot that holds another one by now is not this track's any more.
    pub key: KeyId,
    /// The party's personal fields as they were sealed.
    pub personal_sealed: Vec<u8>,
    /// Its segments, in order.
    pub segments: Vec<SegmentMaterial>,
}

/// A segment in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentMaterial {
    /// Its index.
    pub segment: u32,
    /// Its name in the store.
    pub name: String,
    /// What closed it; `None` while it is written.
    pub closed: Option<SegmentClosed>,
}

/// What is known of a closed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentClosed {
    /// Records in it.
    pub records: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// A released copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedCopy {
    /// Where it was put.
    pub path: String,
    /// SHA-256 of the public key that opens it.
    pub holder_key_hash: [u8; 32],
    /// When.
    pub at: UnixMillis,
    /// Whether it is known to have left the release directory.
    pub left: bool,
}

/// The parts of a recording that is not destroyed.
pub(super) fn material(connection: &Connection, id: RecordingId) -> Result<Option<Material>, CatalogueFault> {
    let head: Option<(String, Option<i64>, i32)> = connection
        .prepare_cached("SELECT state, expires_at, epoch FROM recordings WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([id.bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
        })
        .doing("read a recording")?;
    let Some((state, expires_at, epoch)) = head else { return Ok(None) };
    Ok(Some(Material {
        id,
        state: meaning(state, "state")?,
        expires_at: expires_at.map(UnixMillis),
        epoch: EpochDay(epoch),
        tracks: tracks(connection, id)?,
        copies: copies(connection, id)?,
    }))
}

fn tracks(connection: &Connection, id: RecordingId) -> Result<Vec<TrackMaterial>, CatalogueFault> {
    let what = "read tracks";
    let mut statement = connection
        .prepare_cached(
            "SELECT number, party, leg, slot, key, personal FROM tracks WHERE recording = ?1 ORDER BY number",
        )
        .doing(what)?;
    let mut rows = statement.query([id.bytes()]).doing(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let number = track_number(row.get(0).doing(what)?)?;
        found.push(TrackMaterial {
            number,
            party: meaning(row.get(1).doing(what)?, "party")?,
            leg: LegUuid::from_host(row.get::<_, String>(2).doing(what)?.as_bytes()),
            slot: SlotNumber(row.get(3).doing(what)?),
            key: key_id(&row.get::<_, Vec<u8>>(4).doing(what)?)?,
            personal_sealed: row.get(5).doing(what)?,
            segments: segments(connection, id, number)?,
        });
    }
    Ok(found)
}

fn segments(
    connection: &Connection,
    id: RecordingId,
    track: TrackNumber,
) -> Result<Vec<SegmentMaterial>, CatalogueFault> {
    let what = "read segments";
    let mut statement = connection
        .prepare_cached(
            "SELECT segment, name, records, bytes, sha256 FROM segments WHERE recording = ?1 AND track = ?2 ORDER BY segment",
        )
        .doing(what)?;
    let mut rows = statement.query(rusqlite::params![id.bytes(), track.get()]).doing(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let sha256: Option<[u8; 32]> = row.get(4).doing(what)?;
        let records: Option<i64> = row.get(2).doing(what)?;
        let bytes: Option<i64> = row.get(3).doing(what)?;
        found.push(SegmentMaterial {
            segment: row.get(0).doing(what)?,
            name: row.get(1).doing(what)?,
            closed: sha256.map(|sha256| SegmentClosed {
                records: unsigned(records.unwrap_or(0)),
                bytes: unsigned(bytes.unwrap_or(0)),
                sha256,
            }),
        });
    }
    Ok(found)
}

fn copies(connection: &Connection, id: RecordingId) -> Result<Vec<ReleasedCopy>, CatalogueFault> {
    let mut statement = connection
        .prepare_cached("SELECT path, holder, at, has_left FROM releases WHERE recording = ?1 ORDER BY at, path")
        .doing("read releases")?;
    let rows = statement
        .query_map([id.bytes()], |row| {
            Ok(ReleasedCopy {
                path: row.get(0)?,
                holder_key_hash: row.get(1)?,
                at: UnixMillis(row.get(2)?),
                left: row.get(3)?,
            })
        })
        .doing("read releases")?;
    rows.collect::<Result<_, _>>().doing("read releases")
}
