//! From the media thread to the pool: the gate, the tap, the ring, the timeline.
//!
//! The media thread owns a [`TapWriter`]; a pool worker owns the ring's other end. Between them nothing is locked,
//! allocated or waited for (decision 3).
mod frame;

pub use frame::{FrameFormat, FrameHead, Generation};
