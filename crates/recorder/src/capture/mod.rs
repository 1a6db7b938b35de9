//! From the media thread to the pool: the gate, the tap, the ring, the timeline.
//!
//! The media thread owns a [`TapWriter`]; a pool worker owns the ring's other end. Between them nothing is locked,
//! allocated or waited for (decision 3). The [`Timeline`] then says where on the track each frame lies.
mod frame;
mod gate;
mod keys;
mod ring;
mod tap;
mod timeline;

pub use frame::{FrameFormat, FrameHead, Generation};
pub use gate::{Gate, TapCount, TapCounters};
pub use keys::{KeyPost, TelephoneEvents};
pub use ring::{FrameConsumer, FrameProducer, HEAD, Lost, MAX_PAYLOAD, Pulled, USUAL_RING, frame_ring};
pub use tap::{HostFrame, TapWriter};
pub use timeline::{Arrival, Step, Timeline, TimelineCount};

#[cfg(test)]
pub(crate) fn format_named(name: &[u8], rate: u32, channels: u8) -> FrameFormat {
    FrameFormat::new(name, rate, rate, channels, 20_000)
}
