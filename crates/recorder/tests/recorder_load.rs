//! Two hundred calls at once. Alone in its program: it counts the program's threads.
mod recorder_support;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::catalogue::{Filter, OutcomeWord};
use callvault_recorder::time::ManualClock;
use recorder_support::{Call, Heard, NOON, Site, eventually};

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
            calls.iter().for_each(Call::wait_taken);
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
