//! The controller's thread: owns every decision and the legs' gates, and carries effects out in their order.
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, select};

use super::bookkeeper::Books;
use super::event::RecorderEvent;
use super::keeper::Orders;
use super::legs::Legs;
use super::observation;
use super::readiness::CannotRecord;
use super::shared::Shared;
use super::standings::{Commanded, ToldOf};
use crate::capture::{FrameConsumer, Gate, TapCounters};
use crate::catalogue::Change;
use crate::conversation::{Conversations, Input, Kept, LegInput};
use crate::encoding::{EncoderPool, PoolReport, RingSide, TrackFault};
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::keystore::ReadyKeys;
use crate::time::{Monotonic, UnixMillis};

/// How long the thread sleeps at most. A timer of a conversation wakes it earlier.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How long where the list of active recordings is to be made anew, or a key is waited for.
const SHORT_SLEEP: Duration = Duration::from_millis(50);

/// What reaches the controller.
pub(super) enum Message {
    /// Something happened on a leg.
    Leg {
        leg: LegKey,
        at: Monotonic,
        now: UnixMillis,
        what: LegInput,
        /// Answered when all of it is carried out.
        done: Option<Sender<()>>,
    },
    /// An operator's command on a leg.
    Command { leg: LegKey, at: Monotonic, now: UnixMillis, what: LegInput, done: Sender<Commanded> },
    /// A leg's tap is in place.
    Attach { leg: LegKey, side: RingSide, ring: FrameConsumer, gate: Arc<Gate>, counters: Arc<TapCounters> },
    /// An operator's switch.
    Switch { on: bool },
    /// Look at the clock, the timers and [`Readiness`](super::readiness::Readiness) again.
    Wake,
    /// Answered as soon as no recording is open.
    WhenIdle(Sender<()>),
    /// Close everything, by this moment at the latest.
    Close { by: Instant },
}

/// Longer than it takes to tell a broken notice from a hang-up in it.
const LONG_AFTER_A_NOTICE: Duration = Duration::from_secs(60);

/// The thread's state.
pub(super) struct Controller {
    pub(super) shared: Arc<Shared>,
    conversations: Conversations,
    pub(super) legs: Legs,
    pub(super) pool: Arc<EncoderPool>,
    pub(super) keys: Arc<ReadyKeys>,
    pub(super) books: Books,
    pub(super) keeper: Sender<Orders>,
    /// While a step is taken that an operator's command began: what came of it so far.
    pub(super) commanded: Option<Commanded>,
    pub(super) told_of: ToldOf,
    faulty: bool,
    failed_tracks: HashSet<(RecordingId, TrackNumber)>,
    waiting_for_idle: Vec<Sender<()>>,
    touched: BTreeSet<LegKey>,
    published: Instant,
    pub(super) unpublished: bool,
    /// Legs were refused a key and may get one.
    pub(super) waits_for_keys: bool,
}

impl Controller {
    pub(super) fn new(
        shared: Arc<Shared>,
        pool: Arc<EncoderPool>,
        keys: Arc<ReadyKeys>,
        books: Books,
        keeper: Sender<Orders>,
    ) -> Self {
        Self {
            shared,
            conversations: Conversations::default(),
            legs: Legs::default(),
            pool,
            keys,
            books,
            keeper,
            commanded: None,
            told_of: ToldOf::default(),
            faulty: false,
            failed_tracks: HashSet::new(),
            waiting_for_idle: Vec::new(),
            touched: BTreeSet::new(),
            published: Instant::now(),
            unpublished: false,
            waits_for_keys: false,
        }
    }

    /// Until [`Message::Close`], or until nobody can send any more.
    pub(super) fn run(mut self, messages: &Receiver<Message>, reports: &Receiver<PoolReport>) {
        loop {
            let sleep = self.sleep();
            select! {
                recv(messages) -> message => match message {
                    Ok(Message::Close { by }) => return self.close(by, reports),
                    Ok(message) => self.guarded(|it| it.take(message)),
                    Err(_) => return self.close(Instant::now() + LONGEST_SLEEP, reports),
                },
                recv(reports) -> report => if let Ok(report) = report { self.guarded(|it| it.report(report)) },
                default(sleep) => {}
            }
            self.guarded(Self::look_at_timers);
            self.guarded(Self::give_keys);
            self.publish(messages.is_empty());
        }
    }

    fn sleep(&self) -> Duration {
        let soon = self.unpublished || self.waits_for_keys;
        let longest = if soon { SHORT_SLEEP } else { LONGEST_SLEEP };
        match self.conversations.next_timer() {
            Some((at, _)) => at.since(self.shared.clock.monotonic()).min(longest),
            None => longest,
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Leg { leg, at, now, what, done } => {
                self.leg(leg, at, now, what);
                if let Some(done) = done {
                    self.publish_touched();
                    // Who asked may have given up waiting.
                    let _ = done.send(());
                }
            }
            Message::Command { leg, at, now, what, done } => {
                let none = Commanded { at: now, changed: false };
                self.commanded = Some(none);
                self.leg(leg, at, now, what);
                let came_of_it = self.commanded.take().unwrap_or(none);
                self.publish_touched();
                let _ = done.send(came_of_it);
            }
            Message::Attach { leg, side, ring, gate, counters } => {
                self.shared.taps().live.insert((leg.0, side as u8), Arc::clone(&counters));
                self.legs.gate(leg, side, Arc::clone(&gate));
                self.pool.attach(leg, side, ring, gate, counters);
            }
            Message::Switch { on } => {
                self.shared.readiness.set(CannotRecord::Stopped, !on);
                self.step(Input::Recording { on });
                self.shared.event(RecorderEvent::Switched { on });
            }
            Message::Wake => {
                self.look_at_readiness();
                self.pool.set_profile(self.shared.policy.load().profile);
            }
            Message::WhenIdle(idle) => {
                self.waiting_for_idle.push(idle);
                self.tell_if_idle();
            }
            Message::Close { .. } => {}
        }
    }

    pub(super) fn leg(&mut self, leg: LegKey, at: Monotonic, now: UnixMillis, what: LegInput) {
        if let LegInput::Born(facts) = &what {
            // A call that begins now is decided by what holds now, even where no one has woken this thread yet.
            self.look_at_readiness();
            self.legs.born(leg, facts.uuid.clone(), facts.recording);
        } else if let LegInput::Renamed(uuid) = &what {
            self.legs.renamed(leg, uuid.clone());
        }
        self.touch(leg);
        if matches!(what, LegInput::HungUp) {
            self.legs.hung_up(leg);
        }
        let gone = matches!(what, LegInput::Gone);
        self.step(Input::Leg { leg, at, now, what });
        if gone {
            self.legs.gone(leg);
            self.pool.detach(leg);
            self.shared.taps().forget(leg.0);
            observation::forget(&self.shared, leg);
        }
    }

    fn look_at_readiness(&mut self) {
        let faulty = !matches!(self.shared.readiness.check(), Ok(()) | Err(CannotRecord::Stopped));
        if faulty != self.faulty {
            self.faulty = faulty;
            self.step(Input::RecorderFault { on: faulty });
        }
    }

    fn look_at_timers(&mut self) {
        let at = self.shared.clock.monotonic();
        if self.conversations.next_timer().is_some_and(|(due, _)| due <= at) {
            self.step(Input::Tick { at, now: self.shared.clock.now() });
        }
    }

    fn step(&mut self, input: Input) {
        let policy = self.shared.policy.load_full();
        let mut inputs = VecDeque::from([input]);
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop_front() {
            let conversations = &mut self.conversations;
            if self.shared.guarded(|| conversations.step(input, &policy, &mut effects)).is_none() {
                self.shared
                    .raise("controller_panic", "a decision about a call panicked, its call goes on; report this");
            }
            for effect in effects.drain(..) {
                self.carry_out(effect, &policy, &mut inputs);
            }
        }
    }

    fn report(&mut self, report: PoolReport) {
        match report {
            PoolReport::SegmentOpened { recording, track, index, name, codec, sample_rate, channels, .. } => {
                self.books.row(Change::SegmentOpened {
                    recording,
                    track,
                    segment: index,
                    name: name.to_string(),
                    codec: codec.as_str().to_owned(),
                    sample_rate,
                    channels,
                });
            }
            PoolReport::SegmentClosed { recording, track, index, records, bytes, sha256 } => {
                self.books.row(Change::SegmentClosed { recording, track, segment: index, records, bytes, sha256 });
            }
            PoolReport::TrackClosed { recording, track, offset_ms, duration_ms, gaps, frames, frames_lost } => {
                let failed = self.failed_tracks.remove(&(recording, track));
                let kept = match (frames > frames_lost, failed) {
                    (true, _) => Kept::Audio,
                    (false, true) => Kept::Failed,
                    (false, false) => Kept::Nothing,
                };
                self.books.row(Change::TrackClosed {
                    recording,
                    number: track,
                    offset_ms,
                    duration_ms,
                    gaps,
                    frames,
                    frames_lost,
                });
                self.step(Input::TrackClosed { recording, track, kept });
            }
            PoolReport::Store { slow: true } => self.shared.raise(
                "store_slow",
                "the store lets what is recorded wait for more than 5 s; it waits sealed in memory and is lost when the room for that is used up; look at the data directory's disk",
            ),
            PoolReport::Store { slow: false } => self.shared.clear("store_slow"),
            PoolReport::Fault { recording, track, what } => {
                self.failed_tracks.insert((recording, track));
                self.shared.counts.pool_faults.fetch_add(1, Ordering::Relaxed);
                self.shared.event(RecorderEvent::Alarm(super::Alarm {
                    code: "track_fault",
                    text: format!("track {track} of recording {recording}: {what}"),
                }));
                if matches!(what, TrackFault::Seal(_)) {
                    self.books.doubt_store();
                }
            }
        }
    }

    fn close(mut self, by: Instant, reports: &Receiver<PoolReport>) {
        self.shared.readiness.set(CannotRecord::ShuttingDown, true);
        self.legs.shut_all();
        // A notice that leaving broke off is no refusal: whoever was in it did not hang up, and had time to.
        let (at, now) = (self.shared.clock.monotonic(), self.shared.clock.now());
        self.step(Input::Tick { at: at.plus(LONG_AFTER_A_NOTICE), now });
        for leg in self.legs.keys() {
            let (at, now) = (self.shared.clock.monotonic(), self.shared.clock.now());
            self.leg(leg, at, now, LegInput::HungUp);
            self.leg(leg, at, now, LegInput::Gone);
        }
        while self.legs.open_recordings() > 0 {
            match reports.recv_deadline(by) {
                Ok(report) => self.report(report),
                Err(_) => break,
            }
        }
        self.pool.drain(by.saturating_duration_since(Instant::now()));
        while let Ok(report) = reports.try_recv() {
            self.report(report);
        }
        self.publish_touched();
        self.shared.active.store(Arc::default());
    }

    /// A panic in what is done about one call must not end what is done about all others.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        let shared = Arc::clone(&self.shared);
        if shared.guarded(|| work(self)).is_none() {
            self.raise_panic();
        }
    }

    fn raise_panic(&self) {
        self.shared.raise("controller_panic", "a decision about a call panicked, its call goes on; report this");
    }

    pub(super) fn touch(&mut self, leg: LegKey) {
        self.touched.insert(leg);
        self.unpublished = true;
    }

    fn publish_touched(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        let shared = Arc::clone(&self.shared);
        let is_heard = |leg: LegKey| shared.taps().has_heard(leg.0);
        for leg in touched {
            let (outlook, asked) = (self.conversations.outlook(leg, is_heard), self.conversations.asked_until(leg));
            self.legs.publish(leg, outlook, asked, &self.shared.views);
        }
    }

    fn publish(&mut self, idle: bool) {
        self.publish_touched();
        if self.unpublished && (idle || self.published.elapsed() >= SHORT_SLEEP) {
            self.shared.active.store(Arc::new(self.legs.active()));
            self.published = Instant::now();
            self.unpublished = false;
        }
    }

    pub(super) fn count_open(&self) {
        self.shared.counts.recordings_open.store(self.legs.open_recordings(), Ordering::Relaxed);
    }

    pub(super) fn tell_if_idle(&mut self) {
        if self.legs.open_recordings() == 0 {
            for idle in self.waiting_for_idle.drain(..) {
                let _ = idle.send(());
            }
        }
    }
}
