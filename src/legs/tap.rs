//! One side of a leg as the media thread sees it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callvault_recorder::capture::{FrameConsumer, Gate, HostFrame, TapCounters, TapWriter, USUAL_RING, frame_ring};
use callvault_recorder::controller::Recorder;
use callvault_recorder::encoding::RingSide;
use callvault_recorder::ids::LegKey;

use crate::ffi::exclusive::Exclusive;

/// Bytes of ring per side: four seconds of G.711, a third of a second of 48 kHz stereo L16, which a worker walks ten
/// times a second.
const RING: usize = 2 * USUAL_RING;

/// Gate, counters and the ring's writing end.
pub struct Tap {
    side: RingSide,
    gate: Arc<Gate>,
    counters: Arc<TapCounters>,
    connected: AtomicBool,
    writer: Exclusive<Option<TapWriter>>,
}

impl Tap {
    /// For one side of a leg; takes nothing before it is connected and its gate open.
    pub fn new(side: RingSide) -> Self {
        Self {
            side,
            gate: Arc::new(Gate::new()),
            counters: Arc::new(TapCounters::new()),
            connected: AtomicBool::new(false),
            writer: Exclusive::new(None),
        }
    }

    /// Makes the ring and gives its reading end to the recorder's pool; once.
    pub fn connect(&self, recorder: &Recorder, leg: LegKey) {
        self.connect_to(|side, ring, gate, counters| recorder.attach(leg, side, ring, gate, counters));
    }

    /// Makes the ring and gives its reading end away; once.
    pub fn connect_to(&self, attach: impl FnOnce(RingSide, FrameConsumer, Arc<Gate>, Arc<TapCounters>)) {
        if self.connected.swap(true, Ordering::AcqRel) {
            return;
        }
        let (producer, consumer) = frame_ring(RING);
        let writer = TapWriter::new(producer, Arc::clone(&self.gate), Arc::clone(&self.counters));
        // Nobody else sets it, and a media thread that is in the cell at this moment leaves it within a copy.
        let mut writer = Some(writer);
        while self.writer.try_use(|place| *place = writer.take()).is_none() {
            std::hint::spin_loop();
        }
        attach(self.side, consumer, Arc::clone(&self.gate), Arc::clone(&self.counters));
    }

    /// THE media thread: see [`TapWriter::take`]. A second thread at the same moment goes away.
    pub fn take(&self, frame: &HostFrame<'_>) {
        self.writer.try_use(|writer| {
            if let Some(writer) = writer {
                writer.take(frame);
            }
        });
    }
}
