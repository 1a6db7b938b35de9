//! Promises of segments as wholes: what is written reads back, what was changed does not, what was cut is told.
use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::evidence::{GapReason, NoticeEvidence, NoticeState, Party};
use crate::ids::{LegUuid, RecordingId, SlotNumber, TrackNumber};
use crate::store::AppendFile;
use crate::time::UnixMillis;

/// A file in memory, whose disk may be full.
#[derive(Clone, Default)]
pub(super) struct MemoryFile(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    bytes: Vec<u8>,
    /// How many more bytes it takes; `None` is any number.
    room: Option<usize>,
}

impl MemoryFile {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no panic").bytes.clone()
    }

    fn set_room(&self, room: Option<usize>) {
        self.0.lock().expect("no panic").room = room;
    }
}

impl AppendFile for MemoryFile {
    /// Writes what there is room for, and leaves it there: the worst that the verb permits.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock().expect("no panic");
        let taken = bytes.len().min(disk.room.unwrap_or(usize::MAX));
        disk.bytes.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().expect("no panic").bytes.len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.lock().expect("no panic").bytes.truncate(usize::try_from(len).expect("fits"));
        Ok(())
    }

    fn read_at(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn close(self) -> io::Result<()> {
        Ok(())
    }
}

fn key() -> TrackKey {
    TrackKey::from_capsule_plaintext(&[0x4B; 48]).expect("memory can be locked")
}

pub(super) fn header(key: &TrackKey) -> SegmentHeader {
    SegmentHeader {
        recording: RecordingId::from_bytes([0xA1; 16]),
        track: TrackNumber::FIRST,
        segment: 0,
        key: key.id(),
        slot: SlotNumber(7),
        instance: "pbx-1".into(),
        party: Party::Caller,
        leg: LegUuid::from_host(b"6b1f3c1e-7d5c-4f59-9c55-0d8b5a6a0001"),
        codec: StoredCodec::Opus,
        sample_rate: 8000,
        channels: 1,
        pre_skip_us: 6500,
        recording_started_at: UnixMillis(1_795_516_800_000),
        notices: vec![NoticeEvidence {
            leg: LegUuid::from_host(b"6b1f3c1e-7d5c-4f59-9c55-0d8b5a6a0001"),
            party: Party::Caller,
            prompt: "notice".into(),
            version: "1".into(),
            language: "nl".into(),
            sha256: "00".repeat(32),
            frames_due: 650,
            frames_written: 650,
            packets_sent: Some(650),
            started_at_ms: UnixMillis(1_795_516_786_000),
            ended_at_ms: UnixMillis(1_795_516_799_000),
            state: NoticeState::Informed,
        }],
        standings: Vec::new(),
    }
}

/// A second and a half of packets with a held stretch, as the pool makes them: a record each half second.
fn half_seconds() -> Vec<Vec<Entry>> {
    let packet = |n: u64| Entry::Packet {
        offset_us: n * 20_000,
        duration_us: 20_000,
        data: (0..40).map(|at| (n * 7 + at) as u8).collect(),
    };
    let gap = Entry::Gap { offset_us: 500_000, duration_us: 500_000, reason: GapReason::Hold };
    vec![(0..25).map(packet).collect(), vec![gap], (50..75).map(packet).collect()]
}

fn segment(header: &SegmentHeader, key: &TrackKey, records: &[Vec<Entry>]) -> Vec<u8> {
    let file = MemoryFile::default();
    let mut writer = SegmentWriter::create(file.clone(), header, key).expect("created");
    let (last, before) = records.split_last().expect("a record at least");
    for record in before {
        writer.append(record).expect("appended");
    }
    let summary = writer.finish(last).expect("finished");
    let bytes = file.bytes();
    assert_eq!(summary.bytes, bytes.len() as u64);
    bytes
}

fn read(bytes: &[u8], key: &TrackKey) -> Result<(Vec<Entry>, Ending), ReadFault> {
    SegmentReader::new(bytes)?.read_all(key)
}

/// Where each record begins, and the file's end.
pub(super) fn borders(bytes: &[u8]) -> Vec<usize> {
    let header = u32::from_be_bytes(bytes[32..36].try_into().expect("four bytes")) as usize;
    let mut borders = vec![36 + header];
    while let Some(head) = bytes[borders[borders.len() - 1]..].first_chunk::<4>() {
        let length = (u32::from_be_bytes(*head) & 0x7FFF_FFFF) as usize;
        borders.push(borders[borders.len() - 1] + 12 + length);
    }
    borders
}

#[test]
fn a_segment_reads_back_as_it_was_written_and_shows_its_figures_without_a_key() {
    let key = key();
    let bytes = segment(&header(&key), &key, &half_seconds());
    let (entries, ending) = read(&bytes, &key).expect("reads");
    assert_eq!(entries, half_seconds().concat());
    assert_eq!(ending, Ending::Whole);

    let shown = inspect(bytes.as_slice()).expect("shown");
    assert_eq!(shown.header, header(&key));
    assert_eq!((shown.records, shown.until_us, shown.ending), (3, 1_500_000, Ending::Whole));
    assert_eq!((shown.bytes, shown.whole_bytes), (bytes.len() as u64, bytes.len() as u64));
    assert_eq!(shown.sha256, <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
}

#[test]
fn the_summary_is_the_files_own() {
    let key = key();
    let file = MemoryFile::default();
    let mut writer = SegmentWriter::create(file.clone(), &header(&key), &key).expect("created");
    writer.append(&half_seconds()[0]).expect("appended");
    let summary = writer.finish(&[]).expect("finished");
    let shown = inspect(file.bytes().as_slice()).expect("shown");
    assert_eq!((summary.records, summary.bytes, summary.sha256), (2, shown.bytes, shown.sha256));
}

/// SEC-01: nothing of the audio is in the file, and the same audio never looks the same.
#[test]
fn no_entry_is_in_the_file_in_clear() {
    let key = key();
    let entries =
        vec![vec![Entry::Packet { offset_us: 0, duration_us: 20_000, data: b"OggS RIFF OpusHead".repeat(4) }]];
    let bytes = segment(&header(&key), &key, &entries);
    assert!(!bytes.windows(4).any(|window| window == b"OggS" || window == b"RIFF"));
    assert_ne!(bytes, segment(&header(&key), &key, &entries));
}

/// SEC-02: flip each byte. All detected, nothing of it is given out.
#[test]
fn every_changed_byte_is_detected() {
    let key = key();
    let bytes = segment(&header(&key), &key, &half_seconds());
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            if let Ok((_, ending)) = read(&changed, &key) {
                // A record's length made longer than what is left cannot be told from a crash: no last record.
                let in_length = borders(&bytes).iter().any(|&border| (border..border + 4).contains(&at));
                assert!(in_length && matches!(ending, Ending::Torn { .. }), "byte {at} changed to {ending:?}");
            }
        }
    }
}

/// A crash leaves a file cut anywhere: it reads up to the last whole record, and says so (kill -9, decision 5).
#[test]
fn a_segment_cut_anywhere_reads_to_its_last_whole_record() {
    let key = key();
    let bytes = segment(&header(&key), &key, &half_seconds());
    let borders = borders(&bytes);
    for cut in 0..bytes.len() {
        let result = read(&bytes[..cut], &key);
        if cut < borders[0] {
            assert!(matches!(result, Err(ReadFault::HeaderCut)), "cut at {cut}");
            continue;
        }
        let whole = borders.iter().rposition(|&border| border <= cut).expect("after the header");
        let (entries, ending) = result.expect("reads");
        assert_eq!(entries, half_seconds()[..whole].concat(), "cut at {cut}");
        assert_eq!(ending, Ending::Torn { lost: (cut - borders[whole]) as u64 });
        let shown = inspect(&bytes[..cut]).expect("shown");
        assert_eq!((shown.records, shown.ending, shown.whole_bytes), (whole as u64, ending, borders[whole] as u64));
    }
}

/// A power cut may leave the file as long as it was to be, with zeros where nothing arrived.
#[test]
fn zeros_after_a_power_cut_are_torn_and_not_tampered() {
    let key = key();
    let bytes = segment(&header(&key), &key, &half_seconds());
    let borders = borders(&bytes);
    for from in borders[2]..bytes.len() - 16 {
        let mut zeroed = bytes.clone();
        zeroed[from..].fill(0);
        zeroed.resize(bytes.len() + 5000, 0);
        let (entries, ending) = read(&zeroed, &key).unwrap_or_else(|fault| panic!("zeros from {from}: {fault}"));
        assert_eq!(entries, half_seconds()[..2].concat());
        assert_eq!(ending, Ending::Torn { lost: (zeroed.len() - borders[2]) as u64 });
    }
}

#[test]
fn a_full_disk_loses_nothing_that_waits_sealed() {
    let key = key();
    let file = MemoryFile::default();
    let mut writer = SegmentWriter::create(file.clone(), &header(&key), &key).expect("created");
    let [first, second, third] = half_seconds().try_into().expect("three records");
    file.set_room(Some(100));
    assert!(matches!(writer.append(&first), Err(SealFault::Store(_))));
    assert!(matches!(writer.append(&second), Err(SealFault::Store(_))));
    assert!(writer.waiting() > 1000);
    file.set_room(None);
    writer.flush().expect("written");
    assert_eq!(writer.waiting(), 0);
    writer.finish(&third).expect("finished");
    assert_eq!(read(&file.bytes(), &key).expect("reads"), (half_seconds().concat(), Ending::Whole));
}

#[test]
fn what_waits_for_the_store_is_bounded() {
    let key = key();
    let file = MemoryFile::default();
    let mut writer = SegmentWriter::create(file.clone(), &header(&key), &key).expect("created");
    file.set_room(Some(0));
    let packet = [Entry::Packet { offset_us: 0, duration_us: 20_000, data: vec![0; 1_000_000] }];
    let mut faults = (0..6).map(|_| writer.append(&packet));
    assert!(faults.any(|fault| matches!(fault, Err(SealFault::Backlog))));
    assert!(writer.waiting() <= 4 << 20);
}

#[test]
fn what_cannot_be_sealed_is_refused_before_anything_is() {
    let key = key();
    let other = TrackKey::generate().expect("a key");
    let create = |header: &SegmentHeader, key| SegmentWriter::create(MemoryFile::default(), header, key).err();
    assert!(matches!(create(&header(&key), &other), Some(SealFault::WrongKey)));
    for spoil in [
        (|header| header.channels = 3) as fn(&mut SegmentHeader),
        |header| header.sample_rate = 0,
        |header| header.recording_started_at = UnixMillis((1 << 53) + 1),
        |header| header.instance = "x".repeat(SegmentHeader::MAX),
    ] {
        let mut header = header(&key);
        spoil(&mut header);
        assert!(matches!(create(&header, &key), Some(SealFault::Header)));
    }
    let mut writer = SegmentWriter::create(MemoryFile::default(), &header(&key), &key).expect("created");
    let long = [Entry::Packet { offset_us: 0, duration_us: 20_000, data: vec![0; 1 << 20] }];
    assert!(matches!(writer.append(&long), Err(SealFault::TooLarge)));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let reason = prop_oneof![
        Just(GapReason::NotReceived),
        Just(GapReason::RingFull),
        Just(GapReason::Hold),
        Just(GapReason::Muted),
        Just(GapReason::Paused),
        Just(GapReason::Undecodable),
        Just(GapReason::StoreFault),
        Just(GapReason::Withheld),
        Just(GapReason::NoMedia),
        Just(GapReason::NoKey),
    ];
    let data = proptest::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        (any::<u64>(), any::<u32>(), data).prop_map(|(offset_us, duration_us, data)| Entry::Packet {
            offset_us,
            duration_us,
            data
        }),
        (any::<u64>(), any::<u64>(), reason).prop_map(|(offset_us, duration_us, reason)| Entry::Gap {
            offset_us,
            duration_us,
            reason
        }),
    ]
}

fn any_records() -> impl Strategy<Value = Vec<Vec<Entry>>> {
    proptest::collection::vec(proptest::collection::vec(any_entry(), 1..12), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_entries_read_back(records in any_records()) {
        let key = key();
        let bytes = segment(&header(&key), &key, &records);
        let (entries, ending) = read(&bytes, &key).expect("reads");
        prop_assert_eq!(entries, records.concat());
        prop_assert_eq!(ending, Ending::Whole);
    }

    /// SEC-02: whatever is done to one byte or to the end, what is given out is a beginning of what was sealed.
    #[test]
    fn no_change_gives_out_other_entries(records in any_records(), at: prop::sample::Index, to: u8, cut: bool) {
        let key = key();
        let mut bytes = segment(&header(&key), &key, &records);
        let at = at.index(bytes.len());
        prop_assume!(cut || bytes[at] != to);
        bytes[at] = to;
        if cut {
            bytes.truncate(at);
        }
        if let Ok((entries, ending)) = read(&bytes, &key) {
            prop_assert_ne!(ending, Ending::Whole);
            prop_assert!(records.concat().starts_with(&entries));
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let key = key();
        let whole = segment(&header(&key), &key, &half_seconds());
        let after_header = [&whole[..borders(&whole)[0]], &bytes].concat();
        prop_assert!(!matches!(read(&after_header, &key), Ok((_, Ending::Whole))));
        let _ = read(&bytes, &key);
        let _ = inspect(bytes.as_slice());
    }
}
