//! Where rows lie: recordings, legs, tracks, segments, notices, standings, released copies, used tickets, tombstones.
//!
//! A [`Catalogue`] writes, in groups, each group one transaction flushed before [`Catalogue::apply`] returns;
//! any number of [`CatalogueReader`]s answer `list` and `show` beside it. Capture waits for neither.
//!
//! **Time.** A recording's *zero* is its first answer (`answered_at_ms`); offsets and gaps count from it.
//! `started_at_ms` is the birth of its first leg. `duration_ms` is its end minus its zero; 0 where nobody answered;
//! until now while it goes on.
//!
//! **Erasing** (DES-03). SQLite is compiled with `SECURE_DELETE` and asked whether it is; [`Catalogue::checkpoint`]
//! empties the write-ahead log after each batch of destructions. Personal fields come sealed under their track's key
//! and are never opened here: they are dead with the key, wherever a copy of the file may lie.
//!
//! ```text
//! started            answered                                  ended
//!    |── rings ────────|── track 1 ──────────────────────────────|
//!                      |        |── track 2 (offset_ms) ─────────|
//! ```
mod change;
mod due;
mod fault;
mod material;
mod open;
mod read;
mod recovery;
mod schema;
mod tombstone;
mod view;
mod words;
mod write;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::ids::RecordingId;
use crate::time::{EpochDay, UnixMillis};

pub use change::Change;
pub use due::DueRow;
pub use fault::CatalogueFault;
use fault::Doing;
pub use material::{Material, ReleasedCopy, SegmentClosed, SegmentMaterial, TrackMaterial};
pub use read::Counts;
pub use recovery::{Recovery, SegmentFacts};
pub use tombstone::{CopyFate, DestructionReason, METHOD, Tombstone};
pub use view::{
    Filter, OutcomeFilter, OutcomeWord, PartyView, RecordingRow, RecordingView, State, TrackView, UnknownOutcome,
};

/// A connection that writes. Two of them take turns, each waiting for the other up to five seconds.
#[derive(Debug)]
pub struct Catalogue {
    connection: Connection,
}

impl Catalogue {
    /// Opens the file, making it (0600) where there is none, and brings it to this version's schema.
    pub fn open(path: &Path) -> Result<Self, CatalogueFault> {
        let mut catalogue = Self { connection: open::writer(path)? };
        // What a batch that was killed before its checkpoint left behind. Readers may be in the way: then the next
        // batch empties it.
        match catalogue.checkpoint() {
            Ok(()) | Err(CatalogueFault::LogBusy) => Ok(catalogue),
            Err(fault) => Err(fault),
        }
    }

    /// Applies a group of changes, all or none, and flushes it to the medium.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), CatalogueFault> {
        let group = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("begin a group of changes")?;
        for (index, change) in changes.iter().enumerate() {
            write::write(&group, index, change)?;
        }
        group.commit().doing("write a group of changes")
    }

    /// Gives freed pages back and empties the write-ahead log, so that nothing deleted is left in it.
    pub fn checkpoint(&mut self) -> Result<(), CatalogueFault> {
        self.connection.execute_batch("PRAGMA incremental_vacuum").doing("give pages back")?;
        // Readers are gone in no time; whoever holds on longer is not waited for, rows of calls may be behind us.
        self.connection.busy_timeout(open::BUSY_CHECKPOINT).doing("be configured")?;
        let emptied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(open::BUSY).doing("be configured")?;
        let busy = emptied.doing("empty its write-ahead log")?;
        if busy == 0 { Ok(()) } else { Err(CatalogueFault::LogBusy) }
    }

    /// At most `limit` recordings due at `now` where recordings are kept for `retention`: begun destructions first,
    /// then the oldest.
    pub fn due(&self, now: UnixMillis, retention: Duration, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        due::due(&self.connection, now, retention, limit)
    }

    /// At most `limit` recordings of which nothing is to be kept, whatever the clock says.
    pub fn not_to_be_kept(&self, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        due::not_to_be_kept(&self.connection, limit)
    }

    /// Where the parts of a recording lie; `None` where it is unknown or destroyed.
    pub fn material(&self, id: RecordingId) -> Result<Option<Material>, CatalogueFault> {
        material::material(&self.connection, id)
    }

    /// Whether anything kept was sealed under a key that this epoch wraps.
    pub fn epoch_in_use(&self, epoch: EpochDay) -> Result<bool, CatalogueFault> {
        read::epoch_in_use(&self.connection, epoch)
    }

    /// Whether a ticket with this nonce was used. [`Change::TicketUsed`] says it again, in the same transaction that
    /// uses it.
    pub fn ticket_used(&self, nonce: &[u8]) -> Result<bool, CatalogueFault> {
        read::ticket_used(&self.connection, nonce)
    }

    /// Those of these names in the release directory that no row knows of: copies whose writing a kill interrupted. To
    /// be removed, or they outlive their recording.
    pub fn copies_without_row(&self, names: &[String]) -> Result<Vec<String>, CatalogueFault> {
        read::copies_without_row(&self.connection, names)
    }

    /// Those of the store's segments whose [`SegmentFacts`] recovery needs.
    pub fn segments_to_inspect(&self, names: &[String]) -> Result<Vec<String>, CatalogueFault> {
        recovery::wanted(&self.connection, names)
    }

    /// After a crash: what closes the recordings without an end, given what lies in the store. Apply
    /// [`Recovery::changes`] in one group.
    pub fn recover(
        &self,
        segments: &[SegmentFacts],
        now: UnixMillis,
        retention: Duration,
    ) -> Result<Recovery, CatalogueFault> {
        let (unfinished, buried) = recovery::unfinished(&self.connection, segments)?;
        Ok(recovery::recover(&unfinished, &buried, segments, now, retention))
    }
}

/// A connection that only reads. Any thread may use it; they take turns.
#[derive(Debug)]
pub struct CatalogueReader {
    connection: Mutex<Connection>,
}

impl CatalogueReader {
    /// Opens an existing catalogue.
    pub fn open(path: &Path) -> Result<Self, CatalogueFault> {
        open::reader(path).map(|connection| Self { connection: Mutex::new(connection) })
    }

    /// Recordings, the newest first. `now` says how long those are that go on.
    pub fn list(&self, filter: &Filter, now: UnixMillis) -> Result<Vec<RecordingRow>, CatalogueFault> {
        self.at_one_moment(|rows| read::list(rows, filter, now))
    }

    /// One recording, or its tombstone; `None` where the id is unknown.
    pub fn show(&self, id: RecordingId, now: UnixMillis) -> Result<Option<RecordingView>, CatalogueFault> {
        self.at_one_moment(|rows| read::show(rows, id, now))
    }

    /// Where the parts of a recording lie; `None` where it is unknown or destroyed.
    pub fn material(&self, id: RecordingId) -> Result<Option<Material>, CatalogueFault> {
        self.at_one_moment(|rows| material::material(rows, id))
    }

    /// As [`Catalogue::due`], for `expire-now --dry-run`.
    pub fn due(&self, now: UnixMillis, retention: Duration, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        self.at_one_moment(|rows| due::due(rows, now, retention, limit))
    }

    /// Whether that recording has its outcome, destroyed ones included.
    pub fn has_outcome(&self, id: RecordingId) -> Result<bool, CatalogueFault> {
        self.at_one_moment(|rows| read::has_outcome(rows, id))
    }

    /// How many recordings are in which state.
    pub fn counts(&self, now: UnixMillis, retention: Duration) -> Result<Counts, CatalogueFault> {
        self.at_one_moment(|rows| read::counts(rows, now, retention))
    }

    /// What the conversations that ended since then came to: `recorded` or the reason's word, and how many.
    pub fn outcomes_since(&self, since: UnixMillis) -> Result<Vec<(String, u64)>, CatalogueFault> {
        self.at_one_moment(|rows| read::outcomes_since(rows, since))
    }

    /// All questions of one answer see the same moment, whatever is written meanwhile.
    fn at_one_moment<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, CatalogueFault>,
    ) -> Result<T, CatalogueFault> {
        let turn = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = turn.unchecked_transaction().doing("begin to read")?;
        ask(&moment)
    }
}
