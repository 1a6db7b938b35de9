//! The life of a recording without any host: captured, sealed, listed, released by ticket, opened, destroyed.
mod recorder_support;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::audit;
use callvault_recorder::catalogue::{CatalogueReader, Filter, OutcomeWord, State, TrackMaterial};
use callvault_recorder::controller::Recorder;
use callvault_recorder::conversation::Personal;
use callvault_recorder::disclosure::CopyFault;
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::RecordingId;
use callvault_recorder::keystore::Keystore;
use callvault_recorder::policy::{Outcome, Purpose};
use callvault_recorder::seal::read_capsule;
use callvault_recorder::time::{Clock as _, ManualClock};
use recorder_support::{
    AGENT_NUMBER, CALLER_NAME, CALLER_NUMBER, Call, Heard, NOON, Site, contains, eventually, files_below, mu_law,
    opened, tone,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A call of `seconds`, over and sealed.
fn recorded(recorder: &Recorder, clock: &ManualClock, heard: &Heard, key: u64, seconds: u64) -> RecordingId {
    let mut call = Call::begin(recorder, key);
    call.speak(clock, Duration::from_secs(seconds));
    let id = call.hang_up(recorder);
    eventually("the call has its outcome", || recorder.active().iter().all(|active| active.id != id));
    assert!(heard.alarms().is_empty(), "{:?}", heard.alarms());
    id
}

#[test]
fn rec_06_a_call_is_recorded_released_by_ticket_and_heard_with_each_party_on_its_own_track() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    assert_eq!(recorder.can_record(), Ok(()));

    let id = recorded(&recorder, &clock, &heard, 1, 4);

    let row =
        recorder.list(&Filter::default()).expect("listed").into_iter().find(|row| row.id == id).expect("in the list");
    assert_eq!((row.outcome, row.state), (Some(OutcomeWord::Recorded), State::Kept));
    let view = recorder.show(id).expect("shown");
    let parties: Vec<Party> = view.tracks.iter().map(|track| track.party).collect();
    assert_eq!(parties, [Party::Caller, Party::Agent]);
    for track in &view.tracks {
        assert!(track.duration_ms.abs_diff(4000) <= 60, "REC-05: {} ms of 4000", track.duration_ms);
        assert!(track.gaps.is_empty(), "{:?}", track.gaps);
    }

    let ticket = site.manager.ticket(id, Purpose::Complaint, clock.now());
    let copy = recorder.release(&ticket).expect("released");
    assert!(copy.is_absolute());
    let tracks = opened(&copy, &site.manager.identity, clock.now()).expect("opened by its holder");
    assert_eq!(tracks.len(), 2);
    for ((number, samples, rate), (own, other)) in tracks.iter().zip([(440.0, 1000.0), (1000.0, 440.0)]) {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let (own, other) = (tone(middle, f64::from(*rate), own), tone(middle, f64::from(*rate), other));
        assert!(own > 0.1 && other < own / 100.0, "track {number}: its own tone {own:.4}, the other's {other:.4}");
    }
    assert!(matches!(opened(&copy, &site.recovery.identity, clock.now()), Err(CopyFault::AnothersCopy { .. })));
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn ret_01_des_01_what_expired_is_destroyed_and_nothing_opens_it_any_more() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let id = recorded(&recorder, &clock, &heard, 1, 2);
    let copy = recorder.release(&site.manager.ticket(id, Purpose::Complaint, clock.now())).expect("released");
    let kept_copy = site.path("kept.callvault");
    std::fs::copy(&copy, &kept_copy).expect("it leaves the release directory");

    clock.advance(Duration::from_secs(30 * 86_400 - 60));
    assert_eq!(
        recorder.expire_now(true).expect("planned").due.map(|plan| plan.due.len()),
        Some(0),
        "T − 1 min: not due"
    );
    assert!(
        recorder.release(&site.manager.ticket(id, Purpose::Complaint, clock.now())).is_ok(),
        "T − 1 min: still there"
    );
    clock.advance(Duration::from_secs(61));
    recorder.wake();
    eventually("it is destroyed by itself", || recorder.show(id).is_ok_and(|view| view.row.state == State::Destroyed));

    let refused = recorder.release(&site.manager.ticket(id, Purpose::Complaint, clock.now()));
    assert_eq!(refused.expect_err("refused").code(), "destroyed");
    assert!(!copy.exists(), "copies in the release directory go with it");
    assert!(matches!(opened(&kept_copy, &site.manager.identity, clock.now()), Err(CopyFault::Expired(_))));
    let view = recorder.show(id).expect("its tombstone");
    assert!(view.tracks.is_empty() && view.destroyed.is_some());
    assert!(std::fs::read_dir(site.path("data/segments")).expect("there").next().is_none(), "no segment is left");
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn sec_01_sec_03_nothing_in_clear_lies_on_disk_while_recording_after_it_and_after_destruction() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(2));
    nothing_in_clear(&site, "in the call");
    let id = call.hang_up(&recorder);
    eventually("sealed", || recorder.active().is_empty());
    recorder.release(&site.manager.ticket(id, Purpose::Complaint, clock.now())).expect("released");
    nothing_in_clear(&site, "after it");
    clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(recorder.expire_now(false).expect("destroyed").destroyed, [id]);
    assert!(recorder.shutdown(PATIENCE));
    nothing_in_clear(&site, "after destruction");
}

fn nothing_in_clear(site: &Site, when: &str) {
    // Twenty milliseconds of the caller's tone: as it came over the wire, and as samples.
    let samples: Vec<i16> = (1_000..1_160)
        .map(|n| (12_000.0 * (std::f64::consts::TAU * 440.0 * f64::from(n) / 8000.0).sin()) as i16)
        .collect();
    let wire: Vec<u8> = samples.iter().map(|&sample| mu_law(sample)).collect();
    let pcm: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let utf16: Vec<u8> = CALLER_NUMBER[1..].encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (number, name, agent) = (&CALLER_NUMBER.as_bytes()[3..], CALLER_NAME.as_bytes(), &AGENT_NUMBER.as_bytes()[3..]);
    let needles: [(&str, &[u8]); 8] = [
        // With the version after the one (RFC 3533) and the chunk after the other: four letters alone stand in the base64
        // of five hundred capsules by chance.
        ("Ogg", b"OggS\0"),
        ("WAV", b"WAVEfmt "),
        ("G.711", &wire[..80]),
        ("samples", &pcm[..160]),
        ("the caller's number", number),
        ("the caller's number in UTF-16", &utf16),
        ("the caller's name", name),
        ("the agent's number", agent),
    ];
    for (path, bytes) in files_below(site.directory.path()) {
        for (what, needle) in needles {
            assert!(!contains(&bytes, needle), "{when}: {what} lies in {}", path.display());
        }
    }
}

#[test]
fn acc_01_every_bad_ticket_has_its_own_refusal_and_changes_nothing() {
    let mut site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let id = recorded(&recorder, &clock, &heard, 1, 1);
    let stranger = recorder_support::Person::new("stranger", 9);
    let other = RecordingId::from_bytes([7; 16]);
    let unknown = {
        let mut bytes = id.bytes();
        bytes[15] ^= 1;
        RecordingId::from_bytes(bytes)
    };
    let now = clock.now();
    let late = site.manager.ticket(id, Purpose::Complaint, callvault_recorder::time::UnixMillis(now.0 - 16 * 60_000));
    let early = site.manager.ticket(id, Purpose::Complaint, now.plus(Duration::from_secs(600)));
    let good = site.manager.ticket(id, Purpose::Complaint, now);
    for (what, ticket, code) in [
        ("garbled", "cvt1.xyz".to_owned(), "ticket_garbled"),
        ("by a stranger", stranger.ticket(id, Purpose::Complaint, now), "ticket_stranger"),
        ("by the recovery key", site.recovery.ticket(id, Purpose::Complaint, now), "ticket_not_a_manager"),
        ("without that purpose", site.manager.ticket(id, Purpose::Training, now), "ticket_without_purpose"),
        ("of another instance", site.manager.ticket(other, Purpose::Complaint, now), "ticket_another_instance"),
        ("late", late, "ticket_late"),
        ("from the future", early, "ticket_from_the_future"),
        ("of an unknown recording", site.manager.ticket(unknown, Purpose::Complaint, now), "no_such_recording"),
    ] {
        assert_eq!(recorder.release(&ticket).expect_err(what).code(), code, "{what}");
        let copies = std::fs::read_dir(site.path("data/releases")).expect("there").count();
        assert_eq!(copies, 0, "{what}: no copy");
    }
    recorder.release(&good).expect("a good one still works");
    assert_eq!(recorder.release(&good).expect_err("replayed").code(), "ticket_replayed");

    // ACC-03: who is taken off the roster opens nothing from then on; who comes on it opens nothing older than that.
    let late_manager = recorder_support::Person::new("pieter", 12);
    let line = late_manager.line(callvault_recorder::access::Role::Manager);
    site.roster.add(&line, std::collections::BTreeSet::from([Purpose::Complaint])).expect("added");
    site.roster.remove(&"marie".parse().expect("a name")).expect("removed");
    site.write_roster();
    let refused = |ticket: String| recorder.release(&ticket).expect_err("refused").code();
    assert_eq!(refused(site.manager.ticket(id, Purpose::Complaint, now)), "ticket_stranger");
    assert_eq!(refused(late_manager.ticket(id, Purpose::Complaint, now)), "no_capsule");
    let status = recorder.status();
    assert_eq!((status.released, status.releases_refused), (1, 11));
    assert!(recorder.shutdown(PATIENCE));

    // Each of them is in the audit log, and the log is whole.
    let log = std::fs::read_to_string(site.path("data/audit.log")).expect("readable");
    assert_eq!(log.matches(r#""action":"release""#).count(), 12, "{log}");
    let node = callvault_recorder::access::NodeKey::open(&site.path("data/node.key")).expect("there");
    let verified = audit::verify(std::io::Cursor::new(log), &node.public().verifying_key()).expect("intact");
    assert!(verified.entries >= 12);
}

#[test]
fn rec_02_calls_are_counted_by_their_outcome_and_the_counts_survive_a_restart() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let first = recorded(&recorder, &clock, &heard, 1, 1);
    recorder.stop();
    let second = Call::begin(&recorder, 3).hang_up(&recorder);
    eventually("both have an outcome", || recorder.status().last_day.not_recorded.contains_key("operator_stop"));
    assert_eq!(recorder.show(second).expect("shown").row.outcome, Some(OutcomeWord::NotRecorded));
    assert!(heard.outcomes().iter().all(|&(_, id, outcome)| (id == first) == (outcome == Outcome::Recorded)));
    assert!(recorder.metrics().contains("callvault_outcomes_total{outcome=\"recorded\""), "{}", recorder.metrics());
    assert!(recorder.shutdown(PATIENCE));
    drop(recorder);

    let recorder = site.start(&clock, &heard).expect("started again");
    let day = recorder.status().last_day;
    assert_eq!((day.recorded, day.not_recorded["operator_stop"]), (1, 1));
    assert_eq!(recorder.list(&Filter::default()).expect("listed").len(), 2);
}

#[test]
fn sec_03_numbers_and_names_are_readable_with_the_tracks_key_alone() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let id = recorded(&recorder, &clock, &heard, 1, 1);
    assert!(recorder.shutdown(PATIENCE));
    drop(recorder);

    let material = CatalogueReader::open(&site.path("data/catalogue.sqlite"))
        .and_then(|catalogue| catalogue.material(id))
        .expect("readable")
        .expect("there");
    let keystore = Keystore::open(&site.path("keys")).expect("opened");
    let [caller, agent] = material.tracks.as_slice() else { panic!("two tracks: {material:?}") };
    let key_of = |track: &TrackMaterial| {
        let capsule =
            keystore.capsule_for(track.slot, track.key, &site.manager.identity.to_public()).expect("a capsule");
        read_capsule(&capsule, &site.manager.identity).expect("the manager's")
    };
    let personal = key_of(caller).open_personal(id, &caller.personal_sealed).expect("opened");
    let personal: Personal = serde_json::from_slice(&personal).expect("JSON");
    assert_eq!((personal.caller_number.as_str(), personal.caller_name.as_str()), (CALLER_NUMBER, CALLER_NAME));
    assert!(key_of(agent).open_personal(id, &caller.personal_sealed).is_err(), "each party under a key of its own");
}
