//! The media thread's work on one PCMU frame of 20 ms: gate, format, ring, counters. Counted in instructions:
//! `valgrind --tool=callgrind --toggle-collect='*take_frame*' media_frame 10000`.
use std::num::NonZeroU32;
use std::sync::Arc;

use callvault_recorder::capture::{
    FrameFormat, Gate, Generation, HostFrame, TapCounters, TapWriter, USUAL_RING, frame_ring,
};
use callvault_recorder::time::Monotonic;

fn main() {
    let frames: u32 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let (producer, mut ring) = frame_ring(USUAL_RING);
    let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
    let mut tap = TapWriter::new(producer, Arc::clone(&gate), Arc::clone(&counters));
    gate.open(Generation(NonZeroU32::MIN));
    let payload = [0x55; 160];
    let mut pulled = Vec::new();
    for number in 0..frames {
        take_frame(&mut tap, number, &payload);
        if number % 50 == 49 {
            while ring.pull(&mut pulled).is_some() {}
        }
    }
    assert_eq!(counters.read().frames, u64::from(frames));
}

/// What a host's callback does with a frame, but for asking the clock.
#[inline(never)]
fn take_frame(tap: &mut TapWriter, number: u32, payload: &[u8]) {
    tap.take(&HostFrame {
        at: Monotonic(u64::from(number) * 20_000_000),
        payload,
        timestamp: number.wrapping_mul(160).max(1),
        sequence: number as u16,
        format: FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000),
    });
}
