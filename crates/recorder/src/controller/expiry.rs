//! The keeper's expiry: by itself each minute, and by hand. What is due and how it is destroyed is
//! [`retention`](crate::retention)'s; here are its hands, its clock, and what is told of it.
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::event::RecorderEvent;
use super::fault::CommandFault;
use super::keeper::Keeper;
use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::ids::RecordingId;
use crate::retention::{Batch, ClockState, DestructionPlan, Hands, RetentionFault, Terms, plan, run, run_undated};
use crate::time::{EpochDay, Monotonic};

/// Recordings that a dry run names at most.
const NAMED_AT_MOST: u32 = 1000;
/// How long a run by hand goes on at most; what is left is the next run's.
const BY_HAND: Duration = Duration::from_secs(45);
/// How long something may be overdue before it is an alarm (RET-03).
const OVERDUE: Duration = Duration::from_secs(3600);

/// What `expire-now` did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct ExpiryReport {
    /// Whether it was a dry run: then `due` says what would be destroyed, and nothing was.
    pub dry_run: bool,
    /// What is due, in the order of its destruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<DestructionPlan>,
    /// What was destroyed.
    pub destroyed: Vec<RecordingId>,
    /// What could not be, and why.
    pub unfinished: Vec<String>,
    /// Days whose epoch keys were destroyed.
    pub epochs: Vec<String>,
    /// More is due than was done.
    pub more: bool,
    /// By how much the clock jumped, where it is doubted.
    pub clock_jump_ms: Option<i64>,
}

impl fmt::Display for ExpiryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(jump) = self.clock_jump_ms {
            writeln!(f, "the clock jumped by {} s: nothing is destroyed before it is confirmed", jump / 1000)?;
        }
        if let Some(due) = &self.due {
            return write!(f, "{due}");
        }
        write!(f, "{} recordings destroyed, {} epoch keys", self.destroyed.len(), self.epochs.len())?;
        self.destroyed.iter().try_for_each(|id| write!(f, "\n{id}"))?;
        self.unfinished.iter().try_for_each(|what| write!(f, "\n{what}"))?;
        if self.more { write!(f, "\nmore is due; run it again or wait a minute") } else { Ok(()) }
    }
}

impl Keeper {
    /// One run; answers whether another should follow at once.
    pub(super) fn expire_by_itself(&mut self) -> bool {
        let again = match self.run_once() {
            Ok(batch) => batch.more && !batch.destroyed.is_empty(),
            // The clock has its own alarm, and forgets nobody who objected.
            Err(RetentionFault::Clock(_)) => self.destroy_not_to_be_kept(),
            Err(fault) => {
                self.shared.raise("expiry", fault.to_string());
                false
            }
        };
        self.look_for_overdue();
        again
    }

    /// What an operator asks for. A clock that is doubted is refused the first time, and confirmed by asking again.
    pub(super) fn expire_by_hand(&mut self, dry_run: bool) -> Result<ExpiryReport, CommandFault> {
        let mut report = ExpiryReport {
            dry_run,
            due: None,
            destroyed: Vec::new(),
            unfinished: Vec::new(),
            epochs: Vec::new(),
            more: false,
            clock_jump_ms: self.clock.jump_ms(),
        };
        let now = self.shared.clock.now();
        if dry_run {
            let retention = self.shared.policy.load().retention;
            let rows = self.reader.due(now, retention, NAMED_AT_MOST + 1);
            let rows = rows.map_err(|fault| CommandFault::saying(fault.code(), fault))?;
            report.due = Some(plan(now, retention, &rows, NAMED_AT_MOST as usize));
            return Ok(report);
        }
        self.confirm_clock()?;
        report.clock_jump_ms = None;
        self.audit(Entry::new(now, Actor::Operator, Action::OperatorExpire, Object::Recorder, Verdict::Allowed))?;
        let until = Instant::now() + BY_HAND;
        loop {
            let batch = self.run_once().map_err(|fault| CommandFault::saying(fault.code(), fault))?;
            let again = batch.more && !batch.destroyed.is_empty() && Instant::now() < until;
            report.destroyed.extend(batch.destroyed);
            report.epochs.extend(batch.epochs.iter().map(EpochDay::to_string));
            report.unfinished = batch.unfinished.iter().map(ToString::to_string).collect();
            report.more = batch.more;
            if !again {
                self.look_for_overdue();
                return Ok(report);
            }
        }
    }

    fn confirm_clock(&mut self) -> Result<(), CommandFault> {
        let (now, at) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let before = self.clock.jump_ms();
        let confirmed = self.clock.confirm(now, at);
        self.tell_of_clock(before, now);
        confirmed.map_err(|jump| {
            CommandFault::new(
                "clock_doubted",
                format!("the clock says {now}, which is a jump of {} s, so nothing was destroyed", jump / 1000),
                "compare it with another clock; if it is right, give the same command again within ten minutes",
            )
        })
    }

    fn run_once(&mut self) -> Result<Batch, RetentionFault> {
        let now = self.shared.clock.now();
        let terms = Terms { batches: 4, ..Terms::of(self.shared.policy.load().retention) };
        // That the clock stands before the log's last entry is the clock watch's to say, and a person's to confirm.
        let clock = ClockState { jump_ms: self.clock.jump_ms(), last_entry_at: None };
        self.with_hands(|hands| run(now, terms, clock, hands))
    }

    /// What is destroyed by no clock.
    fn destroy_not_to_be_kept(&mut self) -> bool {
        let now = self.shared.clock.now();
        let terms = Terms::of(self.shared.policy.load().retention);
        match self.with_hands(|hands| run_undated(now, terms, hands)) {
            Ok(batch) => batch.more && !batch.destroyed.is_empty(),
            Err(fault) => {
                self.shared.raise("expiry", fault.to_string());
                false
            }
        }
    }

    fn with_hands(
        &mut self,
        work: impl FnOnce(&mut Hands<'_>) -> Result<Batch, RetentionFault>,
    ) -> Result<Batch, RetentionFault> {
        let (mut segments, mut copies, mut keys) = (&*self.store, &*self.store, &*self.keystore);
        let batch = work(&mut Hands {
            log: &mut self.log,
            ledger: &mut self.catalogue,
            keys: &mut keys,
            segments: &mut segments,
            copies: &mut copies,
        })?;
        self.shared.counts.destroyed.fetch_add(batch.destroyed.len() as u64, Ordering::Relaxed);
        for &recording in &batch.destroyed {
            self.shared.event(RecorderEvent::Destroyed { recording });
        }
        match batch.unfinished.first() {
            Some(unfinished) => self.shared.raise("expiry", unfinished.to_string()),
            None => self.shared.clear("expiry"),
        }
        Ok(batch)
    }

    fn look_for_overdue(&mut self) {
        let (now, at) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let retention = self.shared.policy.load().retention;
        let overdue = self.reader.counts(now, retention).map_or(0, |counts| counts.overdue);
        if overdue == 0 {
            self.overdue_since = None;
            return self.shared.clear("overdue");
        }
        let since: Monotonic = *self.overdue_since.get_or_insert(at);
        if at.since(since) >= OVERDUE {
            self.shared.raise(
                "overdue",
                format!("{overdue} recordings should have been destroyed an hour ago; see the other alarms"),
            );
        }
    }
}
