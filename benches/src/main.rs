//! What recording costs. `benches/run` runs all of it and prints tables; BENCHMARKS.md says what came out.
//!
//! The legs, the copies and the calls are those of the recorder's own tests.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a table on stdout is what this program is for")]

mod cpu;
mod encoding;
mod opening;
mod sealing;
mod speech;
mod starting;

#[path = "../../crates/recorder/tests/capture_support/mod.rs"]
mod capture_support;
#[path = "../../crates/recorder/tests/disclosure_support/mod.rs"]
mod disclosure_support;
#[path = "../../crates/recorder/tests/recorder_support/mod.rs"]
mod recorder_support;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["encoding"] => encoding::against_bare_libopus(),
        ["profiles"] => encoding::profiles(),
        ["pool", tracks, seconds] => match (tracks.parse(), seconds.parse()) {
            (Ok(tracks), Ok(seconds)) => encoding::once(tracks, seconds),
            _ => return usage(),
        },
        ["sealing"] => sealing::per_track_hour(),
        ["opening"] => opening::an_hour_of_two_parties(),
        ["starting"] => starting::two_hundred_calls(),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    println!("callvault-benches encoding | profiles | pool TRACKS SECONDS | sealing | opening | starting");
    ExitCode::from(2)
}

/// The middle one, the least and the greatest.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
}
