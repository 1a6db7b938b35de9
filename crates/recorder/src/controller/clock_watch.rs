//! Whether the wall clock can be believed: a jump against the monotonic clock destroys nothing until a person has
//! looked (decision 12, E09).
use std::time::Duration;

use crate::time::{Monotonic, UnixMillis};

/// How far the wall clock may drift from the monotonic one before it is doubted.
const TOLERANCE_MS: i64 = 5 * 60 * 1000;
/// How long a first, refused command counts towards the confirming second.
const CONFIRMATION: Duration = Duration::from_secs(10 * 60);

/// Compares both clocks at each look with where they were when the wall clock was last believed.
#[derive(Debug)]
pub(super) struct ClockWatch {
    believed: (UnixMillis, Monotonic),
    jump_ms: Option<i64>,
    /// When a person was refused, and for which jump.
    asked: Option<(Monotonic, i64)>,
}

impl ClockWatch {
    /// Begins by believing the clock, unless it stands before `last_known`, the newest moment that was ever written.
    pub(super) fn begin(now: UnixMillis, at: Monotonic, last_known: Option<UnixMillis>) -> Self {
        let behind = last_known.map_or(0, |known| now.0.saturating_sub(known.0).min(0));
        let believed = (UnixMillis(now.0.saturating_sub(behind)), at);
        Self { believed, jump_ms: (behind < -TOLERANCE_MS).then_some(behind), asked: None }
    }

    /// Looks at both clocks. A jump is remembered until it is undone or confirmed.
    pub(super) fn look(&mut self, now: UnixMillis, at: Monotonic) {
        let (wall, monotonic) = self.believed;
        let elapsed = i64::try_from(at.since(monotonic).as_millis()).unwrap_or(i64::MAX);
        let jump = now.0.saturating_sub(wall.0.saturating_add(elapsed));
        if jump.abs() > TOLERANCE_MS {
            self.jump_ms = Some(jump);
        } else {
            *self = Self { believed: (now, at), jump_ms: None, asked: None };
        }
    }

    /// By how much the clock jumped, in milliseconds, where it is not believed.
    pub(super) fn jump_ms(&self) -> Option<i64> {
        self.jump_ms
    }

    /// An operator asks for what needs a true clock. The first time it is refused, with the jump, so that somebody
    /// looks; the same question again within ten minutes confirms the clock as it stands.
    pub(super) fn confirm(&mut self, now: UnixMillis, at: Monotonic) -> Result<(), i64> {
        self.look(now, at);
        let Some(jump) = self.jump_ms else { return Ok(()) };
        match self.asked {
            Some((asked, known)) if at.since(asked) <= CONFIRMATION && (jump - known).abs() <= TOLERANCE_MS => {
                *self = Self { believed: (now, at), jump_ms: None, asked: None };
                Ok(())
            }
            _ => {
                self.asked = Some((at, jump));
                Err(jump)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn later(at: Monotonic, seconds: u64) -> Monotonic {
        at.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn e09_a_jump_is_doubted_until_it_is_undone() {
        let (now, at) = (UnixMillis(1_000 * DAY_MS), Monotonic(7));
        let mut watch = ClockWatch::begin(now, at, Some(now));
        watch.look(now.plus(Duration::from_secs(3600)), later(at, 3600));
        assert_eq!(watch.jump_ms(), None, "an hour passed on both clocks");
        watch.look(UnixMillis(now.0 + 40 * DAY_MS), later(at, 3660));
        assert!(watch.jump_ms().is_some_and(|jump| jump > 39 * DAY_MS));
        watch.look(now.plus(Duration::from_secs(7200)), later(at, 7200));
        assert_eq!(watch.jump_ms(), None, "the clock was put right again");
    }

    #[test]
    fn e09_the_same_command_twice_confirms_the_clock() {
        let (now, at) = (UnixMillis(1_000 * DAY_MS), Monotonic(7));
        let mut watch = ClockWatch::begin(now, at, None);
        let jumped = UnixMillis(now.0 + 40 * DAY_MS);
        assert_eq!(watch.confirm(jumped, at), Err(40 * DAY_MS));
        assert!(
            watch.confirm(jumped.plus(Duration::from_secs(3600)), later(at, 3600)).is_err(),
            "an hour later is no second word"
        );
        assert_eq!(watch.confirm(jumped.plus(Duration::from_secs(3660)), later(at, 3660)), Ok(()));
        assert_eq!(watch.jump_ms(), None);
    }

    #[test]
    fn e09_a_word_for_one_jump_is_none_for_another() {
        let (now, at) = (UnixMillis(1_000 * DAY_MS), Monotonic(7));
        let mut watch = ClockWatch::begin(now, at, None);
        assert!(watch.confirm(UnixMillis(now.0 + 40 * DAY_MS), at).is_err());
        assert!(watch.confirm(UnixMillis(now.0 + 80 * DAY_MS), at).is_err(), "it jumped on");
        watch.look(now, at);
        assert!(watch.confirm(UnixMillis(now.0 + 80 * DAY_MS), at).is_err(), "it was right in between");
    }

    #[test]
    fn e09_a_clock_that_stands_before_what_was_written_is_doubted_from_the_start() {
        let written = UnixMillis(1_000 * DAY_MS);
        let mut watch = ClockWatch::begin(UnixMillis(written.0 - 10 * DAY_MS), Monotonic(7), Some(written));
        assert_eq!(watch.jump_ms(), Some(-10 * DAY_MS));
        watch.look(written.plus(Duration::from_secs(60)), later(Monotonic(7), 60));
        assert_eq!(watch.jump_ms(), None);
    }
}
