//! What parties mean, carried out: an objection destroys while the call goes on, an agent's word, pauses.
mod recorder_support;

use std::path::Path;
use std::time::{Duration, Instant};

use callvault_recorder::catalogue::{CatalogueReader, Material, State};
use callvault_recorder::controller::{LegState, RecorderEvent};
use callvault_recorder::conversation::{LegInput, Signal};
use callvault_recorder::evidence::{NoticeState, Standing};
use callvault_recorder::ids::{LegKey, RecordingId};
use callvault_recorder::keystore::Keystore;
use callvault_recorder::policy::{NotRecorded, Outcome, Purpose};
use callvault_recorder::seal;
use callvault_recorder::time::{Clock as _, UnixMillis};
use recorder_support::stage::Stage;
use recorder_support::{Call, eventually, files_below, told};

const PATIENCE: Duration = Duration::from_secs(20);

impl Stage {
    fn say(&self, leg: LegKey, what: LegInput) {
        assert!(self.recorder.tell_and_wait(leg, what, Duration::from_secs(10)));
    }

    fn standings(&self, id: RecordingId, leg: &str) -> Vec<(Standing, String)> {
        let view = self.recorder.show(id).expect("shown");
        let party = view.parties.into_iter().find(|party| party.leg.as_str() == leg);
        party.into_iter().flat_map(|party| party.standings).map(|stood| (stood.standing, stood.by)).collect()
    }

    fn events(&self) -> Vec<RecorderEvent> {
        self.heard.events.lock().expect("not poisoned").clone()
    }

    fn names(&self, wanted: &[&str]) -> Vec<&'static str> {
        self.events().iter().map(RecorderEvent::name).filter(|name| wanted.contains(name)).collect()
    }

    fn material(&self, id: RecordingId) -> Option<Material> {
        let catalogue = CatalogueReader::open(&self.site.path("data/catalogue.sqlite")).expect("readable");
        catalogue.material(id).expect("asked")
    }
}

fn segments_of(data: &Path, id: RecordingId) -> usize {
    let id = id.to_string();
    files_below(&data.join("segments")).iter().filter(|(path, _)| path.to_string_lossy().contains(&id)).count()
}

/// NOT-05, DES-01: capture stops at once, slots and segments are gone within a minute, and the call goes on.
#[test]
fn not_05_des_01_an_objection_destroys_what_was_captured_while_the_call_goes_on() {
    let stage = Stage::new(&[("notice-mode", "optout"), ("uninformed", "play")]);
    let mut call = Call::told(&stage.recorder, 1, NoticeState::Informed);
    assert!(call.is_captured(&stage.recorder));
    call.speak(&stage.clock, Duration::from_secs(2));
    eventually("both parties' audio is on disk", || {
        stage.recorder.show(call.recording).is_ok() && segments_of(&stage.site.path("data"), call.recording) == 2
    });
    let before = stage.material(call.recording).expect("there");
    let keys: Vec<_> = before.tracks.iter().map(|track| (track.slot, track.key)).collect();
    assert_eq!(keys.len(), 2);

    let objected = Instant::now();
    stage.say(call.caller.key, LegInput::Signalled(Signal::Object));
    for leg in [&call.caller, &call.agent] {
        let view = stage.recorder.leg_view(leg.key).expect("its call goes on");
        assert_ne!(view.state, LegState::Capturing, "capture stops at once");
    }
    call.speak(&stage.clock, Duration::from_millis(200));
    eventually("it is destroyed", || {
        stage.recorder.show(call.recording).is_ok_and(|view| view.row.state == State::Destroyed)
    });
    assert!(objected.elapsed() < Duration::from_secs(60));

    assert_eq!(segments_of(&stage.site.path("data"), call.recording), 0, "no segment is left");
    assert_eq!(stage.material(call.recording), None);
    let view = stage.recorder.show(call.recording).expect("its tombstone");
    assert_eq!(view.row.reason, Some(NotRecorded::Objected));
    assert!(view.tracks.is_empty() && view.notices.is_empty() && view.parties.is_empty());
    stage.audited(&["\"object\"", "outside_party", "leg:caller-1", &call.recording.to_string()]);
    stage.audited(&["destroy.proof", &call.recording.to_string()]);

    // The call is still there, and shown as what it is.
    let outcome = Outcome::NotRecorded(NotRecorded::Objected);
    for leg in [&call.caller, &call.agent] {
        let view = stage.recorder.leg_view(leg.key).expect("its call goes on");
        assert_eq!((view.state, view.outcome), (LegState::Over, Some(outcome)));
    }
    eventually("active shows it", || stage.recorder.active().first().is_some_and(|active| active.outcome.is_some()));
    let active = stage.recorder.active().remove(0);
    assert_eq!((active.outcome, active.reason, active.legs.len()), (Some("not_recorded"), Some("objected"), 2));
    assert_eq!(stage.recorder.status().active, 0);
    assert_eq!(
        stage.heard.outcomes(),
        [(call.caller.key, call.recording, outcome), (call.agent.key, call.recording, outcome)]
    );
    let told_of = ["started", "notice", "objected", "stopped", "ended", "destroyed"];
    eventually("the host is told", || stage.names(&told_of).contains(&"destroyed"));
    assert_eq!(stage.names(&told_of), ["notice", "started", "objected", "stopped", "ended", "destroyed"]);

    // Its end changes nothing more.
    let id = call.hang_up(&stage.recorder);
    eventually("nobody is left", || stage.recorder.active().is_empty());
    assert_eq!(stage.heard.outcomes().len(), 2);
    assert!(stage.heard.alarms().iter().all(|code| *code == "store_low"), "{:?}", stage.heard.alarms());
    let Stage { site, recorder, .. } = stage;
    assert!(recorder.shutdown(PATIENCE));
    drop(recorder);
    let keystore = Keystore::open(&site.path("keys")).expect("opened");
    for (slot, key) in keys {
        let capsule = keystore.capsule_for(slot, key, &site.manager.identity.to_public());
        assert!(capsule.is_err(), "slot {slot:?} of recording {id} holds its key no more");
    }
}

/// NOT-05: an operator's command is as good as a digit, and said to be one.
#[test]
fn not_05_an_objection_by_command_is_carried_out_and_audited_as_an_operators() {
    let stage = Stage::new(&[("uninformed", "play")]);
    let mut call = Call::told(&stage.recorder, 1, NoticeState::Informed);
    call.speak(&stage.clock, Duration::from_secs(1));
    stage.recorder.object(&call.agent.uuid).expect("carried out");
    stage.audited(&["\"object\"", "\"operator\"", "leg:caller-1"]);
    let by = |event: &RecorderEvent| {
        let RecorderEvent::Objected { by, leg, .. } = event else { return None };
        Some((leg.as_str().to_owned(), by.clone()))
    };
    let objected: Vec<_> = stage.events().iter().filter_map(by).collect();
    assert_eq!(objected, [("caller-1".to_owned(), "command".to_owned())]);
    eventually("it is destroyed", || {
        stage.recorder.show(call.recording).is_ok_and(|view| view.row.state == State::Destroyed)
    });
    let again = stage.recorder.object(&call.agent.uuid).expect_err("it has been objected to");
    assert_eq!(again.code(), "nothing_changed", "{again}");
    assert_eq!(stage.recorder.object(&told::nobody()).expect_err("nobody").code(), "no_such_leg");
    call.hang_up(&stage.recorder);
}

/// NOT-02, NOT-04: how a party stood is in the rows, in the authenticated header of its track, and in a released copy.
#[test]
fn not_04_how_a_party_stood_is_in_rows_header_and_manifest() {
    let stage = Stage::new(&[("notice-mode", "optin"), ("uninformed", "play")]);
    let mut call = Call::told(&stage.recorder, 1, NoticeState::Informed);
    assert!(!call.is_captured(&stage.recorder), "nobody agreed yet");
    stage.say(call.caller.key, LegInput::Signalled(Signal::Agree));
    assert!(call.is_captured(&stage.recorder));
    call.speak(&stage.clock, Duration::from_secs(1));
    let id = call.hang_up(&stage.recorder);
    eventually("sealed", || stage.recorder.active().is_empty());

    let expected = [
        (Standing::Pending, "prompt".to_owned()),
        (Standing::Informed, "prompt".to_owned()),
        (Standing::Consented, "digit".to_owned()),
    ];
    assert_eq!(stage.standings(id, "caller-1"), expected);
    assert_eq!(stage.standings(id, "agent-1"), [], "the company's own stand nowhere");

    let of_caller = files_below(&stage.site.path("data/segments")).into_iter().find_map(|(_, bytes)| {
        let header = seal::inspect(bytes.as_slice()).expect("a segment").header;
        (header.leg.as_str() == "caller-1").then_some(header)
    });
    let header = of_caller.expect("the caller's segment");
    assert_eq!(header.notices.len(), 1);
    let stood: Vec<_> = header.standings.iter().map(|change| (change.standing, change.by.clone())).collect();
    assert_eq!(stood, expected, "known when the track began, so bound to every record");

    let copy = stage.recorder.release(&stage.site.manager.ticket(id, Purpose::Complaint, stage.clock.now()));
    let copy = callvault_recorder::disclosure::CopyReader::open(&copy.expect("released")).expect("whole");
    let caller = copy.manifest().parties.iter().find(|party| party.leg.as_str() == "caller-1").expect("a party");
    let stood: Vec<_> = caller.standings.iter().map(|stood| (stood.standing, stood.by.clone())).collect();
    assert_eq!(stood, expected);
    assert_eq!(caller.outcome, callvault_recorder::access::PartyOutcome::Consented);
    assert!(stage.recorder.status().standings_last_day["consented"] == 1);
    assert!(stage.recorder.metrics().contains("callvault_standings_total{standing=\"consented\"} 1"));
}

/// REC-13: audited with actor and length, shown while it runs, over by itself.
#[test]
fn rec_13_a_pause_is_audited_with_who_and_how_long_and_ends_by_itself() {
    let stage = Stage::new(&[("uninformed", "play"), ("pause-seconds", "20")]);
    let mut call = Call::told(&stage.recorder, 1, NoticeState::Informed);
    call.speak(&stage.clock, Duration::from_secs(1));
    stage.recorder.pause(&call.agent.uuid).expect("paused");
    assert!(!call.is_captured(&stage.recorder));
    let pauses = stage.recorder.status().pauses;
    assert_eq!((pauses.len(), pauses[0].recording, pauses[0].leg.as_str()), (1, call.recording, "agent-1"));
    assert!(stage.recorder.status().to_string().contains(&format!("paused      {}", call.recording)));
    assert_eq!(stage.recorder.pause(&call.agent.uuid).expect_err("it is paused").code(), "nothing_changed");
    stage.audited(&["\"pause\"", "\"operator\"", "leg:agent-1"]);
    stage.clock.advance(Duration::from_secs(3));
    stage.recorder.resume(&call.agent.uuid).expect("resumed");
    stage.audited(&["\"resume\"", "\"operator\"", "leg:agent-1", "\"lasted_ms\":\"3000\""]);
    assert!(call.is_captured(&stage.recorder));
    assert!(stage.recorder.status().pauses.is_empty());

    stage.say(call.agent.key, LegInput::Signalled(Signal::Pause));
    stage.audited(&["\"pause\"", "\"agent\"", "leg:agent-1"]);
    stage.clock.advance(Duration::from_secs(21));
    stage.recorder.wake();
    stage.audited(&["\"resume\"", "\"recorder\"", "leg:agent-1", "\"lasted_ms\":\"2"]);
    eventually("it goes on", || call.is_captured(&stage.recorder));
    let report = stage.recorder.status().pause_report;
    assert_eq!((report.ended, report.by_itself), (2, 1));
    assert!((20_000..=21_000).contains(&report.longest_ms), "{report:?}");
    assert_eq!(stage.recorder.pause(&call.caller.uuid).expect_err("an outside party's").code(), "nothing_changed");
    call.hang_up(&stage.recorder);
}

/// STF-01: an operator may attest for the agent, and the evidence says that one did.
#[test]
fn stf_01_an_attestation_by_command_opens_the_callees_track_and_is_kept_as_one() {
    let stage = Stage::new(&[("outbound-notice", "attest"), ("uninformed", "play")]);
    let mut call = Call::rung(&stage.recorder, 1);
    call.speak(&stage.clock, Duration::from_secs(1));
    assert!(!call.is_captured(&stage.recorder), "nobody told the callee yet");
    stage.recorder.attest(&call.agent.uuid).expect("attested");
    assert!(call.is_captured(&stage.recorder));
    call.speak(&stage.clock, Duration::from_secs(1));
    stage.audited(&["\"attest\"", "\"operator\"", "leg:callee-1"]);
    assert_eq!(stage.recorder.attest(&call.agent.uuid).expect_err("it is done").code(), "nothing_changed");
    let id = call.hang_up(&stage.recorder);
    eventually("sealed", || stage.recorder.active().is_empty());
    let standings = stage.standings(id, "callee-1");
    assert!(standings.contains(&(Standing::Informed, "command".to_owned())), "{standings:?}");
    let headers = files_below(&stage.site.path("data/segments"));
    let headers = headers.iter().map(|(_, bytes)| seal::inspect(bytes.as_slice()).expect("a segment").header);
    let callee = headers.into_iter().find(|header| header.leg.as_str() == "callee-1").expect("the callee's segment");
    assert!(callee.standings.iter().any(|change| change.by == "command"), "{:?}", callee.standings);
}

/// STF-02: nobody attested: nothing is kept, and the log says whose task it was.
#[test]
fn stf_02_a_call_that_nobody_attested_is_destroyed_and_the_agents_leg_is_in_the_log() {
    let stage = Stage::new(&[("outbound-notice", "attest"), ("uninformed", "play")]);
    let mut call = Call::rung(&stage.recorder, 1);
    call.speak(&stage.clock, Duration::from_secs(1));
    stage.clock.advance(Duration::from_secs(30));
    stage.recorder.wake();
    eventually("it is destroyed", || {
        stage.recorder.show(call.recording).is_ok_and(|view| view.row.state == State::Destroyed)
    });
    let view = stage.recorder.show(call.recording).expect("its tombstone");
    assert_eq!(view.row.reason, Some(NotRecorded::NotInformed));
    assert_eq!(segments_of(&stage.site.path("data"), call.recording), 0);
    stage.audited(&["\"attest\"", "failed", "not_attested", "leg:agent-1", &call.recording.to_string()]);
    assert!(stage.heard.alarms().contains(&"not_attested"));
    assert!(stage.recorder.leg_view(call.agent.key).is_some(), "the call goes on");
    call.hang_up(&stage.recorder);
}

/// NOT-05, E09: who objected does not wait for a clock that nobody believes, whichever way it went.
#[test]
fn not_05_e09_an_objection_destroys_while_the_clock_is_doubted_and_nothing_else_is() {
    for days in [40, -40] {
        let stage = Stage::new(&[("notice-mode", "optout"), ("uninformed", "play")]);
        let mut kept = Call::told(&stage.recorder, 11, NoticeState::Informed);
        kept.speak(&stage.clock, Duration::from_secs(1));
        let kept = kept.hang_up(&stage.recorder);
        eventually("sealed", || stage.recorder.active().is_empty());
        let mut call = Call::told(&stage.recorder, 1, NoticeState::Informed);
        call.speak(&stage.clock, Duration::from_secs(1));
        stage.say(call.caller.key, LegInput::Signalled(Signal::Object));
        stage.clock.jump_to(UnixMillis(stage.clock.now().0 + days * 86_400_000));
        stage.recorder.wake();
        eventually("it is noticed", || stage.recorder.status().expiry.clock_jump_ms.is_some());
        eventually("it is destroyed", || {
            stage.recorder.show(call.recording).is_ok_and(|view| view.row.state == State::Destroyed)
        });
        assert_eq!(stage.recorder.show(kept).expect("shown").row.state, State::Kept, "{days} days");
        call.hang_up(&stage.recorder);
    }
}
