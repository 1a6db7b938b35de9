//! How calls ended and how parties stood, counted by the hour for the last day and altogether since start.
use std::collections::BTreeMap;

use serde::Serialize;

use crate::evidence::Standing;
use crate::policy::{NotRecorded, Outcome};
use crate::time::UnixMillis;

const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 24;

/// Counts of outcomes. `recorded` and each reason of `not_recorded`, reasons that did not occur left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Calls that were recorded.
    pub recorded: u64,
    /// Calls that were not, by reason.
    pub not_recorded: BTreeMap<&'static str, u64>,
}

impl OutcomeCounts {
    fn add(&mut self, outcome: Outcome, n: u64) {
        match outcome {
            Outcome::Recorded => self.recorded += n,
            Outcome::NotRecorded(reason) => *self.not_recorded.entry(reason.as_str()).or_default() += n,
        }
    }
}

/// How often parties came to stand so, by the standing's word; those that did not occur left out.
pub type StandingCounts = BTreeMap<&'static str, u64>;

/// Hour by hour, the hours of the last day; older ones are forgotten as time goes on.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hours: BTreeMap<i64, Hour>,
    total: Hour,
}

#[derive(Debug, Default, Clone, Copy)]
struct Hour {
    recorded: u64,
    not_recorded: [u64; NotRecorded::ALL.len()],
    stood: [u64; Standing::ALL.len()],
}

impl Hour {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Recorded => self.recorded += 1,
            Outcome::NotRecorded(reason) => {
                if let Some(place) = NotRecorded::ALL.iter().position(|&known| known == reason) {
                    self.not_recorded[place] += 1;
                }
            }
        }
    }

    fn stood(&mut self, standing: Standing) {
        if let Some(place) = Standing::ALL.iter().position(|&known| known == standing) {
            self.stood[place] += 1;
        }
    }

    fn pour_standings(self, counts: &mut StandingCounts) {
        for (standing, n) in Standing::ALL.into_iter().zip(self.stood).filter(|(_, n)| *n > 0) {
            *counts.entry(standing.as_str()).or_default() += n;
        }
    }

    fn pour_into(self, counts: &mut OutcomeCounts) {
        counts.recorded += self.recorded;
        for (reason, n) in NotRecorded::ALL.into_iter().zip(self.not_recorded) {
            if n > 0 {
                counts.add(Outcome::NotRecorded(reason), n);
            }
        }
    }
}

impl Tally {
    /// One call ended.
    pub(super) fn count(&mut self, now: UnixMillis, outcome: Outcome) {
        let hour = now.0.div_euclid(HOUR_MS);
        self.hours.entry(hour).or_default().add(outcome);
        self.total.add(outcome);
        self.hours.retain(|&known, _| known > hour - HOURS);
    }

    /// A party came to stand so.
    pub(super) fn stood(&mut self, now: UnixMillis, standing: Standing) {
        let hour = now.0.div_euclid(HOUR_MS);
        self.hours.entry(hour).or_default().stood(standing);
        self.total.stood(standing);
    }

    /// Standings of the last day, to the hour.
    pub(super) fn standings_of_last_day(&self, now: UnixMillis) -> StandingCounts {
        let mut counts = StandingCounts::new();
        let hour = now.0.div_euclid(HOUR_MS);
        self.hours.range(hour - HOURS + 1..).for_each(|(_, known)| known.pour_standings(&mut counts));
        counts
    }

    /// Standings since start.
    pub(super) fn standings(&self) -> StandingCounts {
        let mut counts = StandingCounts::new();
        self.total.pour_standings(&mut counts);
        counts
    }

    /// What the catalogue knows of an hour before this start: `recorded` or a reason's word, and how many. Not in the
    /// total, which is since start.
    pub(super) fn bring_over<'a>(&mut self, hour: UnixMillis, former: impl Iterator<Item = (&'a str, u64)>) {
        let hour = self.hours.entry(hour.0.div_euclid(HOUR_MS)).or_default();
        for (word, n) in former {
            match NotRecorded::ALL.iter().position(|known| known.as_str() == word) {
                Some(place) => hour.not_recorded[place] += n,
                None => hour.recorded += n,
            }
        }
    }

    /// Outcomes of the last day, to the hour.
    pub(super) fn last_day(&self, now: UnixMillis) -> OutcomeCounts {
        let hour = now.0.div_euclid(HOUR_MS);
        let mut counts = OutcomeCounts::default();
        self.hours.range(hour - HOURS + 1..).for_each(|(_, known)| known.pour_into(&mut counts));
        counts
    }

    /// Outcomes since start.
    pub(super) fn total(&self) -> OutcomeCounts {
        let mut counts = OutcomeCounts::default();
        self.total.pour_into(&mut counts);
        counts
    }
}

/// The beginnings of the last day's hours, the newest first.
pub(super) fn last_hours(now: UnixMillis) -> impl Iterator<Item = UnixMillis> {
    let hour = now.0.div_euclid(HOUR_MS);
    (0..HOURS).map(move |back| UnixMillis((hour - back) * HOUR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rec_02_outcomes_are_counted_by_reason_and_forgotten_after_a_day() {
        let mut tally = Tally::default();
        let now = UnixMillis(1_700_000_000_000);
        tally.count(now, Outcome::Recorded);
        tally.count(now, Outcome::NotRecorded(NotRecorded::Internal));
        tally.count(UnixMillis(now.0 + 20 * HOUR_MS), Outcome::NotRecorded(NotRecorded::Internal));
        let day = tally.last_day(UnixMillis(now.0 + 20 * HOUR_MS));
        assert_eq!((day.recorded, day.not_recorded["internal"]), (1, 2));
        let later = tally.last_day(UnixMillis(now.0 + 30 * HOUR_MS));
        assert_eq!((later.recorded, later.not_recorded["internal"]), (0, 1));
        assert_eq!(tally.total().not_recorded["internal"], 2);
    }

    #[test]
    fn not_04_standings_are_counted_by_their_words() {
        let mut tally = Tally::default();
        let now = UnixMillis(1_700_000_000_000);
        for standing in [Standing::Informed, Standing::Objected, Standing::Objected] {
            tally.stood(now, standing);
        }
        let expected = StandingCounts::from([("informed", 1), ("objected", 2)]);
        assert_eq!(tally.standings_of_last_day(now), expected);
        assert_eq!(tally.standings_of_last_day(UnixMillis(now.0 + 25 * HOUR_MS)), StandingCounts::new());
        assert_eq!(tally.standings(), expected);
    }
}
