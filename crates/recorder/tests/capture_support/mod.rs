//! A pool on a store of its own, legs whose frames are made up, and an opener that knows only docs and headers.
#![allow(dead_code, reason = "each test file uses its part")]
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use callvault_recorder::capture::{FrameFormat, Gate, Generation, HostFrame, TapCounters, TapWriter, frame_ring};
use callvault_recorder::codec::{HostDecoders, NoHostDecoders, PCMU_SAMPLES};
use callvault_recorder::encoding::{EncoderPool, PoolReport, PoolSettings, RingSide, SegmentFiles, TrackPlan};
use callvault_recorder::evidence::{Gap, Party};
use callvault_recorder::ids::{InstanceTag, LegKey, LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::keystore::ReadyKey;
use callvault_recorder::policy::Profile;
use callvault_recorder::seal::{Ending, Entry, SegmentHeader, SegmentReader, StoredCodec, TrackKey};
use callvault_recorder::store::{SegmentName, Store, StoreReader};
use callvault_recorder::time::{Clock, EpochDay, ManualClock, Monotonic, UnixMillis};
use crossbeam::channel::{Receiver, unbounded};

/// Longer than anything here takes; an event that does not come by then is a failure.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// What may wait for a store, where a test says nothing else.
const STORE_BACKLOG: u64 = 256 << 20;
/// Room for a minute of a call, so that a test can hand it over at once.
const RING: usize = 8 << 20;

pub struct Rig {
    pub pool: EncoderPool,
    pub store: Arc<Store>,
    pub clock: Arc<ManualClock>,
    pub reports: Receiver<PoolReport>,
    pub directory: tempfile::TempDir,
    legs: u64,
}

pub fn rig(profile: Profile) -> Rig {
    rig_with(profile, Arc::new(NoHostDecoders), |store| store)
}

pub fn rig_with(
    profile: Profile,
    decoders: Arc<dyn HostDecoders>,
    files: impl FnOnce(Arc<dyn SegmentFiles>) -> Arc<dyn SegmentFiles>,
) -> Rig {
    rig_bounded(profile, decoders, STORE_BACKLOG, files)
}

pub fn rig_bounded(
    profile: Profile,
    decoders: Arc<dyn HostDecoders>,
    store_backlog: u64,
    files: impl FnOnce(Arc<dyn SegmentFiles>) -> Arc<dyn SegmentFiles>,
) -> Rig {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Arc::new(Store::create(&directory.path().join("data")).expect("a new store"));
    let clock = Arc::new(ManualClock::at(UnixMillis(1_790_000_000_000)));
    let (sender, reports) = unbounded();
    let settings = PoolSettings { threads: 1, profile, store_backlog };
    let files = files(Arc::clone(&store) as Arc<dyn SegmentFiles>);
    let pool =
        EncoderPool::start(settings, files, decoders, Arc::clone(&clock) as Arc<dyn Clock>, sender).expect("threads");
    Rig { pool, store, clock, reports, directory, legs: 0 }
}

/// A leg's party, and the track that it has.
pub struct Party_ {
    pub leg: LegKey,
    pub tap: TapWriter,
    pub gate: Arc<Gate>,
    pub counters: Arc<TapCounters>,
    pub recording: RecordingId,
    pub track: TrackNumber,
    pub key: TrackKey,
    pub started: Monotonic,
    pub format: FrameFormat,
    pub timestamp: u32,
    pub sequence: u16,
    /// Microseconds since the recording's start, at which the next frame comes.
    pub now_us: u64,
}

pub fn generation(number: u32) -> Generation {
    Generation(NonZeroU32::new(number).expect("counted from 1"))
}

impl Rig {
    /// A leg that speaks this, with its gate open for generation 1; no track is opened yet.
    pub fn leg(&mut self, format: FrameFormat) -> Party_ {
        self.leg_with_ring(format, RING)
    }

    pub fn leg_with_ring(&mut self, format: FrameFormat, ring: usize) -> Party_ {
        self.legs += 1;
        let leg = LegKey(self.legs);
        let (producer, ring) = frame_ring(ring);
        let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
        self.pool.attach(leg, RingSide::Read, ring, Arc::clone(&gate), Arc::clone(&counters));
        gate.open(generation(1));
        Party_ {
            leg,
            tap: TapWriter::new(producer, Arc::clone(&gate), Arc::clone(&counters)),
            gate,
            counters,
            recording: RecordingId::generate(InstanceTag::of("pbx")).expect("randomness"),
            track: TrackNumber(NonZeroU16::MIN),
            key: TrackKey::generate().expect("a key"),
            started: self.clock.monotonic(),
            format,
            timestamp: 160_000,
            sequence: 7,
            now_us: 0,
        }
    }

    pub fn open(&self, party: &Party_, of: Generation) {
        let ready = ReadyKey { key: party.key.clone(), slot: SlotNumber(3), epoch: EpochDay(20_000), roster: 1 };
        let plan = TrackPlan {
            recording: party.recording,
            track: party.track,
            party: Party::Caller,
            leg_uuid: LegUuid::from_host(b"leg"),
            ready,
            started: party.started,
            started_at: UnixMillis(1_790_000_000_000),
            instance: "pbx".into(),
            notices: Vec::new(),
            standings: Vec::new(),
            missing: None,
        };
        self.pool.open_track(party.leg, RingSide::Read, of, plan);
    }

    pub fn close(&self, party: &Party_) {
        party.gate.shut();
        self.pool.close_track(party.leg, party.recording, party.track, None);
    }

    /// Reports of one track up to its last.
    pub fn reports_of(&self, party: &Party_) -> Told {
        let mut told = Told::default();
        loop {
            let report = self.reports.recv_timeout(PATIENCE).expect("the track is closed in time");
            match report {
                PoolReport::SegmentOpened { recording, name, .. } if recording == party.recording => {
                    told.opened.push(name);
                }
                PoolReport::SegmentClosed { recording, bytes, .. } if recording == party.recording => {
                    told.closed.push(bytes);
                }
                PoolReport::Fault { recording, what, .. } if recording == party.recording => {
                    told.faults.push(what.to_string());
                }
                PoolReport::TrackClosed { recording, offset_ms, duration_ms, gaps, frames, frames_lost, .. }
                    if recording == party.recording =>
                {
                    (told.offset_ms, told.duration_ms, told.gaps) = (offset_ms, duration_ms, gaps);
                    (told.frames, told.frames_lost) = (frames, frames_lost);
                    return told;
                }
                PoolReport::Store { .. }
                | PoolReport::SegmentOpened { .. }
                | PoolReport::SegmentClosed { .. }
                | PoolReport::Fault { .. }
                | PoolReport::TrackClosed { .. } => {}
            }
        }
    }

    /// Closes a track and opens what is in the store of it.
    pub fn finish(&self, party: &Party_) -> (Told, Vec<Opened>) {
        self.close(party);
        let told = self.reports_of(party);
        let opened = told.opened.iter().map(|name| self.open_segment(party, name)).collect();
        (told, opened)
    }

    pub fn open_segment(&self, party: &Party_, name: &SegmentName) -> Opened {
        let file = self.store.open_segment(name).expect("the file is there");
        let reader = SegmentReader::new(StoreReader::from(file)).expect("a segment");
        let header = reader.header().clone();
        let (entries, ending) = reader.read_all(&party.key).expect("sealed under the party's key");
        Opened { header, entries, ending }
    }
}

/// What the pool reported of a track.
#[derive(Debug, Default)]
pub struct Told {
    pub opened: Vec<SegmentName>,
    pub closed: Vec<u64>,
    pub faults: Vec<String>,
    pub offset_ms: u64,
    pub duration_ms: u64,
    pub gaps: Vec<Gap>,
    pub frames: u64,
    pub frames_lost: u64,
}

pub struct Opened {
    pub header: SegmentHeader,
    pub entries: Vec<Entry>,
    pub ending: Ending,
}

impl Opened {
    pub fn packets(&self) -> Vec<(u64, u32, &[u8])> {
        let packet = |entry| match entry {
            &Entry::Packet { offset_us, duration_us, ref data } => Some((offset_us, duration_us, data.as_slice())),
            Entry::Gap { .. } => None,
        };
        self.entries.iter().filter_map(packet).collect()
    }
}

impl Party_ {
    /// The next frame, of so many microseconds.
    pub fn send(&mut self, payload: &[u8], us: u32) {
        self.tap.take(&HostFrame {
            // The host's timer comes by, on the average, when half of the packet's time is over.
            at: self.started.plus(Duration::from_micros(self.now_us + u64::from(us / 2))),
            payload,
            timestamp: self.timestamp,
            sequence: self.sequence,
            format: self.format,
        });
        self.sequence = self.sequence.wrapping_add(1);
        self.pause(us);
    }

    /// A frame that the network loses.
    pub fn lose(&mut self, us: u32) {
        self.sequence = self.sequence.wrapping_add(1);
        self.pause(us);
    }

    /// Nothing is sent for so long; the timestamp goes on.
    pub fn pause(&mut self, us: u32) {
        let ticks = u64::from(us) * u64::from(self.format.clock_rate) / 1_000_000;
        self.timestamp = self.timestamp.wrapping_add(ticks as u32);
        self.now_us += u64::from(us);
    }

    /// A tone in G.711 µ-law that is continuous in the party's time, in packets of `ms`.
    pub fn tone(&mut self, hertz: f64, total_ms: u32, ms: u32) {
        for _ in 0..total_ms / ms {
            let from = self.now_us * 8 / 1000;
            let payload: Vec<u8> = (from..from + u64::from(ms) * 8).map(|n| to_pcmu(tone(hertz, n, 8000))).collect();
            self.send(&payload, ms * 1000);
        }
    }
}

pub fn tone(hertz: f64, sample: u64, rate: u32) -> i16 {
    let phase = sample as f64 * hertz / f64::from(rate) * std::f64::consts::TAU;
    (phase.sin() * 8000.0) as i16
}

/// The byte whose sample is nearest; samples to 16 are as good as exact.
pub fn to_pcmu(sample: i16) -> u8 {
    static NEAREST: LazyLock<Vec<u8>> = LazyLock::new(|| (-2048..2048).map(|step| nearest_pcmu(step * 16)).collect());
    NEAREST[usize::try_from(i32::from(sample) / 16 + 2048).expect("16 bits")]
}

fn nearest_pcmu(sample: i32) -> u8 {
    let distance = |byte: &u8| i32::from(PCMU_SAMPLES[usize::from(*byte)]).abs_diff(sample);
    (0..=255).min_by_key(distance).expect("256 of them")
}

/// All segments' audio on one line of samples from the recording's start, silence where there is none.
pub fn play(segments: &[Opened], rate: u32) -> Vec<i16> {
    let mut line = Vec::new();
    for segment in segments {
        let header = &segment.header;
        let at = |us: u64| (us * u64::from(rate) / 1_000_000) as usize;
        match header.codec {
            StoredCodec::Pcmu => {
                for (offset, _, data) in segment.packets() {
                    lay(&mut line, at(offset), data.iter().map(|&byte| PCMU_SAMPLES[usize::from(byte)]));
                }
            }
            StoredCodec::Opus => play_opus(segment, rate, &mut line),
            StoredCodec::Pcma | StoredCodec::L16 => panic!("no test plays {}", header.codec),
        }
    }
    line
}

/// A run's packets decode to its audio, `pre_skip_us` late; it is as long as their durations together.
fn play_opus(segment: &Opened, rate: u32, line: &mut Vec<i16>) {
    let mut decoder = opus::Decoder::new(rate, opus::Channels::Mono).expect("a decoder");
    let samples = |us: u64| (us * u64::from(rate) / 1_000_000) as usize;
    let skip = samples(segment.header.pre_skip_us.into());
    let mut run: Option<(u64, u64, Vec<i16>)> = None;
    let mut buffer = vec![0; 5760];
    let mut end_run = |run: Option<(u64, u64, Vec<i16>)>| {
        if let Some((start, end, decoded)) = run {
            let audio = decoded[skip..].iter().copied().take(samples(end - start));
            lay(line, samples(start), audio);
        }
    };
    for (offset, duration, data) in segment.packets() {
        let count = decoder.decode(data, &mut buffer, false).expect("an Opus packet");
        if run.as_ref().is_none_or(|&(_, end, _)| end.abs_diff(offset) > 1) {
            end_run(run.take());
        }
        let (_, end, decoded) = run.get_or_insert((offset, offset, Vec::new()));
        *end += u64::from(duration);
        decoded.extend_from_slice(&buffer[..count]);
    }
    end_run(run);
}

fn lay(line: &mut Vec<i16>, at: usize, samples: impl Iterator<Item = i16>) {
    for (place, sample) in (at..).zip(samples) {
        if line.len() <= place {
            line.resize(place + 1, 0);
        }
        line[place] = sample;
    }
}

/// How much of a stretch's energy is at that frequency, 0 to 1 (Goertzel).
pub fn share_of(samples: &[i16], hertz: f64, rate: u32) -> f64 {
    let coefficient = 2.0 * (hertz / f64::from(rate) * std::f64::consts::TAU).cos();
    let (mut one, mut two, mut energy) = (0.0, 0.0, 0.0);
    for &sample in samples {
        let sample = f64::from(sample);
        energy += sample * sample;
        (one, two) = (sample + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    if energy == 0.0 { 0.0 } else { power * 2.0 / (samples.len() as f64 * energy) }
}

/// Root mean square.
pub fn loudness(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
