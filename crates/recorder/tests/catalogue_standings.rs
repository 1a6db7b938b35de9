//! NOT-04: how parties came to stand is stored as it happened, and is gone with their recording.
mod catalogue_support;

use callvault_recorder::catalogue::{Catalogue, Change, DestructionReason};
use callvault_recorder::evidence::{Party, Standing};
use callvault_recorder::time::UnixMillis;
use catalogue_support::*;

fn after(seconds: i64) -> UnixMillis {
    UnixMillis(T0.0 + seconds * 1000)
}

#[test]
fn show_has_every_party_in_the_order_of_coming_with_how_it_stood_in_the_order_of_happening() {
    let place = Place::new();
    let joined = |on, party, at| Change::LegJoined { recording: ID, leg: leg(on), party: Some(party), at };
    let changes = [
        started(ID, T0),
        joined("leg-b", Party::Agent, after(5)),
        joined("leg-a", Party::Caller, after(1)),
        stood(ID, "leg-a", Standing::Pending, after(1), "prompt"),
        stood(ID, "leg-a", Standing::Informed, after(4), "prompt"),
        stood(ID, "leg-a", Standing::InformedContinued, after(4), "prompt"),
        stood(ID, "leg-a", Standing::Withdrawn, after(60), "digit"),
        stood(ID, "leg-c", Standing::RefusedHangup, after(3), "prompt"),
    ];
    place.catalogue().apply(&changes).expect("written");
    let view = place.reader().show(ID, T0).expect("shown").expect("known");
    assert_eq!(
        serde_json::to_value(&view.parties).expect("JSON"),
        serde_json::json!([
            { "leg": "leg-a", "party": "caller", "standings": [
                { "standing": "pending", "at_ms": after(1).0, "by": "prompt" },
                { "standing": "informed", "at_ms": after(4).0, "by": "prompt" },
                { "standing": "informed_continued", "at_ms": after(4).0, "by": "prompt" },
                { "standing": "withdrawn", "at_ms": after(60).0, "by": "digit" },
            ] },
            { "leg": "leg-b", "party": "agent", "standings": [] },
            { "leg": "leg-c", "party": null, "standings": [
                { "standing": "refused_hangup", "at_ms": after(3).0, "by": "prompt" },
            ] },
        ])
    );
}

/// DES-01: a call goes on after its recording was destroyed, and leaves no more rows behind.
#[test]
fn what_happens_after_a_recording_was_destroyed_leaves_no_row() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    let (at, reason) = (after(70), DestructionReason::NotRecorded);
    let destroyed = [Change::Destroying { id: ID, at, reason }, Change::Destroyed { id: ID, at, copies: Vec::new() }];
    catalogue.apply(&destroyed).expect("destroyed");
    let notice = whole_call(ID, T0).into_iter().find(|change| matches!(change, Change::Notice { .. }));
    let later = [
        Change::LegJoined { recording: ID, leg: leg("leg-d"), party: Some(Party::Joined), at: after(80) },
        stood(ID, "leg-d", Standing::Pending, after(80), "prompt"),
        notice.expect("a whole call has a notice"),
    ];
    catalogue.apply(&later).expect("nothing to complain of");
    drop(catalogue);
    let raw = rusqlite::Connection::open(place.path("")).expect("opened");
    for table in ["legs", "standings", "notices"] {
        let rows: i64 = raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted");
        assert_eq!(rows, 0, "{table}");
    }
}

/// A catalogue of the version before is brought up to this one, its rows kept.
#[test]
fn a_catalogue_without_standings_gets_a_table_for_them() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)).expect("written");
    let raw = rusqlite::Connection::open(place.path("")).expect("opened");
    raw.execute_batch("DROP TABLE standings; PRAGMA user_version = 1").expect("as it was");
    drop(raw);
    let mut catalogue = Catalogue::open(&place.path("")).expect("migrated");
    catalogue.apply(&[stood(ID, "leg-a", Standing::Objected, after(9), "agent")]).expect("written");
    let view = place.reader().show(ID, T0).expect("shown").expect("known");
    assert_eq!((view.tracks.len(), view.notices.len()), (2, 1));
    assert_eq!(view.parties[0].standings[0].standing, Standing::Objected);
}
