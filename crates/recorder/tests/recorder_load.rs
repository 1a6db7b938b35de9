//! Two hundred calls at once, and leaving in the middle of them.
mod recorder_support;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::catalogue::{Filter, OutcomeWord, State};
use callvault_recorder::conversation::LegInput;
use callvault_recorder::policy::Purpose;
use callvault_recorder::time::{Clock as _, ManualClock};
use recorder_support::{Call, Heard, NOON, Site, eventually, opened};

fn threads() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("/proc/self/task")
        .expect("proc")
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("callvault"))
        .collect();
    names.sort();
    names
}

#[test]
fn rec_01_two_hundred_short_calls_at_once_are_all_recorded_and_threads_do_not_grow() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    eventually("the stock is full", || recorder.status().keys.ready == recorder.status().keys.wanted);
    let before = threads().len();
    let mut calls: Vec<Call> = (0..200).map(|key| Call::begin(&recorder, 1 + 2 * key)).collect();
    eventually("all are captured", || calls.iter().all(|call| call.is_captured(&recorder)));
    assert_eq!(threads().len(), before);
    for packet in 1..=50 {
        clock.advance(Duration::from_millis(20));
        for call in &mut calls {
            call.caller.speak(&*clock);
            call.agent.speak(&*clock);
        }
        if packet % 10 == 0 {
            std::thread::sleep(Duration::from_millis(120));
        }
    }
    for call in calls {
        call.hang_up(&recorder);
    }
    eventually("all have their outcome", || recorder.active().is_empty());
    let rows = recorder.list(&Filter { limit: Some(1000), ..Filter::default() }).expect("listed");
    assert_eq!(rows.len(), 200);
    assert!(rows.iter().all(|row| row.outcome == Some(OutcomeWord::Recorded)), "{rows:?}");
    let status = recorder.status();
    assert_eq!(
        (status.keys.refused, status.taps.ring_full, status.books.rows_lost, status.panics),
        (0, 0, 0, 0),
        "{status}"
    );
    assert_eq!(status.taps.frames, 200 * 2 * 50);
    assert!(heard.alarms().is_empty(), "{:?}", heard.alarms());
    assert!(recorder.shutdown(Duration::from_secs(20)));
}

#[test]
fn e18_e19_leaving_in_the_middle_of_calls_seals_them_and_leaves_no_thread() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    let mut calls: Vec<Call> = (0..5).map(|key| Call::begin(&recorder, 1 + 2 * key)).collect();
    for call in &mut calls {
        call.speak(&clock, Duration::from_secs(1));
    }
    assert!(recorder.shutdown(Duration::from_secs(10)), "in time");
    // What the host's threads still say after it is heard by nobody, and blocks nobody.
    for call in &mut calls {
        call.caller.speak(&*clock);
        recorder.tell(call.caller.key, LegInput::HungUp);
        assert!(!recorder.tell_and_wait(call.agent.key, LegInput::Gone, Duration::from_secs(1)));
    }
    drop(recorder);

    let recorder = site.start(&clock, &heard).expect("started again");
    let rows = recorder.list(&Filter::default()).expect("listed");
    assert_eq!(rows.len(), 5);
    for row in rows {
        assert_eq!((row.state, row.outcome), (State::Kept, Some(OutcomeWord::Recorded)));
        let copy = recorder.release(&site.manager.ticket(row.id, Purpose::Complaint, clock.now())).expect("released");
        assert_eq!(opened(&copy, &site.manager.identity, clock.now()).expect("opened").len(), 2);
    }
    assert!(recorder.shutdown(Duration::from_secs(10)));
}

#[test]
fn drain_waits_for_what_goes_on_and_records_nothing_new() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = Arc::new(site.start(&clock, &heard).expect("started"));
    let mut call = Call::begin(&recorder, 1);
    assert!(!recorder.drain(Duration::from_millis(50)), "the call still goes on");
    call.speak(&clock, Duration::from_secs(1));
    let draining = {
        let recorder = Arc::clone(&recorder);
        std::thread::spawn(move || recorder.drain(Duration::from_secs(20)))
    };
    let running = call.hang_up(&recorder);
    assert!(draining.join().expect("no panic"));
    assert_eq!(recorder.show(running).expect("shown").row.outcome, Some(OutcomeWord::Recorded));
    recorder.start_recording();
    assert_eq!(recorder.can_record(), Ok(()));
}
