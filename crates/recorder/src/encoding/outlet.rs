//! A track's way into the store: entries become records, records segments.
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::TrackPlan;
use super::report::{PoolReport, TrackFault};
use super::segment_file::SegmentFile;
use super::stats::{PoolCounters, bump};
use super::store_writer::{Progress, StoreWriter};
use crate::evidence::GapReason;
use crate::seal::{Entry, SealFault, SegmentHeader, SegmentSummary, SegmentWriter, StoredCodec, record_size};
use crate::store::SegmentName;

/// An entry waits this long at most before it is sealed into a record; with a worker's round, less than 500 ms.
const RECORD_AGE: Duration = Duration::from_millis(300);
/// A record holds this much of the track at most (decision 5: 1 s).
const RECORD_LENGTH_US: u64 = 980_000;
/// A record is closed before it gets longer than this, in bytes.
const RECORD_BYTES: usize = 256 * 1024;
/// A segment's length at most.
const SEGMENT_LENGTH_US: u64 = 3_600_000_000;
/// How long a finished segment is kept for a store that does not take it: a disk can come back, or be cleared, by then.
/// An outcome waits a little longer (`conversation::timers::TRACKS_CLOSE`).
const PATIENCE: Duration = Duration::from_secs(600);
/// The same where the store refuses it for a reason that is not known to pass.
const REFUSED_PATIENCE: Duration = Duration::from_secs(60);
/// How long a track that ends at once waits for what the store is taking.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a segment's audio is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) codec: StoredCodec,
    pub(super) sample_rate: u32,
    pub(super) channels: u8,
    pub(super) pre_skip_us: u32,
}

/// What an outlet needs of the pool.
pub(super) struct Surroundings<'a> {
    pub(super) store: &'a StoreWriter,
    pub(super) counters: &'a PoolCounters,
    pub(super) reports: &'a mut VecDeque<PoolReport>,
}

/// The segments of one track, one of them open at most.
pub(super) struct Outlet {
    plan: Arc<TrackPlan>,
    next_index: u32,
    open: Option<Segment>,
    finished: Vec<Finished>,
    /// The store refuses, or has no room for, this track's records since the last that it took.
    refusing: bool,
    /// The last refusal was for another reason than a full disk.
    refused_for_good: bool,
    /// Entries lost to the store, told as a gap with the next record that finds room: from, to.
    lost: Option<(u64, u64)>,
    /// Packets lost to the store.
    pub(super) packets_lost: u64,
    /// Where the store lost audio, for the track's list of gaps.
    pub(super) store_gaps: Vec<(u64, u64)>,
}

/// A segment that takes entries.
struct Segment {
    writer: SegmentWriter<SegmentFile>,
    way: Way,
    start_us: Option<u64>,
    pending: Vec<Entry>,
    pending_bytes: usize,
    pending_since: Option<Instant>,
}

/// A segment whose last record is sealed.
struct Finished {
    way: Way,
    summary: SegmentSummary,
    since: Instant,
}

/// A segment's sealed bytes on their way to the store.
struct Way {
    name: SegmentName,
    form: Form,
    progress: Arc<Progress>,
    /// The bytes before its first record.
    prologue: u64,
    told: bool,
    /// What waits, record by record.
    waiting: VecDeque<Waiting>,
    /// The store's bytes at the last look.
    written: u64,
}

/// A record that waits: where it ends in the file, where its entries lie on the track, and how many are packets.
struct Waiting {
    ends: u64,
    from: u64,
    to: u64,
    packets: u64,
}

impl Outlet {
    pub(super) fn new(plan: Arc<TrackPlan>) -> Self {
        Self {
            plan,
            next_index: 0,
            open: None,
            finished: Vec::new(),
            refusing: false,
            refused_for_good: false,
            lost: None,
            packets_lost: 0,
            store_gaps: Vec::new(),
        }
    }

    /// The open segment's form.
    pub(super) fn form(&self) -> Option<Form> {
        self.open.as_ref().map(|segment| segment.way.form)
    }

    /// Whether the open segment has to end before an entry at this offset.
    pub(super) fn is_full(&self, offset_us: u64) -> bool {
        let start = self.open.as_ref().and_then(|segment| segment.start_us);
        start.is_some_and(|start| offset_us.saturating_sub(start) >= SEGMENT_LENGTH_US)
    }

    /// Begins a segment of this form; one that is open is ended first.
    pub(super) fn begin(&mut self, form: Form, around: &mut Surroundings<'_>) -> Result<(), SealFault> {
        self.end_segment(around);
        if !around.store.has_room(RECORD_BYTES) {
            return Err(SealFault::Backlog);
        }
        let plan = &self.plan;
        let name = SegmentName { recording: plan.recording, track: plan.track, segment: self.next_index };
        let header = SegmentHeader {
            recording: plan.recording,
            track: plan.track,
            segment: self.next_index,
            key: plan.ready.key.id(),
            slot: plan.ready.slot,
            instance: plan.instance.clone(),
            party: plan.party,
            leg: plan.leg_uuid.clone(),
            codec: form.codec,
            sample_rate: form.sample_rate,
            channels: form.channels,
            pre_skip_us: form.pre_skip_us,
            recording_started_at: plan.started_at,
            notices: plan.notices.clone(),
            standings: plan.standings.clone(),
        };
        let (file, progress) = around.store.file(name);
        let writer = SegmentWriter::create(file, &header, &plan.ready.key)?;
        self.next_index += 1;
        let (told, waiting, prologue) = (false, VecDeque::new(), writer.sealed());
        self.open = Some(Segment {
            writer,
            way: Way { name, form, progress, prologue, told, waiting, written: 0 },
            start_us: None,
            pending: Vec::new(),
            pending_bytes: 0,
            pending_since: None,
        });
        Ok(())
    }

    /// Adds entries to the open segment, in order. They are sealed when they are old or many enough.
    pub(super) fn add(&mut self, entries: &mut Vec<Entry>, around: &mut Surroundings<'_>) {
        for entry in entries.drain(..) {
            let Some(segment) = &mut self.open else { return };
            if segment.would_overflow(&entry) {
                self.seal(around);
            }
            let Some(segment) = &mut self.open else { return };
            segment.take(entry);
        }
    }

    /// Time goes on: seals what is old enough, and looks how far the store is.
    pub(super) fn tick(&mut self, around: &mut Surroundings<'_>) {
        let due = |since: Instant| since.elapsed() >= RECORD_AGE;
        if self.open.as_ref().is_some_and(|segment| segment.pending_since.is_some_and(due)) {
            self.seal(around);
        }
        self.look(around);
    }

    /// Ends the open segment: its last record is sealed, and says what was lost.
    pub(super) fn end_segment(&mut self, around: &mut Surroundings<'_>) {
        self.seal(around);
        let Some(Segment { writer, way, .. }) = self.open.take() else { return };
        let last: Vec<Entry> = self.lost.map(|(from, to)| store_gap(from, to)).into_iter().collect();
        match writer.finish(&last) {
            Ok(summary) => {
                self.settle_lost();
                self.finished.push(Finished { way, summary, since: Instant::now() });
            }
            Err(fault) => {
                self.refused(fault, around);
                self.give_up(way, around);
            }
        }
    }

    /// Whether nothing waits for the store.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_none() && self.finished.is_empty()
    }

    /// Nothing is waited for any longer than the store takes for what it has before it.
    pub(super) fn abandon(&mut self, around: &mut Surroundings<'_>) {
        self.end_segment(around);
        if !self.finished.is_empty() {
            around.store.flush(LAST_WORDS);
            self.look(around);
        }
        for finished in std::mem::take(&mut self.finished) {
            self.give_up(finished.way, around);
        }
        self.settle_lost();
    }

    fn seal(&mut self, around: &mut Surroundings<'_>) {
        let Some(segment) = &mut self.open else { return };
        let mut entries = std::mem::take(&mut segment.pending);
        segment.pending_bytes = 0;
        segment.pending_since = None;
        if let Some((from, to)) = self.lost {
            entries.insert(0, store_gap(from, to));
        }
        let Some((from, to, packets)) = extent(&entries) else { return };
        let room = around.store.has_room(record_size(&entries));
        let result = if room { segment.writer.append(&entries) } else { Err(SealFault::Backlog) };
        match result {
            Ok(()) => {
                segment.way.waiting.push_back(Waiting { ends: segment.writer.sealed(), from, to, packets });
                self.settle_lost();
            }
            Err(fault) => {
                self.lose(from, to, packets, around);
                self.refused(fault, around);
            }
        }
    }

    /// The gap that told of lost entries is sealed.
    fn settle_lost(&mut self) {
        self.store_gaps.extend(self.lost.take());
    }

    fn lose(&mut self, from: u64, to: u64, packets: u64, around: &mut Surroundings<'_>) {
        self.packets_lost += packets;
        around.counters.lost_to_store.fetch_add(packets, Ordering::Relaxed);
        let (since, until) = self.lost.unwrap_or((from, to));
        self.lost = Some((since.min(from), until.max(to)));
    }

    fn refused(&mut self, fault: SealFault, around: &mut Surroundings<'_>) {
        if !std::mem::replace(&mut self.refusing, true) {
            bump(&around.counters.store_faults);
            self.report(TrackFault::Seal(fault), around);
        }
    }

    /// How far the store is.
    fn look(&mut self, around: &mut Surroundings<'_>) {
        let mut took = false;
        let mut refusal = None;
        let finished = self.finished.iter_mut().map(|finished| &mut finished.way);
        for way in finished.chain(self.open.as_mut().map(|segment| &mut segment.way)) {
            took |= way.look();
            refusal = way.progress.refusal().or(refusal);
            way.tell_opened(&self.plan, around);
        }
        if took {
            (self.refusing, self.refused_for_good) = (false, false);
        }
        if let Some(refusal) = refusal {
            self.refused_for_good = refusal.kind() != io::ErrorKind::StorageFull;
            self.refused(SealFault::Store(refusal), around);
        }
        let patience = if self.refused_for_good { REFUSED_PATIENCE } else { PATIENCE };
        let (recording, track) = (self.plan.recording, self.plan.track);
        for finished in std::mem::take(&mut self.finished) {
            let SegmentSummary { records, bytes, sha256 } = finished.summary;
            let index = finished.way.name.segment;
            if finished.way.written == bytes {
                around.reports.push_back(PoolReport::SegmentClosed { recording, track, index, records, bytes, sha256 });
            } else if finished.since.elapsed() >= patience {
                self.give_up(finished.way, around);
            } else {
                self.finished.push(finished);
            }
        }
    }

    /// A segment that the store never took whole.
    fn give_up(&mut self, way: Way, around: &mut Surroundings<'_>) {
        way.progress.give_up();
        for Waiting { from, to, packets, .. } in way.waiting {
            self.lose(from, to, packets, around);
        }
        self.report(TrackFault::Seal(SealFault::Backlog), around);
    }

    fn report(&self, what: TrackFault, around: &mut Surroundings<'_>) {
        let (recording, track) = (self.plan.recording, self.plan.track);
        around.reports.push_back(PoolReport::Fault { recording, track, what });
    }
}

impl Segment {
    fn take(&mut self, entry: Entry) {
        let offset = match &entry {
            Entry::Packet { offset_us, data, .. } => {
                self.pending_bytes += data.len();
                *offset_us
            }
            Entry::Gap { offset_us, .. } => *offset_us,
        };
        self.start_us.get_or_insert(offset);
        self.pending_since.get_or_insert_with(Instant::now);
        self.pending.push(entry);
    }

    /// Whether the record would get too long with one more entry. A gap is one entry however long it is.
    fn would_overflow(&self, entry: &Entry) -> bool {
        let Some(Entry::Packet { offset_us: first, .. }) =
            self.pending.iter().find(|entry| matches!(entry, Entry::Packet { .. }))
        else {
            return false;
        };
        self.pending_bytes > RECORD_BYTES || entry.end_us().saturating_sub(*first) > RECORD_LENGTH_US
    }
}

impl Way {
    /// Notes what the store has by now; whether that is more than before.
    fn look(&mut self) -> bool {
        let written = self.progress.written();
        while self.waiting.front().is_some_and(|record| record.ends <= written) {
            self.waiting.pop_front();
        }
        std::mem::replace(&mut self.written, written) < written
    }

    fn tell_opened(&mut self, plan: &TrackPlan, around: &mut Surroundings<'_>) {
        if self.told || self.written <= self.prologue {
            return;
        }
        self.told = true;
        around.reports.push_back(PoolReport::SegmentOpened {
            recording: plan.recording,
            track: plan.track,
            index: self.name.segment,
            name: self.name,
            codec: self.form.codec,
            sample_rate: self.form.sample_rate,
            channels: self.form.channels,
            slot: plan.ready.slot,
            key: plan.ready.key.id(),
        });
    }
}

/// From where to where entries lie, and how many of them are packets.
fn extent(entries: &[Entry]) -> Option<(u64, u64, u64)> {
    let from = match *entries.first()? {
        Entry::Packet { offset_us, .. } | Entry::Gap { offset_us, .. } => offset_us,
    };
    let to = entries.iter().map(Entry::end_us).max()?;
    let packets = entries.iter().filter(|entry| matches!(entry, Entry::Packet { .. })).count();
    Some((from, to, packets as u64))
}

fn store_gap(from: u64, to: u64) -> Entry {
    Entry::Gap { offset_us: from, duration_us: to.saturating_sub(from), reason: GapReason::StoreFault }
}
