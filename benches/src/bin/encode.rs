//! What a track costs on the pool, against a bare libopus loop over the same frames with the same settings.
//! `encode bare MINUTES`, `encode pool MINUTES`, to be run under callgrind; `encode voice MINUTES` only makes the frames.
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::capture::{FrameFormat, Gate, Generation, HostFrame, TapCounters, TapWriter, frame_ring};
use callvault_recorder::codec::{NoHostDecoders, PCMU_SAMPLES};
use callvault_recorder::encoding::{EncoderPool, PoolReport, PoolSettings, RingSide, TrackPlan};
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::{InstanceTag, LegKey, LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::keystore::ReadyKey;
use callvault_recorder::policy::Profile;
use callvault_recorder::seal::TrackKey;
use callvault_recorder::store::Store;
use callvault_recorder::time::{Clock, EpochDay, ManualClock, UnixMillis};
use crossbeam::channel::unbounded;

type Fault = Box<dyn std::error::Error>;

const FRAME: usize = 160;

#[expect(clippy::print_stdout, reason = "a program that prints a figure")]
fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let minutes: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let voice = voice(minutes as usize * 60 * 50);
    let bytes = match mode.as_str() {
        "voice" => voice.len() * FRAME,
        "bare" => bare(&voice)?,
        "pool" => pool(&voice)?,
        _ => return Err("encode voice|bare|pool MINUTES".into()),
    };
    println!("{mode}: {minutes} min, {bytes} bytes");
    Ok(())
}

/// Frames of something like a voice: a harmonic sound that glides, in syllables, half of the time, over faint noise.
fn voice(frames: usize) -> Vec<[u8; FRAME]> {
    let mut nearest = [0_u8; 4096];
    for (byte, &sample) in PCMU_SAMPLES.iter().enumerate() {
        nearest[(i32::from(sample) / 16 + 2048) as usize] = byte as u8;
    }
    for step in 1..nearest.len() {
        if nearest[step] == 0 {
            nearest[step] = nearest[step - 1];
        }
    }
    let (mut phase, mut seed) = (0.0_f64, 1_u32);
    let mut sample = |number: usize| {
        let seconds = number as f64 / 8000.0;
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 655.36 - 50.0;
        phase += (120.0 + 30.0 * (seconds * 2.1).sin()) / 8000.0 * std::f64::consts::TAU;
        let speaks = (seconds / 3.0).fract() < 0.5;
        let syllable = if speaks { (seconds * 4.0 * std::f64::consts::PI).sin().abs() } else { 0.0 };
        let voiced: f64 = (1..12).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum();
        nearest[((voiced * syllable * 3000.0 + noise) as i32 / 16 + 2048).clamp(0, 4095) as usize]
    };
    (0..frames).map(|frame| std::array::from_fn(|at| sample(frame * FRAME + at))).collect()
}

fn bare(voice: &[[u8; FRAME]]) -> Result<usize, Fault> {
    let mut encoder = opus::Encoder::new(8000, opus::Channels::Mono, opus::Application::Voip)?;
    encoder.set_bitrate(opus::Bitrate::Bits(16_000))?;
    encoder.set_complexity(0)?;
    let (mut packet, mut bytes) = ([0; 1275], 0);
    for frame in voice {
        let samples = frame.map(|byte| PCMU_SAMPLES[usize::from(byte)]);
        bytes += encoder.encode(&samples, &mut packet)?;
    }
    Ok(bytes)
}

fn pool(voice: &[[u8; FRAME]]) -> Result<usize, Fault> {
    let directory = tempfile::tempdir()?;
    let store = Arc::new(Store::create(&directory.path().join("data"))?);
    let clock = Arc::new(ManualClock::at(UnixMillis(1_790_000_000_000)));
    let (sender, reports) = unbounded();
    let settings = PoolSettings { threads: 1, profile: Profile::Opus };
    let pool = EncoderPool::start(settings, store, Arc::new(NoHostDecoders), Arc::clone(&clock) as _, sender)?;
    let (leg, track) = (LegKey(1), TrackNumber(NonZeroU16::MIN));
    let generation = Generation(NonZeroU32::MIN);
    let recording = RecordingId::generate(InstanceTag::of("bench")).ok_or("no randomness")?;
    let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
    // Room for all of it, so that the pool's rounds and not a media thread's pace are measured.
    let (producer, ring) = frame_ring(voice.len() * 400);
    pool.attach(leg, RingSide::Read, ring, Arc::clone(&gate), Arc::clone(&counters));
    let ready = ReadyKey { key: TrackKey::generate()?, slot: SlotNumber(0), epoch: EpochDay(20_000), roster: 1 };
    let started = clock.monotonic();
    let plan = TrackPlan {
        recording,
        track,
        party: Party::Caller,
        leg_uuid: LegUuid::from_host(b"bench"),
        ready,
        started,
        started_at: UnixMillis(1_790_000_000_000),
        instance: "bench".into(),
        notices: Vec::new(),
    };
    pool.open_track(leg, RingSide::Read, generation, plan);
    gate.open(generation);
    let mut tap = TapWriter::new(producer, gate, counters);
    let format = FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000);
    for (number, frame) in (1_u32..).zip(voice) {
        let at = started.plus(Duration::from_millis(20) * number);
        tap.take(&HostFrame { at, payload: frame, timestamp: number * 160, sequence: number as u16, format });
    }
    pool.close_track(leg, recording, track);
    let mut sealed = 0;
    loop {
        match reports.recv_timeout(Duration::from_secs(600))? {
            PoolReport::SegmentClosed { bytes, .. } => sealed += usize::try_from(bytes)?,
            PoolReport::TrackClosed { frames_lost: 0, .. } => return Ok(sealed),
            PoolReport::TrackClosed { frames_lost, .. } => return Err(format!("{frames_lost} frames lost").into()),
            PoolReport::Fault { what, .. } => return Err(what.into()),
            PoolReport::SegmentOpened { .. } => {}
        }
    }
}
