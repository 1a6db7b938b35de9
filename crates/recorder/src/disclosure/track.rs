//! One track as a stream of samples from the recording's start, gaps silent.
use std::collections::VecDeque;
use std::io::BufReader;

use super::copy::UnlockedCopy;
use super::export::ExportFault;
use super::payload::PayloadDecoder;
use super::region::Region;
use crate::ids::TrackNumber;
use crate::seal::{Ending, Entry, Records, SegmentHeader, SegmentReader};

/// By how much a packet may lie off the end of the one before it and still follow on, in microseconds: what
/// rounding and a sender's jittery timestamps make of continuous speech.
const FOLLOWS_ON_US: u64 = 1_000;

/// A track's entries, segment after segment.
pub(super) struct TrackEntries<'c> {
    copy: &'c UnlockedCopy,
    index: usize,
    next_segment: usize,
    records: Option<Records<BufReader<Region>>>,
    waiting: VecDeque<Entry>,
    /// Segments that a crash left without their end.
    pub(super) torn: u32,
}

/// What comes next in a track.
pub(super) enum Next {
    /// A segment begins.
    Segment(Box<SegmentHeader>),
    /// An entry of it.
    Entry(Entry),
    /// There is no more.
    End,
}

impl<'c> TrackEntries<'c> {
    pub(super) fn new(copy: &'c UnlockedCopy, index: usize) -> Self {
        Self { copy, index, next_segment: 0, records: None, waiting: VecDeque::new(), torn: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Next, ExportFault> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Ok(Next::Entry(entry));
            }
            let Some(records) = &mut self.records else { return self.next_segment() };
            match records.next_record() {
                Ok(Some(entries)) => self.waiting.extend(entries),
                Ok(None) => {
                    self.torn += u32::from(matches!(records.ending(), Some(Ending::Torn { .. })));
                    self.records = None;
                }
                Err(source) => return Err(self.fault(source)),
            }
        }
    }

    fn next_segment(&mut self) -> Result<Next, ExportFault> {
        let track = &self.copy.manifest().tracks[self.index];
        if self.next_segment == track.segments.len() {
            return Ok(Next::End);
        }
        let region = self.copy.copy().segment(self.index, self.next_segment);
        self.next_segment += 1;
        let reader =
            SegmentReader::new(BufReader::with_capacity(64 * 1024, region)).map_err(|fault| self.fault(fault))?;
        let header = Box::new(reader.header().clone());
        self.records = Some(reader.open(self.copy.key(self.index)).map_err(|fault| self.fault(fault))?);
        Ok(Next::Segment(header))
    }

    fn fault(&self, source: crate::seal::ReadFault) -> ExportFault {
        ExportFault::Segment { track: self.number(), source }
    }

    fn number(&self) -> TrackNumber {
        self.copy.manifest().tracks[self.index].number
    }
}

/// A track's samples, mono.
pub(super) struct TrackAudio<'c> {
    entries: TrackEntries<'c>,
    rate: u64,
    decoder: Option<PayloadDecoder>,
    /// Decoded and placed, not yet given out.
    ready: VecDeque<Placed>,
    run: Option<Run>,
    /// The next sample to give out, from the recording's start.
    position: u64,
    /// Where the track ends, as far as it is known.
    end: u64,
    done: bool,
    /// Packets that were not of their codec: silent.
    pub(super) undecodable: u64,
}

struct Placed {
    at: u64,
    samples: Vec<i16>,
}

/// Packets that follow on from each other.
struct Run {
    /// Where the run's audio ends and the next packet is expected.
    expected_us: u64,
    /// Where the run's audio begins.
    start: u64,
    /// Where the next sample goes: before `start` as long as the decoder's delay comes out.
    next: i64,
    /// Decoded, but behind the run's audio as far as that is known.
    beyond: Vec<i16>,
    /// The encoder filled its last packet up: what follows belongs to another run.
    closing: bool,
}

impl<'c> TrackAudio<'c> {
    pub(super) fn new(copy: &'c UnlockedCopy, index: usize, rate: u32) -> Self {
        Self {
            entries: TrackEntries::new(copy, index),
            rate: rate.into(),
            decoder: None,
            ready: VecDeque::new(),
            run: None,
            position: 0,
            end: 0,
            done: false,
            undecodable: 0,
        }
    }

    pub(super) fn torn(&self) -> u32 {
        self.entries.torn
    }

    /// Fills `out` with what comes next, silence behind the track's end; returns how many samples are the track's.
    pub(super) fn fill(&mut self, out: &mut [i16]) -> Result<usize, ExportFault> {
        let mut filled = 0;
        while filled < out.len() {
            while self.ready.is_empty() && !self.done {
                self.refill()?;
            }
            let rest = &mut out[filled..];
            let given = match self.ready.front_mut() {
                None => {
                    rest.fill(0);
                    break;
                }
                Some(placed) if placed.at > self.position => {
                    let silent = usize::try_from(placed.at - self.position).unwrap_or(usize::MAX).min(rest.len());
                    rest[..silent].fill(0);
                    silent
                }
                Some(placed) => {
                    // What overlaps with what was given out already is left out.
                    let used = usize::try_from(self.position - placed.at).unwrap_or(usize::MAX);
                    let samples = placed.samples.get(used..).unwrap_or(&[]);
                    let given = samples.len().min(rest.len());
                    rest[..given].copy_from_slice(&samples[..given]);
                    if given == samples.len() {
                        self.ready.pop_front();
                    }
                    given
                }
            };
            filled += given;
            self.position += given as u64;
        }
        let before = self.position - filled as u64;
        let silent_end = usize::try_from(self.end.saturating_sub(before)).unwrap_or(usize::MAX).min(out.len());
        let own = filled.max(silent_end);
        self.position = before + out.len() as u64;
        Ok(own)
    }

    fn refill(&mut self) -> Result<(), ExportFault> {
        match self.entries.next()? {
            Next::Segment(header) => {
                self.end_run();
                let rate = u32::try_from(self.rate).expect("it came as one");
                self.decoder = Some(PayloadDecoder::new(&header, rate).ok_or(ExportFault::NoDecoder)?);
            }
            Next::Entry(entry @ Entry::Gap { .. }) => {
                self.end = self.end.max(self.samples(entry.end_us()));
                self.end_run();
            }
            Next::Entry(Entry::Packet { offset_us, duration_us, data }) => self.place(offset_us, duration_us, &data),
            Next::End => {
                self.end_run();
                self.done = true;
            }
        }
        Ok(())
    }

    fn place(&mut self, offset_us: u64, duration_us: u32, data: &[u8]) {
        let end_us = offset_us.saturating_add(duration_us.into());
        self.end = self.end.max(self.samples(end_us));
        if self.run.as_ref().is_some_and(|run| !run.takes(offset_us, duration_us)) {
            self.end_run();
        }
        let Some(decoder) = &mut self.decoder else { return };
        let rate = self.rate;
        let run = self.run.get_or_insert_with(|| Run::at(offset_us, decoder.delay_us(), rate));
        let before = run.beyond.len();
        if !decoder.decode(data, &mut run.beyond) {
            self.undecodable += 1;
            self.end_run();
            return;
        }
        let decoded = (run.beyond.len() - before) as u64;
        run.expected_us = run.expected_us.saturating_add(duration_us.into());
        run.closing = decoder.delay_us() > 0 && decoded > rounded(duration_us.into(), rate);
        if let Some(placed) = run.give_out(rounded(run.expected_us, rate)) {
            self.ready.push_back(placed);
        }
    }

    fn end_run(&mut self) {
        if let (Some(mut run), Some(decoder)) = (self.run.take(), &mut self.decoder) {
            decoder.finish_run(&mut run.beyond);
            if let Some(placed) = run.give_out(rounded(run.expected_us, self.rate)) {
                self.ready.push_back(placed);
            }
        }
    }

    fn samples(&self, us: u64) -> u64 {
        rounded(us, self.rate)
    }
}

impl Run {
    fn at(offset_us: u64, delay_us: u64, rate: u64) -> Self {
        let start = rounded(offset_us, rate);
        let next = signed(start) - signed(rounded(delay_us, rate));
        Self { expected_us: offset_us, start, next, beyond: Vec::new(), closing: false }
    }

    /// Whether a packet goes on with this run. One of no duration brings out what the decoder holds back.
    fn takes(&self, offset_us: u64, duration_us: u32) -> bool {
        self.expected_us.abs_diff(offset_us) <= FOLLOWS_ON_US && (duration_us == 0 || !self.closing)
    }

    /// What lies before `end`, placed; the rest waits. What the decoder's delay puts before the start is no audio.
    fn give_out(&mut self, end: u64) -> Option<Placed> {
        let count = usize::try_from(signed(end).saturating_sub(self.next).max(0)).unwrap_or(usize::MAX);
        let mut samples: Vec<i16> = self.beyond.drain(..count.min(self.beyond.len())).collect();
        let at = self.next;
        self.next += signed(samples.len() as u64);
        let early = usize::try_from(signed(self.start).saturating_sub(at).max(0)).unwrap_or(usize::MAX);
        samples.drain(..early.min(samples.len()));
        let at = at.max(signed(self.start)).unsigned_abs();
        (!samples.is_empty()).then_some(Placed { at, samples })
    }
}

/// Microseconds as samples, rounded.
fn rounded(us: u64, rate: u64) -> u64 {
    (us / 1_000_000).saturating_mul(rate).saturating_add((us % 1_000_000 * rate + 500_000) / 1_000_000)
}

fn signed(samples: u64) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}
