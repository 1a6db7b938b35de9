//! One RTP stream (or one run of frames without timestamps) and its place on the track.
use super::{Arrival, DRIFT_US, GRAIN_US, WINDOW_US};

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

    /// The delays seen so far say nothing of those to come.
    pub(super) fn forget_delays(&mut self) {
        self.window = None;
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
        if least > DRIFT_US {
            self.shift(least);
        } else if divisible && least < -DRIFT_US {
            self.owe(-least);
        } else if !divisible && -least > (duration * 3 / 4).max(DRIFT_US) {
            self.owe(duration);
        }
    }

    fn owe(&mut self, us: i64) {
        self.debt_us = us;
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
