//! Two hundred calls that begin at once, their keys ready.
use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::time::ManualClock;

use crate::recorder_support::{Call, Heard, NOON, Site, eventually};
use crate::{cpu, spread};

const CALLS: u64 = 200;
const REPETITIONS: usize = 5;

/// From a call's first word to the recorder's answer to its last: both parties born, answered, bridged.
pub fn two_hundred_calls() {
    let (mut one, mut all, mut processor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let site = Site::new();
        let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
        let recorder = site.start(&clock, &heard).expect("started");
        eventually("the stock is full", || recorder.status().keys.ready == recorder.status().keys.wanted);
        let (calls, cpu, wall) = cpu::timed(|| {
            (0..CALLS)
                .map(|number| {
                    let (call, _, wall) = cpu::timed(|| Call::begin(&recorder, 1 + 2 * number));
                    one.push(wall.as_secs_f64() * 1e6);
                    call
                })
                .collect::<Vec<_>>()
        });
        eventually("all are captured", || calls.iter().all(|call| call.is_captured(&recorder)));
        all.push(wall.as_secs_f64() * 1e3);
        processor.push(cpu.as_secs_f64() * 1e6 / CALLS as f64);
        for call in calls {
            call.hang_up(&recorder);
        }
        assert!(recorder.shutdown(Duration::from_secs(20)));
    }
    println!("| {CALLS} calls of two parties at once | median | least | most |");
    println!("|---|---|---|---|");
    for (name, values) in [
        ("one call, first word to last answer: µs on the wall", &one),
        ("all calls, one after the other: ms on the wall", &all),
        ("one call: µs of processor", &processor),
    ] {
        let (middle, least, most) = spread(values);
        println!("| {name} | {middle:.0} | {least:.0} | {most:.0} |");
    }
}
