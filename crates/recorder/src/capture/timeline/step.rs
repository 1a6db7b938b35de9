//! What goes into a timeline and what comes out.
use crate::evidence::GapReason;

/// A frame as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When, in microseconds from the recording's start.
    pub at_us: u64,
    /// RTP timestamp; 0 means none.
    pub timestamp: u32,
    /// RTP sequence number; meaningless without a timestamp.
    pub sequence: u16,
    /// How much audio it holds, in microseconds.
    pub duration_us: u32,
    /// Units of the timestamp per second.
    pub clock_rate: u32,
    /// Whether audio can be cut off its beginning (samples can, coded frames cannot).
    pub divisible: bool,
}

/// What comes out: the track, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// A frame in its place.
    Frame {
        /// From the recording's start, in microseconds.
        offset_us: u64,
        /// How much of the track it fills, in microseconds.
        duration_us: u32,
        /// So much of its beginning is to be left out, in microseconds; 0 nearly always.
        skip_us: u32,
        /// The frame.
        item: T,
    },
    /// No audio.
    Gap {
        /// From the recording's start, in microseconds.
        offset_us: u64,
        /// How long, in microseconds.
        duration_us: u64,
        /// Why.
        reason: GapReason,
    },
}

/// What was not placed, and how often the ground was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimelineCount {
    /// Frames dropped because their place was given up, or taken by themselves already.
    pub late: u64,
    /// Frames dropped because the track ran ahead of time.
    pub surplus: u64,
    /// Audio cut because a stream ran ahead, in microseconds.
    pub trimmed_us: u64,
    /// Streams anchored, the first included.
    pub anchored: u64,
}
