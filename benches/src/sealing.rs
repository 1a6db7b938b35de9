//! What sealing costs beside encoding.
use std::io;

use callvault_recorder::evidence::Party;
use callvault_recorder::ids::{InstanceTag, LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::seal::{Entry, SegmentHeader, SegmentWriter, StoredCodec, TrackKey};
use callvault_recorder::store::{AppendFile, Store};
use callvault_recorder::time::UnixMillis;

use crate::disclosure_support::Sound;
use crate::speech::Speech;
use crate::{cpu, spread};

const PACKETS_PER_HOUR: usize = 50 * 3600;
const REPETITIONS: usize = 5;
/// Packets per record: what a worker that comes by every 100 ms makes of a live call, and the most it makes.
const RECORDS: [usize; 2] = [20, 49];

/// Seals an hour of one track's Opus packets, into nothing and into a file.
pub fn per_track_hour() {
    let packets = an_hour();
    println!("| packets per record | sealed into | ms of processor per track-hour: median | least | most |");
    println!("|---|---|---|---|---|");
    for record in RECORDS {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::create(&directory.path().join("data")).expect("a store");
        let nothing: Vec<f64> = (0..REPETITIONS).map(|_| seal(&packets, record, |_| Nothing(0))).collect();
        let file: Vec<f64> = (0..REPETITIONS)
            .map(|_| {
                seal(&packets, record, |header| {
                    store.create_segment(header.recording, header.track, 0).expect("a file").1
                })
            })
            .collect();
        for (into, values) in [("nothing", nothing), ("a file", file)] {
            let (middle, least, most) = spread(&values);
            println!("| {record} | {into} | {middle:.1} | {least:.1} | {most:.1} |");
        }
    }
}

/// A track's packets of an hour, as the profile `opus` makes them.
pub fn an_hour() -> Vec<Entry> {
    let speech = Speech::load();
    let minute: Vec<i16> = (0..3000).flat_map(|number| speech.samples(0, number)).copied().collect();
    let minute = Sound::opus(8000).packets(0, &minute);
    let packets = minute.iter().cycle().take(PACKETS_PER_HOUR).zip(0..);
    let placed = |(entry, number): (&Entry, u64)| match entry {
        Entry::Packet { data, .. } => {
            Entry::Packet { offset_us: number * 20_000, duration_us: 20_000, data: data.clone() }
        }
        Entry::Gap { .. } => unreachable!("an encoder makes no gaps"),
    };
    packets.map(placed).collect()
}

/// Milliseconds of processor.
fn seal<F: AppendFile>(packets: &[Entry], record: usize, file: impl FnOnce(&SegmentHeader) -> F) -> f64 {
    let key = TrackKey::generate().expect("a key");
    let header = SegmentHeader {
        recording: RecordingId::generate(InstanceTag::of("pbx")).expect("randomness"),
        track: TrackNumber(std::num::NonZeroU16::MIN),
        segment: 0,
        key: key.id(),
        slot: SlotNumber(1),
        instance: "pbx".into(),
        party: Party::Caller,
        leg: LegUuid::from_host(b"leg"),
        codec: StoredCodec::Opus,
        sample_rate: 8000,
        channels: 1,
        pre_skip_us: 6500,
        recording_started_at: UnixMillis(1_790_000_000_000),
        notices: Vec::new(),
        standings: Vec::new(),
    };
    let file = file(&header);
    let (_, cpu, _) = cpu::timed(|| {
        let mut writer = SegmentWriter::create(file, &header, &key).expect("begun");
        packets.chunks(record).for_each(|record| writer.append(record).expect("sealed"));
        writer.finish(&[]).expect("finished")
    });
    cpu.as_secs_f64() * 1e3
}

/// A file that keeps its length and nothing else.
struct Nothing(u64);

impl AppendFile for Nothing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0 = len;
        Ok(())
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn close(self) -> io::Result<()> {
        Ok(())
    }
}
