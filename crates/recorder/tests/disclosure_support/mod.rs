//! A store with a sealed call in it, a manager with a ticket, and a listener that knows tones.
#![allow(dead_code, reason = "each test file uses its part")]
use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use callvault_recorder::access::{
    CopyContent, CopySegment, CopyTrack, Grant, NodeKey, Nonce, PartyOutcome, PartyState, PublicLine, ReleaseFault,
    ReleasedCopy, Role, Roster, TicketRequest, sign_ticket, verify_ticket, write_copy,
};
use callvault_recorder::conversation::Direction;
use callvault_recorder::disclosure::{CopyFault, CopyReader, Format, Layout, UnlockedCopy, Written};
use callvault_recorder::evidence::{Gap, GapReason, Party, Standing, StandingChange, Stood};
use callvault_recorder::ids::{InstanceTag, LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::policy::Purpose;
use callvault_recorder::seal::{
    Entry, RecipientKey, SegmentHeader, SegmentWriter, StoredCodec, TrackKey, X25519Identity, write_capsule,
};
use callvault_recorder::store::Store;
use callvault_recorder::time::UnixMillis;
use ed25519_dalek::SigningKey;

pub const NOW: UnixMillis = UnixMillis(1_795_518_000_000);
pub const EXPIRES: UnixMillis = UnixMillis(1_795_518_000_000 + 30 * 86_400_000);
pub const INSTANCE: &str = "pbx-1";

/// A person with both secrets.
pub struct Person {
    pub age: X25519Identity,
    pub signing: SigningKey,
    pub line: PublicLine,
}

impl Person {
    pub fn new(role: Role, name: &str, seed: u8) -> Self {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let age = X25519Identity::generate().expect("an identity");
        let line = PublicLine::sign(role, name.parse().expect("a name"), age.to_public(), &signing);
        Self { age, signing, line }
    }
}

/// A recorder's places, a roster of two managers, and one recording.
pub struct Vault {
    pub directory: tempfile::TempDir,
    pub store: Store,
    pub node: NodeKey,
    pub anna: Person,
    pub bert: Person,
    pub roster: Roster,
    pub recording: RecordingId,
    tracks: Vec<SealedTrack>,
}

struct SealedTrack {
    number: TrackNumber,
    party: Party,
    codec: StoredCodec,
    key: TrackKey,
    segments: Vec<CopySegment>,
    end_us: u64,
}

impl Vault {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::create(&directory.path().join("data")).expect("a store");
        let node = NodeKey::create(&directory.path().join("data/node.key")).expect("a node key");
        let (anna, bert) = (Person::new(Role::Manager, "anna", 1), Person::new(Role::Manager, "bert", 2));
        let mut roster = Roster::empty();
        for person in [&anna, &bert] {
            roster.add(&person.line, BTreeSet::from(Purpose::ALL)).expect("added");
        }
        let recording = RecordingId::generate(InstanceTag::of(INSTANCE)).expect("randomness");
        Self { directory, store, node, anna, bert, roster, recording, tracks: Vec::new() }
    }

    /// Seals one more track, of one segment per list of entries.
    pub fn track(&mut self, party: Party, sound: &Sound, segments: &[Vec<Entry>]) -> TrackNumber {
        self.seal(party, sound, segments.iter().cloned())
    }

    /// As many segments as `times`, each holding the same entries, one after the other in time.
    pub fn long_track(&mut self, party: Party, sound: &Sound, entries: &[Entry], times: u64) -> TrackNumber {
        let long = entries.iter().map(Entry::end_us).max().unwrap_or(0);
        let moved = |entry: &Entry, by: u64| match entry.clone() {
            Entry::Packet { offset_us, duration_us, data } => {
                Entry::Packet { offset_us: offset_us + by, duration_us, data }
            }
            Entry::Gap { offset_us, duration_us, reason } => {
                Entry::Gap { offset_us: offset_us + by, duration_us, reason }
            }
        };
        let segment = |time: u64| entries.iter().map(|entry| moved(entry, time * long)).collect();
        self.seal(party, sound, (0..times).map(segment))
    }

    fn seal(&mut self, party: Party, sound: &Sound, segments: impl Iterator<Item = Vec<Entry>>) -> TrackNumber {
        let number = TrackNumber(NonZeroU16::new(self.tracks.len() as u16 + 1).expect("from 1"));
        let key = TrackKey::generate().expect("a key");
        let (mut sealed, mut end_us) = (Vec::new(), 0);
        for (index, entries) in (0..).zip(segments) {
            end_us = entries.iter().map(Entry::end_us).fold(end_us, u64::max);
            let header = sound.header(self.recording, number, index, party, &key);
            let (_, file) = self.store.create_segment(self.recording, number, index).expect("a file");
            let mut writer = SegmentWriter::create(file, &header, &key).expect("a segment");
            let mut records = entries.chunks(50);
            let last = records.next_back().unwrap_or(&[]);
            records.for_each(|record| writer.append(record).expect("appended"));
            let summary = writer.finish(last).expect("finished");
            sealed.push(CopySegment { index, bytes: summary.bytes, sha256: summary.sha256 });
        }
        self.tracks.push(SealedTrack { number, party, codec: sound.codec, key, segments: sealed, end_us });
        number
    }

    pub fn content_for(&self, person: &Person) -> CopyContent {
        self.content_for_key(&person.age.to_public(), EXPIRES)
    }

    /// With capsules for this person, expiring then.
    pub fn content_for_key(&self, person: &RecipientKey, expires_at: UnixMillis) -> CopyContent {
        let track = |track: &SealedTrack| CopyTrack {
            number: track.number,
            party: track.party,
            leg: leg(track.party),
            codec: track.codec.as_str().to_owned(),
            offset_ms: 0,
            duration_ms: track.end_us / 1000,
            gaps: vec![Gap { offset_ms: 0, duration_ms: 10, reason: GapReason::NotReceived }],
            capsule: write_capsule(&track.key, person).expect("a capsule"),
            segments: track.segments.clone(),
        };
        CopyContent {
            instance: INSTANCE.to_owned(),
            direction: Direction::Inbound,
            started_at: UnixMillis(NOW.0 - 90_000),
            answered_at: Some(UnixMillis(NOW.0 - 80_000)),
            ended_at: UnixMillis(NOW.0 - 10_000),
            expires_at,
            tracks: self.tracks.iter().map(track).collect(),
            notices: Vec::new(),
            parties: vec![PartyState {
                leg: leg(Party::Caller),
                party: Party::Caller,
                outcome: PartyOutcome::InformedContinued,
                standings: vec![
                    stood(Standing::ToldElsewhere, NOW.0 - 80_000, "announcement"),
                    stood(Standing::InformedContinued, NOW.0 - 79_000, "announcement"),
                ],
            }],
        }
    }

    pub fn grant(&self, person: &Person) -> Grant {
        let request = TicketRequest {
            recording: self.recording,
            purpose: Purpose::Complaint,
            reference: "K-2026/117".parse().expect("a reference"),
        };
        let ticket = sign_ticket(&request, &person.signing, NOW, Nonce::generate().expect("randomness"));
        let validity = Duration::from_secs(900);
        verify_ticket(&ticket, &self.roster, InstanceTag::of(INSTANCE), NOW, validity, |_| false).expect("granted")
    }

    pub fn release(&self, person: &Person) -> Result<ReleasedCopy, ReleaseFault> {
        self.release_content(person, &self.content_for(person), NOW)
    }

    pub fn release_content(
        &self,
        person: &Person,
        content: &CopyContent,
        now: UnixMillis,
    ) -> Result<ReleasedCopy, ReleaseFault> {
        let granted = self.grant(person).audited(|_| Ok::<(), ()>(())).expect("audited");
        write_copy(&self.store, &granted, content, &self.node, now)
    }

    /// Released to anna and unlocked by her.
    pub fn opened(&self) -> UnlockedCopy {
        let copy = self.release(&self.anna).expect("released");
        unlock(&copy.path, &self.anna).expect("unlocked")
    }

    /// Opened by anna and written out: paths and figures.
    pub fn written(&self, format: Format, layout: Layout) -> Vec<(PathBuf, Written)> {
        let opened = self.opened();
        let write = |output: &callvault_recorder::disclosure::Output| {
            let path = self.directory.path().join(&output.name);
            let file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
            let written = opened.write(output, file, &mut |_| {}).expect("written");
            (path, written)
        };
        opened.outputs(format, layout).iter().map(write).collect()
    }
}

pub fn unlock(path: &std::path::Path, person: &Person) -> Result<UnlockedCopy, CopyFault> {
    CopyReader::open(path)?.unlock(&person.age, NOW, &mut |_| {})
}

fn stood(standing: Standing, at_ms: i64, by: &str) -> Stood {
    Stood { standing, at_ms: UnixMillis(at_ms), by: by.to_owned() }
}

fn told_elsewhere(party: Party) -> StandingChange {
    let at_ms = UnixMillis(NOW.0 - 80_000);
    StandingChange { leg: leg(party), standing: Standing::ToldElsewhere, at_ms, by: "announcement".to_owned() }
}

pub fn leg(party: Party) -> LegUuid {
    LegUuid::from_host(format!("leg-{party:?}").to_lowercase().as_bytes())
}

/// What a track is stored in.
#[derive(Clone, Copy)]
pub struct Sound {
    pub codec: StoredCodec,
    pub rate: u32,
    pub channels: u8,
    pub pre_skip_us: u32,
}

impl Sound {
    pub const PCMU: Self = Self { codec: StoredCodec::Pcmu, rate: 8000, channels: 1, pre_skip_us: 0 };
    pub const PCMA: Self = Self { codec: StoredCodec::Pcma, rate: 8000, channels: 1, pre_skip_us: 0 };

    pub fn linear(rate: u32, channels: u8) -> Self {
        Self { codec: StoredCodec::L16, rate, channels, pre_skip_us: 0 }
    }

    pub fn opus(rate: u32) -> Self {
        Self { codec: StoredCodec::Opus, rate, channels: 1, pre_skip_us: 6_500 }
    }

    fn header(
        &self,
        recording: RecordingId,
        track: TrackNumber,
        segment: u32,
        party: Party,
        key: &TrackKey,
    ) -> SegmentHeader {
        SegmentHeader {
            recording,
            track,
            segment,
            key: key.id(),
            slot: SlotNumber(u32::from(track.get())),
            instance: INSTANCE.to_owned(),
            party,
            leg: leg(party),
            codec: self.codec,
            sample_rate: self.rate,
            channels: self.channels,
            pre_skip_us: self.pre_skip_us,
            recording_started_at: UnixMillis(NOW.0 - 80_000),
            notices: Vec::new(),
            standings: vec![told_elsewhere(party)],
        }
    }

    /// Mono samples as packets of 20 ms from `offset_us` on.
    pub fn packets(&self, offset_us: u64, samples: &[i16]) -> Vec<Entry> {
        let frame = self.rate as usize / 50;
        let mut encoder = (self.codec == StoredCodec::Opus).then(|| {
            let mut encoder =
                opus::Encoder::new(self.rate, opus::Channels::Mono, opus::Application::Voip).expect("an encoder");
            encoder.set_bitrate(opus::Bitrate::Bits(24_000)).expect("set");
            encoder
        });
        let mut entry = |(index, frame_samples): (usize, &[i16])| {
            let data = match self.codec {
                StoredCodec::Pcmu => frame_samples.iter().map(|&sample| ulaw(sample)).collect(),
                StoredCodec::Pcma => frame_samples.iter().map(|&sample| alaw(sample)).collect(),
                StoredCodec::L16 => frame_samples
                    .iter()
                    .flat_map(|sample| std::iter::repeat_n(sample.to_le_bytes(), usize::from(self.channels)).flatten())
                    .collect(),
                StoredCodec::Opus => {
                    let encoder = encoder.as_mut().expect("made for Opus");
                    encoder.encode_vec(frame_samples, 1275).expect("encoded")
                }
            };
            Entry::Packet { offset_us: offset_us + index as u64 * 20_000, duration_us: 20_000, data }
        };
        // As the recorder's encoder does it: the last packet is filled up and says its true duration, and where that
        // leaves no room for what the decoder holds back, a packet of no duration follows.
        let mut entries: Vec<Entry> = samples.chunks_exact(frame).enumerate().map(&mut entry).collect();
        let (whole, left) = (entries.len(), samples.len() % frame);
        if self.codec == StoredCodec::Opus {
            let rest = &samples[whole * frame..];
            let filled: Vec<i16> = rest.iter().copied().chain(std::iter::repeat(0)).take(frame).collect();
            let us = |samples: usize| samples as u64 * 1_000_000 / u64::from(self.rate);
            if left > 0 {
                let Entry::Packet { data, .. } = entry((whole, &filled)) else { unreachable!("it makes packets") };
                let offset_us = offset_us + us(whole * frame);
                entries.push(Entry::Packet { offset_us, duration_us: us(left) as u32, data });
            }
            if left == 0 || us(frame - left) < 6_500 {
                let silence = vec![0; frame];
                let Entry::Packet { data, .. } = entry((whole, &silence)) else { unreachable!("it makes packets") };
                entries.push(Entry::Packet { offset_us: offset_us + us(samples.len()), duration_us: 0, data });
            }
        }
        entries
    }

    /// A tone of this many milliseconds, from `offset_ms` on.
    pub fn tone(&self, offset_ms: u64, milliseconds: u64, hertz: f64) -> Vec<Entry> {
        self.packets(offset_ms * 1000, &sine(self.rate, hertz, milliseconds))
    }
}

pub fn gap(offset_ms: u64, milliseconds: u64) -> Entry {
    Entry::Gap { offset_us: offset_ms * 1000, duration_us: milliseconds * 1000, reason: GapReason::Hold }
}

pub fn sine(rate: u32, hertz: f64, milliseconds: u64) -> Vec<i16> {
    let step = std::f64::consts::TAU * hertz / f64::from(rate);
    let samples = milliseconds * u64::from(rate) / 1000;
    (0..samples).map(|n| (8000.0 * (step * n as f64).sin()).round() as i16).collect()
}

/// The byte whose sample is nearest.
fn ulaw(sample: i16) -> u8 {
    nearest(&callvault_recorder::codec::PCMU_SAMPLES, sample)
}

fn alaw(sample: i16) -> u8 {
    nearest(&callvault_recorder::codec::PCMA_SAMPLES, sample)
}

fn nearest(table: &[i16; 256], sample: i16) -> u8 {
    let distance = |byte: &u8| (i32::from(table[usize::from(*byte)]) - i32::from(sample)).abs();
    (0..=255).min_by_key(distance).expect("256 of them")
}

/// A WAV file's rate and channels, read by hound.
pub fn wav(path: &std::path::Path) -> (u32, Vec<Vec<i16>>) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    let spec = reader.spec();
    let mut channels = vec![Vec::new(); usize::from(spec.channels)];
    for (place, sample) in reader.samples::<i16>().enumerate() {
        channels[place % usize::from(spec.channels)].push(sample.expect("a sample"));
    }
    (spec.sample_rate, channels)
}

/// When a tone is audible, in milliseconds: stretches of 10 ms in which it has most of a loud tone's energy.
pub fn audible(samples: &[i16], rate: u32, hertz: f64) -> Vec<(u64, u64)> {
    let block = rate as usize / 100;
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for (index, samples) in samples.chunks_exact(block).enumerate() {
        if amplitude(samples, rate, hertz) < 4000.0 {
            continue;
        }
        let at = index as u64 * 10;
        match stretches.last_mut() {
            Some((_, end)) if *end == at => *end = at + 10,
            _ => stretches.push((at, at + 10)),
        }
    }
    stretches
}

fn amplitude(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * hertz / f64::from(rate)).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for &sample in samples {
        (before, last) = (last, f64::from(sample) + coefficient * last - before);
    }
    let power = before * before + last * last - coefficient * before * last;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}

/// Runs a program of the system; `None`, said aloud, where it is not installed.
pub fn program(name: &str, arguments: &[&std::ffi::OsStr]) -> Option<String> {
    match Command::new(name).args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(output.status.success(), "{name}: {said}");
            Some(said)
        }
        Err(_) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: no `{name}` here (apt install sox opus-tools)");
            None
        }
    }
}
