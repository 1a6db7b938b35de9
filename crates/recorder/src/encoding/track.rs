//! One track: its frames take their places, are decoded and encoded or kept as they came, and go to the outlet.
use std::sync::Arc;
use std::time::Instant;

use super::decoding::{Decoded, TrackDecoder};
use super::opus::OpusRun;
use super::outlet::{Form, Outlet, Surroundings};
use super::report::{PoolReport, TrackFault};
use super::stats::bump;
use super::{Missing, TrackPlan};
use crate::capture::{Arrival, FrameFormat, FrameHead, Step, Timeline};
use crate::codec::{Coding, HostDecoders, LONGEST_US};
use crate::evidence::{Gap, GapReason};
use crate::policy::Profile;
use crate::seal::{Entry, StoredCodec};
use crate::time::Monotonic;

/// The gaps that a report names at most.
const GAPS: usize = 16_384;
/// What a frame is taken to last where nothing says.
const USUAL_PTIME_US: u32 = 20_000;

/// A frame's payload and what it is encoded in; `None` where it is not of its codec.
#[derive(Debug)]
struct Payload {
    format: FrameFormat,
    bytes: Option<Vec<u8>>,
}

/// What a track's step needs of the worker.
pub(super) struct Working<'a> {
    pub(super) around: Surroundings<'a>,
    pub(super) decoders: &'a dyn HostDecoders,
    pub(super) profile: Profile,
    /// The ring is too full: what can be kept as it came is.
    pub(super) overloaded: bool,
}

/// A track from its first frame to its report.
pub(super) struct Track {
    pub(super) plan: Arc<TrackPlan>,
    /// Since when no more frames come; see [`super::side`].
    pub(super) closing: Option<Instant>,
    /// Why its party is not heard at its end, and until when.
    pub(super) missing_at_end: Option<(GapReason, Monotonic)>,
    timeline: Timeline<Payload>,
    steps: Vec<Step<Payload>>,
    encoder: Option<(Form, OpusRun)>,
    decoder: TrackDecoder,
    samples: Vec<i16>,
    entries: Vec<Entry>,
    outlet: Outlet,
    frames: u64,
    lost: u64,
    start_us: Option<u64>,
    /// For the beginning of its first segment.
    missing_at_start: Option<Entry>,
    /// Where it ends, past its last frame.
    until_us: u64,
    gaps: Vec<Gap>,
    /// No segment could be begun since the last that was.
    failing: bool,
    /// The encoder refused once.
    unencodable: bool,
    ended: bool,
}

impl Track {
    pub(super) fn new(plan: TrackPlan) -> Self {
        let plan = Arc::new(plan);
        Self {
            outlet: Outlet::new(Arc::clone(&plan)),
            plan,
            closing: None,
            missing_at_end: None,
            timeline: Timeline::new(),
            steps: Vec::new(),
            encoder: None,
            decoder: TrackDecoder::default(),
            samples: Vec::new(),
            entries: Vec::new(),
            frames: 0,
            lost: 0,
            start_us: None,
            missing_at_start: None,
            until_us: 0,
            gaps: Vec::new(),
            failing: false,
            unencodable: false,
            ended: false,
        }
    }

    /// The next frame out of the ring.
    pub(super) fn push(
        &mut self,
        head: &FrameHead,
        format: &FrameFormat,
        payload: &[u8],
        after_loss: bool,
        work: &mut Working<'_>,
    ) {
        self.frames += 1;
        bump(&work.around.counters.frames);
        let coding = Coding::of(format);
        let duration = coding.duration_us(format, payload);
        let usual = if (1..=LONGEST_US).contains(&format.ptime_us) { format.ptime_us } else { USUAL_PTIME_US };
        let duration_us = duration.unwrap_or(usual);
        let arrival = Arrival {
            // The host's timer reads a packet up to its own length after it came: half of that is the least wrong.
            at_us: self.us(head.at).saturating_sub(u64::from(duration_us / 2)),
            timestamp: head.timestamp,
            sequence: head.sequence,
            duration_us,
            clock_rate: format.clock_rate,
            divisible: coding.is_samples(),
        };
        let payload = Payload { format: *format, bytes: duration.map(|_| payload.to_vec()) };
        self.timeline.push(arrival, after_loss, payload, &mut self.steps);
        self.take_steps(work);
    }

    /// The ring lost so many frames of this track.
    pub(super) fn lost_in_ring(&mut self, frames: u32) {
        self.frames += u64::from(frames);
        self.lost += u64::from(frames);
    }

    /// What follows was not captured without a break.
    pub(super) fn discontinue(&mut self, reason: GapReason, work: &mut Working<'_>) {
        self.timeline.discontinue(reason, &mut self.steps);
        self.take_steps(work);
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Monotonic, work: &mut Working<'_>) {
        self.timeline.release_until(self.us(now), &mut self.steps);
        self.take_steps(work);
        self.outlet.tick(&mut work.around);
    }

    /// No frame comes any more: all that was held is placed and sealed.
    pub(super) fn end(&mut self, work: &mut Working<'_>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.discontinue(GapReason::NotReceived, work);
        self.finish_run(work);
        self.end_with_what_is_missing(work);
        self.outlet.end_segment(&mut work.around);
    }

    fn end_with_what_is_missing(&mut self, work: &mut Working<'_>) {
        let Some(((reason, until), end)) = self.missing_at_end.zip(self.timeline.end_us()) else { return };
        self.until_us = self.us(until);
        if self.until_us > end {
            self.gap(end, self.until_us - end, reason, work);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether everything is in the store, or nothing more is waited for.
    pub(super) fn is_done(&self) -> bool {
        self.ended && self.outlet.is_done()
    }

    /// What waits for the store is given up.
    pub(super) fn abandon(&mut self, work: &mut Working<'_>) {
        self.ended = true;
        self.outlet.abandon(&mut work.around);
    }

    /// The last report.
    pub(super) fn closed(&mut self) -> PoolReport {
        let start = self.start_us.unwrap_or(0);
        let end = self.timeline.end_us().unwrap_or(start).max(self.until_us);
        for (from, to) in std::mem::take(&mut self.outlet.store_gaps) {
            self.note_gap(from, to - from, GapReason::StoreFault);
        }
        self.gaps.sort_by_key(|gap| gap.offset_ms);
        let lost = self.lost + self.timeline.count().surplus + self.outlet.packets_lost;
        PoolReport::TrackClosed {
            recording: self.plan.recording,
            track: self.plan.track,
            offset_ms: start / 1000,
            duration_ms: (end - start) / 1000,
            gaps: std::mem::take(&mut self.gaps),
            frames: self.frames,
            frames_lost: lost.min(self.frames),
        }
    }

    pub(super) fn fault(&self, what: TrackFault, work: &mut Working<'_>) {
        let (recording, track) = (self.plan.recording, self.plan.track);
        work.around.reports.push_back(PoolReport::Fault { recording, track, what });
    }

    fn us(&self, at: Monotonic) -> u64 {
        u64::try_from(at.since(self.plan.started).as_micros()).unwrap_or(u64::MAX)
    }

    fn take_steps(&mut self, work: &mut Working<'_>) {
        for step in std::mem::take(&mut self.steps) {
            match step {
                Step::Gap { offset_us, duration_us, reason } => self.gap(offset_us, duration_us, reason, work),
                Step::Frame { offset_us, duration_us, skip_us, item: Payload { format, bytes } } => {
                    if self.start_us.is_none() {
                        self.start(offset_us);
                    }
                    let kept = match bytes {
                        Some(bytes) => self.keep(offset_us, duration_us, skip_us, &format, bytes, work),
                        None => Err(GapReason::Undecodable),
                    };
                    if let Err(reason) = kept {
                        self.lost += 1;
                        let counters = work.around.counters;
                        let store = reason == GapReason::StoreFault;
                        bump(if store { &counters.lost_to_store } else { &counters.undecodable });
                        self.gap(offset_us, duration_us.into(), reason, work);
                    }
                }
            }
        }
    }

    /// Its first frame lies there; what was missed before is a gap.
    fn start(&mut self, offset_us: u64) {
        self.start_us = Some(offset_us);
        let Some(Missing { since, reason }) = self.plan.missing else { return };
        let since = self.us(since);
        if since < offset_us {
            let duration_us = offset_us - since;
            self.note_gap(since, duration_us, reason);
            self.missing_at_start = Some(Entry::Gap { offset_us: since, duration_us, reason });
        }
    }

    fn gap(&mut self, offset_us: u64, duration_us: u64, reason: GapReason, work: &mut Working<'_>) {
        self.note_gap(offset_us, duration_us, reason);
        self.finish_run(work);
        if self.outlet.form().is_some() {
            self.entries.push(Entry::Gap { offset_us, duration_us, reason });
            self.outlet.add(&mut self.entries, &mut work.around);
        }
    }

    /// Adds to the report's gaps; one that goes on where the last one ended, for the same reason, lengthens it.
    fn note_gap(&mut self, offset_us: u64, duration_us: u64, reason: GapReason) {
        let (offset_ms, end_ms) = (offset_us / 1000, (offset_us + duration_us) / 1000);
        let room = self.gaps.len() < GAPS;
        match self.gaps.last_mut() {
            Some(last) if last.reason == reason && last.offset_ms + last.duration_ms == offset_ms => {
                last.duration_ms = end_ms - last.offset_ms;
            }
            _ if room => {
                self.gaps.push(Gap { offset_ms, duration_ms: end_ms - offset_ms, reason });
            }
            _ => {}
        }
    }

    /// Keeps a placed frame, as it came or encoded; where that cannot be, the reason of its gap.
    fn keep(
        &mut self,
        offset_us: u64,
        duration_us: u32,
        skip_us: u32,
        format: &FrameFormat,
        mut payload: Vec<u8>,
        work: &mut Working<'_>,
    ) -> Result<(), GapReason> {
        let coding = Coding::of(format);
        let g711 = matches!(coding, Coding::Pcmu | Coding::Pcma);
        let overload = g711 && work.overloaded && work.profile != Profile::Native;
        if coding != Coding::Opus && !(g711 && (overload || work.profile == Profile::Native)) {
            return self.encode(offset_us, duration_us, skip_us, format, &payload, work);
        }
        if overload {
            bump(&work.around.counters.kept_by_overload);
        }
        let codec = match coding {
            Coding::Pcmu => StoredCodec::Pcmu,
            Coding::Pcma => StoredCodec::Pcma,
            Coding::Opus | Coding::L16 | Coding::Host => StoredCodec::Opus,
        };
        let channels = format.channels.clamp(1, 2);
        let form = Form { codec, sample_rate: format.sample_rate, channels, pre_skip_us: 0 };
        let skipped = u64::from(skip_us) * u64::from(format.sample_rate) / 1_000_000 * u64::from(channels);
        payload.drain(..payload.len().min(usize::try_from(skipped).unwrap_or(0)));
        self.keep_as(form, offset_us, duration_us, payload, work)
    }

    fn keep_as(
        &mut self,
        form: Form,
        offset_us: u64,
        duration_us: u32,
        data: Vec<u8>,
        work: &mut Working<'_>,
    ) -> Result<(), GapReason> {
        self.ready_for(form, offset_us, work)?;
        self.entries.push(Entry::Packet { offset_us, duration_us, data });
        self.outlet.add(&mut self.entries, &mut work.around);
        Ok(())
    }

    /// Encodes a placed frame; what Opus does not take (L16 at 11.025, 22.05, 32 or 44.1 kHz) is kept as samples.
    fn encode(
        &mut self,
        offset_us: u64,
        duration_us: u32,
        skip_us: u32,
        format: &FrameFormat,
        payload: &[u8],
        work: &mut Working<'_>,
    ) -> Result<(), GapReason> {
        let (sample_rate, channels) = self.decode(format, payload, work).ok_or(GapReason::Undecodable)?;
        let in_samples = |us: u32| usize::try_from(u64::from(us) * u64::from(sample_rate) / 1_000_000).unwrap_or(0);
        let samples = std::mem::take(&mut self.samples);
        let width = usize::from(channels);
        let from = (in_samples(skip_us) * width).min(samples.len());
        let to = (from + in_samples(duration_us) * width).min(samples.len());
        let kept = if OpusRun::takes(sample_rate) {
            self.ready_to_encode(sample_rate, channels, offset_us, work)
                .and_then(|()| self.push_samples(offset_us, &samples[from..to], work))
        } else {
            let form = Form { codec: StoredCodec::L16, sample_rate, channels, pre_skip_us: 0 };
            let data = samples[from..to].iter().flat_map(|sample| sample.to_le_bytes()).collect();
            self.keep_as(form, offset_us, duration_us, data, work)
        };
        self.samples = samples;
        kept
    }

    fn push_samples(&mut self, offset_us: u64, samples: &[i16], work: &mut Working<'_>) -> Result<(), GapReason> {
        let Some((_, encoder)) = &mut self.encoder else { return Err(GapReason::Undecodable) };
        let encoded = encoder.push(offset_us, samples, &mut self.entries);
        self.outlet.add(&mut self.entries, &mut work.around);
        self.encoder_said(encoded, work)
    }

    /// Said once for the track, where the encoder refused.
    fn encoder_said(&mut self, result: Result<(), opus::Error>, work: &mut Working<'_>) -> Result<(), GapReason> {
        result.map_err(|fault| {
            if !std::mem::replace(&mut self.unencodable, true) {
                self.fault(TrackFault::Encoder(fault), work);
            }
            GapReason::Undecodable
        })
    }

    /// Decodes into `self.samples`: their rate and channels.
    fn decode(&mut self, format: &FrameFormat, payload: &[u8], work: &mut Working<'_>) -> Option<(u32, u8)> {
        self.samples.clear();
        match self.decoder.decode(format, payload, &mut self.samples, work.decoders) {
            Decoded::Samples { sample_rate, channels } => Some((sample_rate, channels)),
            Decoded::Nothing(news) => {
                if let Some(fault) = news {
                    if matches!(fault, TrackFault::Broken(_)) {
                        bump(&work.around.counters.panics);
                    }
                    self.fault(fault, work);
                }
                None
            }
        }
    }

    /// An encoder for that rate, and a segment that takes what it makes.
    fn ready_to_encode(
        &mut self,
        sample_rate: u32,
        channels: u8,
        offset_us: u64,
        work: &mut Working<'_>,
    ) -> Result<(), GapReason> {
        let fits = |form: &Form| form.sample_rate == sample_rate && form.channels == channels;
        if self.encoder.as_ref().is_none_or(|(form, _)| !fits(form)) {
            self.finish_run(work);
            match OpusRun::new(work.profile, sample_rate, channels) {
                Ok(run) => {
                    let pre_skip_us = run.pre_skip_us();
                    let form = Form { codec: StoredCodec::Opus, sample_rate, channels, pre_skip_us };
                    self.encoder = Some((form, run));
                }
                Err(fault) => return self.encoder_said(Err(fault), work),
            }
        }
        let form = self.encoder.as_ref().map(|(form, _)| *form).ok_or(GapReason::Undecodable)?;
        self.ready_for(form, offset_us, work)
    }

    /// A segment of that form that is not over. Whoever opens a segment decodes it from its start: an encoder
    /// starts anew with it.
    fn ready_for(&mut self, form: Form, offset_us: u64, work: &mut Working<'_>) -> Result<(), GapReason> {
        if self.outlet.form() == Some(form) && !self.outlet.is_full(offset_us) {
            return Ok(());
        }
        self.finish_run(work);
        let restarted = match &mut self.encoder {
            Some((of, run)) if *of == form => run.restart(),
            _ => Ok(()),
        };
        self.encoder_said(restarted, work)?;
        let begun = self.outlet.begin(form, &mut work.around);
        if let (Ok(()), Some(missing)) = (&begun, self.missing_at_start.take()) {
            self.entries.push(missing);
        }
        let failed_before = std::mem::replace(&mut self.failing, begun.is_err());
        begun.map_err(|fault| {
            if !failed_before {
                self.fault(fault.into(), work);
            }
            GapReason::StoreFault
        })
    }

    /// Ends the encoder's run, so that all its audio lies before what comes next.
    fn finish_run(&mut self, work: &mut Working<'_>) {
        let Some((_, encoder)) = &mut self.encoder else { return };
        let finished = encoder.finish_run(&mut self.entries);
        self.outlet.add(&mut self.entries, &mut work.around);
        // What the encoder kept back is lost with its refusal, which was said.
        let _ = self.encoder_said(finished, work);
    }
}
