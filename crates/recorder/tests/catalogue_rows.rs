//! What goes into the catalogue comes out of `list` and `show` with the promised names, and nothing personal with it.
mod catalogue_support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use callvault_recorder::catalogue::{
    Catalogue, CatalogueFault, CatalogueReader, Change, CopyFate, DestructionReason, Filter, State,
};
use callvault_recorder::policy::{NotRecorded, Outcome};
use callvault_recorder::time::UnixMillis;
use catalogue_support::*;

/// Decision 18: `list --json` has exactly these fields.
#[test]
fn list_has_the_promised_fields_and_no_other() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("a whole call is written");
    let rows = place.reader().list(&Filter::default(), T0).expect("listed");
    assert_eq!(
        serde_json::to_value(&rows).expect("rows are JSON"),
        serde_json::json!([{
            "id": ID.to_string(), "direction": "inbound", "started_at_ms": T0.0, "duration_ms": 60_000,
            "state": "kept", "outcome": "recorded", "reason": null
        }])
    );
}

/// Decision 18: `show --json` has these, and what it needs to place audio in time.
#[test]
fn show_has_the_promised_fields_and_no_other() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)).expect("a whole call is written");
    let view = place.reader().show(ID, T0).expect("shown").expect("known");
    let zero = T0.0 + 5_000;
    assert_eq!(
        serde_json::to_value(&view).expect("a view is JSON"),
        serde_json::json!({
            "id": ID.to_string(), "direction": "inbound", "started_at_ms": T0.0, "duration_ms": 60_000,
            "state": "kept", "outcome": "recorded", "reason": null,
            "instance": "pbx-1", "answered_at_ms": zero, "ended_at_ms": zero + 60_000,
            "expires_at_ms": zero + 60_000 + 30 * 86_400_000_i64,
            "tracks": [
                { "number": 1, "party": "caller", "leg": "leg-a", "codec": "opus", "offset_ms": 4_000,
                  "duration_ms": 56_000, "gaps": [{ "offset_ms": 9_000, "duration_ms": 40, "reason": "not_received" }] },
                { "number": 2, "party": "agent", "leg": "leg-b", "codec": "pcmu,opus", "offset_ms": 6_000,
                  "duration_ms": 54_000, "gaps": [] }
            ],
            "notices": [{
                "leg": "leg-a", "party": "caller", "prompt": "notice", "version": "1", "language": "nl",
                "sha256": "", "frames_due": 200, "frames_written": 200, "packets_sent": 200,
                "started_at_ms": zero, "ended_at_ms": zero + 4_000, "state": "informed"
            }],
            "parties": [{
                "leg": "leg-a", "party": "caller",
                "standings": [{ "standing": "informed", "at_ms": zero + 4_000, "by": "prompt" }]
            }]
        })
    );
}

#[test]
fn a_call_that_goes_on_is_as_long_as_it_is_now() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)[..6]).expect("a call in progress is written");
    let now = UnixMillis(T0.0 + 5_000 + 7_000);
    let view = place.reader().show(ID, now).expect("shown").expect("known");
    assert_eq!((view.row.state, view.row.outcome, view.row.duration_ms), (State::Recording, None, 7_000));
    assert_eq!((view.ended_at_ms, view.expires_at_ms), (None, None));
    assert_eq!(view.tracks[0].duration_ms, 3_000, "it began four seconds after the answer");
}

#[test]
fn a_call_that_nobody_answered_has_no_length_and_no_audio() {
    let place = Place::new();
    let changes = [started(ID, T0), ended(ID, UnixMillis(T0.0 + 9_000), Outcome::NotRecorded(NotRecorded::NoSpeech))];
    place.catalogue().apply(&changes).expect("written");
    let row = &place.reader().list(&Filter::default(), T0).expect("listed")[0];
    assert_eq!((row.state, row.duration_ms, row.reason), (State::None, 0, Some(NotRecorded::NoSpeech)));
}

#[test]
fn the_list_is_filtered_by_time_and_outcome_and_ends_where_it_is_told() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    for n in 0..5 {
        let id = recording(n);
        let at = UnixMillis(T0.0 + i64::from(n) * 1_000_000);
        let outcome = if n == 2 { Outcome::NotRecorded(NotRecorded::RefusedHangup) } else { Outcome::Recorded };
        catalogue.apply(&[started(id, at), ended(id, at, outcome)]).expect("written");
    }
    let reader = place.reader();
    let listed = |filter: Filter| -> Vec<u8> {
        reader.list(&filter, T0).expect("listed").iter().map(|row| row.id.bytes()[15]).collect()
    };
    let at = |n: i64| Some(UnixMillis(T0.0 + n * 1_000_000));
    assert_eq!(listed(Filter::default()), [4, 3, 2, 1, 0], "newest first");
    assert_eq!(listed(Filter { since: at(1), until: at(3), ..Filter::default() }), [2, 1]);
    assert_eq!(listed(Filter { limit: Some(2), ..Filter::default() }), [4, 3]);
    for outcome in ["not_recorded", "refused_hangup"] {
        assert_eq!(listed(Filter { outcome: outcome.parse().ok(), ..Filter::default() }), [2], "{outcome}");
    }
    assert_eq!(listed(Filter { outcome: "recorded".parse().ok(), ..Filter::default() }), [4, 3, 1, 0]);
    assert!("Recorded".parse::<callvault_recorder::catalogue::OutcomeFilter>().is_err());
}

/// DES-02: of a destroyed recording the day, a class of length, and what became of it are left.
#[test]
fn a_tombstone_says_when_how_and_which_copies_left_and_nothing_else() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    let at = UnixMillis(T0.0 + 31 * 86_400_000);
    let copy = CopyFate { name: "x.callvault".into(), released_at_ms: T0, holder: "ab".repeat(32), left: true };
    catalogue
        .apply(&[
            Change::Destroying { id: ID, at, reason: DestructionReason::Expired },
            Change::Destroyed { id: ID, at, copies: vec![copy] },
        ])
        .expect("destroyed");
    let reader = place.reader();
    let view = reader.show(ID, at).expect("shown").expect("known");
    let end = T0.0 + 65_000;
    assert_eq!(
        serde_json::to_value(&view).expect("a view is JSON"),
        serde_json::json!({
            "id": ID.to_string(), "direction": "inbound",
            "started_at_ms": T0.0.div_euclid(86_400_000) * 86_400_000, "duration_ms": 60_000,
            "state": "destroyed", "outcome": "recorded", "reason": null,
            "instance": "pbx-1", "answered_at_ms": null, "ended_at_ms": end,
            "expires_at_ms": end + 30 * 86_400_000_i64, "tracks": [], "notices": [], "parties": [],
            "destroyed": {
                "at_ms": at.0, "method": "key_slot_overwritten", "reason": "expired", "policy": "policy-hash",
                "segments": ["0a".repeat(32), "14".repeat(32), "15".repeat(32)],
                "copies": [{ "name": "x.callvault", "released_at_ms": T0.0, "holder": "ab".repeat(32), "left": true }]
            }
        })
    );
    assert_eq!(reader.list(&Filter::default(), at).expect("listed")[0].state, State::Destroyed);
    assert_eq!(reader.material(ID).expect("asked"), None);
}

/// One transaction per group: a change that cannot be takes its whole group back, and says which it was.
#[test]
fn a_group_is_applied_whole_or_not_at_all() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    let group = [started(ID, T0), Change::RecordingAnswered { id: recording(9), at: T0 }];
    match catalogue.apply(&group) {
        Err(CatalogueFault::NoSuchRow { index: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(place.reader().list(&Filter::default(), T0).expect("listed"), []);
}

/// ACC-01: a ticket opens once.
#[test]
fn a_ticket_is_used_once_whatever_else_is_in_its_group() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    let used = Change::TicketUsed { nonce: vec![7; 16], ticket_sha256: [1; 32], at: T0 };
    catalogue.apply(std::slice::from_ref(&used)).expect("used");
    drop(catalogue);
    let mut catalogue = place.catalogue();
    let again = catalogue.apply(&[started(ID, T0), used]);
    assert!(matches!(again, Err(CatalogueFault::TicketUsedBefore)), "{again:?}");
    assert_eq!(place.reader().show(ID, T0).expect("asked"), None);
}

/// A release that meets a destruction loses.
#[test]
fn nothing_is_released_once_its_destruction_has_begun() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    catalogue
        .apply(&[Change::Destroying { id: ID, at: T0, reason: DestructionReason::Expired }])
        .expect("destruction begins");
    let refused = catalogue.apply(&[released(ID, "late.callvault")]);
    assert!(matches!(refused, Err(CatalogueFault::NoSuchRow { .. })), "{refused:?}");
}

/// RET-02: shorter applies to what is there, longer does not.
#[test]
fn a_shorter_retention_takes_expiries_down_and_a_longer_one_leaves_them() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let end = T0.0 + 65_000;
    for (retention, left) in [(days(5), 5), (days(30), 5), (days(3), 3)] {
        catalogue.apply(&[Change::RetentionIs { retention }]).expect("applied");
        let view = place.reader().show(ID, T0).expect("shown").expect("known");
        assert_eq!(view.expires_at_ms, Some(UnixMillis(end + left * 86_400_000)));
    }
}

/// SEC-04.
#[test]
fn the_file_is_private_and_a_wider_one_is_refused() {
    let place = Place::new();
    drop(place.catalogue());
    for suffix in ["", "-wal", "-shm"] {
        let path = place.path(suffix);
        if let Ok(found) = std::fs::metadata(&path) {
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{suffix}");
        }
    }
    let path = place.path("");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("widened");
    assert!(matches!(Catalogue::open(&path), Err(CatalogueFault::NotPrivate { mode: 0o640, .. })));
    assert!(matches!(CatalogueReader::open(&path), Err(CatalogueFault::NotPrivate { .. })));
    let link = place.path(".link");
    std::os::unix::fs::symlink(&path, &link).expect("linked");
    assert!(matches!(Catalogue::open(&link), Err(CatalogueFault::NotAFile(_))));
}

/// `data-dir` may be reached through a link, as many an installation's is.
#[test]
fn a_directory_that_is_reached_through_a_link_is_no_obstacle() {
    let place = Place::new();
    drop(place.catalogue());
    let directory = place.path("");
    let directory = directory.parent().expect("in a directory");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let link = elsewhere.path().join("data");
    std::os::unix::fs::symlink(directory, &link).expect("linked");
    Catalogue::open(&link.join("catalogue.sqlite")).expect("opened");
    CatalogueReader::open(&link.join("catalogue.sqlite")).expect("opened");
}

#[test]
fn a_file_of_a_later_version_or_of_another_program_is_left_alone() {
    let place = Place::new();
    drop(place.catalogue());
    let raw = rusqlite::Connection::open(place.path("")).expect("opened");
    raw.pragma_update(None, "user_version", 99).expect("set");
    assert!(matches!(Catalogue::open(&place.path("")), Err(CatalogueFault::Newer { found: 99, .. })));
    raw.pragma_update(None, "application_id", 1).expect("set");
    assert!(matches!(Catalogue::open(&place.path("")), Err(CatalogueFault::Foreign(_))));
}

/// REC-02's count for `callvault status`.
#[test]
fn outcomes_are_counted_by_their_word() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    for n in 0..2 {
        let id = recording(n);
        catalogue
            .apply(&[started(id, T0), ended(id, T0, Outcome::NotRecorded(NotRecorded::Emergency))])
            .expect("written");
    }
    let reader = place.reader();
    let counted = reader.outcomes_since(T0).expect("counted");
    assert_eq!(counted, [("emergency".to_owned(), 2), ("recorded".to_owned(), 1)]);
    let counts = reader.counts(UnixMillis(T0.0 + 31 * 86_400_000), RETENTION).expect("counted");
    assert_eq!((counts.kept, counts.none, counts.overdue), (1, 2, 3));
}
