//! The media thread's whole work.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::Arc;

use super::ring::{Lost, Preface};
use super::{FrameFormat, FrameHead, FrameProducer, Gate, MAX_PAYLOAD, TapCounters};
use crate::time::Monotonic;

/// A frame as the host's callback has it.
#[derive(Debug, Clone, Copy)]
pub struct HostFrame<'a> {
    /// Now.
    pub at: Monotonic,
    /// The encoded audio. `L16` is 16-bit samples in the machine's byte order, as the host has them after reading.
    pub payload: &'a [u8],
    /// RTP timestamp; 0 means none.
    pub timestamp: u32,
    /// RTP sequence number; meaningless where `timestamp` is 0.
    pub sequence: u16,
    /// What it is encoded in.
    pub format: FrameFormat,
}

/// One side of one leg, owned by whichever host thread reads (or writes) it now. One thread at a time.
#[derive(Debug)]
pub struct TapWriter {
    ring: FrameProducer,
    gate: Arc<Gate>,
    counters: Arc<TapCounters>,
    /// The format the reader knows of.
    format: Option<FrameFormat>,
    /// Frames lost since the last that was taken.
    lost: Option<Lost>,
}

impl TapWriter {
    /// For this ring, gate and counters.
    pub fn new(ring: FrameProducer, gate: Arc<Gate>, counters: Arc<TapCounters>) -> Self {
        Self { ring, gate, counters, format: None, lost: None }
    }

    /// Takes a frame if the gate is open: copies it into the ring, counts, returns. Allocates nothing, takes no lock,
    /// calls no system, wakes nobody, cannot panic (decision 3). What does not fit is lost, counted and dated; the
    /// next frame that fits says so to the reader.
    pub fn take(&mut self, frame: &HostFrame<'_>) {
        let Some(generation) = self.gate.current() else { return };
        if frame.payload.is_empty() {
            return;
        }
        if frame.payload.len() > MAX_PAYLOAD {
            self.counters.found_oversized();
            self.lose(frame.at, generation);
            return;
        }
        let head = FrameHead { at: frame.at, generation, timestamp: frame.timestamp, sequence: frame.sequence };
        let changed = self.format != Some(frame.format);
        let preface = Preface { format: changed.then_some(&frame.format), lost: self.lost };
        if !self.ring.push(preface, &head, frame.payload) {
            self.counters.found_ring_full();
            self.lose(frame.at, generation);
            return;
        }
        self.counters.took(frame.payload.len());
        if changed {
            self.format = Some(frame.format);
        }
        if self.lost.take().is_some() {
            self.counters.losing(None);
        }
    }

    /// Whether the pool has taken all that was put into the ring.
    pub fn is_drained(&self) -> bool {
        self.ring.is_drained()
    }

    fn lose(&mut self, at: Monotonic, generation: super::Generation) {
        match &mut self.lost {
            Some(lost) if lost.generation == generation => lost.frames = lost.frames.saturating_add(1),
            _ => self.lost = Some(Lost { frames: 1, since: at, generation }),
        }
        self.counters.losing(self.lost.map(|lost| lost.since));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::capture::{FrameConsumer, Generation, Pulled, format_named, frame_ring};

    struct Rig {
        tap: TapWriter,
        gate: Arc<Gate>,
        counters: Arc<TapCounters>,
        ring: FrameConsumer,
        payload: Vec<u8>,
    }

    fn rig() -> Rig {
        let (producer, ring) = frame_ring(0);
        let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
        let tap = TapWriter::new(producer, Arc::clone(&gate), Arc::clone(&counters));
        Rig { tap, gate, counters, ring, payload: Vec::new() }
    }

    impl Rig {
        fn take(&mut self, at: u64, payload: &[u8], name: &[u8]) {
            let format = format_named(name, 8000, 1);
            self.tap.take(&HostFrame { at: Monotonic(at), payload, timestamp: 160, sequence: 1, format });
        }

        fn pull(&mut self) -> Option<Pulled> {
            self.ring.pull(&mut self.payload)
        }
    }

    fn generation(number: u32) -> Generation {
        Generation(NonZeroU32::new(number).expect("tests count from 1"))
    }

    #[test]
    fn nothing_passes_a_shut_gate() {
        let mut rig = rig();
        rig.take(1, &[1; 160], b"PCMU");
        assert_eq!(rig.pull(), None);
        assert_eq!(rig.counters.read(), Default::default());
    }

    #[test]
    fn a_format_is_said_once_before_its_first_frame_and_again_when_it_changes() {
        let mut rig = rig();
        rig.gate.open(generation(1));
        for name in [b"PCMU", b"PCMU", b"PCMA"] {
            rig.take(1, &[1; 160], name);
        }
        let frame = |pulled| matches!(pulled, Some(Pulled::Frame(_)));
        assert_eq!(rig.pull(), Some(Pulled::Format(format_named(b"PCMU", 8000, 1))));
        assert!(frame(rig.pull()));
        assert!(frame(rig.pull()));
        assert_eq!(rig.pull(), Some(Pulled::Format(format_named(b"PCMA", 8000, 1))));
        assert!(frame(rig.pull()));
        assert_eq!(rig.counters.read().frames, 3);
        assert_eq!(rig.counters.read().bytes, 480);
    }

    /// REC-05: no silent loss.
    #[test]
    fn what_a_full_ring_loses_is_counted_dated_and_told_with_the_next_frame() {
        let mut rig = rig();
        rig.gate.open(generation(4));
        let mut taken = 0;
        while rig.counters.read().ring_full == 0 {
            taken += 1;
            rig.take(taken, &[1; 160], b"PCMU");
        }
        rig.take(taken + 1, &[1; 160], b"PCMU");
        assert_eq!(rig.counters.read().ring_full, 2);
        assert_eq!(rig.counters.read().losing_since, Some(Monotonic(taken)));
        while rig.pull().is_some() {}
        rig.take(taken + 2, &[2; 160], b"PCMU");
        let lost = Lost { frames: 2, since: Monotonic(taken), generation: generation(4) };
        assert_eq!(rig.pull(), Some(Pulled::Lost(lost)));
        assert!(matches!(rig.pull(), Some(Pulled::Frame(head)) if head.at == Monotonic(taken + 2)));
        assert_eq!(rig.counters.read().losing_since, None);
        assert_eq!(rig.counters.read().frames, taken);
    }

    #[test]
    fn a_payload_no_codec_makes_is_lost_whole_not_cut() {
        let mut rig = rig();
        rig.gate.open(generation(1));
        rig.take(1, &[1; MAX_PAYLOAD + 1], b"L16");
        assert_eq!(rig.pull(), None);
        assert_eq!(rig.counters.read().oversized, 1);
        rig.take(2, &[1; MAX_PAYLOAD], b"L16");
        assert!(matches!(rig.pull(), Some(Pulled::Lost(lost)) if lost.frames == 1));
    }
}
