//! The recorder as its host sees it, and the threads behind it.
//!
//! ```text
//!  host's threads ──tell──► controller ──routes, gates──► encoder pool ──► store
//!                               │  ▲ reports ◄─────────────────┘
//!                             rows  keys
//!                               ▼  │
//!                           bookkeeper ──► catalogue, keystore, one flush for all calls
//!  commands ──release, expire──► keeper ──► audit first, then keystore, store, catalogue
//! ```
//!
//! The controller waits for its channel and its next timer, never for a disk; the bookkeeper and the keeper wait for
//! disks, and nobody on a call waits for them.
mod bookkeeper;
mod clock_watch;
mod effects;
mod event;
mod expiry;
mod fault;
mod keeper;
mod key_stock;
mod legs;
mod metrics;
mod observation;
mod readiness;
mod reconciling;
mod recovery;
mod release;
mod rosters;
mod shared;
mod standings;
mod start;
mod status;
mod tally;
mod thread;
mod views;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Sender, bounded};

pub use event::{Alarm, Notify, RecorderEvent};
pub use fault::CommandFault;
pub use key_stock::HostLimits;
pub use observation::Observation;
pub use readiness::CannotRecord;
pub use shared::TapSum;
pub use start::{StartFault, Startup};
pub use status::{BooksState, Expiry, Keys, Memlock, Pool, Recordings, RosterState, Status};
pub use tally::{OutcomeCounts, StandingCounts};
pub use views::{ActiveLeg, ActiveRecording, LegState, LegView};
pub use watch::{PauseReport, PromptState, PromptsState, RunningPause, TapWatch, ToldLine, UnreconciledCall};

use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::capture::{FrameConsumer, Gate, TapCounters};
use crate::catalogue::{CatalogueReader, Filter, RecordingRow, RecordingView};
use crate::conversation::LegInput;
use crate::encoding::{EncoderPool, RingSide};
use crate::ids::{LegKey, LegUuid, RecordingId};
use crate::keystore::ReadyKeys;
use crate::policy::Policy;
use crate::store::Store;
use bookkeeper::Books;
pub use expiry::ExpiryReport;
use keeper::Orders;
use rosters::Rosters;
use shared::Shared;
use thread::Message;

/// How long a question waits for rows that are on their way into the catalogue.
const ROWS_ARRIVE: Duration = Duration::from_secs(3);

/// A running recorder. Everything may be called from any thread.
pub struct Recorder {
    shared: Arc<Shared>,
    messages: Sender<Message>,
    books: Books,
    keeper: Sender<Orders>,
    rosters: Arc<Rosters>,
    catalogue: CatalogueReader,
    store: Arc<Store>,
    keys: Arc<ReadyKeys>,
    pool: Weak<EncoderPool>,
    threads: std::sync::Mutex<Option<Threads>>,
}

struct Threads {
    controller: JoinHandle<()>,
    bookkeeper: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl Recorder {
    /// Opens store, keystore, catalogue and audit log, closes what a crash left open, starts the threads.
    ///
    /// Without a valid roster it starts all the same, and [`can_record`](Self::can_record) says why nothing is
    /// recorded.
    pub fn start(startup: Startup) -> Result<Self, StartFault> {
        start::start(startup)
    }

    /// A leg's tap is in place on that side: the pool reads `ring`, the controller sets `gate`.
    pub fn attach(
        &self,
        leg: LegKey,
        side: RingSide,
        ring: FrameConsumer,
        gate: Arc<Gate>,
        counters: Arc<TapCounters>,
    ) {
        self.send(Message::Attach { leg, side, ring, gate, counters });
    }

    /// Something happened on a leg. Takes both clocks' time now; never blocks.
    pub fn tell(&self, leg: LegKey, what: LegInput) {
        let (at, now) = self.moment();
        self.send(Message::Leg { leg, at, now, what, done: None });
    }

    /// As [`tell`](Self::tell), and waits until it is carried out; `false` where that takes longer than `within`.
    pub fn tell_and_wait(&self, leg: LegKey, what: LegInput, within: Duration) -> bool {
        let (at, now) = self.moment();
        let (done, dealt_with) = bounded(1);
        self.send(Message::Leg { leg, at, now, what, done: Some(done) });
        let in_time = dealt_with.recv_timeout(within).is_ok();
        if !in_time {
            self.shared.counts.answers_late.fetch_add(1, Ordering::Relaxed);
        }
        in_time
    }

    /// Whether a call that begins now can be recorded: one atomic read. A notice must not be played where it cannot
    /// (NOT-08).
    pub fn can_record(&self) -> Result<(), CannotRecord> {
        self.shared.readiness.check()
    }

    /// The leg as the controller last published it.
    pub fn leg_view(&self, leg: LegKey) -> Option<LegView> {
        self.shared.views.leg(leg)
    }

    /// The leg that the host knows by this uuid.
    pub fn find_leg(&self, uuid: &LegUuid) -> Option<LegKey> {
        self.shared.views.find(uuid)
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.shared.policy.load_full()
    }

    /// Puts another policy in force and reads the roster again. Refused whole where directories, the instance's name or
    /// the number of encoder threads differ: those need a new start.
    pub fn reload(&self, policy: Policy) -> Result<(), CommandFault> {
        self.ask_keeper(|answer| Orders::Reload { policy: Box::new(policy), answer })
    }

    /// New calls are `not_recorded(operator_stop)` from now on; running ones go on.
    pub fn stop(&self) {
        self.switch(false);
    }

    /// Undoes [`stop`](Self::stop).
    pub fn start_recording(&self) {
        self.switch(true);
    }

    /// Stops and waits until no recording is open any more; `false` where that takes longer than `within`.
    pub fn drain(&self, within: Duration) -> bool {
        self.note(self.operator(Action::OperatorDrain, Object::Recorder));
        self.stop();
        let (idle, is_idle) = bounded(1);
        self.send(Message::WhenIdle(idle));
        is_idle.recv_timeout(within).is_ok()
    }

    /// Recordings being made.
    pub fn active(&self) -> Vec<ActiveRecording> {
        self.shared.active.load().to_vec()
    }

    /// Recordings, the newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<RecordingRow>, CommandFault> {
        self.books.flushed(ROWS_ARRIVE);
        self.catalogue.list(filter, self.shared.clock.now()).map_err(|fault| CommandFault::saying(fault.code(), fault))
    }

    /// One recording, or what is left of it.
    pub fn show(&self, id: RecordingId) -> Result<RecordingView, CommandFault> {
        self.books.flushed(ROWS_ARRIVE);
        let view = self.catalogue.show(id, self.shared.clock.now());
        view.map_err(|fault| CommandFault::saying(fault.code(), fault))?.ok_or_else(unknown_recording)
    }

    /// Releases a copy for the holder of this ticket; answers where it lies.
    pub fn release(&self, ticket: &str) -> Result<PathBuf, CommandFault> {
        self.books.flushed(ROWS_ARRIVE);
        let ticket = ticket.to_owned();
        self.ask_keeper(|answer| Orders::Release { ticket, answer })
    }

    /// Destroys what is due, or with `dry_run` says what would be.
    pub fn expire_now(&self, dry_run: bool) -> Result<ExpiryReport, CommandFault> {
        self.books.flushed(ROWS_ARRIVE);
        self.ask_keeper(|answer| Orders::Expire { dry_run, answer })
    }

    /// An operator has read the alarms that stand for what is over: unreconciled calls, refused variables. Answers how
    /// many calls were unreconciled.
    pub fn acknowledge(&self) -> Result<u64, CommandFault> {
        self.ask_keeper(|answer| Orders::Acknowledge { answer })
    }

    /// The recorder's state now.
    pub fn status(&self) -> Status {
        status::of(self)
    }

    /// The same as OpenMetrics text.
    pub fn metrics(&self) -> String {
        let status = self.status();
        let tally = self.shared.tally();
        let (outcomes, standings) = (tally.total(), tally.standings());
        drop(tally);
        metrics::text(&status, &outcomes, &standings)
    }

    /// The host's side caught a panic of ours at its border.
    pub fn panic_caught(&self) {
        self.shared.counts.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks at clock, timers and expiry now. Where a clock is moved by hand, somebody has to say so.
    pub fn wake(&self) {
        self.send(Message::Wake);
        let _ = self.keeper.send(Orders::Wake);
    }

    /// Ends all recordings valid, writes every row, flushes, joins the threads. `false` where something was not done
    /// by then; a later call does nothing.
    pub fn shutdown(&self, within: Duration) -> bool {
        let begun = Instant::now();
        // Whatever tracks take, there is time left to write what is known of them.
        let (tracks_by, by) = (begun + within * 3 / 5, begun + within);
        let threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(threads) = threads else { return true };
        self.send(Message::Close { by: tracks_by });
        let controller = joined(threads.controller, by);
        // Rows follow the last report; expiry follows the last row.
        self.books.close(by);
        let bookkeeper = joined(threads.bookkeeper, by);
        let _ = self.keeper.send(Orders::Close);
        let keeper = joined(threads.keeper, by);
        controller && bookkeeper && keeper
    }

    /// The switch works whether or not the audit log can be written; that it was used is noted behind it.
    fn switch(&self, on: bool) {
        self.shared.readiness.set(CannotRecord::Stopped, !on);
        self.send(Message::Switch { on });
        let action = if on { Action::OperatorStart } else { Action::OperatorStop };
        self.note(self.operator(action, Object::Recorder));
    }

    fn operator(&self, action: Action, object: Object) -> Entry {
        Entry::new(self.shared.clock.now(), Actor::Operator, action, object, Verdict::Done)
    }

    fn ask_keeper<T>(&self, order: impl FnOnce(Sender<Result<T, CommandFault>>) -> Orders) -> Result<T, CommandFault> {
        let (answer, answered) = bounded(1);
        let _ = self.keeper.send(order(answer));
        answered.recv_timeout(keeper::ANSWERED_WITHIN).unwrap_or_else(|_| {
            Err(CommandFault::new(
                "busy",
                "the keeper did not answer in time",
                "the command may still be carried out: see `callvault status` and the audit log before repeating it",
            ))
        })
    }

    fn moment(&self) -> (crate::time::Monotonic, crate::time::UnixMillis) {
        (self.shared.clock.monotonic(), self.shared.clock.now())
    }

    fn send(&self, message: Message) {
        // After shutdown nobody listens, and nothing is owed.
        let _ = self.messages.send(message);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shutdown(Duration::from_secs(10));
    }
}

fn unknown_recording() -> CommandFault {
    CommandFault::new("no_such_recording", "no recording has that id", "`callvault list` shows the ids")
}

/// Joins a thread that ends by then; one that hangs in the kernel is left behind rather than waited for.
fn joined(thread: JoinHandle<()>, by: Instant) -> bool {
    while !thread.is_finished() {
        if Instant::now() >= by + Duration::from_millis(500) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    thread.join().is_ok()
}
