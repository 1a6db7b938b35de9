//! Leaving in the middle of calls: at once, or when they are over.
mod recorder_support;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::catalogue::{Filter, OutcomeWord, State};
use callvault_recorder::conversation::LegInput;
use callvault_recorder::policy::Purpose;
use callvault_recorder::time::{Clock as _, ManualClock};
use recorder_support::{Call, Heard, NOON, Site, opened};

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
