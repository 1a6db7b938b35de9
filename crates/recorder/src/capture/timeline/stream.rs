//! One RTP stream (or one run of frames without timestamps) and its place on the track.
use super::{Arrival, DRIFT_US, GRAIN_US, STEP_US, TICK_US, WINDOW_US};

/// Timestamps to places, and how far arrival has been from them lately.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) timed: bool,
    pub(super) clock_rate: u32,
    pub(super) next_sequence: u16,
    /// Late packets since the last that was not.
    pub(super) late_run: u32,
    anchor: u32,
    /// The place of the anchor's timestamp; without timestamps the place of the next frame.
    anchor_us: i64,
    /// What is still to be cut because the stream runs ahead.
    debt_us: i64,
    window: Option<Window>,
    /// The least delay of the last window.
    least_us: i64,
    /// What of that is the rhythm in which the host reads.
    rhythm_us: i64,
    /// Its steps have added up to more than a rhythm: they are drift.
    steps_are_drift: bool,
}

#[derive(Debug)]
struct Window {
    since: i64,
    least: i64,
}

impl Stream {
    pub(super) fn new(first: &Arrival, timed: bool, place: i64) -> Self {
        Self {
            timed,
            clock_rate: first.clock_rate,
            next_sequence: first.sequence,
            late_run: 0,
            anchor: first.timestamp,
            anchor_us: place,
            debt_us: 0,
            window: None,
            least_us: 0,
            rhythm_us: 0,
            steps_are_drift: false,
        }
    }

    /// Whether a frame can be of this stream at all.
    pub(super) fn carries(&self, arrival: &Arrival, timed: bool) -> bool {
        self.timed == timed && (!timed || self.clock_rate == arrival.clock_rate)
    }

    /// The place of a timestamp; without timestamps that of the next frame.
    pub(super) fn position(&self, timestamp: u32) -> i64 {
        if !self.timed {
            return self.anchor_us;
        }
        self.anchor_us + microseconds(i64::from(timestamp.wrapping_sub(self.anchor).cast_signed()), self.clock_rate)
    }

    /// All that follows lies this much later.
    pub(super) fn shift(&mut self, by: i64) {
        self.anchor_us += by;
    }

    /// How much of a frame's beginning is to be cut because the stream runs ahead: of samples what is owed, of a
    /// coded frame all or nothing.
    pub(super) fn take_debt(&mut self, overlap: i64, duration: i64, divisible: bool) -> i64 {
        if divisible {
            let paid = overlap.min(duration).min(self.debt_us);
            self.debt_us -= paid;
            return paid;
        }
        let owed = std::mem::take(&mut self.debt_us);
        if owed > 0 && overlap + GRAIN_US >= duration { duration } else { 0 }
    }

    /// A frame was placed and ends there.
    pub(super) fn follow(&mut self, arrival: &Arrival, end: i64) {
        self.next_sequence = arrival.sequence.wrapping_add(1);
        if !self.timed {
            self.anchor_us = end;
            return;
        }
        // The anchor follows in whole seconds, which are exact, so that timestamps may wrap around.
        let ahead = arrival.timestamp.wrapping_sub(self.anchor).cast_signed();
        let seconds = ahead.cast_unsigned() / self.clock_rate;
        if ahead > 0 && seconds > 0 {
            self.anchor = self.anchor.wrapping_add(seconds * self.clock_rate);
            self.anchor_us += i64::from(seconds) * 1_000_000;
        }
    }

    /// Arrival leapt, and what has come since is so late: a pause, where that is more than the rhythm's.
    pub(super) fn leapt(&mut self, late: i64, duration: i64) {
        self.window = None;
        if self.is_rhythm(late, duration) {
            (self.least_us, self.rhythm_us) = (late, late);
        } else {
            self.shift(late);
            (self.least_us, self.rhythm_us) = (0, 0);
        }
    }

    /// The drift rule: a frame that came `at` was placed at `start`.
    pub(super) fn watch(&mut self, at: i64, start: i64, divisible: bool, duration: i64) {
        let delay = at - start;
        let window = self.window.get_or_insert(Window { since: at, least: delay });
        window.least = window.least.min(delay);
        if at < window.since + WINDOW_US {
            return;
        }
        let least = window.least;
        self.window = None;
        let step = least - std::mem::replace(&mut self.least_us, least);
        if step.abs() > STEP_US {
            if self.is_rhythm(self.rhythm_us + step, duration) {
                self.rhythm_us += step;
            } else {
                self.steps_are_drift = true;
                self.rhythm_us = 0;
            }
        }
        let crept = least - self.rhythm_us;
        if crept > DRIFT_US {
            self.shift(crept);
            self.least_us -= crept;
        } else if divisible && crept < -DRIFT_US {
            self.owe(-crept);
        } else if !divisible && -crept > (duration * 3 / 4).max(DRIFT_US) {
            self.owe(duration);
        }
    }

    /// Whether a host that reads a stream of such packets may be so late, or so early, with each.
    fn is_rhythm(&self, late: i64, duration: i64) -> bool {
        late.abs() <= if self.steps_are_drift { DRIFT_US } else { duration + TICK_US }
    }

    fn owe(&mut self, us: i64) {
        self.debt_us = us;
        self.least_us += us;
        self.shift(-us);
    }
}

/// Units of a timestamp in microseconds.
pub(super) fn microseconds(ticks: i64, clock_rate: u32) -> i64 {
    ticks * 1_000_000 / i64::from(clock_rate.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_exact_after_days_of_wrapping_timestamps() {
        let first = Arrival {
            at_us: 0,
            timestamp: u32::MAX - 100,
            sequence: 65_530,
            duration_us: 20_000,
            clock_rate: 48_000,
            divisible: false,
        };
        let mut stream = Stream::new(&first, true, 0);
        let mut timestamp = first.timestamp;
        for frame in 0..10_000_000_i64 {
            assert_eq!(stream.position(timestamp), frame * 20_000);
            stream.follow(&Arrival { timestamp, ..first }, (frame + 1) * 20_000);
            timestamp = timestamp.wrapping_add(960);
        }
    }
}
