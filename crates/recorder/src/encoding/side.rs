//! One ring of one leg, and which track its frames belong to.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::report::TrackFault;
use super::stats::bump;
use super::track::{Track, Working};
use super::{RingSide, TrackPlan};
use crate::capture::{FrameConsumer, FrameFormat, Gate, Generation, HEAD, Pulled, TapCounters};
use crate::evidence::GapReason;
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::time::Monotonic;

/// A ring fuller than this at the start of a round is more than its worker can encode (percent).
const HIGH_WATER: usize = 50;
/// Below this the worker keeps up again (percent).
const LOW_WATER: usize = 20;
/// So many rounds below it before encoding begins again: 10 s.
const CALM_ROUNDS: u32 = 100;
/// How long a frame waits in the ring for its generation's track to be opened.
const ROUTE_PATIENCE: Duration = Duration::from_secs(1);
/// How long after a track was closed a media thread may still be pushing a frame that it took before.
const GRACE: Duration = Duration::from_millis(20);

/// One side of a leg.
pub(super) struct Side {
    pub(super) leg: LegKey,
    pub(super) side: RingSide,
    ring: FrameConsumer,
    gate: Arc<Gate>,
    counters: Arc<TapCounters>,
    format: Option<FrameFormat>,
    payload: Vec<u8>,
    routes: Vec<Route>,
    tracks: Vec<Track>,
    /// The newest generation that has, or had, a track.
    newest: Option<Generation>,
    after_loss: bool,
    /// The last round ended at a frame that waits for its track: the ring's fill says nothing of the worker.
    waited: bool,
    overloaded: bool,
    calm: u32,
    gone: bool,
}

struct Route {
    generation: Generation,
    recording: RecordingId,
    track: TrackNumber,
    /// Said to the timeline before the first frame.
    gap: Option<GapReason>,
}

impl Side {
    pub(super) fn new(
        leg: LegKey,
        side: RingSide,
        ring: FrameConsumer,
        gate: Arc<Gate>,
        counters: Arc<TapCounters>,
    ) -> Self {
        Self {
            leg,
            side,
            ring,
            gate,
            counters,
            format: None,
            payload: Vec::new(),
            routes: Vec::new(),
            tracks: Vec::new(),
            newest: None,
            after_loss: false,
            waited: false,
            overloaded: false,
            calm: 0,
            gone: false,
        }
    }

    pub(super) fn open_track(&mut self, generation: Generation, plan: TrackPlan) {
        self.route(generation, plan.recording, plan.track, None);
        self.tracks.push(Track::new(plan));
    }

    pub(super) fn reopen(&mut self, generation: Generation, track: TrackNumber, gap: GapReason) {
        let open = self.tracks.iter().rev().find(|open| open.plan.track == track && open.closing.is_none());
        if let Some(recording) = open.map(|open| open.plan.recording) {
            self.route(generation, recording, track, Some(gap));
        }
    }

    pub(super) fn close_track(
        &mut self,
        recording: RecordingId,
        track: TrackNumber,
        missing: Option<(GapReason, Monotonic)>,
    ) {
        for open in &mut self.tracks {
            if open.plan.recording == recording && open.plan.track == track {
                open.missing_at_end = open.missing_at_end.or(missing);
                open.closing.get_or_insert_with(Instant::now);
            }
        }
    }

    /// No frame comes of this leg any more.
    pub(super) fn detach(&mut self) {
        self.gone = true;
        self.close_all();
    }

    pub(super) fn close_all(&mut self) {
        for open in &mut self.tracks {
            open.closing.get_or_insert_with(Instant::now);
        }
    }

    /// Whether it can be forgotten.
    pub(super) fn is_over(&self) -> bool {
        self.gone && self.tracks.is_empty()
    }

    pub(super) fn has_tracks(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// One round: everything that is in the ring, then time goes on.
    pub(super) fn walk(&mut self, now: Monotonic, work: &mut Working<'_>) {
        self.look_at_fill(work);
        work.overloaded = self.overloaded;
        self.drain_ring(now, work);
        let mut at = 0;
        while let Some(track) = self.tracks.get_mut(at) {
            if track.closing.is_some_and(|since| since.elapsed() >= GRACE) {
                track.end(work);
            }
            track.tick(now, work);
            if track.is_done() {
                let mut track = self.tracks.remove(at);
                self.routes.retain(|route| !route.is_to(&track));
                work.around.reports.push_back(track.closed());
                drop(track);
                // Encoders and seals leave samples and key material on the stack they ran on.
                callvault_secretmem::wipe_stack();
            } else {
                at += 1;
            }
        }
    }

    /// After a panic: every track here ends with what can be saved of it.
    pub(super) fn break_off(&mut self, work: &mut Working<'_>) {
        bump(&work.around.counters.panics);
        self.routes.clear();
        for mut track in self.tracks.drain(..) {
            let saved = catch_unwind(AssertUnwindSafe(|| {
                track.fault(TrackFault::Panicked, work);
                track.abandon(work);
                work.around.reports.push_back(track.closed());
            }));
            if saved.is_err() {
                bump(&work.around.counters.panics);
            }
        }
    }

    /// Nothing more is waited for.
    pub(super) fn abandon(&mut self, work: &mut Working<'_>) {
        for mut track in self.tracks.drain(..) {
            if !track.has_ended() {
                track.end(work);
            }
            track.abandon(work);
            work.around.reports.push_back(track.closed());
        }
        self.routes.clear();
    }

    fn route(&mut self, generation: Generation, recording: RecordingId, track: TrackNumber, gap: Option<GapReason>) {
        self.newest = self.newest.max(Some(generation));
        self.routes.push(Route { generation, recording, track, gap });
    }

    fn look_at_fill(&mut self, work: &mut Working<'_>) {
        let fill = if std::mem::take(&mut self.waited) { 0 } else { self.ring.fill() };
        if fill > HIGH_WATER {
            self.calm = 0;
            if !std::mem::replace(&mut self.overloaded, true) {
                bump(&work.around.counters.overloads);
            }
        } else if self.overloaded && fill < LOW_WATER {
            self.calm += 1;
            self.overloaded = self.calm < CALM_ROUNDS;
        }
    }

    fn drain_ring(&mut self, now: Monotonic, work: &mut Working<'_>) {
        // What comes in meanwhile is the next round's: the other rings are waiting.
        let mut left = self.ring.len();
        while left > 0 {
            if let Some((generation, at)) = self.ring.next_generation()
                && self.shall_wait(generation, at, now)
            {
                self.waited = true;
                return;
            }
            let pulled = self.ring.pull(&mut self.payload);
            left = left.saturating_sub(HEAD + self.payload.len());
            match pulled {
                None => return,
                Some(Pulled::Format(format)) => self.format = Some(format),
                Some(Pulled::Lost(lost)) => {
                    self.after_loss = true;
                    if let Some(track) = self.track_of(lost.generation) {
                        track.lost_in_ring(lost.frames);
                    }
                }
                Some(Pulled::Frame(mut head)) => {
                    if self.side == RingSide::Write {
                        // What is written to a leg bears the timestamps of whoever made it, or a file's.
                        head.timestamp = 0;
                    }
                    let after_loss = std::mem::take(&mut self.after_loss);
                    let gap = self.gap_before(head.generation);
                    let (format, payload) = (self.format, std::mem::take(&mut self.payload));
                    match (self.track_of(head.generation), format) {
                        (Some(track), Some(format)) => {
                            if let Some(gap) = gap {
                                track.discontinue(gap, work);
                            }
                            track.push(&head, &format, &payload, after_loss, work);
                        }
                        _ => bump(&work.around.counters.unrouted),
                    }
                    self.payload = payload;
                }
            }
        }
    }

    /// Whether a frame's generation may still get a track: the word may come after the first frame.
    fn shall_wait(&self, generation: Generation, at: Monotonic, now: Monotonic) -> bool {
        Some(generation) > self.newest && !self.gone && now.since(at) < ROUTE_PATIENCE
    }

    /// What lies between this frame's generation and the one before, said once.
    fn gap_before(&mut self, generation: Generation) -> Option<GapReason> {
        self.routes.iter_mut().find(|route| route.generation == generation)?.gap.take()
    }

    fn track_of(&mut self, generation: Generation) -> Option<&mut Track> {
        let route = self.routes.iter().find(|route| route.generation == generation)?;
        self.tracks.iter_mut().find(|track| route.is_to(track) && !track.has_ended())
    }
}

impl Route {
    fn is_to(&self, track: &Track) -> bool {
        self.recording == track.plan.recording && self.track == track.plan.track
    }
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open = self.gate.current();
        let count = self.counters.read();
        write!(f, "Side({:?} {:?}, gate {open:?}, {count:?}, {} tracks)", self.leg, self.side, self.tracks.len())
    }
}
