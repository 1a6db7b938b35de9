//! Stretches of time in milliseconds, and how near two lists of them are.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Proof, broken};

/// From (inclusive) to (exclusive), ms from an origin that the context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Its beginning.
    pub from: i64,
    /// Its end.
    pub to: i64,
}

impl Interval {
    /// From one moment to another.
    pub fn new(from: i64, to: i64) -> Self {
        Self { from, to }
    }

    /// How long, ms.
    pub fn length(self) -> i64 {
        self.to - self.from
    }

    /// The same stretch as seen from an origin that lies `by` ms later.
    pub fn seen_from(self, by: i64) -> Self {
        Self { from: self.from - by, to: self.to - by }
    }

    /// Whether both ends are within `tolerance` ms of the other's.
    pub fn is_near(self, other: Self, tolerance: i64) -> bool {
        (self.from - other.from).abs() <= tolerance && (self.to - other.to).abs() <= tolerance
    }

    /// What is common to both, if anything.
    pub fn common(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from < both.to).then_some(both)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{} ms", self.from, self.to)
    }
}

/// The intervals as one line for a failure's text.
pub fn listed(intervals: &[Interval]) -> String {
    if intervals.is_empty() {
        return "never".into();
    }
    intervals.iter().map(Interval::to_string).collect::<Vec<_>>().join(", ")
}

/// Joins intervals that are less than `within` ms apart: a lost packet does not make two utterances.
pub fn joined(intervals: &[Interval], within: i64) -> Vec<Interval> {
    let mut out: Vec<Interval> = Vec::new();
    for &interval in intervals {
        match out.last_mut() {
            Some(last) if interval.from - last.to < within => last.to = last.to.max(interval.to),
            _ => out.push(interval),
        }
    }
    out
}

/// What of `intervals` lies within `window`.
pub fn clipped(intervals: &[Interval], window: Interval) -> Vec<Interval> {
    intervals.iter().filter_map(|interval| interval.common(window)).collect()
}

/// The time that the intervals cover together, ms.
pub fn total(intervals: &[Interval]) -> i64 {
    intervals.iter().map(|interval| interval.length()).sum()
}

/// Fails with both lists unless they pair up, each within `tolerance` ms.
pub fn expect_near(what: &str, expected: &[Interval], found: &[Interval], tolerance: i64) -> Proof {
    let alike = expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| expected.is_near(*found, tolerance));
    if !alike {
        broken!("{what}: due {}; found {}; tolerance {tolerance} ms", listed(expected), listed(found));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_near_when_each_pair_is() {
        let due = [Interval::new(0, 1_000), Interval::new(2_000, 3_000)];
        let heard = [Interval::new(30, 1_020), Interval::new(1_970, 3_039)];
        assert!(expect_near("speech", &due, &heard, 40).is_ok());
        assert!(expect_near("speech", &due, &heard, 20).is_err());
        assert!(expect_near("speech", &due, &heard[..1], 40).is_err());
    }

    #[test]
    fn a_short_hole_joins_and_a_long_one_parts() {
        let pieces = [Interval::new(0, 100), Interval::new(120, 200), Interval::new(400, 500)];
        assert_eq!(joined(&pieces, 50), [Interval::new(0, 200), Interval::new(400, 500)]);
    }
}
