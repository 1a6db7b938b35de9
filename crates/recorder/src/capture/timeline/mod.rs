//! Where on a track each frame lies. One pure struct, no clock: the discontinuity rule of the recorder.
//!
//! A track's time runs from RTP timestamps (RFC 3550), anchored on the arrival times of the monotonic clock. What it
//! promises (REC-05): steps come out in order, touch and never overlap; a frame lies where its timestamp says, and
//! that place follows its arrival; nothing is stretched; every stretch without audio is a [`Step::Gap`].
//!
//! - **Beginning.** A stream (the first, or one after a jump of timestamp or sequence, an SSRC change, a re-INVITE)
//!   is watched for [`SETTLE_US`]. Its least delayed frame then anchors it: what came late came late for all.
//! - **Jitter** is no gap: a frame that comes late keeps the place its timestamp gives it.
//! - **Rhythm** is none: from one [`WINDOW_US`] to the next the least delay may step by up to a packet and a tick of the
//!   host's timer ([`TICK_US`]), and stay there, because the host begins to read a packet later than before, or no longer
//!   does. Nothing was lost by that, no time stood still, and what is placed stays.
//! - **Drift** is a gap: when the least delay has crept more than [`DRIFT_US`] away from the rhythm's, time has passed that
//!   the stream does not account for, and a gap takes it in. A stream that runs ahead as far loses that much, counted;
//!   frames that cannot be cut go whole, so for them it is most of a frame. Steps that add up to more than a rhythm
//!   can are drift that the host's timer makes steps of; from then on all steps of that stream are.
//! - **A leap in arrival** beyond [`LEAP_US`] while the timestamps go on is decided after [`SETTLE_US`]: a stall in
//!   the network catches up, but for what a rhythm may be behind (no gap), a pause does not (a gap).
//! - **Loss and silence suppression** leave a gap as long as the timestamps say, but no longer than time allows.
//! - **Order**: frames that overtook others wait for them for [`REORDER_US`]; who comes later than that, or twice,
//!   is dropped and counted.
//! - **No timestamps** (loopback, conference), or a sequence number that stands still: each frame follows the last, by
//!   the same rules of drift and leap.
mod step;
mod stream;
#[cfg(test)]
mod tests;

use crate::evidence::GapReason;
pub use step::{Arrival, Step, TimelineCount};
use stream::Stream;

/// How long a new stream is watched before its first frame is placed.
const SETTLE_US: i64 = 150_000;
/// How long a frame waits for one that it overtook.
const REORDER_US: i64 = 60_000;
/// How many sequence numbers may be overtaken.
const REORDER_SPAN: i16 = 8;
/// A sequence number this far back is a late packet; further back it is another stream.
const LATE_SPAN: i16 = 64;
/// So many late packets in a row are another stream.
const LATE_RUN: u32 = 10;
/// Arrival this long after a frame's place is no jitter.
const LEAP_US: i64 = 80_000;
/// Arrival this long before a frame's place: the timestamp jumped.
const JUMP_US: i64 = 300_000;
/// The window over which the least delay is taken.
const WINDOW_US: i64 = 2_000_000;
/// The deviation that is drift when it lasts a window.
const DRIFT_US: i64 = 15_000;
/// A timer of the host reads a packet up to this much later than it could (its usual packet time).
const TICK_US: i64 = 20_000;
/// A change of the least delay from one window to the next by more than this is a step of the rhythm; clocks creep.
const STEP_US: i64 = 5_000;
/// Differences that are rounding, not gaps.
const GRAIN_US: i64 = 5_000;
/// A track never runs this far ahead of arrival: more is not one party's audio.
const LEAD_US: i64 = 1_000_000;
/// Frames that wait at most.
const HELD: usize = 64;

/// The timeline of one track.
#[derive(Debug)]
pub struct Timeline<T> {
    /// The end of what came out.
    end_us: Option<i64>,
    /// The stream that goes on; `None` where the next frame begins one.
    stream: Option<Stream>,
    held: Vec<Held<T>>,
    hold: Hold,
    /// Why there is a gap before the next stream.
    reason: GapReason,
    /// Timestamp and sequence of the last frame that came.
    last: Option<(u32, u16)>,
    count: TimelineCount,
}

/// Why frames wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// None does.
    No,
    /// A stream begins.
    Settling,
    /// Arrival leapt; the stream goes on.
    Leap,
    /// A frame is missing that may have been overtaken.
    Reorder,
}

#[derive(Debug)]
struct Held<T> {
    arrival: Arrival,
    timed: bool,
    after_loss: bool,
    item: T,
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self {
            end_us: None,
            stream: None,
            held: Vec::new(),
            hold: Hold::No,
            reason: GapReason::NotReceived,
            last: None,
            count: TimelineCount::default(),
        }
    }
}

impl<T> Timeline<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next frame as it came out of the ring; `after_loss` where the ring lost frames before it.
    /// What can be placed now is added to `out`.
    pub fn push(&mut self, arrival: Arrival, after_loss: bool, item: T, out: &mut Vec<Step<T>>) {
        self.release_due(signed(arrival.at_us), out);
        let frame = Held { timed: self.is_timed(&arrival), arrival, after_loss, item };
        self.last = Some((arrival.timestamp, arrival.sequence));
        if self.hold != Hold::No {
            if self.belongs_with_held(&frame) {
                self.hold_sorted(frame);
                self.release_sorted(out);
                return;
            }
            self.release_all(out);
        }
        self.classify(frame, out);
    }

    /// Time goes on: what waited long enough is placed. `now_us` from the recording's start.
    pub fn release_until(&mut self, now_us: u64, out: &mut Vec<Step<T>>) {
        self.release_due(signed(now_us), out);
    }

    /// All that waits is placed; the next frame begins a stream, and the gap before it has this reason.
    pub fn discontinue(&mut self, reason: GapReason, out: &mut Vec<Step<T>>) {
        self.release_all(out);
        self.stream = None;
        self.reason = reason;
    }

    /// The end of what was placed, in microseconds from the recording's start; `None` before the first frame.
    pub fn end_us(&self) -> Option<u64> {
        self.end_us.map(unsigned)
    }

    /// What was not placed.
    pub fn count(&self) -> TimelineCount {
        self.count
    }

    /// A timestamp of 0 is none, but for the one time in 2^32 that a stream's own comes to it.
    fn is_timed(&self, arrival: &Arrival) -> bool {
        let stands_still =
            self.last.is_some_and(|(last, sequence)| sequence == arrival.sequence && last != arrival.timestamp);
        if arrival.clock_rate == 0 || stands_still {
            return false;
        }
        arrival.timestamp != 0
            || self.stream.as_ref().is_some_and(|stream| {
                stream.timed
                    && stream.clock_rate == arrival.clock_rate
                    && (stream.position(0) - signed(arrival.at_us)).abs() < JUMP_US
                    && behind(arrival.sequence, stream.next_sequence).abs() <= REORDER_SPAN
            })
    }

    /// Places, holds or drops a frame while none is held.
    fn classify(&mut self, frame: Held<T>, out: &mut Vec<Step<T>>) {
        let at = signed(frame.arrival.at_us);
        let Some(stream) = self.stream.as_mut().filter(|stream| stream.carries(&frame.arrival, frame.timed)) else {
            return self.begin_stream(frame);
        };
        if !frame.timed {
            if frame.after_loss {
                return self.begin_stream(frame);
            }
            if at - stream.position(0) > LEAP_US {
                return self.hold(Hold::Leap, frame);
            }
            return self.place(frame, out);
        }
        let place = stream.position(frame.arrival.timestamp);
        let end = self.end_us.unwrap_or(place);
        let step = behind(frame.arrival.sequence, stream.next_sequence);
        if (-LATE_SPAN..0).contains(&step) && place < end && place > end - JUMP_US.max(2 * LEAP_US) {
            stream.late_run += 1;
            if stream.late_run < LATE_RUN {
                self.count.late += 1;
                return;
            }
            return self.begin_stream(frame);
        }
        stream.late_run = 0;
        if at < place - JUMP_US || place < end - LEAP_US {
            return self.begin_stream(frame);
        }
        if at - place > LEAP_US {
            return self.hold(Hold::Leap, frame);
        }
        if (1..=REORDER_SPAN).contains(&step) && !frame.after_loss {
            return self.hold(Hold::Reorder, frame);
        }
        self.place(frame, out);
    }

    fn begin_stream(&mut self, frame: Held<T>) {
        self.stream = None;
        self.hold(Hold::Settling, frame);
    }

    fn hold(&mut self, why: Hold, frame: Held<T>) {
        self.hold = why;
        self.held.push(frame);
    }

    /// Whether a frame is of the stream whose frames wait.
    fn belongs_with_held(&self, frame: &Held<T>) -> bool {
        let Some(last) = self.held.last() else { return false };
        if frame.timed != last.timed || frame.arrival.clock_rate != last.arrival.clock_rate {
            return false;
        }
        if !frame.timed {
            return !frame.after_loss && signed(frame.arrival.at_us) - signed(last.arrival.at_us) <= LEAP_US;
        }
        let ticks = i64::from(frame.arrival.timestamp.wrapping_sub(last.arrival.timestamp).cast_signed());
        let by_timestamp = stream::microseconds(ticks, frame.arrival.clock_rate);
        let by_arrival = signed(frame.arrival.at_us) - signed(last.arrival.at_us);
        behind(frame.arrival.sequence, last.arrival.sequence).abs() <= LATE_SPAN
            && (by_timestamp - by_arrival).abs() <= JUMP_US
    }

    /// Adds a frame to those that wait, in order of sequence; one that is there already is dropped.
    fn hold_sorted(&mut self, frame: Held<T>) {
        if !frame.timed {
            self.held.push(frame);
            return;
        }
        let overtaken = |next: u16| behind(frame.arrival.sequence, next) < 0;
        let given_up =
            self.hold != Hold::Settling && self.stream.as_ref().is_some_and(|stream| overtaken(stream.next_sequence));
        let at = self.held.iter().rposition(|held| behind(frame.arrival.sequence, held.arrival.sequence) >= 0);
        let twice = at.is_some_and(|at| self.held[at].arrival.sequence == frame.arrival.sequence);
        if given_up || twice {
            self.count.late += 1;
            return;
        }
        self.held.insert(at.map_or(0, |at| at + 1), frame);
    }

    /// Places what no longer waits for a frame that was overtaken.
    fn release_sorted(&mut self, out: &mut Vec<Step<T>>) {
        if self.held.len() >= HELD {
            return self.release_all(out);
        }
        while self.hold == Hold::Reorder && self.first_held_is_next() {
            let frame = self.held.remove(0);
            self.place(frame, out);
            if self.held.is_empty() {
                self.hold = Hold::No;
            }
        }
    }

    fn first_held_is_next(&self) -> bool {
        match (&self.stream, self.held.first()) {
            (Some(stream), Some(first)) => first.arrival.sequence == stream.next_sequence,
            _ => false,
        }
    }

    fn release_due(&mut self, now: i64, out: &mut Vec<Step<T>>) {
        let wait = match self.hold {
            Hold::No => return,
            Hold::Settling | Hold::Leap => SETTLE_US,
            Hold::Reorder => REORDER_US,
        };
        let since = self.held.iter().map(|held| signed(held.arrival.at_us)).min();
        if since.is_none_or(|since| now >= since + wait) {
            self.release_all(out);
        }
    }

    fn release_all(&mut self, out: &mut Vec<Step<T>>) {
        let hold = std::mem::replace(&mut self.hold, Hold::No);
        let held = std::mem::take(&mut self.held);
        let Some(first) = held.first() else { return };
        match hold {
            Hold::Settling => {
                let place = least_delayed(&held).max(self.end_us.unwrap_or(0));
                self.stream = Some(Stream::new(&first.arrival, first.timed, place));
                self.count.anchored += 1;
            }
            Hold::Leap => {
                if let Some(stream) = &mut self.stream {
                    let late = least_delayed(&held) - stream.position(first.arrival.timestamp);
                    stream.leapt(late, i64::from(first.arrival.duration_us));
                }
            }
            Hold::Reorder | Hold::No => {}
        }
        for frame in held {
            self.place(frame, out);
        }
    }

    /// Gives a frame its place.
    fn place(&mut self, frame: Held<T>, out: &mut Vec<Step<T>>) {
        let Some(stream) = &mut self.stream else { return };
        let at = signed(frame.arrival.at_us);
        let duration = i64::from(frame.arrival.duration_us);
        let mut place = stream.position(frame.arrival.timestamp);
        let end = self.end_us.unwrap_or(place);
        if place > end + GRAIN_US && at < place {
            // There is room before it: no frame lies later than it came.
            let early = (place - at).min(place - end);
            stream.shift(-early);
            place -= early;
        }
        let mut skip = 0;
        if place < end {
            let overlap = end - place;
            skip = stream.take_debt(overlap, duration, frame.arrival.divisible);
            if overlap - skip > GRAIN_US {
                stream.shift(overlap - skip);
            }
        }
        if end - at > LEAD_US {
            self.count.surplus += 1;
            stream.follow(&frame.arrival, end);
            if frame.timed {
                stream.shift(-duration);
            }
            return;
        }
        let mut start = end;
        if place > end + GRAIN_US {
            let reason = if frame.after_loss { GapReason::RingFull } else { self.reason };
            out.push(Step::Gap { offset_us: unsigned(end), duration_us: unsigned(place - end), reason });
            start = place;
        }
        self.reason = GapReason::NotReceived;
        let filled = duration - skip;
        stream.follow(&frame.arrival, start + filled);
        stream.watch(at, start - skip, frame.arrival.divisible, duration);
        self.end_us = Some(start + filled);
        self.count.trimmed_us += unsigned(skip);
        if filled > 0 {
            out.push(Step::Frame {
                offset_us: unsigned(start),
                duration_us: u32::try_from(filled).unwrap_or(0),
                skip_us: u32::try_from(skip).unwrap_or(0),
                item: frame.item,
            });
        }
    }
}

/// When the first of these frames would have come, had it been delayed as little as the least delayed of them.
fn least_delayed<T>(held: &[Held<T>]) -> i64 {
    let Some(first) = held.first() else { return 0 };
    let mut before = 0;
    let mut least = i64::MAX;
    for frame in held {
        let into = if first.timed {
            let ticks = i64::from(frame.arrival.timestamp.wrapping_sub(first.arrival.timestamp).cast_signed());
            stream::microseconds(ticks, first.arrival.clock_rate)
        } else {
            before
        };
        least = least.min(signed(frame.arrival.at_us) - into);
        before += i64::from(frame.arrival.duration_us);
    }
    least
}

/// How far a sequence number is ahead of another, modulo 2^16 (RFC 3550, A.1).
fn behind(sequence: u16, of: u16) -> i16 {
    sequence.wrapping_sub(of).cast_signed()
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX / 4)
}

fn unsigned(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0)
}
