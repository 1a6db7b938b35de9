//! After a kill nothing is left open: what lies in the store closes what the catalogue knows (E06).
mod catalogue_support;

use std::time::Duration;

use callvault_recorder::catalogue::{Catalogue, Change, Recovery, SegmentFacts, State};
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::RecordingId;
use callvault_recorder::policy::{NotRecorded, Outcome};
use callvault_recorder::time::UnixMillis;
use catalogue_support::*;

const ZERO: UnixMillis = UnixMillis(T0.0 + 5_000);
/// The machine came back a day later.
const RESTART: UnixMillis = UnixMillis(T0.0 + 86_400_000);

/// A segment as it lies in the store, its last record ending `seconds` after the recording's zero.
fn file(id: RecordingId, n: u16, index: u32, records: u64, whole: bool, seconds: i64) -> SegmentFacts {
    let (slot, key) = slot_of(id, n);
    SegmentFacts {
        name: format!("{id}-{n}-{index}"),
        recording: id,
        track: track(n),
        segment: index,
        party: if n == 1 { Party::Caller } else { Party::Agent },
        leg: leg(if n == 1 { "leg-a" } else { "leg-b" }),
        key,
        slot,
        instance: "pbx-1".into(),
        codec: "opus".into(),
        sample_rate: 8_000,
        channels: 1,
        zero_at: ZERO,
        records,
        bytes: records * 150,
        sha256: [9; 32],
        whole,
        last_record_ends_at: UnixMillis(ZERO.0 + seconds * 1_000),
    }
}

fn restart(place: &Place, files: &[SegmentFacts]) -> (Catalogue, Recovery) {
    let mut catalogue = place.catalogue();
    let recovery = catalogue.recover(files, RESTART, RETENTION).expect("recovered");
    catalogue.apply(&recovery.changes).expect("what recovery asks for can be applied");
    let again = catalogue.recover(files, RESTART, RETENTION).expect("recovered again");
    assert_eq!(again.truncated.iter().filter(|id| !recovery.truncated.contains(id)).count(), 0);
    (catalogue, recovery)
}

#[test]
fn a_call_cut_short_is_truncated_and_expires_thirty_days_after_its_last_record() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)[..8]).expect("in progress");
    let (_, recovery) = restart(&place, &[file(ID, 1, 0, 30, false, 31), file(ID, 2, 0, 28, false, 30)]);
    assert_eq!(recovery.truncated, [ID]);
    let view = place.reader().show(ID, RESTART).expect("shown").expect("known");
    assert_eq!((view.row.state, view.row.duration_ms), (State::Truncated, 31_000));
    assert_eq!(view.ended_at_ms, Some(UnixMillis(ZERO.0 + 31_000)));
    assert_eq!(view.expires_at_ms, Some(UnixMillis(ZERO.0 + 31_000).plus(RETENTION)));
    let lengths: Vec<u64> = view.tracks.iter().map(|track| track.duration_ms).collect();
    assert_eq!(lengths, [27_000, 24_000]);
}

#[test]
fn a_file_without_a_row_is_adopted_and_a_row_without_a_file_is_dropped() {
    let place = Place::new();
    // Track 1's segment was announced but holds no file; track 2 and its segment were not yet written to the catalogue.
    place.catalogue().apply(&whole_call(ID, T0)[..6]).expect("in progress");
    let (catalogue, _) = restart(&place, &[file(ID, 2, 0, 5, false, 11)]);
    let material = catalogue.material(ID).expect("asked").expect("known");
    let segments: Vec<(u16, usize)> =
        material.tracks.iter().map(|track| (track.number.get(), track.segments.len())).collect();
    assert_eq!(segments, [(1, 0), (2, 1)]);
    assert_eq!((material.tracks[1].slot, material.tracks[1].key), slot_of(ID, 2), "so that it can be destroyed");
}

#[test]
fn a_recording_of_which_only_files_are_left_gets_an_expiry_too() {
    let place = Place::new();
    drop(place.catalogue());
    let (catalogue, _) = restart(&place, &[file(ID, 1, 0, 2, false, 2)]);
    let view = place.reader().show(ID, RESTART).expect("shown").expect("known");
    assert_eq!((view.row.state, view.instance.as_str()), (State::Truncated, "pbx-1"));
    let due = catalogue.due(RESTART.plus(RETENTION), RETENTION, 10).expect("asked");
    assert_eq!(due.iter().map(|row| row.id).collect::<Vec<_>>(), [ID]);
}

#[test]
fn a_call_that_left_no_audio_is_not_recorded_by_a_fault_of_ours() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)[..3]).expect("answered, no track yet");
    restart(&place, &[]);
    let row = place.reader().show(ID, RESTART).expect("shown").expect("known").row;
    assert_eq!((row.state, row.reason), (State::None, Some(NotRecorded::RecorderFault)));
}

#[test]
fn a_call_that_had_ended_keeps_its_end_and_its_outcome() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)[..11]).expect("ended, segments still open");
    let files = [file(ID, 1, 0, 56, true, 60), file(ID, 2, 0, 10, true, 20), file(ID, 2, 1, 40, true, 60)];
    let (_, recovery) = restart(&place, &files);
    assert_eq!(recovery.truncated, [], "every segment has its last record");
    let view = place.reader().show(ID, RESTART).expect("shown").expect("known");
    assert_eq!((view.row.state, view.ended_at_ms), (State::Kept, Some(UnixMillis(ZERO.0 + 60_000))));
}

#[test]
fn what_was_captured_of_an_objected_call_is_due_at_once_and_stays_not_recorded() {
    let place = Place::new();
    let mut changes = whole_call(ID, T0)[..8].to_vec();
    changes.push(ended(ID, UnixMillis(ZERO.0 + 9_000), Outcome::NotRecorded(NotRecorded::Objected)));
    place.catalogue().apply(&changes).expect("objected");
    let (catalogue, _) = restart(&place, &[file(ID, 1, 0, 3, false, 8)]);
    let row = place.reader().show(ID, RESTART).expect("shown").expect("known").row;
    assert_eq!(row.reason, Some(NotRecorded::Objected));
    assert_eq!(catalogue.due(UnixMillis(ZERO.0 + 9_001), RETENTION, 10).expect("asked").len(), 1);
}

#[test]
fn a_destroyed_recording_stays_destroyed_and_its_stray_file_is_named() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(ID, T0)).expect("written");
    let reason = callvault_recorder::catalogue::DestructionReason::Expired;
    catalogue
        .apply(&[Change::Destroying { id: ID, at: T0, reason }, Change::Destroyed { id: ID, at: T0, copies: vec![] }])
        .expect("destroyed");
    drop(catalogue);
    let stray = file(ID, 1, 0, 56, true, 60);
    let (_, recovery) = restart(&place, std::slice::from_ref(&stray));
    assert_eq!((recovery.strays, recovery.changes), (vec![stray.name], vec![]));
}

#[test]
fn only_what_may_need_closing_is_read_from_the_store() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    catalogue.apply(&whole_call(recording(1), T0)).expect("a whole call");
    catalogue.apply(&whole_call(recording(2), T0)[..8]).expect("one in progress");
    let names: Vec<String> =
        [(1, 0), (2, 0), (3, 0)].iter().map(|(n, index)| format!("{}-1-{index}", recording(*n))).collect();
    assert_eq!(catalogue.segments_to_inspect(&names).expect("asked"), names[1..]);
}

/// E09: a store whose clock ran ahead does not lengthen anything.
#[test]
fn a_record_from_the_future_counts_as_ending_now() {
    let place = Place::new();
    place.catalogue().apply(&whole_call(ID, T0)[..6]).expect("in progress");
    let mut ahead = file(ID, 1, 0, 30, false, 31);
    ahead.last_record_ends_at = RESTART.plus(Duration::from_secs(1_000_000));
    restart(&place, &[ahead]);
    let view = place.reader().show(ID, RESTART).expect("shown").expect("known");
    assert_eq!(view.ended_at_ms, Some(RESTART));
}
