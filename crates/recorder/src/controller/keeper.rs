//! The keeper's thread: expiry, epochs, the clock, the roster, releases. It alone writes the audit log, and it may wait
//! for disks; who gives it an order waits for a bounded time.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};

use super::ROWS_ARRIVE;
use super::bookkeeper::Books;
use super::clock_watch::ClockWatch;
use super::event::RecorderEvent;
use super::expiry::ExpiryReport;
use super::fault::CommandFault;
use super::key_stock::provision;
use super::reconciling::HungUp;
use super::rosters::Rosters;
use super::shared::Shared;
use super::thread::Message;
use crate::access::NodeKey;
use crate::audit::{Action, Actor, AuditLog, Entry, Object, Verdict};
use crate::catalogue::{Catalogue, CatalogueReader};
use crate::keystore::Keystore;
use crate::policy::Policy;
use crate::store::Store;
use crate::time::{Monotonic, UnixMillis};

/// How long an order may take before who gave it is told that it is still at work.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// How often the keeper looks at everything by itself.
const ROUND: Duration = Duration::from_secs(30);
/// How soon it looks where something was found not to be kept: once for many calls.
const SETTLED_WITHIN: Duration = Duration::from_millis(500);

/// Less free space than this in the store is an alarm: two hours of a hundred calls.
const LOW_SPACE: u64 = 2 << 30;

/// What the keeper is asked for.
pub(super) enum Orders {
    /// Look at everything now.
    Wake,
    /// Destroy what was found not to be kept.
    Settle,
    /// Put a policy in force, read the roster.
    Reload { policy: Box<Policy>, answer: Sender<Result<(), CommandFault>> },
    /// Release a copy.
    Release { ticket: String, answer: Sender<Result<PathBuf, CommandFault>> },
    /// Destroy what is due.
    Expire { dry_run: bool, answer: Sender<Result<ExpiryReport, CommandFault>> },
    /// Something was done that the audit log is to know. Who did it does not wait for it.
    Note(Box<Entry>),
    /// The host wrote a call off.
    HungUp(HungUp),
    /// An operator has read what stands in the status; answers how many unreconciled calls there were.
    Acknowledge { answer: Sender<Result<u64, CommandFault>> },
    /// Sign the log and end.
    Close,
}

/// What the keeper works with.
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) catalogue: Catalogue,
    pub(super) reader: CatalogueReader,
    pub(super) keystore: Arc<Keystore>,
    pub(super) store: Arc<Store>,
    pub(super) rosters: Arc<Rosters>,
    pub(super) node: NodeKey,
    pub(super) log: AuditLog,
    pub(super) books: Books,
    pub(super) controller: Sender<Message>,
    pub(super) clock: ClockWatch,
    /// Keys that are to be ready: as many again may be in use.
    pub(super) keys_wanted: usize,
    pub(super) overdue_since: Option<Monotonic>,
    pub(super) frames_lost: u64,
    /// Calls that the host wrote off and that nobody looked at yet.
    pub(super) hung_up: Vec<HungUp>,
    /// What is to be destroyed may still be on its way into the catalogue.
    pub(super) rows_first: bool,
}

impl Keeper {
    /// Until [`Orders::Close`].
    pub(super) fn run(mut self, orders: &Receiver<Orders>) {
        let mut next = Instant::now();
        loop {
            let order = match orders.recv_deadline(next) {
                Ok(Orders::Close) | Err(RecvTimeoutError::Disconnected) => return self.close(),
                Ok(Orders::Wake) | Err(RecvTimeoutError::Timeout) => {
                    // Where much is due, orders get their turn between two runs.
                    let again = self.round();
                    next = if again { Instant::now() } else { Instant::now() + ROUND };
                    continue;
                }
                Ok(Orders::Settle) => {
                    self.rows_first = true;
                    next = next.min(Instant::now() + SETTLED_WITHIN);
                    continue;
                }
                Ok(order) => order,
            };
            let shared = Arc::clone(&self.shared);
            // Who gave the order gets no answer then, and is told that the keeper did not answer.
            if shared.guarded(|| self.carry_out(order)).is_none() {
                shared.raise("keeper_panic", "carrying out a command panicked; report this");
            }
        }
    }

    fn carry_out(&mut self, order: Orders) {
        // Who gave up waiting does not listen any more: that is no fault.
        match order {
            Orders::Reload { policy, answer } => drop(answer.send(self.reload(*policy))),
            Orders::Release { ticket, answer } => drop(answer.send(self.release_counted(&ticket))),
            Orders::Expire { dry_run, answer } => drop(answer.send(self.expire_by_hand(dry_run))),
            Orders::Note(entry) => drop(self.audit(*entry)),
            Orders::HungUp(call) => self.hung_up(call),
            Orders::Acknowledge { answer } => drop(answer.send(self.acknowledge())),
            Orders::Wake | Orders::Settle | Orders::Close => {}
        }
    }

    /// Everything that is done without being asked for; answers whether there is more of it at once.
    fn round(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let done = shared.guarded(|| {
            self.look_at_clock();
            let (now, policy) = (self.shared.clock.now(), self.shared.policy.load_full());
            match provision(&self.keystore, now, policy.retention) {
                Ok(_) => self.shared.clear("epochs"),
                Err(fault) => self.shared.raise("epochs", fault.to_string()),
            }
            let _ = self.refresh_roster(&policy);
            self.look_at_store();
            self.look_for_lost_frames();
            self.look_at_memory();
            self.reconcile();
            if std::mem::take(&mut self.rows_first) {
                self.books.flushed(ROWS_ARRIVE);
            }
            let again = self.expire_by_itself();
            match self.log.checkpoint(now) {
                Ok(()) => self.shared.clear("audit"),
                Err(fault) => self.shared.raise("audit", fault.to_string()),
            }
            again
        });
        done.unwrap_or_else(|| {
            shared.raise("keeper_panic", "the keeper's round panicked; report this");
            false
        })
    }

    fn look_at_store(&self) {
        match self.store.free_space() {
            Ok(free) if free.bytes < LOW_SPACE => self.shared.raise(
                "store_low",
                format!("{} MiB are left in the store; make room before calls go unrecorded", free.bytes >> 20),
            ),
            Ok(_) => self.shared.clear("store_low"),
            Err(fault) => self.shared.raise("store_low", fault.to_string()),
        }
    }

    /// Lost since the last round: the alarm ends when one passes without.
    fn look_for_lost_frames(&mut self) {
        let taps = self.shared.taps().sum();
        let lost = taps.ring_full + taps.oversized;
        if lost > self.frames_lost {
            let text = format!("{} frames were lost between calls and encoder threads", lost - self.frames_lost);
            self.shared
                .raise("frames_lost", format!("{text}; give the host more processor time, or more encoder-threads"));
        } else {
            self.shared.clear("frames_lost");
        }
        self.frames_lost = lost;
    }

    /// Keys live in memory that may be locked; where that runs out, tracks get none.
    fn look_at_memory(&self) {
        let report = callvault_secretmem::memlock_limit();
        match report.keys_left() {
            Some(left) if left < self.keys_wanted as u64 => self.shared.raise(
                "memlock",
                format!("there is room for {left} more keys only ({report}); raise LimitMEMLOCK in the host's unit, or `ulimit -l`"),
            ),
            _ => self.shared.clear("memlock"),
        }
    }

    fn look_at_clock(&mut self) {
        let (now, at) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let before = self.clock.jump_ms();
        self.clock.look(now, at);
        self.tell_of_clock(before, now);
    }

    /// Says once that the clock is doubted, and once that it is believed again.
    pub(super) fn tell_of_clock(&mut self, before: Option<i64>, now: UnixMillis) {
        let jump = self.clock.jump_ms();
        self.shared.doubt_clock(jump);
        match (before, jump) {
            (None, Some(jump)) => {
                let entry = Entry::new(now, Actor::Recorder, Action::ClockDoubt, Object::Recorder, Verdict::Failed);
                let _ = self.audit(entry.with("jump_ms", jump));
                self.shared.raise(
                    "clock",
                    format!(
                        "the wall clock jumped by {} s; nothing is destroyed until it is right again, or confirmed by `callvault_admin expire-now` twice",
                        jump / 1000
                    ),
                );
            }
            (_, None) => self.shared.clear("clock"),
            (Some(_), Some(_)) => {}
        }
    }

    fn reload(&mut self, policy: Policy) -> Result<(), CommandFault> {
        let before = self.shared.policy.load_full();
        let fixed = [
            ("data-dir", policy.data_dir != before.data_dir),
            ("keystore-dir", policy.keystore_dir != before.keystore_dir),
            ("instance", policy.instance != before.instance),
            ("encoder-threads", policy.encoder_threads != before.encoder_threads),
        ];
        let changed: Vec<&str> = fixed.iter().filter(|(_, changed)| *changed).map(|&(name, _)| name).collect();
        if !changed.is_empty() {
            return Err(CommandFault::new(
                "reload_needs_restart",
                format!("{} cannot change while the module is loaded, so nothing was changed", changed.join(", ")),
                "put the former value back, or unload the module and load it again",
            ));
        }
        let now = self.shared.clock.now();
        let entry = Entry::new(now, Actor::Operator, Action::PolicyLoad, Object::Policy, Verdict::Allowed);
        self.audit(entry.with("hash", &policy.hash))?;
        let policy = Arc::new(policy);
        self.shared.policy.store(Arc::clone(&policy));
        self.shared.event(RecorderEvent::PolicyReloaded { hash: policy.hash.clone() });
        let roster = self.refresh_roster(&policy);
        // Keys of another epoch may be needed now.
        self.books.key_taken();
        let _ = self.controller.send(Message::Wake);
        roster.map_err(|fault| {
            CommandFault::new(
                fault.code(),
                format!("the policy is in force, the roster was not taken: {fault}"),
                "mend that and run `callvault_admin reload` again",
            )
        })
    }

    /// Reads the roster's file and, where it is another one now, has keys made for the people on it.
    fn refresh_roster(&mut self, policy: &Policy) -> Result<(), super::rosters::RefusedRoster> {
        let before = self.rosters.recipients();
        let could = self.shared.readiness.check();
        let refreshed = self.rosters.refresh(&policy.roster, &self.shared);
        let recipients = self.rosters.recipients();
        if let Some(recipients) = recipients.filter(|now| before.as_ref() != Some(now)) {
            let at = self.shared.clock.now();
            let entry = Entry::new(at, Actor::Recorder, Action::RosterLoad, Object::Roster, Verdict::Done);
            let _ = self.audit(entry.with("version", recipients.roster).with("capsules", recipients.keys.len()));
            self.books.recipients(recipients);
        }
        if self.shared.readiness.check() != could {
            let _ = self.controller.send(Message::Wake);
        }
        refreshed
    }

    fn release_counted(&mut self, ticket: &str) -> Result<PathBuf, CommandFault> {
        // Whoever was taken off the roster opens nothing from that moment on (ACC-03).
        let policy = self.shared.policy.load_full();
        let _ = self.refresh_roster(&policy);
        match self.release(ticket) {
            Ok((recording, path)) => {
                self.shared.counts.released.fetch_add(1, Ordering::Relaxed);
                self.shared.event(RecorderEvent::Released { recording });
                Ok(path)
            }
            Err(fault) => {
                self.shared.counts.releases_refused.fetch_add(1, Ordering::Relaxed);
                self.shared.event(RecorderEvent::ReleaseRefused { code: fault.code() });
                Err(fault)
            }
        }
    }

    /// Writes an entry; it is durable when this returns. What it was to allow must not be done otherwise.
    pub(super) fn audit(&mut self, entry: Entry) -> Result<(), CommandFault> {
        match self.log.append(entry) {
            Ok(_) => {
                self.shared.clear("audit");
                Ok(())
            }
            Err(fault) => {
                self.shared.raise("audit", fault.to_string());
                Err(CommandFault::saying(fault.code(), fault))
            }
        }
    }

    fn close(mut self) {
        let now = self.shared.clock.now();
        let _ = self.audit(Entry::new(now, Actor::Recorder, Action::RecorderStop, Object::Recorder, Verdict::Done));
        if let Err(fault) = self.log.close(now) {
            self.shared.raise("audit", fault.to_string());
        }
    }
}
