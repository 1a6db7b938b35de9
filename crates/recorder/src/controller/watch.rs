//! What is remembered of the host's doings and of calls in progress beside the recordings themselves: taps that others
//! touched, prompts, lines, pauses, calls that nobody can account for. Bounded, in memory, without numbers of people.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use crate::ids::{LegKey, LegUuid, RecordingId};
use crate::time::UnixMillis;

const DAY_MS: i64 = 86_400_000;
/// How many lines that only the module tells are remembered.
const LINES: usize = 256;
/// How many unreconciled calls are named; all are counted.
const NAMED: usize = 32;
/// How many recordings that were none of their own are remembered: their ids may still be on legs that hang up.
const MERGED: usize = 4096;

/// A prompt of the policy as the host's side found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptState {
    /// Its id in the configuration.
    pub id: String,
    /// Its language.
    pub language: String,
    /// Its version.
    pub version: String,
    /// Whether a notice with it counts. Calls that need one that does not are not recorded.
    pub usable: bool,
    /// What is wrong with it, or worth knowing of it; one sentence.
    pub said: Option<String>,
}

/// All prompts of the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PromptsState {
    /// In the order of the configuration.
    pub prompts: Vec<PromptState>,
}

/// One of the company's lines whose callers heard the notice only because the module played it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldLine {
    /// The company's own number, as it was dialled; at most 64 printable characters.
    pub line: String,
    /// How many calls of the last day, or since start where that is shorter.
    pub calls: u64,
    /// The latest, UTC.
    pub last_at_ms: UnixMillis,
}

/// A pause that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningPause {
    /// Whose capture is paused.
    pub recording: RecordingId,
    /// The leg from whose side it came.
    pub leg: LegUuid,
    /// Since when, UTC.
    pub since_ms: UnixMillis,
}

/// Pauses since start, so that one that hides something stands out (REC-13).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PauseReport {
    /// How many ended.
    pub ended: u64,
    /// How many of them by themselves: nobody said "go on".
    pub by_itself: u64,
    /// The longest.
    pub longest_ms: u64,
    /// All of them together.
    pub total_ms: u64,
}

/// An answered call in scope of which the recorder knows no outcome (REC-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreconciledCall {
    /// The host's uuid of its leg.
    pub leg: LegUuid,
    /// The id that its CDR names, where it names one.
    pub recording: Option<RecordingId>,
    /// When it was found, UTC.
    pub found_at_ms: UnixMillis,
}

/// Taps, ours and others'. Counts are since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TapWatch {
    /// Taps of ours that somebody took off a leg.
    pub removed: u64,
    /// Those that were put back.
    pub repaired: u64,
    /// Legs whose tap is off now.
    pub missing: usize,
    /// Taps of others on legs in scope.
    pub foreign: u64,
    /// Listeners that were hung up because the policy says so.
    pub listeners_hung_up: u64,
    /// Calls whose media was brought back to this host.
    pub media_returned: u64,
    /// Calls whose media could not be brought back.
    pub media_not_returned: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) taps: TapWatch,
    pub(super) prompts: PromptsState,
    missing: BTreeSet<LegKey>,
    tapped_by_others: BTreeSet<LegKey>,
    lines: BTreeMap<String, Line>,
    pauses: BTreeMap<RecordingId, RunningPause>,
    pub(super) pause_report: PauseReport,
    unreconciled: VecDeque<UnreconciledCall>,
    unreconciled_since: u64,
    merged: BTreeSet<RecordingId>,
    merged_in_order: VecDeque<RecordingId>,
}

#[derive(Debug)]
struct Line {
    calls: VecDeque<(i64, u64)>,
    last: UnixMillis,
}

impl Watch {
    /// One more call was told by the module alone on this line.
    pub(super) fn told_only(&mut self, line: &str, now: UnixMillis) {
        let name: String = line.chars().take(64).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect();
        if name.is_empty() {
            return;
        }
        if !self.lines.contains_key(&name) && self.lines.len() >= LINES {
            let oldest = self.lines.iter().min_by_key(|(_, line)| line.last).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.lines.remove(&name));
        }
        let line = self.lines.entry(name).or_insert_with(|| Line { calls: VecDeque::new(), last: now });
        line.last = now;
        let hour = now.0.div_euclid(DAY_MS / 24);
        match line.calls.back_mut().filter(|(known, _)| *known == hour) {
            Some((_, n)) => *n += 1,
            None => line.calls.push_back((hour, 1)),
        }
        line.calls.retain(|&(known, _)| known > hour - 24);
    }

    /// Lines of the last day, the busiest first.
    pub(super) fn lines(&self, now: UnixMillis) -> Vec<ToldLine> {
        let since = now.0.div_euclid(DAY_MS / 24) - 24;
        let mut lines: Vec<ToldLine> = self
            .lines
            .iter()
            .map(|(name, line)| ToldLine {
                line: name.clone(),
                calls: line.calls.iter().filter(|(hour, _)| *hour > since).map(|(_, n)| n).sum(),
                last_at_ms: line.last,
            })
            .filter(|line| line.calls > 0)
            .collect();
        lines.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.line.cmp(&b.line)));
        lines
    }

    /// Our tap is off that leg; answers how many legs lack theirs.
    pub(super) fn tap_removed(&mut self, leg: LegKey) {
        self.taps.removed += 1;
        self.missing.insert(leg);
        self.taps.missing = self.missing.len();
    }

    /// It is back; answers whether no leg lacks its tap any more.
    pub(super) fn tap_repaired(&mut self, leg: LegKey) -> bool {
        self.taps.repaired += 1;
        self.missing.remove(&leg);
        self.taps.missing = self.missing.len();
        self.missing.is_empty()
    }

    pub(super) fn foreign_tap(&mut self, leg: LegKey) {
        self.taps.foreign += 1;
        self.tapped_by_others.insert(leg);
    }

    /// The leg is gone, and what was wrong with it alone. Answers whether the last tap that was missing is gone with
    /// it, and whether the last leg that others listen to is.
    pub(super) fn forget(&mut self, leg: LegKey) -> (bool, bool) {
        let missed = self.missing.remove(&leg);
        let listened_to = self.tapped_by_others.remove(&leg);
        self.taps.missing = self.missing.len();
        (missed && self.missing.is_empty(), listened_to && self.tapped_by_others.is_empty())
    }

    pub(super) fn paused(&mut self, recording: RecordingId, leg: LegUuid, since_ms: UnixMillis) {
        self.pauses.entry(recording).or_insert(RunningPause { recording, leg, since_ms });
    }

    pub(super) fn pause_over(&mut self, recording: RecordingId) {
        self.pauses.remove(&recording);
    }

    /// A pause ended after so long.
    pub(super) fn pause_lasted(&mut self, recording: RecordingId, lasted_ms: u64, by_itself: bool) {
        self.pause_over(recording);
        let report = &mut self.pause_report;
        report.ended += 1;
        report.by_itself += u64::from(by_itself);
        report.longest_ms = report.longest_ms.max(lasted_ms);
        report.total_ms = report.total_ms.saturating_add(lasted_ms);
    }

    pub(super) fn pauses(&self) -> Vec<RunningPause> {
        self.pauses.values().cloned().collect()
    }

    /// That recording was none of its own.
    pub(super) fn merged(&mut self, recording: RecordingId) {
        if self.merged.insert(recording) {
            self.merged_in_order.push_back(recording);
        }
        if self.merged_in_order.len() > MERGED
            && let Some(oldest) = self.merged_in_order.pop_front()
        {
            self.merged.remove(&oldest);
        }
    }

    pub(super) fn was_merged(&self, recording: RecordingId) -> bool {
        self.merged.contains(&recording)
    }

    /// A call that nobody can account for.
    pub(super) fn unreconciled(&mut self, call: UnreconciledCall) {
        self.unreconciled_since += 1;
        if self.unreconciled.len() == NAMED {
            self.unreconciled.pop_front();
        }
        self.unreconciled.push_back(call);
    }

    /// How many are neither read by an operator nor older than a day, and the latest of them.
    pub(super) fn unreconciled_calls(&self) -> (u64, Vec<UnreconciledCall>) {
        (self.unreconciled_since, self.unreconciled.iter().cloned().collect())
    }

    /// An operator has read of them; answers how many there were.
    pub(super) fn reconciled_by_hand(&mut self) -> u64 {
        self.unreconciled.clear();
        std::mem::take(&mut self.unreconciled_since)
    }

    /// What is older than a day is over; answers whether the last one is.
    pub(super) fn forget_old(&mut self, now: UnixMillis) -> bool {
        let there_was = self.unreconciled_since > 0;
        if self.unreconciled.back().is_some_and(|last| now.0 - last.found_at_ms.0 >= DAY_MS) {
            self.reconciled_by_hand();
        }
        there_was && self.unreconciled_since == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_764_000_000_000);

    fn id(n: u8) -> RecordingId {
        RecordingId::from_bytes([n; 16])
    }

    #[test]
    fn lines_that_only_the_module_tells_are_counted_for_a_day_and_not_without_bound() {
        let mut watch = Watch::default();
        watch.told_only("0201234567", NOW);
        watch.told_only("0201234567", NOW);
        watch.told_only("sales\r\n", NOW);
        let lines = watch.lines(NOW);
        assert_eq!(
            lines.iter().map(|l| (l.line.as_str(), l.calls)).collect::<Vec<_>>(),
            [("0201234567", 2), ("sales??", 1)]
        );
        assert_eq!(watch.lines(UnixMillis(NOW.0 + DAY_MS)), []);
        for n in 0..2_000 {
            watch.told_only(&n.to_string(), UnixMillis(NOW.0 + n));
        }
        let later = watch.lines(UnixMillis(NOW.0 + 2_000));
        assert_eq!(later.len(), LINES);
        assert!(later.iter().any(|line| line.line == "1999") && !later.iter().any(|line| line.line == "0"));
    }

    /// REC-04: the trouble is over when the last tap is back, or the last such leg gone.
    #[test]
    fn a_missing_tap_is_missed_until_it_is_back_or_its_leg_is_gone() {
        let mut watch = Watch::default();
        watch.tap_removed(LegKey(1));
        watch.tap_removed(LegKey(2));
        assert!(!watch.tap_repaired(LegKey(1)));
        assert_eq!((watch.taps.removed, watch.taps.repaired, watch.taps.missing), (2, 1, 1));
        assert_eq!(watch.forget(LegKey(1)), (false, false));
        assert_eq!(watch.forget(LegKey(2)), (true, false));
    }

    /// REC-02: what does not add up stays until somebody reads it, or for a day.
    #[test]
    fn unreconciled_calls_stay_for_a_day_or_until_they_are_read() {
        let mut watch = Watch::default();
        let call =
            |n: u8| UnreconciledCall { leg: LegUuid::from_host(&[b'a' + n % 26]), recording: None, found_at_ms: NOW };
        (0..40).for_each(|n| watch.unreconciled(call(n)));
        let (all, named) = watch.unreconciled_calls();
        assert_eq!((all, named.len()), (40, NAMED));
        assert!(!watch.forget_old(UnixMillis(NOW.0 + DAY_MS - 1)));
        assert!(watch.forget_old(UnixMillis(NOW.0 + DAY_MS)));
        assert!(!watch.forget_old(UnixMillis(NOW.0 + DAY_MS)));
        watch.unreconciled(call(1));
        assert_eq!(watch.reconciled_by_hand(), 1);
        assert_eq!(watch.unreconciled_calls(), (0, Vec::new()));
    }

    #[test]
    fn merged_recordings_are_remembered_for_as_long_as_their_legs_hang_up() {
        let mut watch = Watch::default();
        watch.merged(id(1));
        assert!(watch.was_merged(id(1)) && !watch.was_merged(id(2)));
        for n in 0..=MERGED {
            let mut bytes = [9; 16];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            watch.merged(RecordingId::from_bytes(bytes));
        }
        assert!(!watch.was_merged(id(1)));
    }
}
