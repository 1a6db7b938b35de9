//! E06: `kill -9` in a call loses at most a second, and what is left is closed, listed and opened at the next start.
mod recorder_support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callvault_recorder::catalogue::{Filter, OutcomeWord, State};
use callvault_recorder::policy::Purpose;
use callvault_recorder::time::{Clock as _, SystemClock};
use recorder_support::{Call, Heard, Site, eventually, opened, tone};

const DIRECTORY: &str = "CALLVAULT_TEST_DIRECTORY";
const PACKETS: &str = "CALLVAULT_TEST_PACKETS";
const SPOKEN: &str = "spoken";
const CHILD: &str = "the_child_that_is_killed";

#[test]
fn e06_kill_9_in_a_call_loses_a_second_at_most_and_the_rest_is_readable_afterwards() {
    let site = Site::new();
    let spoken = killed_after(&site, 200);

    let heard = Arc::new(Heard::default());
    let recorder = site.start_with(site.policy(&[]), Arc::new(SystemClock), &heard).expect("started again");
    let rows = recorder.list(&Filter::default()).expect("listed");
    let [row] = rows.as_slice() else { panic!("one recording: {rows:?}") };
    assert_eq!(row.state, State::Truncated);
    let view = recorder.show(row.id).expect("shown");
    assert_eq!(view.tracks.len(), 2);
    for track in &view.tracks {
        assert!(track.duration_ms + 1000 >= spoken, "{} ms of {spoken}", track.duration_ms);
    }
    let kept_for = view.expires_at_ms.expect("expires").since(view.ended_at_ms.expect("ended"));
    assert_eq!(kept_for, Duration::from_secs(30 * 86_400), "its time counts from its last audio");

    let now = SystemClock.now();
    let copy = recorder.release(&site.manager.ticket(row.id, Purpose::Complaint, now)).expect("released");
    for ((_, samples, rate), hz) in
        opened(&copy, &site.manager.identity, now).expect("opened").iter().zip([440.0, 1000.0])
    {
        let length_ms = samples.len() as u64 * 1000 / u64::from(*rate);
        assert!(length_ms + 1000 >= spoken, "{length_ms} ms of {spoken}");
        assert!(tone(&samples[samples.len() / 2..][..samples.len() / 4], f64::from(*rate), hz) > 0.1);
    }
    assert_eq!(recorder.status().keys.refused, 0);
    assert!(recorder.shutdown(Duration::from_secs(20)));
}

#[test]
fn e06_e23_killed_at_any_moment_again_and_again_everything_has_an_end_and_opens() {
    let site = Site::new();
    let moments = [1, 3, 12, 26, 51, 77];
    let spoken: Vec<u64> = moments.into_iter().map(|packets| killed_after(&site, packets)).collect();

    let heard = Arc::new(Heard::default());
    let recorder = site.start_with(site.policy(&[]), Arc::new(SystemClock), &heard).expect("started again");
    let mut rows = recorder.list(&Filter::default()).expect("listed");
    rows.sort_by_key(|row| row.started_at_ms);
    // Killed in its first quarter of a second, a call may have left nothing: no record was due yet.
    let due: Vec<u64> = spoken.iter().copied().filter(|&ms| ms > 1000).collect();
    assert!(rows.len() >= due.len(), "{rows:?}");
    for row in &rows {
        let view = recorder.show(row.id).expect("shown");
        assert!(row.outcome.is_some() && view.expires_at_ms.is_some(), "{view:?}");
        let now = SystemClock.now();
        let released = recorder.release(&site.manager.ticket(row.id, Purpose::Complaint, now));
        match row.outcome {
            Some(OutcomeWord::Recorded) => {
                let copy = released.expect("released");
                assert!(!opened(&copy, &site.manager.identity, now).expect("opened").is_empty());
            }
            _ => assert!(released.is_err(), "{view:?}"),
        }
    }
    for (row, spoken) in rows.iter().rev().zip(due.iter().rev()) {
        assert!(row.duration_ms + 1000 >= *spoken, "{} ms of {spoken}", row.duration_ms);
    }
    let alarms: Vec<&str> = recorder.status().alarms.iter().map(|alarm| alarm.code).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
    assert!(recorder.shutdown(Duration::from_secs(20)));
}

/// A process of its own records and is killed when both parties have spoken for so many packets; how long that is, in
/// milliseconds.
fn killed_after(site: &Site, packets: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([CHILD, "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, site.directory.path())
        .env(PACKETS, packets.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
    said.find(|line| line.as_ref().is_ok_and(|line| line == SPOKEN)).expect("it speaks").expect("it is heard");
    child.kill().expect("SIGKILL");
    child.wait().expect("gone");
    packets * 20
}

/// Records until it is killed; says when both parties have spoken for as long as was asked.
#[test]
#[ignore = "started by the test above"]
fn the_child_that_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let packets: u64 = std::env::var(PACKETS).expect("given").parse().expect("a number");
    let policy = recorder_support::policy(Path::new(&directory), &[]);
    let heard = Arc::new(Heard::default());
    let recorder = recorder_support::start(policy, Arc::new(SystemClock), &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    eventually("both are captured", || call.is_captured(&recorder));
    let begun = Instant::now();
    for packet in 1_u64.. {
        call.caller.speak(&SystemClock);
        call.agent.speak(&SystemClock);
        if packet == packets {
            let mut out = std::io::stdout().lock();
            writeln!(out, "\n{SPOKEN}").expect("said");
            out.flush().expect("said");
        }
        std::thread::sleep((begun + Duration::from_millis(packet * 20)).saturating_duration_since(Instant::now()));
    }
}
