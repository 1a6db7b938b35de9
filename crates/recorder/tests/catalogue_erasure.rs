//! DES-03, on the SQLite that ships: what is destroyed is in none of the catalogue's files.
mod catalogue_support;

use callvault_recorder::catalogue::{CatalogueFault, Change, DestructionReason, Filter};
use callvault_recorder::evidence::{Party, Standing};
use callvault_recorder::ids::{KeyId, RecordingId};
use callvault_recorder::time::UnixMillis;
use catalogue_support::*;

/// Stands for a sealed number: nothing else in the files looks like it.
const SEALED: &[u8] = b"+31612345678-sealed-under-the-tracks-key-and-marked";
const LEG: &str = "leg-uuid-that-links-to-the-cdr";

fn marked_call(id: RecordingId) -> Vec<Change> {
    let mut changes = whole_call(id, T0);
    changes.push(Change::LegJoined { recording: id, leg: leg(LEG), party: None, at: T0 });
    changes.push(stood(id, LEG, Standing::Consented, T0, "digit"));
    changes.push(opened(id, 3, Party::Joined, LEG, 9_000, &SEALED.repeat(200)));
    changes
}

fn destroy(id: RecordingId) -> [Change; 2] {
    let at = UnixMillis(T0.0 + 31 * 86_400_000);
    [
        Change::Destroying { id, at, reason: DestructionReason::Expired },
        Change::Destroyed { id, at, copies: Vec::new() },
    ]
}

fn key_of(id: RecordingId) -> KeyId {
    slot_of(id, 3).1
}

/// The files in which any of these byte strings is found.
fn found(place: &Place, marks: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let Ok(bytes) = std::fs::read(place.path(suffix)) else { continue };
        for mark in marks {
            if bytes.windows(mark.len()).any(|window| window == *mark) {
                found.push(format!("{} in {suffix:?}", String::from_utf8_lossy(mark)));
            }
        }
    }
    found
}

#[test]
fn nothing_personal_of_a_destroyed_recording_is_left_in_any_file() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    for n in 0..40 {
        catalogue.apply(&marked_call(recording(n))).expect("written");
    }
    let key = key_of(recording(7)).0;
    let marks: [&[u8]; 3] = [SEALED, LEG.as_bytes(), &key];
    assert!(!found(&place, &marks).is_empty(), "the test would see it");
    for n in 0..40 {
        catalogue.apply(&destroy(recording(n))).expect("destroyed");
    }
    catalogue.checkpoint().expect("the write-ahead log is emptied");
    assert_eq!(found(&place, &marks), Vec::<String>::new(), "while the catalogue is open");
    assert_eq!(std::fs::metadata(place.path("-wal")).map_or(0, |wal| wal.len()), 0);
    drop(catalogue);
    assert_eq!(found(&place, &marks), Vec::<String>::new(), "and after it was closed");
}

/// One among many: its page is shared with others that stay.
#[test]
fn a_recording_destroyed_among_others_is_gone_and_the_others_are_there() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    for n in 0..40 {
        let id = recording(n);
        let mark: &[u8] = if n == 20 { SEALED } else { b"sealed-fields-of-others-are-kept" };
        catalogue.apply(&whole_call(id, T0)).expect("written");
        catalogue.apply(&[opened(id, 3, Party::Joined, "leg-c", 9_000, mark)]).expect("written");
    }
    catalogue.apply(&destroy(recording(20))).expect("destroyed");
    catalogue.checkpoint().expect("emptied");
    assert_eq!(found(&place, &[SEALED]), Vec::<String>::new());
    assert!(!found(&place, &[b"sealed-fields-of-others-are-kept"]).is_empty());
    assert_eq!(place.reader().list(&Filter::default(), T0).expect("listed").len(), 40);
}

/// A kill between the tombstone and the checkpoint: the next start empties the log.
#[test]
fn the_next_start_empties_the_log_that_a_kill_left() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&marked_call(ID)).expect("written");
    let destroyed = destroy(ID);
    catalogue.apply(&destroyed).expect("destroyed");
    assert!(!found(&place, &[SEALED]).is_empty(), "it still lies in the write-ahead log");
    // A kill drops no connection: keep this one from tidying up by copying the files as they are.
    let after = Place::new();
    for suffix in ["", "-wal"] {
        std::fs::copy(place.path(suffix), after.path(suffix)).expect("copied");
    }
    drop(after.catalogue());
    assert_eq!(found(&after, &[SEALED]), Vec::<String>::new());
}

/// A reader in the way is told, not waited for without end, and the next checkpoint does it.
#[test]
fn a_log_that_is_being_read_is_emptied_the_next_time() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&marked_call(ID)).expect("written");
    let other = rusqlite::Connection::open(place.path("")).expect("opened");
    other.execute_batch("BEGIN; SELECT count(*) FROM recordings;").expect("reads");
    let mut reading = other.prepare("SELECT id FROM recordings").expect("prepared");
    let mut rows = reading.query([]).expect("reads");
    rows.next().expect("a row");
    catalogue.apply(&destroy(ID)).expect("destroyed");
    assert!(matches!(catalogue.checkpoint(), Err(CatalogueFault::LogBusy)));
    drop(rows);
    drop(reading);
    other.execute_batch("COMMIT").expect("done reading");
    catalogue.checkpoint().expect("emptied");
    assert_eq!(found(&place, &[SEALED]), Vec::<String>::new());
}

/// DES-02: the columns that are left, by name. A new one needs a reason.
#[test]
fn a_tombstone_has_no_column_for_a_number_a_name_or_a_leg() {
    let place = Place::new();
    drop(place.catalogue());
    let raw = rusqlite::Connection::open(place.path("")).expect("opened");
    let mut statement = raw.prepare("SELECT name FROM pragma_table_info('tombstones')").expect("prepared");
    let columns: Vec<String> =
        statement.query_map([], |row| row.get(0)).expect("read").collect::<Result<_, _>>().expect("read");
    assert_eq!(
        columns,
        [
            "id",
            "direction",
            "instance",
            "policy",
            "epoch",
            "day_ms",
            "duration_class",
            "ended_at",
            "expires_at",
            "outcome",
            "outcome_reason",
            "destroyed_at",
            "method",
            "reason",
            "segments",
            "copies"
        ]
    );
}
