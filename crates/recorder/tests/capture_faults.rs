//! What goes wrong on one track stays there, is told once, and nothing is lost in silence (REC-05, decisions 3 to 5).
mod capture_support;

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use callvault_recorder::capture::{FrameFormat, USUAL_RING};
use callvault_recorder::codec::{Decoder, HostDecoders, NoDecoder, Undecodable};
use callvault_recorder::encoding::{PoolReport, SegmentFiles};
use callvault_recorder::evidence::GapReason;
use callvault_recorder::policy::Profile;
use callvault_recorder::seal::{Ending, Entry, StoredCodec};
use callvault_recorder::store::{AppendFile, SegmentName, StoreFault};
use capture_support::*;
use crossbeam::channel::{Receiver, Sender, bounded};

fn pcmu() -> FrameFormat {
    FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000)
}

fn host_codec(name: &[u8]) -> FrameFormat {
    FrameFormat::new(name, 8000, 8000, 1, 20_000)
}

/// What the host's codecs may do: `SILENT` works, `PICKY` refuses payloads that begin with 0, `BROKEN` panics, and
/// `SLOW` waits to be let go.
struct Codecs {
    entered: Sender<()>,
    let_go: Receiver<()>,
}

struct Codec {
    name: Vec<u8>,
    entered: Sender<()>,
    let_go: Receiver<()>,
}

impl HostDecoders for Codecs {
    fn open(&self, format: &FrameFormat) -> Result<Box<dyn Decoder>, NoDecoder> {
        if format.name_bytes() == b"UNKNOWN" {
            return Err(NoDecoder { format: *format });
        }
        let (entered, let_go) = (self.entered.clone(), self.let_go.clone());
        Ok(Box::new(Codec { name: format.name_bytes().to_vec(), entered, let_go }))
    }
}

impl Decoder for Codec {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Undecodable> {
        match self.name.as_slice() {
            b"BROKEN" => panic!("a decoder breaks"),
            b"PICKY" if payload[0] == 0 => return Err(Undecodable),
            b"SLOW" => {
                let _ = self.entered.try_send(());
                let _ = self.let_go.recv_timeout(PATIENCE);
            }
            _ => {}
        }
        out.resize(out.len() + 160, 0);
        Ok(())
    }

    fn sample_rate(&self) -> u32 {
        8000
    }

    fn channels(&self) -> u8 {
        1
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        assert_ne!(self.name, b"BROKEN", "its end breaks, too");
    }
}

fn codecs() -> (Arc<Codecs>, Receiver<()>, Sender<()>) {
    let (entered, has_entered) = bounded(1);
    let (go, let_go) = bounded(1);
    (Arc::new(Codecs { entered, let_go }), has_entered, go)
}

#[test]
fn a_decoder_that_panics_costs_its_own_track_only() {
    let (codecs, ..) = codecs();
    let mut rig = rig_with(Profile::Opus, codecs, |store| store);
    let (mut broken, mut sound) = (rig.leg(host_codec(b"broken")), rig.leg(pcmu()));
    rig.open(&broken, generation(1));
    rig.open(&sound, generation(1));
    for _ in 0..50 {
        broken.send(&[1; 20], 20_000);
        sound.tone(440.0, 20, 20);
    }
    let (told, _) = rig.finish(&broken);
    assert_eq!(told.faults.len(), 1, "{:?}", told.faults);
    assert!(told.faults[0].contains("BROKEN at 8000 Hz"), "{}", told.faults[0]);
    assert_eq!((told.frames, told.frames_lost, told.opened.len()), (50, 50, 0));
    assert!(told.gaps.iter().all(|gap| gap.reason == GapReason::Undecodable));
    let (told, segments) = rig.finish(&sound);
    assert_eq!((told.frames_lost, told.duration_ms, told.faults.len()), (0, 1000, 0));
    assert!(loudness(&play(&segments, 8000)) > 4000.0);
    assert_eq!(rig.pool.stats().panics, 1);
}

#[test]
fn a_codec_without_a_decoder_is_said_once_and_what_follows_it_is_recorded() {
    let (codecs, ..) = codecs();
    let mut rig = rig_with(Profile::Opus, codecs, |store| store);
    let mut party = rig.leg(host_codec(b"unknown"));
    rig.open(&party, generation(1));
    for _ in 0..50 {
        party.send(&[1; 20], 20_000);
    }
    party.format = pcmu();
    party.tone(440.0, 1000, 20);
    let (told, segments) = rig.finish(&party);
    assert_eq!(told.faults.len(), 1);
    assert!(told.faults[0].starts_with("there is no decoder for UNKNOWN"), "{}", told.faults[0]);
    assert_eq!((told.frames, told.frames_lost, told.duration_ms), (100, 50, 2000));
    assert!(loudness(&play(&segments, 8000)[8100..]) > 4000.0);
}

#[test]
fn undecodable_payloads_are_gaps_in_their_places() {
    let (codecs, ..) = codecs();
    let mut rig = rig_with(Profile::Opus, codecs, |store| store);
    let mut party = rig.leg(host_codec(b"picky"));
    rig.open(&party, generation(1));
    for number in 0..100 {
        party.send(&[u8::from(!(40..45).contains(&number)); 20], 20_000);
    }
    let (told, _) = rig.finish(&party);
    assert_eq!((told.frames_lost, told.faults.len()), (5, 1));
    let gaps: Vec<_> = told.gaps.iter().map(|gap| (gap.offset_ms, gap.duration_ms, gap.reason)).collect();
    assert_eq!(gaps, [(800, 100, GapReason::Undecodable)]);
}

#[test]
fn payloads_that_are_not_of_their_codec_break_nothing() {
    let mut rig = rig(Profile::Opus);
    let mut frames = 0;
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    let mut seed = 1_u32;
    for name in [b"opus".as_slice(), b"L16", b"PCMU", b"G722", b"\xff\xfe", b"", b"PROXY"] {
        for rate in [0, 1, 8000, 48_000, u32::MAX] {
            for channels in [0, 1, 2, 255] {
                for length in [1, 2, 3, 160, 4095] {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    party.format = FrameFormat::new(name, rate, rate, channels, seed);
                    party.timestamp = party.timestamp.wrapping_add(seed >> 3);
                    party.sequence = party.sequence.wrapping_add((seed >> 20) as u16);
                    let payload: Vec<u8> = (0..length).map(|byte| (byte as u32 ^ seed) as u8).collect();
                    party.send(&payload, 0);
                    party.now_us += u64::from(seed >> 16);
                    frames += 1;
                }
            }
        }
    }
    party.format = pcmu();
    party.timestamp = 4711;
    party.now_us += 5_000_000;
    let from = party.now_us;
    party.tone(440.0, 1000, 20);
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.frames, rig.pool.stats().panics), (frames + 50, 0));
    let last = segments.last().expect("the tone's");
    let tone: u64 = last.packets().iter().filter(|packet| packet.0 >= from).map(|packet| u64::from(packet.1)).sum();
    assert_eq!(tone, 1_000_000);
}

/// The word that opens a track may come after its first frame.
#[test]
fn frames_wait_for_the_track_of_their_generation() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    party.tone(440.0, 500, 20);
    // A leg of the same worker is served meanwhile.
    let mut other = rig.leg(pcmu());
    rig.open(&other, generation(1));
    other.tone(440.0, 500, 20);
    rig.finish(&other);
    rig.open(&party, generation(1));
    let (told, _) = rig.finish(&party);
    assert_eq!((told.frames, told.frames_lost, told.offset_ms, told.duration_ms), (25, 0, 0, 500));
}

#[test]
fn frames_of_a_generation_that_never_was_a_tracks_are_dropped_and_counted() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    party.tone(440.0, 500, 20);
    party.gate.open(generation(2));
    party.tone(440.0, 1000, 20);
    rig.open(&party, generation(2));
    let (told, _) = rig.finish(&party);
    assert_eq!((told.frames, told.offset_ms, told.duration_ms), (50, 500, 1000));
    assert_eq!(rig.pool.stats().unrouted, 25);
    // Nor do they stay in the ring for good where no track ever comes.
    party.gate.open(generation(3));
    party.tone(440.0, 500, 20);
    rig.clock.advance(Duration::from_secs(10));
    let until = Instant::now() + PATIENCE;
    while rig.pool.stats().unrouted < 50 && Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(rig.pool.stats().unrouted, 50);
}

/// Decision 4: a pool that is slow stops compressing before anything is lost.
#[test]
fn a_worker_that_is_behind_keeps_g711_as_it_came_and_counts_it() {
    let (codecs, has_entered, go) = codecs();
    let mut rig = rig_with(Profile::Opus, codecs, |store| store);
    let (mut slow, mut party) = (rig.leg(host_codec(b"slow")), rig.leg_with_ring(pcmu(), USUAL_RING));
    rig.open(&slow, generation(1));
    rig.open(&party, generation(1));
    slow.send(&[1; 20], 20_000);
    rig.clock.advance(Duration::from_secs(1));
    has_entered.recv_timeout(PATIENCE).expect("the worker is held up");
    party.tone(440.0, 1200, 20);
    go.send(()).expect("it waits for this");
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.frames, told.frames_lost, told.gaps.len(), told.faults.len()), (60, 0, 0, 0));
    assert_eq!(segments[0].header.codec, StoredCodec::Pcmu);
    assert_eq!(rig.pool.stats().overloads, 1);
    assert_eq!(rig.pool.stats().kept_by_overload, 60);
}

/// REC-05: what no ring holds is a gap of that name, counted.
#[test]
fn a_full_ring_is_a_gap_that_says_so() {
    let (codecs, has_entered, go) = codecs();
    let mut rig = rig_with(Profile::Opus, codecs, |store| store);
    let (mut slow, mut party) = (rig.leg(host_codec(b"slow")), rig.leg_with_ring(pcmu(), USUAL_RING));
    rig.open(&slow, generation(1));
    rig.open(&party, generation(1));
    slow.send(&[1; 20], 20_000);
    rig.clock.advance(Duration::from_secs(1));
    has_entered.recv_timeout(PATIENCE).expect("the worker is held up");
    party.tone(440.0, 3000, 20);
    let lost = party.counters.read().ring_full;
    assert!(lost > 0);
    go.send(()).expect("it waits for this");
    rig.finish(&slow);
    party.tone(440.0, 1000, 20);
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.frames, told.frames_lost, told.duration_ms), (200, lost, 4000));
    let gaps: Vec<_> = told.gaps.iter().map(|gap| (gap.offset_ms + gap.duration_ms, gap.reason)).collect();
    assert_eq!((gaps, told.gaps[0].duration_ms), (vec![(3000, GapReason::RingFull)], lost * 20));
    assert!(segments.iter().all(|segment| matches!(segment.ending, Ending::Whole)));
}

/// What a store does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    /// Half of it is written: the worst that the verb permits.
    Refuses,
    /// `write()` does not come back until the mood changes.
    Stalls,
}

#[derive(Clone)]
struct Moods(Arc<(Mutex<Mood>, Condvar)>);

impl Moods {
    fn change_to(&self, mood: Mood) {
        *self.0.0.lock().expect("no panic") = mood;
        self.0.1.notify_all();
    }

    /// Stands still for as long as the store stalls; whether it refuses then.
    fn refuses(&self) -> bool {
        let mood = self.0.0.lock().expect("no panic");
        *self.0.1.wait_while(mood, |mood| *mood == Mood::Stalls).expect("no panic") == Mood::Refuses
    }
}

struct Moody {
    store: Arc<dyn SegmentFiles>,
    moods: Moods,
}

struct MoodyFile {
    file: Mutex<Box<dyn AppendFile>>,
    moods: Moods,
}

impl SegmentFiles for Moody {
    fn create(&self, name: &SegmentName) -> Result<Box<dyn AppendFile>, StoreFault> {
        if self.moods.refuses() {
            return Err(StoreFault::Full { name: name.to_string() });
        }
        let file = Mutex::new(self.store.create(name)?);
        Ok(Box::new(MoodyFile { file, moods: self.moods.clone() }))
    }
}

impl AppendFile for MoodyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.get_mut().expect("no panic");
        if self.moods.refuses() {
            file.append(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.append(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.get_mut().expect("no panic").sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.lock().expect("no panic").len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.get_mut().expect("no panic").set_len(len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.lock().expect("no panic").read_at(offset, buffer)
    }

    fn close(self) -> io::Result<()> {
        Ok(())
    }
}

fn moody_rig(at_first: Mood, store_backlog: u64) -> (Rig, Moods) {
    let moods = Moods(Arc::new((Mutex::new(at_first), Condvar::new())));
    let (codecs, ..) = codecs();
    let files = |store| Arc::new(Moody { store, moods: moods.clone() }) as Arc<dyn SegmentFiles>;
    let rig = rig_bounded(Profile::Native, codecs, store_backlog, files);
    (rig, moods)
}

fn until(holds: impl Fn() -> bool, what: &str) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

fn until_fault(rig: &Rig) -> String {
    loop {
        match rig.reports.recv_timeout(PATIENCE).expect("a fault is told") {
            PoolReport::Fault { what, .. } => return what.to_string(),
            PoolReport::TrackClosed { .. } => panic!("the track is not closed"),
            PoolReport::Store { .. } | PoolReport::SegmentOpened { .. } | PoolReport::SegmentClosed { .. } => {}
        }
    }
}

#[test]
fn what_a_store_refuses_for_a_while_waits_sealed_and_nothing_is_lost() {
    for refuses_from_the_start in [true, false] {
        let at_first = if refuses_from_the_start { Mood::Refuses } else { Mood::Takes };
        let (mut rig, moods) = moody_rig(at_first, 1 << 20);
        let mut party = rig.leg(pcmu());
        rig.open(&party, generation(1));
        party.tone(440.0, 5000, 20);
        if !refuses_from_the_start {
            party.tone(440.0, 5000, 20);
            let first = rig.reports.recv_timeout(PATIENCE).expect("a segment is opened");
            assert!(matches!(first, PoolReport::SegmentOpened { .. }), "{first:?}");
            moods.change_to(Mood::Refuses);
        }
        party.tone(440.0, 30_000, 20);
        let fault = until_fault(&rig);
        assert!(fault.contains("the store refused a record"), "{fault}");
        assert!(rig.pool.stats().waiting_bytes > 0);
        moods.change_to(Mood::Takes);
        rig.close(&party);
        let mut told = rig.reports_of(&party);
        if !refuses_from_the_start {
            told.opened.insert(0, SegmentName { recording: party.recording, track: party.track, segment: 0 });
        }
        assert_eq!((told.frames_lost, told.gaps.len(), told.closed.len()), (0, 0, 1));
        assert_eq!(told.faults, Vec::<String>::new(), "the fault is told once");
        let segment = rig.open_segment(&party, &told.opened[0]);
        assert!(matches!(segment.ending, Ending::Whole));
        assert_eq!(segment.packets().len() as u64, told.frames);
        assert_eq!((rig.pool.stats().waiting_bytes, rig.pool.stats().store_faults), (0, 1));
    }
}

/// E02: while a `write()` does not come back, no ring is left undrained and nothing is lost, for two hundred calls of
/// two parties in the form that takes the most room; that the store is slow is said, and that it no longer is.
#[test]
fn e02_a_store_that_stalls_for_half_a_minute_loses_nothing_of_two_hundred_calls() {
    const LEGS: u64 = 400;
    let (mut rig, moods) = moody_rig(Mood::Takes, 256 << 20);
    let mut parties: Vec<_> = (0..LEGS).map(|_| rig.leg_with_ring(pcmu(), USUAL_RING)).collect();
    for party in &mut parties {
        rig.open(party, generation(1));
        party.tone(440.0, 500, 20);
    }
    let mut frames = LEGS * 25;
    until(|| rig.pool.stats().frames == frames, "the first half second is taken");
    moods.change_to(Mood::Stalls);
    for _ in 0..60 {
        parties.iter_mut().for_each(|party| party.tone(440.0, 500, 20));
        frames += LEGS * 25;
        until(|| rig.pool.stats().frames == frames, "half a second more is taken");
    }
    assert!(rig.pool.stats().waiting_bytes > 80 << 20, "{:?}", rig.pool.stats());
    let slowness = |told: PoolReport| match told {
        PoolReport::Store { slow } => Some(slow),
        PoolReport::Fault { what, .. } => panic!("{what}"),
        PoolReport::SegmentOpened { .. } | PoolReport::SegmentClosed { .. } | PoolReport::TrackClosed { .. } => None,
    };
    let next_slowness =
        || std::iter::from_fn(|| rig.reports.recv_timeout(PATIENCE).ok()).find_map(slowness).expect("slowness is told");
    assert!(next_slowness());
    moods.change_to(Mood::Takes);
    assert!(!next_slowness());
    for party in &parties {
        rig.close(party);
    }
    let mut closed = 0;
    while closed < LEGS {
        let report = rig.reports.recv_timeout(PATIENCE).expect("all tracks are closed");
        if let PoolReport::TrackClosed { frames, frames_lost, gaps, duration_ms, .. } = report {
            assert_eq!((frames, frames_lost, gaps.len(), duration_ms), (1525, 0, 0, 30_500));
            closed += 1;
        }
    }
    for party in &parties {
        assert_eq!(party.counters.read().ring_full, 0);
        let name = SegmentName { recording: party.recording, track: party.track, segment: 0 };
        let segment = rig.open_segment(party, &name);
        assert!(matches!(segment.ending, Ending::Whole));
        assert_eq!(segment.packets().len(), 1525);
    }
    assert_eq!(rig.pool.stats().waiting_bytes, 0);
}

/// Bounded: what finds no more room is a counted gap in its place, and the rest goes on.
#[test]
fn e02_what_finds_no_room_to_wait_is_a_gap_that_says_so() {
    for mood in [Mood::Refuses, Mood::Stalls] {
        let (mut rig, moods) = moody_rig(mood, 4 << 20);
        let mut party = rig.leg(FrameFormat::new(b"opus", 48_000, 48_000, 2, 20_000));
        rig.open(&party, generation(1));
        let mut packet = vec![0x5a_u8; 1275];
        packet[0] = 0xfc;
        for _ in 0..50 * 80 {
            party.send(&packet, 20_000);
        }
        until_fault(&rig);
        until(|| rig.pool.stats().frames == 50 * 80, "all of it is taken");
        until(|| rig.pool.stats().lost_to_store > 0, "some is lost");
        assert!(rig.pool.stats().waiting_bytes <= 4 << 20);
        moods.change_to(Mood::Takes);
        until(|| rig.pool.stats().waiting_bytes == 0, "what waited is written");
        for _ in 0..50 * 5 {
            party.send(&packet, 20_000);
        }
        let (told, segments) = rig.finish(&party);
        let lost_ms = told.frames_lost * 20;
        assert!(told.frames_lost > 0 && lost_ms < 50_000, "{mood:?}: {lost_ms} ms lost");
        let gaps: Vec<_> = told.gaps.iter().map(|gap| (gap.duration_ms, gap.reason)).collect();
        assert_eq!(gaps, [(lost_ms, GapReason::StoreFault)], "{mood:?}");
        assert_eq!(segments[0].packets().len() as u64, told.frames - told.frames_lost);
        let sealed: u64 = segments[0]
            .entries
            .iter()
            .map(|entry| match entry {
                Entry::Gap { duration_us, reason: GapReason::StoreFault, .. } => *duration_us,
                Entry::Gap { .. } | Entry::Packet { .. } => 0,
            })
            .sum();
        assert_eq!(sealed, lost_ms * 1000);
    }
}

/// Decision 5: what was said a second ago survives a kill.
#[test]
fn a_first_frame_is_in_the_store_within_a_second() {
    let mut rig = rig(Profile::Native);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    let sent = Instant::now();
    party.tone(440.0, 20, 20);
    rig.clock.advance(Duration::from_millis(200));
    let report = rig.reports.recv_timeout(PATIENCE).expect("a segment is opened");
    let PoolReport::SegmentOpened { name, .. } = report else { panic!("{report:?}") };
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    assert_eq!(rig.open_segment(&party, &name).packets().len(), 1);
}

#[test]
fn draining_seals_every_track_of_every_leg() {
    let mut rig = rig(Profile::Opus);
    let mut parties: Vec<_> = (0..40).map(|_| rig.leg(pcmu())).collect();
    for party in &mut parties {
        rig.open(party, generation(1));
        party.tone(440.0, 1000, 20);
    }
    assert!(rig.pool.drain(PATIENCE));
    let mut closed = 0;
    let mut whole = 0;
    while let Ok(report) = rig.reports.try_recv() {
        match report {
            PoolReport::TrackClosed { frames, frames_lost, duration_ms, .. } => {
                assert_eq!((frames, frames_lost, duration_ms), (50, 0, 1000));
                closed += 1;
            }
            PoolReport::SegmentClosed { .. } => whole += 1,
            PoolReport::SegmentOpened { .. } | PoolReport::Store { .. } => {}
            PoolReport::Fault { what, .. } => panic!("{what}"),
        }
    }
    assert_eq!((closed, whole), (40, 40));
}

#[test]
fn a_leg_that_is_gone_has_its_tracks_closed() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    party.tone(440.0, 1000, 20);
    rig.pool.detach(party.leg);
    let told = rig.reports_of(&party);
    assert_eq!((told.frames, told.closed.len(), told.duration_ms), (50, 1, 1000));
    // Said again, it is no fault.
    rig.pool.detach(party.leg);
    rig.pool.close_track(party.leg, party.recording, party.track, None);
    assert!(rig.pool.drain(PATIENCE));
}

/// The pool's end, without a word before: everything that was in the rings is sealed.
#[test]
fn dropping_the_pool_seals_what_came() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    party.tone(440.0, 1000, 20);
    let Rig { pool, reports, .. } = rig;
    drop(pool);
    let all: Vec<_> = reports.try_iter().collect();
    assert!(matches!(all.last(), Some(PoolReport::TrackClosed { frames: 50, frames_lost: 0, .. })), "{all:?}");
}
