//! The pool: a few threads that take every ring's frames to sealed segments.
//!
//! ```text
//! ring ─► Side: routes by generation ─► Track: timeline ─► decode ─► encode ─► Outlet: seal, append ─► store
//! ```
//!
//! A leg belongs to one worker. Workers walk their rings every [`WALK`] (nobody wakes them from a media thread) and
//! serve commands at once. A record is sealed at most half a second after its first sample came (decision 5).
//! Whatever a payload, a decoder or a store does, the other tracks go on.
mod decoding;
mod opus;
mod outlet;
mod report;
mod segment_file;
mod side;
mod stats;
mod store_writer;
mod track;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Sender, bounded, unbounded};

use crate::capture::{FrameConsumer, Gate, Generation, TapCounters};
use crate::codec::HostDecoders;
use crate::evidence::{GapReason, NoticeEvidence, Party, StandingChange};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::keystore::ReadyKey;
use crate::policy::Profile;
use crate::time::{Clock, Monotonic, UnixMillis};

pub use report::{PoolReport, TrackFault};
pub use segment_file::SegmentFiles;
pub use stats::PoolStats;

use stats::PoolCounters;
use store_writer::{Backlog, StoreWriter};
use worker::{Command, Worker};

/// How often a worker walks its rings. A ring holds at least ten times as much.
pub const WALK: Duration = Duration::from_millis(100);

/// What the pool is started with.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Threads, at least 1.
    pub threads: usize,
    /// How audio is kept, from the next segment on.
    pub profile: Profile,
    /// How many bytes may wait, sealed, for the store, all tracks together.
    pub store_backlog: u64,
}

/// Which side of a leg a ring comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RingSide {
    /// What the leg's party says.
    Read,
    /// What it hears.
    Write,
}

/// All that a track's segments say of it.
#[derive(Debug)]
pub struct TrackPlan {
    /// The recording.
    pub recording: RecordingId,
    /// The track's number in it.
    pub track: TrackNumber,
    /// Whose voice it is.
    pub party: Party,
    /// The host's uuid of the leg.
    pub leg_uuid: LegUuid,
    /// The track's key, its slot durable.
    pub ready: ReadyKey,
    /// The recording's start, from which all offsets count.
    pub started: Monotonic,
    /// The same moment, UTC.
    pub started_at: UnixMillis,
    /// The PBX's name.
    pub instance: String,
    /// What the party was told before.
    pub notices: Vec<NoticeEvidence>,
    /// How it came to stand as it does.
    pub standings: Vec<StandingChange>,
    /// Since when its party could have been captured, and why it was not.
    pub missing: Option<Missing>,
}

/// What a track's party said is not kept, since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Since when.
    pub since: Monotonic,
    /// Why.
    pub reason: GapReason,
}

/// Why the pool does not start.
#[derive(Debug, thiserror::Error)]
#[error("no thread for the encoder pool ({source}): raise the limit of threads for the host's user")]
pub struct PoolFault {
    /// What the operating system said.
    source: std::io::Error,
}

/// The running pool. Commands go to the leg's worker, in order, and are never waited for.
#[derive(Debug)]
pub struct EncoderPool {
    workers: Vec<Sender<Command>>,
    threads: Vec<JoinHandle<()>>,
    counters: Arc<PoolCounters>,
    backlog: Arc<Backlog>,
    /// Ends after the workers, with what they left it.
    store: Option<JoinHandle<()>>,
}

impl EncoderPool {
    /// Starts the threads `callvault-enc-0` … and `callvault-store`. Reports are sent without waiting: where the channel is
    /// full they are kept and sent later.
    pub fn start(
        settings: PoolSettings,
        store: Arc<dyn SegmentFiles>,
        decoders: Arc<dyn HostDecoders>,
        clock: Arc<dyn Clock>,
        reports: Sender<PoolReport>,
    ) -> Result<Self, PoolFault> {
        let counters = Arc::new(PoolCounters::default());
        let (writer, thread) =
            StoreWriter::start(store, settings.store_backlog).map_err(|source| PoolFault { source })?;
        let mut pool = Self {
            workers: Vec::new(),
            threads: Vec::new(),
            counters: Arc::clone(&counters),
            backlog: writer.backlog(),
            store: Some(thread),
        };
        for number in 0..settings.threads.max(1) {
            let (commands, inbox) = unbounded();
            let (store, decoders, clock) = (writer.clone(), Arc::clone(&decoders), Arc::clone(&clock));
            let (counters, reports) = (Arc::clone(&counters), reports.clone());
            let run = move || Worker::new(settings.profile, store, decoders, clock, counters, reports).run(&inbox);
            let thread = std::thread::Builder::new().name(format!("callvault-enc-{number}")).spawn(run);
            pool.threads.push(thread.map_err(|source| PoolFault { source })?);
            pool.workers.push(commands);
        }
        Ok(pool)
    }

    /// A leg's side is tapped: this is its ring.
    pub fn attach(
        &self,
        leg: LegKey,
        side: RingSide,
        ring: FrameConsumer,
        gate: Arc<Gate>,
        counters: Arc<TapCounters>,
    ) {
        self.tell(leg, Command::Attach { leg, side, ring, gate, counters });
    }

    /// Frames of this generation are a new track.
    pub fn open_track(&self, leg: LegKey, side: RingSide, generation: Generation, plan: TrackPlan) {
        self.tell(leg, Command::OpenTrack { leg, side, generation, plan: Box::new(plan) });
    }

    /// Frames of this generation go on with a track of the same side. What lies between is a gap of that reason.
    pub fn reopen(&self, leg: LegKey, side: RingSide, generation: Generation, track: TrackNumber, gap: GapReason) {
        self.tell(leg, Command::Reopen { leg, side, generation, track, gap });
    }

    /// No more frames of this track come through the gate: what came is drained, the segment finished. What is
    /// missing at its end, until that moment, is a gap. Saying it again, or of a track that is not there, is no fault.
    pub fn close_track(
        &self,
        leg: LegKey,
        recording: RecordingId,
        track: TrackNumber,
        missing: Option<(GapReason, Monotonic)>,
    ) {
        self.tell(leg, Command::CloseTrack { leg, recording, track, missing });
    }

    /// The leg is gone: its tracks are closed, then its rings forgotten.
    pub fn detach(&self, leg: LegKey) {
        self.tell(leg, Command::Detach { leg });
    }

    /// Audio is kept so from now on; an encoder that runs already keeps its bits and complexity.
    pub fn set_profile(&self, profile: Profile) {
        for worker in &self.workers {
            let _ = worker.send(Command::SetProfile(profile));
        }
    }

    /// Closes every track and waits until all is sealed and in the store, or the time is over. Whether all is.
    pub fn drain(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let (done, drained) = bounded(self.workers.len());
        for worker in &self.workers {
            let _ = worker.send(Command::Drain { until, done: done.clone() });
        }
        drop(done);
        let mut all = true;
        for _ in &self.workers {
            all &= drained.recv_deadline(until + 2 * WALK).unwrap_or(false);
        }
        all
    }

    /// What the pool has done so far.
    pub fn stats(&self) -> PoolStats {
        self.counters.read(self.backlog.waiting())
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    fn tell(&self, leg: LegKey, command: Command) {
        let workers = self.workers.len() as u64;
        let worker = usize::try_from(leg.0 % workers.max(1)).ok().and_then(|number| self.workers.get(number));
        // A worker that is gone has said so; nothing can be done for its legs here.
        let _ = worker.map(|worker| worker.send(command));
    }
}

impl Drop for EncoderPool {
    /// Ends the threads and waits for them: their code may be unmapped next.
    fn drop(&mut self) {
        self.workers.clear();
        for thread in self.threads.drain(..).chain(self.store.take()) {
            let _ = thread.join();
        }
    }
}
