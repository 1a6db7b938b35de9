//! What `callvault status` says: for a person, and with `--json` for a program. No personal data.
use std::fmt;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::Recorder;
use super::event::Alarm;
use super::readiness::CannotRecord;
use super::shared::TapSum;
use super::tally::{OutcomeCounts, StandingCounts};
use super::watch::{PauseReport, PromptsState, RunningPause, TapWatch, ToldLine, UnreconciledCall};
use crate::time::UnixMillis;

/// The state of a recorder at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// `recording`, `stopped` (by an operator) or `degraded` (new calls end `recorder_fault`).
    pub state: &'static str,
    /// Why new calls are not recorded, where they are not: a word.
    pub cannot_record: Option<&'static str>,
    /// The same as a sentence.
    pub cannot_record_because: Option<String>,
    /// This program's version.
    pub version: &'static str,
    /// The instance's configured name.
    pub instance: String,
    /// SHA-256 of the policy in force, 64 hexadecimal digits.
    pub policy_hash: String,
    /// When it was started, UTC.
    pub started_at_ms: UnixMillis,
    /// Now, UTC.
    pub now_ms: UnixMillis,
    /// Legs known.
    pub legs: usize,
    /// Recordings being made.
    pub active: usize,
    /// How calls ended in the last 24 hours.
    pub last_day: OutcomeCounts,
    /// How often parties came to stand so in the last 24 hours, or since start where that is shorter.
    pub standings_last_day: StandingCounts,
    /// The company's lines whose callers were told by the module alone in the last 24 hours, the busiest first.
    pub told_only_by_module: Vec<ToldLine>,
    /// Prompts as they were found at start or at the last reload.
    pub prompts: PromptsState,
    /// Pauses for payment data that run.
    pub pauses: Vec<RunningPause>,
    /// Pauses since start; each is in the audit log with who and how long.
    pub pause_report: PauseReport,
    /// Taps that others took off, and others' taps.
    pub tap_watch: TapWatch,
    /// Answered calls without an outcome that no operator has read of, of the last day.
    pub unreconciled: u64,
    /// The latest of them.
    pub unreconciled_calls: Vec<UnreconciledCall>,
    /// Recordings by state.
    pub recordings: Recordings,
    /// Keys that are ready for new tracks.
    pub keys: Keys,
    /// Memory locked for keys.
    pub memlock: Memlock,
    /// Frames that taps took and lost.
    pub taps: TapSum,
    /// Encoder threads' work.
    pub pool: Pool,
    /// The catalogue's and the store's state.
    pub books: BooksState,
    /// The roster in force.
    pub roster: Option<RosterState>,
    /// Expiry.
    pub expiry: Expiry,
    /// Copies released since start.
    pub released: u64,
    /// Releases refused or failed since start.
    pub releases_refused: u64,
    /// Panics caught.
    pub panics: u64,
    /// Session threads that did not get their answer in time.
    pub answers_late: u64,
    /// Alarms that stand.
    pub alarms: Vec<Alarm>,
}

/// Reads it all; nothing of it waits for a disk but the catalogue's counts and the store's free space.
pub(super) fn of(recorder: &Recorder) -> Status {
    let shared = &recorder.shared;
    let policy = shared.policy.load();
    let now = shared.clock.now();
    let cannot = shared.readiness.check().err();
    let counts = recorder.catalogue.counts(now, policy.retention).unwrap_or_default();
    let pool = recorder.pool.upgrade();
    let stats = pool.as_ref().map(|pool| pool.stats()).unwrap_or_default();
    let keys = recorder.keys.state();
    let memlock = callvault_secretmem::memlock_limit();
    // Each guard goes at once: what is locked within the answer below stays so until its end.
    let (last_day, standings_last_day) = {
        let tally = shared.tally();
        (tally.last_day(now), tally.standings_of_last_day(now))
    };
    let watch = shared.watch();
    let (unreconciled, unreconciled_calls) = watch.unreconciled_calls();
    let (told_only_by_module, pauses, tap_watch) = (watch.lines(now), watch.pauses(), watch.taps);
    let (prompts, pause_report) = (watch.prompts.clone(), watch.pause_report);
    drop(watch);
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Status {
        state: match cannot {
            None => "recording",
            Some(CannotRecord::Stopped) => "stopped",
            Some(_) => "degraded",
        },
        cannot_record: cannot.map(CannotRecord::code),
        cannot_record_because: cannot.map(|reason| reason.to_string()),
        version: env!("CARGO_PKG_VERSION"),
        instance: policy.instance.clone(),
        policy_hash: policy.hash.clone(),
        started_at_ms: shared.started_at,
        now_ms: now,
        legs: shared.views.count(),
        active: shared.counts.recordings_open.load(Ordering::Relaxed),
        last_day,
        standings_last_day,
        told_only_by_module,
        prompts,
        pauses,
        pause_report,
        tap_watch,
        unreconciled,
        unreconciled_calls,
        recordings: Recordings {
            recording: counts.recording,
            kept: counts.kept,
            none: counts.none,
            destroying: counts.destroying,
            destroyed: counts.destroyed,
        },
        keys: Keys { ready: keys.ready, wanted: keys.capacity, refused: count(&shared.counts.keys_refused) },
        memlock: Memlock { limit: memlock.limit, locked: memlock.locked, keys_left: memlock.keys_left() },
        taps: shared.taps().sum(),
        pool: Pool {
            threads: pool.as_ref().map_or(0, |pool| pool.threads()),
            faults: count(&shared.counts.pool_faults),
            overloads: stats.overloads,
            kept_by_overload: stats.kept_by_overload,
            undecodable: stats.undecodable,
            lost_to_store: stats.lost_to_store,
            waiting_bytes: stats.waiting_bytes,
        },
        books: BooksState {
            rows_waiting: shared.counts.rows_waiting.load(Ordering::Relaxed),
            rows_lost: count(&shared.counts.rows_lost),
            catalogue_faults: count(&shared.counts.catalogue_faults),
            sync_faults: count(&shared.counts.sync_faults),
            store_free: recorder.store.free_space().ok().map(|space| space.bytes),
        },
        roster: recorder.rosters.state(),
        expiry: Expiry {
            destroyed: count(&shared.counts.destroyed),
            overdue: counts.overdue,
            clock_jump_ms: shared.clock_jump_ms(),
        },
        released: count(&shared.counts.released),
        releases_refused: count(&shared.counts.releases_refused),
        panics: count(&shared.counts.panics) + stats.panics,
        answers_late: count(&shared.counts.answers_late),
        alarms: shared.standing_alarms(),
    }
}

/// Recordings in the catalogue.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Recordings {
    /// Going on, as far as rows are written.
    pub recording: u64,
    /// Kept.
    pub kept: u64,
    /// Ended without audio.
    pub none: u64,
    /// Being destroyed.
    pub destroying: u64,
    /// Destroyed; a tombstone is left.
    pub destroyed: u64,
}

/// Keys made ahead.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Keys {
    /// Ready.
    pub ready: usize,
    /// How many there should be.
    pub wanted: usize,
    /// Tracks that had to wait for one: recorded from when it was there.
    pub refused: u64,
}

/// `RLIMIT_MEMLOCK` and what is used of it, in bytes; no limit is `None`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Memlock {
    /// The limit.
    pub limit: Option<u64>,
    /// Locked now by the whole process.
    pub locked: u64,
    /// For how many more keys there is room.
    pub keys_left: Option<u64>,
}

/// The encoder pool.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Pool {
    /// Threads.
    pub threads: usize,
    /// Faults of tracks.
    pub faults: u64,
    /// Times that a ring filled so far that G.711 was kept as it came.
    pub overloads: u64,
    /// Frames kept as they came because of that.
    pub kept_by_overload: u64,
    /// Frames that were not of their codec.
    pub undecodable: u64,
    /// Entries lost because more waited for the store than may.
    pub lost_to_store: u64,
    /// Bytes that wait, sealed, for the store now.
    pub waiting_bytes: u64,
}

/// What the bookkeeper writes to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct BooksState {
    /// Rows that wait in memory.
    pub rows_waiting: usize,
    /// Rows given up.
    pub rows_lost: u64,
    /// Groups the catalogue did not take at once.
    pub catalogue_faults: u64,
    /// Flushes that failed.
    pub sync_faults: u64,
    /// Free bytes in the store.
    pub store_free: Option<u64>,
}

/// The roster in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RosterState {
    /// Its version.
    pub version: u64,
    /// Managers on it.
    pub managers: usize,
    /// Recovery keys on it.
    pub recovery: usize,
}

/// The keeper's work.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Expiry {
    /// Destroyed since start.
    pub destroyed: u64,
    /// Due and not destroyed yet.
    pub overdue: u64,
    /// By how much the wall clock jumped, where it is not believed; nothing is destroyed then.
    pub clock_jump_ms: Option<i64>,
}

impl Status {
    /// What concerns telling, pausing and listening; lines without anything to say are left out.
    fn telling(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.standings_last_day.is_empty() {
            let counts: Vec<String> = self
                .standings_last_day
                .iter()
                .map(|(standing, n)| format!("{n} {}", standing.replace('_', " ")))
                .collect();
            writeln!(f, "parties     {}", counts.join(", "))?;
        }
        for prompt in &self.prompts.prompts {
            let state = if prompt.usable { "usable" } else { "NOT USABLE" };
            let said = prompt.said.as_deref().map(|said| format!("; {said}")).unwrap_or_default();
            writeln!(f, "prompt      {} version {} ({}): {state}{said}", prompt.id, prompt.version, prompt.language)?;
        }
        for line in &self.told_only_by_module {
            writeln!(
                f,
                "line        {}: {} calls told by the module alone; its dialplan can answer, run callvault_notice and then ring",
                line.line, line.calls
            )?;
        }
        for pause in &self.pauses {
            writeln!(f, "paused      {} since {}, from leg {}", pause.recording, pause.since_ms, pause.leg)?;
        }
        let pauses = self.pause_report;
        if pauses.ended > 0 {
            writeln!(
                f,
                "pauses      {} since start, {} ended by themselves, the longest {} s, {} s altogether",
                pauses.ended,
                pauses.by_itself,
                pauses.longest_ms / 1000,
                pauses.total_ms / 1000
            )?;
        }
        let taps = self.tap_watch;
        if taps.removed > 0 || taps.foreign > 0 {
            writeln!(
                f,
                "taps        {} taken off by others, {} put back, {} missing now; {} of others seen, {} listeners hung up",
                taps.removed, taps.repaired, taps.missing, taps.foreign, taps.listeners_hung_up
            )?;
        }
        if taps.media_returned > 0 || taps.media_not_returned > 0 {
            writeln!(
                f,
                "media       {} calls brought back to this host, {} not",
                taps.media_returned, taps.media_not_returned
            )?;
        }
        for call in &self.unreconciled_calls {
            let id = call.recording.map_or_else(|| "no id".to_owned(), |id| id.to_string());
            writeln!(f, "NO OUTCOME  leg {} ({id}), found {}", call.leg, call.found_at_ms)?;
        }
        if self.unreconciled > self.unreconciled_calls.len() as u64 {
            writeln!(f, "NO OUTCOME  {} calls altogether", self.unreconciled)?;
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callvault {} on {}: {}", self.version, self.instance, self.state)?;
        if let Some(because) = &self.cannot_record_because {
            write!(f, "; {because}")?;
        }
        writeln!(f)?;
        writeln!(f, "now         {} UTC, running since {}", self.now_ms, self.started_at_ms)?;
        writeln!(f, "calls       {} recordings being made, {} legs", self.active, self.legs)?;
        write!(f, "last day    {} recorded", self.last_day.recorded)?;
        for (reason, n) in &self.last_day.not_recorded {
            write!(f, ", {n} not_recorded({reason})")?;
        }
        writeln!(f)?;
        self.telling(f)?;
        writeln!(
            f,
            "kept        {} recordings, {} without audio, {} destroyed, {} overdue",
            self.recordings.kept, self.recordings.none, self.recordings.destroyed, self.expiry.overdue
        )?;
        writeln!(
            f,
            "keys        {} of {} ready, {} tracks had to wait for one",
            self.keys.ready, self.keys.wanted, self.keys.refused
        )?;
        match self.memlock.limit {
            Some(limit) => writeln!(
                f,
                "memory      {} of {} KiB locked, room for {} more keys",
                self.memlock.locked / 1024,
                limit / 1024,
                self.memlock.keys_left.unwrap_or(0)
            )?,
            None => writeln!(f, "memory      {} KiB locked, no limit", self.memlock.locked / 1024)?,
        }
        writeln!(
            f,
            "frames      {} taken, {} lost to full rings, {} oversized",
            self.taps.frames, self.taps.ring_full, self.taps.oversized
        )?;
        writeln!(
            f,
            "encoding    {} threads, {} faults of tracks, {} overloads; {} KiB wait for the store, {} packets lost to it",
            self.pool.threads,
            self.pool.faults,
            self.pool.overloads,
            self.pool.waiting_bytes / 1024,
            self.pool.lost_to_store
        )?;
        write!(f, "catalogue   {} rows waiting, {} lost", self.books.rows_waiting, self.books.rows_lost)?;
        match self.books.store_free {
            Some(free) => writeln!(f, "; {} MiB free in the store", free >> 20)?,
            None => writeln!(f, "; free space of the store unknown")?,
        }
        match self.roster {
            Some(roster) => writeln!(
                f,
                "roster      version {}, {} managers, {} recovery keys",
                roster.version, roster.managers, roster.recovery
            )?,
            None => writeln!(f, "roster      none")?,
        }
        writeln!(f, "released    {} copies, {} refused", self.released, self.releases_refused)?;
        if let Some(jump) = self.expiry.clock_jump_ms {
            writeln!(f, "clock       jumped by {} s: nothing is destroyed until it is confirmed", jump / 1000)?;
        }
        if self.panics > 0 || self.answers_late > 0 {
            writeln!(f, "faults      {} panics caught, {} answers late", self.panics, self.answers_late)?;
        }
        for alarm in &self.alarms {
            writeln!(f, "ALARM       {}: {}", alarm.code, alarm.text)?;
        }
        Ok(())
    }
}
