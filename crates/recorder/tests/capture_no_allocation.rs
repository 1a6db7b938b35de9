//! Decision 3: the media thread's work allocates nothing and frees nothing, whatever comes.
use std::num::NonZeroU32;
use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use callvault_recorder::capture::{
    FrameFormat, Gate, Generation, HostFrame, MAX_PAYLOAD, TapCounters, TapWriter, frame_ring,
};
use callvault_recorder::time::{Clock as _, SystemClock};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn taking_a_frame_allocates_nothing_also_when_the_ring_is_full_or_the_format_changes() {
    let (producer, mut ring) = frame_ring(16 * 1024);
    let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
    let mut tap = TapWriter::new(producer, Arc::clone(&gate), Arc::clone(&counters));
    let payload = [0x55_u8; MAX_PAYLOAD + 1];
    let mut pulled = Vec::new();
    for round in 1..50_u32 {
        let generation = Generation(NonZeroU32::new(round).expect("counted from 1"));
        assert_no_alloc(|| {
            for number in 0..200_u32 {
                match number % 50 {
                    0 => gate.shut(),
                    1 => gate.open(generation),
                    _ => {}
                }
                let name: &[u8] = if number % 7 < 3 { b"PCMU" } else { b"a name that is far too long" };
                let length = [0, 160, 33, 960, MAX_PAYLOAD, MAX_PAYLOAD + 1][number as usize % 6];
                tap.take(&HostFrame {
                    at: SystemClock.monotonic(),
                    payload: &payload[..length],
                    timestamp: number,
                    sequence: number as u16,
                    format: FrameFormat::new(name, 8000, 8000, 1, 20_000),
                });
            }
        });
        while ring.pull(&mut pulled).is_some() {}
    }
    let count = counters.read();
    assert!(count.frames > 0 && count.ring_full > 0 && count.oversized > 0, "{count:?}");
}
