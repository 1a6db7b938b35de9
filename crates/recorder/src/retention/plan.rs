//! What is due and why, as data.
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::catalogue::{DestructionReason, DueRow, OutcomeWord};
use crate::ids::RecordingId;
use crate::time::UnixMillis;

/// What is to be destroyed, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DestructionPlan {
    /// The moment it was made for.
    pub now: UnixMillis,
    /// What is due: begun destructions first, then the oldest.
    pub due: Vec<Due>,
    /// More is due than one batch takes.
    pub more: bool,
}

/// One recording that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The recording.
    pub recording: RecordingId,
    /// Why.
    pub reason: DestructionReason,
    /// Its end.
    pub ended_at_ms: UnixMillis,
    /// Since when it is due.
    pub due_at_ms: UnixMillis,
    /// Its destruction was begun before and not finished.
    pub begun: bool,
    /// Its tracks, each with a key of its own.
    pub tracks: u32,
    /// Its segment files.
    pub segments: u32,
    /// Its released copies, as far as they are known to be here.
    pub copies: u32,
}

/// Picks what is due at `now` where recordings are kept for `retention`, at most `batch` of it.
///
/// A recording's expiry was fixed at its end (RET-01). A shorter retention applies to it all the same, a longer one does
/// not (RET-02): the earlier of the two counts.
pub fn plan(now: UnixMillis, retention: Duration, rows: &[DueRow], batch: usize) -> DestructionPlan {
    let mut due: Vec<Due> = rows.iter().filter_map(|row| due(now, retention, row)).collect();
    due.sort_by_key(|due| (!due.begun, due.due_at_ms, due.recording));
    let more = due.len() > batch;
    due.truncate(batch);
    DestructionPlan { now, due, more }
}

fn due(now: UnixMillis, retention: Duration, row: &DueRow) -> Option<Due> {
    let shortened = row.ended_at.plus(retention);
    let (due_at, reason) = match row.begun {
        Some(reason) => (row.expires_at.min(shortened).min(now), reason),
        None if row.outcome == OutcomeWord::NotRecorded && row.tracks > 0 => {
            (row.ended_at, DestructionReason::NotRecorded)
        }
        None if row.expires_at <= shortened => (row.expires_at, DestructionReason::Expired),
        None => (shortened, DestructionReason::RetentionShortened),
    };
    (due_at <= now).then_some(Due {
        recording: row.id,
        reason,
        ended_at_ms: row.ended_at,
        due_at_ms: due_at,
        begun: row.begun.is_some(),
        tracks: row.tracks,
        segments: row.segments,
        copies: row.copies,
    })
}

impl fmt::Display for DestructionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.due.len() {
            0 => return write!(f, "nothing is due at {}", self.now),
            1 => write!(f, "1 recording is due at {}", self.now)?,
            many => write!(f, "{many} recordings are due at {}", self.now)?,
        }
        for due in &self.due {
            write!(f, "\n{due}")?;
        }
        if self.more {
            write!(f, "\nand more after these")?;
        }
        Ok(())
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: u32, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
        write!(
            f,
            "{}  ended {}  due {}  {}, {}, {}  {}{}",
            self.recording,
            self.ended_at_ms,
            self.due_at_ms,
            many(self.tracks, "track", "tracks"),
            many(self.segments, "segment", "segments"),
            many(self.copies, "released copy", "released copies"),
            self.reason,
            if self.begun { " (begun before)" } else { "" }
        )
    }
}

/// What is known of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockState {
    /// By how many milliseconds it jumped against the monotonic clock since it was last believed; `None` where it did
    /// not, or a person confirmed it.
    pub jump_ms: Option<i64>,
    /// When the audit log was last written to.
    pub last_entry_at: Option<UnixMillis>,
}

/// Why the clock is not believed. Nothing is destroyed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubted {
    /// It jumped.
    #[error("the clock jumped by {} s, so nothing is destroyed; set it right, or confirm it", jump_ms / 1000)]
    Jumped {
        /// How far, in milliseconds.
        jump_ms: i64,
    },
    /// It stands before the audit log's last entry.
    #[error(
        "the clock says {now}, which is before the audit log's last entry of {last}, so nothing is destroyed; set it right"
    )]
    BehindLog {
        /// What the clock says.
        now: UnixMillis,
        /// What the log says.
        last: UnixMillis,
    },
}

/// A jump of more than this is doubted.
const TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// Whether anything may be destroyed by this clock (E09).
pub fn believe(now: UnixMillis, clock: ClockState) -> Result<(), ClockDoubted> {
    if let Some(jump_ms) = clock.jump_ms.filter(|jump| jump.unsigned_abs() > TOLERANCE_MS) {
        return Err(ClockDoubted::Jumped { jump_ms });
    }
    match clock.last_entry_at {
        Some(last) if now < last => Err(ClockDoubted::BehindLog { now, last }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::State;

    const DAY: Duration = Duration::from_secs(86_400);
    const END: UnixMillis = UnixMillis(1_795_518_000_000);

    fn row(n: u8, ended_at: UnixMillis) -> DueRow {
        DueRow {
            id: RecordingId::from_bytes([n; 16]),
            ended_at,
            expires_at: ended_at.plus(30 * DAY),
            outcome: OutcomeWord::Recorded,
            state: State::Kept,
            begun: None,
            tracks: 2,
            segments: 2,
            copies: 0,
        }
    }

    fn reason(plan: &DestructionPlan) -> Option<DestructionReason> {
        plan.due.first().map(|due| due.reason)
    }

    /// RET-01, E10: thirty times 24 hours, whatever a calendar or a time zone says.
    #[test]
    fn a_recording_is_due_720_hours_after_its_end_and_not_a_millisecond_before() {
        for ended_at in
            ["2026-03-28T23:59:59.999Z", "2026-10-24T12:00:00Z", "2028-01-31T00:00:00Z", "2026-12-02T00:00:00Z"]
        {
            let ended_at: jiff::Timestamp = ended_at.parse().expect("a moment");
            let row = row(1, UnixMillis(ended_at.as_millisecond()));
            let due_at = row.ended_at.plus(Duration::from_secs(720 * 3600));
            assert_eq!(reason(&plan(UnixMillis(due_at.0 - 1), 30 * DAY, std::slice::from_ref(&row), 9)), None);
            assert_eq!(reason(&plan(due_at, 30 * DAY, &[row], 9)), Some(DestructionReason::Expired));
        }
    }

    /// RET-02.
    #[test]
    fn a_shorter_retention_applies_to_what_is_there_and_a_longer_one_does_not() {
        let row = [row(1, END)];
        assert_eq!(reason(&plan(END.plus(5 * DAY), 5 * DAY, &row, 9)), Some(DestructionReason::RetentionShortened));
        assert_eq!(reason(&plan(END.plus(30 * DAY), 30 * DAY + DAY, &row, 9)), Some(DestructionReason::Expired));
    }

    #[test]
    fn what_was_captured_of_a_call_that_is_not_kept_is_due_at_its_end() {
        let objected = DueRow { outcome: OutcomeWord::NotRecorded, ..row(1, END) };
        assert_eq!(
            reason(&plan(END, 30 * DAY, std::slice::from_ref(&objected), 9)),
            Some(DestructionReason::NotRecorded)
        );
        let without_audio = DueRow { tracks: 0, segments: 0, state: State::None, ..objected };
        assert_eq!(reason(&plan(END, 30 * DAY, &[without_audio], 9)), None);
    }

    /// E20: begun ones first, then the oldest, a batch at a time.
    #[test]
    fn the_oldest_goes_first_and_a_batch_is_no_longer_than_it_may_be() {
        let begun = DueRow { begun: Some(DestructionReason::Expired), state: State::Destroying, ..row(9, END) };
        let rows = [row(3, END), row(1, UnixMillis(END.0 - 2)), row(2, UnixMillis(END.0 - 1)), begun];
        let plan = plan(END.plus(31 * DAY), 30 * DAY, &rows, 3);
        let order: Vec<u8> = plan.due.iter().map(|due| due.recording.bytes()[0]).collect();
        assert_eq!((order, plan.more), (vec![9, 1, 2], true));
    }

    #[test]
    fn a_plan_can_be_read_by_a_person() {
        let shown = DestructionPlan { more: true, ..plan(END.plus(31 * DAY), 30 * DAY, &[row(1, END)], 9) }.to_string();
        assert_eq!(
            shown,
            "1 recording is due at 2026-12-25T11:00:00.000Z\n\
             01010101010101010101010101010101  ended 2026-11-24T11:00:00.000Z  due 2026-12-24T11:00:00.000Z  \
             2 tracks, 2 segments, 0 released copies  its time is over\n\
             and more after these"
        );
        assert_eq!(plan(END, 30 * DAY, &[], 9).to_string(), "nothing is due at 2026-11-24T11:00:00.000Z");
    }

    /// E09.
    #[test]
    fn a_clock_that_jumped_or_stands_before_the_log_destroys_nothing() {
        let clock = |jump_ms, last_entry_at| ClockState { jump_ms, last_entry_at };
        assert_eq!(believe(END, clock(None, Some(END))), Ok(()));
        assert_eq!(believe(END, clock(Some(300_000), None)), Ok(()));
        for jump_ms in [300_001, -300_001, i64::MIN] {
            assert_eq!(believe(END, clock(Some(jump_ms), None)), Err(ClockDoubted::Jumped { jump_ms }));
        }
        let last = UnixMillis(END.0 + 1);
        assert_eq!(believe(END, clock(None, Some(last))), Err(ClockDoubted::BehindLog { now: END, last }));
    }
}
