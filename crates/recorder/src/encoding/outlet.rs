//! A track's way into the store: entries become records, records segments.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::TrackPlan;
use super::report::{PoolReport, TrackFault};
use super::segment_file::{SegmentFile, SegmentFiles};
use super::stats::{PoolCounters, bump};
use crate::evidence::GapReason;
use crate::seal::{Entry, SealFault, SegmentHeader, SegmentWriter, StoredCodec};
use crate::store::SegmentName;

/// An entry waits this long at most before it is sealed into a record; with a worker's round, less than 500 ms.
const RECORD_AGE: Duration = Duration::from_millis(300);
/// A record holds this much of the track at most (decision 5: 1 s).
const RECORD_LENGTH_US: u64 = 980_000;
/// A record is closed before it gets longer than this, in bytes.
const RECORD_BYTES: usize = 256 * 1024;
/// A segment's length at most.
const SEGMENT_LENGTH_US: u64 = 3_600_000_000;
/// How long a finished segment is kept for a store that refuses.
const PATIENCE: Duration = Duration::from_secs(60);
/// Finished segments that wait for the store at most.
const FINISHED: usize = 4;

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
    pub(super) files: &'a Arc<dyn SegmentFiles>,
    pub(super) counters: &'a PoolCounters,
    pub(super) reports: &'a mut VecDeque<PoolReport>,
}

/// The segments of one track, one of them open at most.
pub(super) struct Outlet {
    plan: Arc<TrackPlan>,
    next_index: u32,
    open: Option<Segment>,
    finished: Vec<(Segment, Instant)>,
    /// The store refuses records since the last that it took.
    refusing: bool,
    /// Entries lost to the store, told as a gap with the next record that is taken: from, to.
    lost: Option<(u64, u64)>,
    /// Packets lost to the store.
    pub(super) packets_lost: u64,
    /// Where the store lost audio, for the track's list of gaps.
    pub(super) store_gaps: Vec<(u64, u64)>,
}

struct Segment {
    writer: SegmentWriter<SegmentFile>,
    name: SegmentName,
    form: Form,
    made: Arc<AtomicBool>,
    told: bool,
    start_us: Option<u64>,
    pending: Vec<Entry>,
    pending_bytes: usize,
    pending_since: Option<Instant>,
    /// What of the pool's count of waiting bytes is this segment's.
    waiting: u64,
    /// What waits, sealed: from, to, packets.
    unwritten: Option<(u64, u64, u64)>,
}

impl Outlet {
    pub(super) fn new(plan: Arc<TrackPlan>) -> Self {
        Self {
            plan,
            next_index: 0,
            open: None,
            finished: Vec::new(),
            refusing: false,
            lost: None,
            packets_lost: 0,
            store_gaps: Vec::new(),
        }
    }

    /// The open segment's form.
    pub(super) fn form(&self) -> Option<Form> {
        self.open.as_ref().map(|segment| segment.form)
    }

    /// Whether the open segment has to end before an entry at this offset.
    pub(super) fn is_full(&self, offset_us: u64) -> bool {
        let start = self.open.as_ref().and_then(|segment| segment.start_us);
        start.is_some_and(|start| offset_us.saturating_sub(start) >= SEGMENT_LENGTH_US)
    }

    /// Begins a segment of this form; one that is open is ended first.
    pub(super) fn begin(&mut self, form: Form, around: &mut Surroundings<'_>) -> Result<(), SealFault> {
        self.end_segment(around);
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
        let made = Arc::new(AtomicBool::new(false));
        let file = SegmentFile::new(Arc::clone(around.files), name, Arc::clone(&made));
        let writer = SegmentWriter::create(file, &header, &plan.ready.key)?;
        self.next_index += 1;
        self.open = Some(Segment {
            writer,
            name,
            form,
            made,
            told: false,
            start_us: None,
            pending: Vec::new(),
            pending_bytes: 0,
            pending_since: None,
            waiting: 0,
            unwritten: None,
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

    /// Time goes on: seals what is old enough, tries again what the store refused.
    pub(super) fn tick(&mut self, around: &mut Surroundings<'_>) {
        let due = |since: Instant| since.elapsed() >= RECORD_AGE;
        if self.open.as_ref().is_some_and(|segment| segment.pending_since.is_some_and(due)) {
            self.seal(around);
        } else {
            self.try_again(around);
        }
        self.finish_finished(around);
    }

    /// Ends the open segment. Its entries are sealed at once; a store that refuses gets them later.
    pub(super) fn end_segment(&mut self, around: &mut Surroundings<'_>) {
        self.seal(around);
        let Some(segment) = self.open.take() else { return };
        if self.finished.len() >= FINISHED {
            self.give_up(0, around);
        }
        self.finished.push((segment, Instant::now()));
        self.finish_finished(around);
    }

    /// Whether nothing waits for the store.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_none() && self.finished.is_empty()
    }

    /// Nothing is waited for any longer.
    pub(super) fn abandon(&mut self, around: &mut Surroundings<'_>) {
        self.end_segment(around);
        while !self.finished.is_empty() {
            self.give_up(0, around);
        }
    }

    fn seal(&mut self, around: &mut Surroundings<'_>) {
        self.try_again(around);
        let Some(segment) = &mut self.open else { return };
        let mut entries = std::mem::take(&mut segment.pending);
        segment.pending_bytes = 0;
        segment.pending_since = None;
        if let Some((from, to)) = self.lost {
            entries.insert(0, store_gap(from, to));
        }
        if entries.is_empty() {
            return;
        }
        let result = segment.writer.append(&entries);
        segment.count_waiting(around.counters);
        segment.tell_opened(&self.plan, around);
        match result {
            Ok(()) => {
                segment.unwritten = None;
                self.settle_lost();
                self.refusing = false;
            }
            // It is sealed and waits in the writer.
            Err(SealFault::Store(fault)) => {
                segment.wait_for(&entries);
                self.settle_lost();
                self.refused(SealFault::Store(fault), around);
            }
            Err(fault) => {
                self.lose(&entries, around);
                self.refused(fault, around);
            }
        }
    }

    /// Offers the store what it refused before.
    fn try_again(&mut self, around: &mut Surroundings<'_>) {
        let Some(segment) = &mut self.open else { return };
        if segment.writer.waiting() == 0 || segment.writer.flush().is_err() {
            return;
        }
        segment.unwritten = None;
        segment.count_waiting(around.counters);
        segment.tell_opened(&self.plan, around);
        self.refusing = false;
    }

    /// The gap that told of lost entries is sealed.
    fn settle_lost(&mut self) {
        self.store_gaps.extend(self.lost.take());
    }

    fn lose(&mut self, entries: &[Entry], around: &mut Surroundings<'_>) {
        if let Some((from, to, packets)) = extent(entries) {
            self.lose_extent(from, to, packets, around);
        }
    }

    fn lose_extent(&mut self, from: u64, to: u64, packets: u64, around: &mut Surroundings<'_>) {
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

    fn finish_finished(&mut self, around: &mut Surroundings<'_>) {
        let mut at = 0;
        while at < self.finished.len() {
            let (segment, since) = &mut self.finished[at];
            if let Err(fault) = segment.writer.flush() {
                let out_of_patience = since.elapsed() >= PATIENCE;
                self.refused(fault, around);
                if out_of_patience {
                    self.give_up(at, around);
                } else {
                    at += 1;
                }
                continue;
            }
            self.finish(at, around);
        }
    }

    /// Writes the last record; the store took all others. It is empty, or tells what was lost.
    fn finish(&mut self, at: usize, around: &mut Surroundings<'_>) {
        let (mut segment, _) = self.finished.remove(at);
        segment.count_waiting(around.counters);
        segment.tell_opened(&self.plan, around);
        let (recording, track, index) = (self.plan.recording, self.plan.track, segment.name.segment);
        let lost = if self.open.is_none() { self.lost } else { None };
        let last: Vec<Entry> = lost.map(|(from, to)| store_gap(from, to)).into_iter().collect();
        match segment.writer.finish(&last) {
            Ok(summary) => {
                self.refusing = false;
                if lost.is_some() {
                    self.settle_lost();
                }
                let (records, bytes, sha256) = (summary.records, summary.bytes, summary.sha256);
                around.reports.push_back(PoolReport::SegmentClosed { recording, track, index, records, bytes, sha256 });
            }
            Err(fault) => {
                self.settle_lost();
                self.refused(fault, around);
            }
        }
    }

    /// A finished segment that the store never took whole.
    fn give_up(&mut self, at: usize, around: &mut Surroundings<'_>) {
        let (segment, _) = self.finished.remove(at);
        around.counters.waiting_bytes.fetch_sub(segment.waiting, Ordering::Relaxed);
        if let Some((from, to, packets)) = segment.unwritten {
            self.lose_extent(from, to, packets, around);
        }
        self.settle_lost();
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

    fn count_waiting(&mut self, counters: &PoolCounters) {
        let now = self.writer.waiting() as u64;
        counters.waiting_bytes.fetch_add(now.wrapping_sub(self.waiting), Ordering::Relaxed);
        self.waiting = now;
    }

    fn wait_for(&mut self, entries: &[Entry]) {
        let Some((from, to, packets)) = extent(entries) else { return };
        let (since, _, before) = self.unwritten.unwrap_or((from, to, 0));
        self.unwritten = Some((since, to, before + packets));
    }

    fn tell_opened(&mut self, plan: &TrackPlan, around: &mut Surroundings<'_>) {
        if !self.told && self.made.load(Ordering::Acquire) {
            self.told = true;
            around.reports.push_back(self.opened(plan));
        }
    }

    fn opened(&self, plan: &TrackPlan) -> PoolReport {
        PoolReport::SegmentOpened {
            recording: plan.recording,
            track: plan.track,
            index: self.name.segment,
            name: self.name,
            codec: self.form.codec,
            sample_rate: self.form.sample_rate,
            channels: self.form.channels,
            slot: plan.ready.slot,
            key: plan.ready.key.id(),
        }
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
