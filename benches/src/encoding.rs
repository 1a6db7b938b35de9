//! The pool's whole way, ring to file, against `opus_encode` alone on the same samples.
use std::time::{Duration, Instant};

use callvault_recorder::capture::FrameFormat;
use callvault_recorder::encoding::PoolReport;
use callvault_recorder::policy::Profile;
use opus::{Application, Bitrate, Channels, Encoder};

use crate::capture_support::{PATIENCE, Party_, Rig, generation, rig};
use crate::speech::Speech;
use crate::{cpu, spread};

/// A hundred calls.
const TRACKS: usize = 200;
/// What is measured of each track; a second before it warms everything up.
const SECONDS: usize = 10;
const REPETITIONS: usize = 5;
/// What a worker finds in a ring when it comes by.
const TURN: usize = 5;
const TURN_TIME: Duration = Duration::from_millis(100);
const TURNS_PER_SECOND: usize = 10;
/// Seven seconds of G.711: a busy machine shall not make the worker keep it as it came.
const RING: usize = 64 * 1024;

/// Medians over the repetitions, the three ways one after the other in each.
pub fn against_bare_libopus() {
    let speech = Speech::load();
    let (mut pool, mut paced, mut hot) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        pool.push(Pool::run(&speech, Profile::Opus, TRACKS, SECONDS, cpu::of_others).cpu);
        paced.push(bare(&speech, true));
        hot.push(bare(&speech, false));
    }
    let per_track = |times: &[Duration]| -> Vec<f64> { times.iter().map(|time| us_per_track_second(*time)).collect() };
    let (pool, paced, hot) = (per_track(&pool), per_track(&paced), per_track(&hot));
    let ratio = |to: &[f64]| -> Vec<f64> { pool.iter().zip(to).map(|(pool, bare)| pool / bare).collect() };
    println!("| {TRACKS} tracks, {SECONDS} s each, {REPETITIONS} repetitions | median | least | most |");
    println!("|---|---|---|---|");
    for (name, values) in [
        ("pool, ring to file: µs per track-second", &pool),
        ("libopus alone, at the pool's pace: µs per track-second", &paced),
        ("libopus alone, one track after the other: µs per track-second", &hot),
        ("pool ÷ libopus at its pace", &ratio(&paced)),
        ("pool ÷ libopus, one track after the other", &ratio(&hot)),
    ] {
        let (middle, least, most) = spread(values);
        let digits = if middle < 10.0 { 3 } else { 0 };
        println!("| {name} | {middle:.digits$} | {least:.digits$} | {most:.digits$} |");
    }
}

/// What each profile costs and makes.
pub fn profiles() {
    let speech = Speech::load();
    println!("| profile | µs of processor per track-second | kbit/s per track | MB per hour of two parties |");
    println!("|---|---|---|---|");
    for (name, profile) in [
        ("opus", Profile::Opus),
        ("economy", Profile::Economy),
        ("quality", Profile::Quality),
        ("native", Profile::Native),
    ] {
        // As many tracks as one worker encodes in time whatever the profile.
        let tracks = TRACKS / 4;
        let made = Pool::run(&speech, profile, tracks, 2 * SECONDS, cpu::of_others);
        let us = made.cpu.as_secs_f64() * 1e6 / (tracks * 2 * SECONDS) as f64;
        let bytes = made.bytes as f64 / (tracks * (2 * SECONDS + 1)) as f64;
        let (kbit, megabytes) = (bytes * 8.0 / 1000.0, bytes * 2.0 * 3600.0 / 1e6);
        println!("| {name} | {us:.0} | {kbit:.1} | {megabytes:.1} |");
    }
}

/// One run and no figures: for a profiler.
pub fn once(tracks: usize, seconds: usize) {
    let made = Pool::run(&Speech::load(), Profile::Opus, tracks, seconds, || Duration::ZERO);
    println!("{} packets in {} records, {} bytes", made.frames, made.records, made.bytes);
}

/// What a run of the pool came to.
struct Pool {
    /// Of the pool's thread, the first second of the tracks, their opening and their end left out.
    cpu: Duration,
    frames: u64,
    records: u64,
    bytes: u64,
}

impl Pool {
    /// So many tracks, in real time, on one worker; `worked` is the processor time of all threads but this.
    fn run(speech: &Speech, profile: Profile, tracks: usize, seconds: usize, worked: impl Fn() -> Duration) -> Self {
        let mut rig = rig(profile);
        let format = FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000);
        let mut parties: Vec<Party_> = (0..tracks).map(|_| rig.leg_with_ring(format, RING)).collect();
        for party in &parties {
            rig.open(party, generation(1));
        }
        let mut begun = None;
        let mut next = Instant::now();
        for turn in 0..(seconds + 1) * TURNS_PER_SECOND {
            if turn == TURNS_PER_SECOND {
                begun = Some(worked());
            }
            for (track, party) in parties.iter_mut().enumerate() {
                for number in turn * TURN..(turn + 1) * TURN {
                    party.send(speech.packet(track, number), 20_000);
                }
            }
            rig.clock.advance(TURN_TIME);
            next += TURN_TIME;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        let cpu = worked() - begun.expect("longer than a second");
        let (records, bytes) = end(&rig, &parties);
        let stats = rig.pool.stats();
        assert_eq!((stats.overloads, stats.lost_to_store, stats.undecodable), (0, 0, 0), "the worker did not keep up");
        Self { cpu, frames: stats.frames, records, bytes }
    }
}

/// Closes all tracks: records and bytes of their segments.
fn end(rig: &Rig, parties: &[Party_]) -> (u64, u64) {
    parties.iter().for_each(|party| rig.close(party));
    let (mut open, mut all_records, mut all_bytes) = (parties.len(), 0, 0);
    while open > 0 {
        match rig.reports.recv_timeout(PATIENCE).expect("every track is closed in time") {
            PoolReport::SegmentOpened { .. } | PoolReport::Store { .. } => {}
            PoolReport::SegmentClosed { records, bytes, .. } => {
                all_records += records;
                all_bytes += bytes;
            }
            PoolReport::TrackClosed { frames_lost, .. } => {
                assert_eq!(frames_lost, 0);
                open -= 1;
            }
            PoolReport::Fault { what, .. } => panic!("{what}"),
        }
    }
    (all_records, all_bytes)
}

/// The same samples through as many bare encoders: all of them each 100 ms, or one after the other.
fn bare(speech: &Speech, paced: bool) -> Duration {
    let mut encoders: Vec<Encoder> = (0..TRACKS).map(|_| encoder()).collect();
    let mut packet = [0; 1275];
    let mut encode = |encoder: &mut Encoder, track: usize, numbers: std::ops::Range<usize>| {
        for number in numbers {
            encoder.encode(speech.samples(track, number), &mut packet).expect("encoded");
        }
    };
    let per_second = TURNS_PER_SECOND * TURN;
    let until = (SECONDS + 1) * per_second;
    for (track, encoder) in encoders.iter_mut().enumerate() {
        encode(encoder, track, 0..per_second);
    }
    let begun = cpu::of_thread();
    if paced {
        let mut next = Instant::now();
        for turn in TURNS_PER_SECOND..(SECONDS + 1) * TURNS_PER_SECOND {
            for (track, encoder) in encoders.iter_mut().enumerate() {
                encode(encoder, track, turn * TURN..(turn + 1) * TURN);
            }
            next += TURN_TIME;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    } else {
        for (track, encoder) in encoders.iter_mut().enumerate() {
            encode(encoder, track, per_second..until);
        }
    }
    cpu::of_thread() - begun
}

/// As the profile `opus` has it at 8 kHz.
fn encoder() -> Encoder {
    let mut encoder = Encoder::new(8000, Channels::Mono, Application::Voip).expect("an encoder");
    encoder.set_bitrate(Bitrate::Bits(16_000)).expect("set");
    encoder.set_complexity(0).expect("set");
    encoder.set_vbr(true).expect("set");
    encoder.set_dtx(false).expect("set");
    encoder.set_inband_fec(false).expect("set");
    encoder
}

fn us_per_track_second(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / (TRACKS * SECONDS) as f64
}
