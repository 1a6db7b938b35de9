//! Keys for tracks: made ahead, and late where they must be, never missing for good.
mod recorder_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use callvault_recorder::catalogue::{Filter, OutcomeWord};
use callvault_recorder::controller::HostLimits;
use callvault_recorder::evidence::GapReason;
use callvault_recorder::time::ManualClock;
use recorder_support::{Call, Heard, NOON, Site, eventually, start_on};

/// A stock that is used up, and a bookkeeper whose disk stalls, cost a leg what it says meanwhile, and no more.
#[test]
fn rec_05_a_leg_that_finds_no_key_gets_one_as_soon_as_there_is_one() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let recorder = site.start(&clock, &heard).expect("started");
    eventually("the stock is full", || recorder.status().keys.ready == recorder.status().keys.wanted);
    let lock = rusqlite::Connection::open(site.path("data/catalogue.sqlite")).expect("opened");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let mut calls: Vec<Call> = (0..300).map(|key| Call::begin(&recorder, 1 + 2 * key)).collect();
    assert!(recorder.status().keys.refused > 0, "{}", recorder.status());
    assert!(heard.alarms().contains(&"no_key"));
    clock.advance(Duration::from_secs(2));
    lock.execute_batch("ROLLBACK").expect("unlocked");
    eventually("all are captured", || calls.iter().all(|call| call.is_captured(&recorder)));
    for _ in 0..10 {
        clock.advance(Duration::from_millis(20));
        for call in &mut calls {
            call.caller.speak(&*clock);
            call.agent.speak(&*clock);
        }
    }
    let ids: Vec<_> = calls.into_iter().map(|call| call.hang_up(&recorder)).collect();
    eventually("all have their outcome", || recorder.active().is_empty());
    let mut waited = 0;
    for id in ids {
        let view = recorder.show(id).expect("shown");
        assert_eq!(view.row.outcome, Some(OutcomeWord::Recorded));
        assert_eq!(view.tracks.len(), 2, "{view:?}");
        for track in &view.tracks {
            let missing: Vec<_> = track.gaps.iter().filter(|gap| gap.reason == GapReason::NoKey).collect();
            waited += missing.len() as u64;
            assert!(missing.iter().all(|gap| (gap.offset_ms, gap.duration_ms) == (0, track.offset_ms)), "{track:?}");
        }
    }
    let status = recorder.status();
    assert_eq!((status.keys.refused, waited), (waited, status.keys.refused), "{status}");
    assert!(status.alarms.is_empty(), "{status}");
    assert!(recorder.shutdown(Duration::from_secs(20)));
}

/// REC-01: a burst of as many calls as the host lets in finds a key for each party at once.
#[test]
fn rec_01_a_thousand_calls_that_begin_within_ten_seconds_are_all_recorded() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let limits = HostLimits { sessions: 2000, sessions_per_second: 200 };
    let recorder = start_on(limits, site.policy(&[]), Arc::<ManualClock>::clone(&clock), &heard).expect("started");
    let begun = Instant::now();
    while recorder.status().keys.ready < 2000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", recorder.status());
        std::thread::sleep(Duration::from_millis(50));
    }
    let begun = Instant::now();
    let mut calls: Vec<Call> = (0..1000).map(|key| Call::begin(&recorder, 1 + 2 * key)).collect();
    let within = begun.elapsed();
    assert!(within < Duration::from_secs(10), "they began within {within:?}");
    eventually("all are captured", || calls.iter().all(|call| call.is_captured(&recorder)));
    assert_eq!(recorder.status().keys.refused, 0, "{}", recorder.status());
    clock.advance(Duration::from_millis(20));
    for call in &mut calls {
        call.caller.speak(&*clock);
        call.agent.speak(&*clock);
    }
    for call in calls {
        call.hang_up(&recorder);
    }
    eventually("all have their outcome", || recorder.active().is_empty());
    let rows = recorder.list(&Filter { limit: Some(2000), ..Filter::default() }).expect("listed");
    assert_eq!(rows.iter().filter(|row| row.outcome == Some(OutcomeWord::Recorded)).count(), 1000);
    assert!(recorder.shutdown(Duration::from_secs(20)));
}
