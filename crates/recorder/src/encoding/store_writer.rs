//! The one thread that waits for the store: it takes sealed bytes from the pool and appends them to segments' files.
//!
//! A store that stalls or refuses holds up this thread and nobody else (E02). What waits for it is sealed, and
//! [`Backlog`] bounds it in bytes for all tracks together; what finds no room there is lost, counted and dated by
//! the track's outlet.
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::segment_file::{SegmentFile, SegmentFiles};
use crate::store::{AppendFile, SegmentName, StoreFault};

/// When a file whose bytes were refused is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// A store that lets a record wait this long is slow, which is told.
const SLOW: Duration = Duration::from_secs(5);

/// What waits, sealed, for the store, all tracks together.
#[derive(Debug)]
pub(super) struct Backlog {
    bound: u64,
    waiting: AtomicU64,
    born: Instant,
    /// When the bytes in the writer's hands were sealed, in milliseconds from `born` plus one; 0 where it has none.
    oldest: AtomicU64,
    slow: AtomicBool,
}

/// How far a segment's file is, for the outlet that feeds it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    written: AtomicU64,
    given_up: AtomicBool,
    refusal: Mutex<Option<io::Error>>,
}

/// The pool's way to the thread. Sending never waits.
#[derive(Debug, Clone)]
pub(super) struct StoreWriter {
    jobs: Sender<Job>,
    backlog: Arc<Backlog>,
}

#[derive(Debug)]
pub(super) enum Job {
    Append { name: SegmentName, progress: Arc<Progress>, bytes: Vec<u8>, sealed: Instant },
    End(SegmentName),
    Flush(Sender<()>),
}

impl StoreWriter {
    /// Starts the thread `callvault-store`; it ends when the last handle is dropped, with what the store takes at once.
    pub(super) fn start(files: Arc<dyn SegmentFiles>, bound: u64) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, inbox) = unbounded();
        let backlog = Arc::new(Backlog {
            bound,
            waiting: AtomicU64::new(0),
            born: Instant::now(),
            oldest: AtomicU64::new(0),
            slow: AtomicBool::new(false),
        });
        let writing = Writing { files, backlog: Arc::clone(&backlog), segments: HashMap::new(), try_again: None };
        let thread = std::thread::Builder::new().name("callvault-store".into()).spawn(move || writing.run(&inbox))?;
        Ok((Self { jobs, backlog }, thread))
    }

    /// A new segment's file, made when the thread comes to its first bytes.
    pub(super) fn file(&self, name: SegmentName) -> (SegmentFile, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        (SegmentFile::new(self.clone(), name, Arc::clone(&progress)), progress)
    }

    /// What waits.
    pub(super) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.backlog)
    }

    /// Whether so many bytes more may wait.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.backlog.waiting().saturating_add(bytes as u64) <= self.backlog.bound
    }

    /// Waits until all that was sent before was offered to the store, or the time is over.
    pub(super) fn flush(&self, within: Duration) {
        let (done, flushed) = bounded(1);
        let _ = self.jobs.send(Job::Flush(done));
        let _ = flushed.recv_timeout(within);
    }

    pub(super) fn append(&self, name: SegmentName, progress: &Arc<Progress>, bytes: &[u8]) -> io::Result<()> {
        let waiting = bytes.len() as u64;
        self.backlog.waiting.fetch_add(waiting, Ordering::Relaxed);
        let bytes = bytes.to_vec();
        let job = Job::Append { name, progress: Arc::clone(progress), bytes, sealed: Instant::now() };
        self.jobs.send(job).map_err(|_| {
            self.backlog.took(waiting);
            io::Error::other("the thread that writes to the store is gone; report this")
        })
    }

    pub(super) fn end(&self, name: SegmentName) {
        let _ = self.jobs.send(Job::End(name));
    }
}

impl Backlog {
    /// Bytes that wait now.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the store became slow, or ceased to be, since this was asked last.
    pub(super) fn slowness_changes_to(&self) -> Option<bool> {
        let oldest = self.oldest.load(Ordering::Relaxed);
        let now = self.now();
        let slow = oldest != 0 && u128::from(now.saturating_sub(oldest)) >= SLOW.as_millis();
        (self.slow.swap(slow, Ordering::Relaxed) != slow).then_some(slow)
    }

    fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    fn at(&self, when: Instant) -> u64 {
        u64::try_from(when.duration_since(self.born).as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn in_hand(&self, sealed: Option<Instant>) {
        self.oldest.store(sealed.map_or(0, |sealed| self.at(sealed)), Ordering::Relaxed);
    }

    fn took(&self, bytes: u64) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Progress {
    /// Bytes that the store has of the segment.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Why the store refused, said once.
    pub(super) fn refusal(&self) -> Option<io::Error> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Nobody waits for it any longer: what is not written need not be.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    fn refused(&self, fault: io::Error) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

/// The thread's state.
struct Writing {
    files: Arc<dyn SegmentFiles>,
    backlog: Arc<Backlog>,
    segments: HashMap<SegmentName, Segment>,
    /// When segments that were refused are tried again; none is where there is no such time.
    try_again: Option<Instant>,
}

struct Segment {
    progress: Arc<Progress>,
    file: Option<Box<dyn AppendFile>>,
    waiting: VecDeque<(Vec<u8>, Instant)>,
    written: u64,
    refused: bool,
    ended: bool,
}

impl Writing {
    fn run(mut self, inbox: &Receiver<Job>) {
        loop {
            let job = match self.try_again {
                Some(at) => inbox.recv_deadline(at),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match job {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.try_again.is_some_and(|at| Instant::now() >= at) {
                self.offer_refused();
            }
            if inbox.is_empty() {
                self.backlog.in_hand(None);
            }
        }
        self.offer_refused();
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Append { name, progress, bytes, sealed } => {
                let segment = self.segments.entry(name).or_insert_with(|| Segment::new(progress));
                segment.waiting.push_back((bytes, sealed));
                if !segment.refused {
                    self.offer(name);
                }
            }
            Job::End(name) => {
                if let Some(segment) = self.segments.get_mut(&name) {
                    segment.ended = true;
                    self.forget_what_is_over(name);
                }
            }
            Job::Flush(done) => {
                let _ = done.send(());
            }
        }
    }

    fn offer_refused(&mut self) {
        self.try_again = None;
        let refused: Vec<SegmentName> =
            self.segments.iter().filter(|(_, segment)| segment.refused).map(|(&name, _)| name).collect();
        for name in refused {
            self.offer(name);
        }
    }

    /// Offers the store what waits of a segment. A panic of the store is a refusal.
    fn offer(&mut self, name: SegmentName) {
        let Some(segment) = self.segments.get_mut(&name) else { return };
        let (files, backlog) = (&*self.files, &*self.backlog);
        let offered = catch_unwind(AssertUnwindSafe(|| segment.write_out(name, files, backlog)))
            .unwrap_or_else(|_| Err(io::Error::other("writing to the store panicked; report this")));
        segment.refused = offered.is_err();
        if let Err(fault) = offered {
            segment.progress.refused(fault);
            self.try_again.get_or_insert_with(|| Instant::now() + RETRY);
        }
        self.forget_what_is_over(name);
    }

    fn forget_what_is_over(&mut self, name: SegmentName) {
        let Some(segment) = self.segments.get_mut(&name) else { return };
        if segment.progress.given_up.load(Ordering::Acquire) {
            for (bytes, _) in segment.waiting.drain(..) {
                self.backlog.took(bytes.len() as u64);
            }
            segment.refused = false;
        }
        if segment.ended && segment.waiting.is_empty() {
            self.segments.remove(&name);
        }
    }
}

/// A full disk may be cleared: its kind says so also where a file could not be made.
fn refusal(fault: StoreFault) -> io::Error {
    let full = matches!(fault, StoreFault::Full { .. });
    io::Error::new(if full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other }, fault)
}

impl Segment {
    fn new(progress: Arc<Progress>) -> Self {
        Self { progress, file: None, waiting: VecDeque::new(), written: 0, refused: false, ended: false }
    }

    fn write_out(&mut self, name: SegmentName, files: &dyn SegmentFiles, backlog: &Backlog) -> io::Result<()> {
        while let Some((bytes, sealed)) = self.waiting.front() {
            if self.progress.given_up.load(Ordering::Acquire) {
                return Ok(());
            }
            // What is tried again is said to be refused; slow is the store where it does not answer this.
            backlog.in_hand(Some(if self.refused { Instant::now() } else { *sealed }));
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(files.create(&name).map_err(refusal)?),
            };
            if file.len()? != self.written {
                // Part of an earlier attempt is there.
                file.set_len(self.written)?;
            }
            file.append(bytes)?;
            let count = bytes.len() as u64;
            self.written += count;
            self.waiting.pop_front();
            backlog.took(count);
            self.progress.written.store(self.written, Ordering::Release);
        }
        Ok(())
    }
}
