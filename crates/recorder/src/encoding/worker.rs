//! One thread of the pool.
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TrySendError};

use super::outlet::Surroundings;
use super::report::PoolReport;
use super::side::Side;
use super::stats::PoolCounters;
use super::store_writer::StoreWriter;
use super::track::Working;
use super::{RingSide, TrackPlan, WALK};
use crate::capture::{FrameConsumer, Gate, Generation, TapCounters};
use crate::codec::HostDecoders;
use crate::evidence::GapReason;
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::Profile;
use crate::time::{Clock, Monotonic};

/// What a worker is told.
pub(super) enum Command {
    Attach { leg: LegKey, side: RingSide, ring: FrameConsumer, gate: Arc<Gate>, counters: Arc<TapCounters> },
    OpenTrack { leg: LegKey, side: RingSide, generation: Generation, plan: Box<TrackPlan> },
    Reopen { leg: LegKey, side: RingSide, generation: Generation, track: TrackNumber, gap: GapReason },
    CloseTrack { leg: LegKey, recording: RecordingId, track: TrackNumber, missing: Option<(GapReason, Monotonic)> },
    Detach { leg: LegKey },
    SetProfile(Profile),
    Drain { until: Instant, done: Sender<bool> },
}

pub(super) struct Worker {
    profile: Profile,
    store: StoreWriter,
    decoders: Arc<dyn HostDecoders>,
    clock: Arc<dyn Clock>,
    counters: Arc<PoolCounters>,
    reports: Sender<PoolReport>,
    /// Reports that found the channel full.
    unsent: VecDeque<PoolReport>,
    sides: Vec<Side>,
    draining: Option<(Instant, Sender<bool>)>,
}

impl Worker {
    pub(super) fn new(
        profile: Profile,
        store: StoreWriter,
        decoders: Arc<dyn HostDecoders>,
        clock: Arc<dyn Clock>,
        counters: Arc<PoolCounters>,
        reports: Sender<PoolReport>,
    ) -> Self {
        let (unsent, sides) = (VecDeque::new(), Vec::new());
        Self { profile, store, decoders, clock, counters, reports, unsent, sides, draining: None }
    }

    /// Until the pool is dropped; then all tracks are ended and what the store takes at once is saved.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        let mut next = Instant::now() + WALK;
        loop {
            match inbox.recv_deadline(next) {
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next {
                self.walk();
                next = Instant::now() + WALK;
            }
            self.send_reports();
        }
        self.walk();
        self.abandon();
        self.send_reports();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Attach { leg, side, ring, gate, counters } => {
                self.sides.push(Side::new(leg, side, ring, gate, counters));
            }
            Command::OpenTrack { leg, side, generation, plan } => {
                if let Some(side) = self.side(leg, side) {
                    side.open_track(generation, *plan);
                }
            }
            Command::Reopen { leg, side, generation, track, gap } => {
                if let Some(side) = self.side(leg, side) {
                    side.reopen(generation, track, gap);
                }
            }
            Command::CloseTrack { leg, recording, track, missing } => {
                self.sides_of(leg).for_each(|side| side.close_track(recording, track, missing));
            }
            Command::Detach { leg } => self.sides_of(leg).for_each(Side::detach),
            Command::SetProfile(profile) => self.profile = profile,
            Command::Drain { until, done } => {
                self.sides.iter_mut().for_each(Side::close_all);
                self.draining = Some((until, done));
            }
        }
    }

    fn side(&mut self, leg: LegKey, which: RingSide) -> Option<&mut Side> {
        self.sides.iter_mut().find(|side| side.leg == leg && side.side == which)
    }

    fn sides_of(&mut self, leg: LegKey) -> impl Iterator<Item = &mut Side> {
        self.sides.iter_mut().filter(move |side| side.leg == leg)
    }

    fn walk(&mut self) {
        let now = self.clock.monotonic();
        self.each_side(|side, work| side.walk(now, work));
        self.sides.retain(|side| !side.is_over());
        if let Some(slow) = self.store.backlog().slowness_changes_to() {
            self.unsent.push_back(PoolReport::Store { slow });
        }
        let Some((until, _)) = &self.draining else { return };
        let all = !self.sides.iter().any(Side::has_tracks);
        if !all && Instant::now() < *until {
            return;
        }
        self.abandon();
        // First what came of the tracks: whoever waits for the drain finds it in the channel.
        self.send_reports();
        if let Some((_, done)) = self.draining.take() {
            let _ = done.send(all);
        }
    }

    fn abandon(&mut self) {
        self.each_side(Side::abandon);
    }

    /// A panic of one side is its own.
    fn each_side(&mut self, mut what: impl FnMut(&mut Side, &mut Working<'_>)) {
        for side in &mut self.sides {
            let around = Surroundings { store: &self.store, counters: &self.counters, reports: &mut self.unsent };
            let mut work = Working { around, decoders: &*self.decoders, profile: self.profile, overloaded: false };
            if catch_unwind(AssertUnwindSafe(|| what(side, &mut work))).is_err() {
                side.break_off(&mut work);
            }
        }
    }

    fn send_reports(&mut self) {
        while let Some(report) = self.unsent.pop_front() {
            match self.reports.try_send(report) {
                Ok(()) => {}
                Err(TrySendError::Full(report)) => {
                    self.unsent.push_front(report);
                    return;
                }
                // Nobody keeps rows any more; the segments are there all the same.
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
    }
}
