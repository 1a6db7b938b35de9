//! The bookkeeper's thread: rows into the catalogue in groups, slots bound, keys made ahead, everything flushed at
//! the configured interval. Capture never waits for it; what it cannot write yet waits in memory.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::key_stock::KeyStock;
use super::readiness::CannotRecord;
use super::shared::Shared;
use crate::catalogue::{Catalogue, CatalogueFault, Change};
use crate::keystore::{BindFault, Binding, Keystore, Recipients};
use crate::store::Store;

/// Rows in one transaction at most.
const GROUP: usize = 512;
/// Rows that wait at most where the catalogue does not take them: some hours of a busy host.
const WAITING_AT_MOST: usize = 250_000;
/// How long after a failure the catalogue is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What reaches the bookkeeper.
enum Task {
    Row(Change),
    KeyTaken,
    Recipients(Recipients),
    DoubtStore,
    Flush(Sender<()>),
    Close { by: Instant },
}

/// The way to the bookkeeper. Sending never blocks.
#[derive(Clone)]
pub(super) struct Books(Sender<Task>);

/// The bookkeeper's end of it.
pub(super) struct Orders(Receiver<Task>);

/// A way to a bookkeeper that does not run yet.
pub(super) fn books() -> (Books, Orders) {
    let (sender, receiver) = unbounded();
    (Books(sender), Orders(receiver))
}

impl Books {
    pub(super) fn row(&self, change: Change) {
        self.send(Task::Row(change));
    }

    /// A ready key was taken: make another.
    pub(super) fn key_taken(&self) {
        self.send(Task::KeyTaken);
    }

    /// Keys are made for these people from now on; those that are ready are destroyed.
    pub(super) fn recipients(&self, recipients: Recipients) {
        self.send(Task::Recipients(recipients));
    }

    /// The store refused something: see whether it takes anything.
    pub(super) fn doubt_store(&self) {
        self.send(Task::DoubtStore);
    }

    /// Waits until every row sent before is in the catalogue and flushed; `false` where that takes longer.
    pub(super) fn flushed(&self, within: Duration) -> bool {
        let (done, flushed) = bounded(1);
        self.send(Task::Flush(done));
        flushed.recv_timeout(within).is_ok()
    }

    /// Everything that was sent before is written, then the thread ends, at the latest by this moment.
    pub(super) fn close(&self, by: Instant) {
        self.send(Task::Close { by });
    }

    fn send(&self, task: Task) {
        // The thread ends after all who send to it; where it died, its alarm has been raised.
        let _ = self.0.send(task);
    }
}

/// The thread's state.
pub(super) struct Bookkeeper {
    shared: Arc<Shared>,
    catalogue: Catalogue,
    keystore: Arc<Keystore>,
    store: Arc<Store>,
    stock: KeyStock,
    rows: VecDeque<Change>,
    to_bind: Vec<Binding>,
    waiting_for_flush: Vec<Sender<()>>,
    try_again: Option<Instant>,
    next_sync: Instant,
    unsynced: bool,
    store_doubted: bool,
}

impl Bookkeeper {
    pub(super) fn new(
        shared: Arc<Shared>,
        catalogue: Catalogue,
        keystore: Arc<Keystore>,
        store: Arc<Store>,
        stock: KeyStock,
    ) -> Self {
        Self {
            shared,
            catalogue,
            keystore,
            store,
            stock,
            rows: VecDeque::new(),
            to_bind: Vec::new(),
            waiting_for_flush: Vec::new(),
            try_again: None,
            next_sync: Instant::now(),
            unsynced: false,
            store_doubted: false,
        }
    }

    /// Until [`Books::close`].
    pub(super) fn run(mut self, orders: &Orders) {
        let shared = Arc::clone(&self.shared);
        loop {
            match shared.guarded(|| self.round(orders)) {
                Some(None) => {}
                Some(Some(by)) => return self.close(by),
                None => {
                    shared.raise(
                        "bookkeeper_panic",
                        "writing rows or making keys panicked, it is tried again; report this",
                    );
                    self.try_again = Some(Instant::now() + RETRY);
                }
            }
        }
    }

    /// One waiting, one group of everything; by when to close, where that was asked for.
    fn round(&mut self, orders: &Orders) -> Option<Instant> {
        let mut closing = match orders.0.recv_timeout(self.sleep()) {
            Ok(task) => self.take(task),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Some(Instant::now() + RETRY),
        };
        for task in orders.0.try_iter().take(GROUP) {
            closing = closing.or(self.take(task));
        }
        self.bind();
        self.write_rows();
        if closing.is_none() {
            self.restock();
            if Instant::now() >= self.next_sync {
                self.sync();
            }
        }
        closing
    }

    fn sleep(&self) -> Duration {
        if self.stock.is_filling() {
            return Duration::ZERO;
        }
        let until = match self.try_again {
            Some(at) => at.min(self.next_sync),
            None => self.next_sync,
        };
        until.saturating_duration_since(Instant::now())
    }

    fn take(&mut self, task: Task) -> Option<Instant> {
        match task {
            Task::Row(change) => {
                if let Change::TrackOpened { recording, number, slot, key, .. } = &change {
                    self.to_bind.push(Binding { slot: *slot, key: *key, recording: *recording, track: *number });
                }
                if self.rows.len() < WAITING_AT_MOST {
                    self.rows.push_back(change);
                } else {
                    self.shared.counts.rows_lost.fetch_add(1, Ordering::Relaxed);
                    self.shared.raise(
                        "catalogue_rows_lost",
                        "the catalogue did not take rows for so long that newer ones are given up; repair it and restart, recordings are found again from their segments",
                    );
                }
            }
            // Waking up is all: every round looks at the stock.
            Task::KeyTaken => {}
            Task::Recipients(recipients) => self.stock.change_recipients(recipients),
            Task::DoubtStore => {
                self.store_doubted = true;
                self.next_sync = Instant::now();
            }
            Task::Flush(done) => self.waiting_for_flush.push(done),
            Task::Close { by } => return Some(by),
        }
        None
    }

    /// A slot says what it is for, so that recovery keeps it. Does not wait for the catalogue.
    fn bind(&mut self) {
        if self.to_bind.is_empty() {
            return;
        }
        match self.keystore.bind(&self.to_bind) {
            Ok(()) => {
                self.to_bind.clear();
                self.unsynced = true;
                self.shared.clear("keystore_bind");
            }
            Err(fault @ BindFault::NotReady(_)) => {
                self.to_bind.clear();
                self.shared.raise("keystore_bind", fault.to_string());
            }
            Err(fault @ BindFault::Medium(_)) => self.shared.raise("keystore_bind", fault.to_string()),
        }
    }

    fn write_rows(&mut self) {
        if self.try_again.is_some_and(|at| Instant::now() < at) {
            return;
        }
        self.try_again = None;
        while !self.rows.is_empty() && self.try_again.is_none() {
            let n = self.rows.len().min(GROUP);
            let group = &self.rows.make_contiguous()[..n];
            match self.catalogue.apply(group) {
                Ok(()) => {
                    self.rows.drain(..n);
                    self.unsynced = true;
                    self.shared.clear("catalogue_fault");
                }
                Err(CatalogueFault::NoSuchRow { index, .. }) => self.give_up_row(index),
                Err(fault) => {
                    self.shared.counts.catalogue_faults.fetch_add(1, Ordering::Relaxed);
                    self.shared.raise("catalogue_fault", format!("{fault}; rows wait in memory meanwhile"));
                    self.try_again = Some(Instant::now() + RETRY);
                    self.single_out_refused_row(&fault);
                }
            }
        }
        self.shared.counts.rows_waiting.store(self.rows.len(), Ordering::Relaxed);
        if self.rows.is_empty() {
            self.waiting_for_flush.drain(..).for_each(|done| {
                let _ = done.send(());
            });
        }
    }

    fn single_out_refused_row(&mut self, fault: &CatalogueFault) {
        let CatalogueFault::Sqlite { source, .. } = fault else { return };
        if source.sqlite_error_code() != Some(rusqlite::ErrorCode::ConstraintViolation) {
            return;
        }
        let n = self.rows.len().min(GROUP);
        for _ in 0..n {
            let Some(row) = self.rows.pop_front() else { return };
            match self.catalogue.apply(std::slice::from_ref(&row)) {
                Ok(()) => {}
                Err(CatalogueFault::Sqlite { source, .. })
                    if source.sqlite_error_code() != Some(rusqlite::ErrorCode::ConstraintViolation) =>
                {
                    self.rows.push_front(row);
                    return;
                }
                Err(_) => self.count_lost_row(),
            }
        }
        self.try_again = None;
    }

    fn give_up_row(&mut self, index: usize) {
        self.rows.remove(index);
        self.count_lost_row();
    }

    fn count_lost_row(&self) {
        self.shared.counts.rows_lost.fetch_add(1, Ordering::Relaxed);
        self.shared.raise(
            "catalogue_row_refused",
            "the catalogue refused a row that does not fit the ones before; report this",
        );
    }

    fn restock(&mut self) {
        match self.stock.restock(&self.keystore, &self.shared) {
            None => {}
            Some(Ok(())) => {
                self.shared.clear("keystore_fault");
                self.say_whether(CannotRecord::Keystore, false);
            }
            Some(Err(fault)) => {
                self.shared.raise("keystore_fault", fault.to_string());
                self.say_whether(CannotRecord::Keystore, self.stock.is_empty());
            }
        }
    }

    /// For all calls together, never one flush per call (decision 5).
    fn sync(&mut self) {
        let interval = self.shared.policy.load().sync_interval;
        self.next_sync = Instant::now() + interval;
        let going_on = self.shared.counts.recordings_open.load(Ordering::Relaxed) > 0;
        if !(self.unsynced || going_on || self.store_doubted) {
            return;
        }
        self.unsynced = false;
        let synced = self.store.sync_all().map_err(|fault| fault.to_string());
        match synced.and_then(|()| if self.store_doubted { self.try_store() } else { Ok(()) }) {
            Ok(()) => {
                self.store_doubted = false;
                self.shared.clear("store_fault");
                self.say_whether(CannotRecord::Store, false);
            }
            Err(fault) => {
                self.store_doubted = true;
                self.shared.counts.sync_faults.fetch_add(1, Ordering::Relaxed);
                self.shared.raise("store_fault", fault);
                self.say_whether(CannotRecord::Store, true);
            }
        }
    }

    /// Whether the store takes a file again.
    fn try_store(&self) -> Result<(), String> {
        const NAME: &str = "probe";
        let directory = self.store.directory();
        let _ = directory.remove_file(NAME);
        let tried = directory.create_file(NAME).and_then(|file| {
            file.write_all_at(0, &[0; 4096])?;
            file.sync_data()?;
            directory.remove_file(NAME)
        });
        tried.map_err(|fault| {
            format!("nothing can be written below {} ({fault}); look at its disk", directory.path().display())
        })
    }

    fn say_whether(&self, reason: CannotRecord, holds: bool) {
        self.shared.readiness.set(reason, holds);
    }

    fn close(mut self, by: Instant) {
        loop {
            self.bind();
            self.try_again = None;
            self.write_rows();
            if (self.rows.is_empty() && self.to_bind.is_empty()) || Instant::now() >= by {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        if let Err(fault) = self.stock.destroy_all(&self.keystore) {
            self.shared.raise("keystore_fault", format!("{fault}; unused keys are destroyed at the next start"));
        }
        self.unsynced = true;
        self.sync();
    }
}
