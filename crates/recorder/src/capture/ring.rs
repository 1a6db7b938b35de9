//! The ring between a media thread and its pool worker: bytes, one producer, one consumer, nobody waits.
//!
//! A record is a head of [`HEAD`] bytes and a body. They are pushed one after the other; the reader takes nothing
//! until both are there. All numbers are little-endian.
//!
//! ```text
//! frame   kind u8 = 1 │ 0 u8 │ body length u16 │ sequence u16 │ 0 u16 │ timestamp u32 │ generation u32 │ at u64
//! format  kind u8 = 2 │ channels u8 │ 0 u16 │ clock rate u32 │ sample rate u32 │ packet time u32 │ 0 u64, body: name, 16 bytes
//! lost    kind u8 = 3 │ 0 u8 │ 0 u16 │ frames lost u32 │ generation u32 │ 0 u32 │ at u64, no body
//! ```
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::num::NonZeroU32;

use rtrb::{Consumer, Producer, RingBuffer};

use super::{FrameFormat, FrameHead, Generation};
use crate::time::Monotonic;

/// Bytes of a record's head.
pub const HEAD: usize = 24;

/// The longest payload that a frame may have. RTP packets fit an Ethernet frame; the host's own read buffer holds
/// 4096 bytes of decoded samples.
pub const MAX_PAYLOAD: usize = 4096;

/// Holds 1.7 s of G.711 in 20 ms packets; a worker comes by every 0.1 s.
pub const USUAL_RING: usize = 16 * 1024;

const NAME: usize = 16;
const FRAME: u8 = 1;
const FORMAT: u8 = 2;
const LOST: u8 = 3;

/// A ring of this many bytes (at least one longest frame with its format).
pub fn frame_ring(bytes: usize) -> (FrameProducer, FrameConsumer) {
    let capacity = bytes.max(3 * HEAD + NAME + MAX_PAYLOAD);
    let (producer, consumer) = RingBuffer::new(capacity);
    (FrameProducer(producer), FrameConsumer { ring: consumer, capacity })
}

/// The media thread's end.
#[derive(Debug)]
pub struct FrameProducer(Producer<u8>);

/// What precedes a frame where something changed since the last one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Preface<'a> {
    pub(super) format: Option<&'a FrameFormat>,
    pub(super) lost: Option<Lost>,
}

/// Frames that did not reach the ring, since the frame before this record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub frames: u32,
    /// When the first of them came.
    pub since: Monotonic,
    /// The opening of the gate they came through.
    pub generation: Generation,
}

impl FrameProducer {
    /// Puts a frame, and what must precede it, into the ring: all of it or nothing. False where there is no room.
    pub(super) fn push(&mut self, preface: Preface<'_>, head: &FrameHead, payload: &[u8]) -> bool {
        let Ok(length) = u16::try_from(payload.len()) else { return false };
        let format = if preface.format.is_some() { HEAD + NAME } else { 0 };
        let lost = if preface.lost.is_some() { HEAD } else { 0 };
        if self.0.slots() < format + lost + HEAD + payload.len() {
            return false;
        }
        // The room is there and only the reader changes it, to more: none of these can fail.
        let mut whole = true;
        if let Some(lost) = preface.lost {
            whole &= self.0.push_entire_slice(&lost_head(&lost)).is_ok();
        }
        if let Some(format) = preface.format {
            whole &= self.0.push_entire_slice(&format_head(format)).is_ok();
            whole &= self.0.push_entire_slice(&format.name).is_ok();
        }
        whole &= self.0.push_entire_slice(&frame_head(head, length)).is_ok();
        whole & self.0.push_entire_slice(payload).is_ok()
    }

    /// Whether the reader has taken everything.
    pub(super) fn is_drained(&self) -> bool {
        self.0.slots() == self.0.buffer().capacity()
    }
}

/// The pool worker's end.
#[derive(Debug)]
pub struct FrameConsumer {
    ring: Consumer<u8>,
    capacity: usize,
}

/// What comes out of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// A frame; its payload is in the buffer that was given.
    Frame(FrameHead),
    /// The frames after this are in that format.
    Format(FrameFormat),
    /// Frames were lost here.
    Lost(Lost),
}

impl FrameConsumer {
    /// The generation of the next record, where that is a frame or frames lost; nothing is taken.
    pub fn next_generation(&mut self) -> Option<(Generation, Monotonic)> {
        let head = self.peek()?;
        match head[0] {
            FRAME => Some((generation(field(&head, 12))?, Monotonic(long_field(&head, 16)))),
            LOST => Some((generation(field(&head, 8))?, Monotonic(long_field(&head, 16)))),
            _ => None,
        }
    }

    /// Takes the next record, if all of it is there. A frame's payload replaces what is in `payload`.
    pub fn pull(&mut self, payload: &mut Vec<u8>) -> Option<Pulled> {
        let head = self.peek()?;
        let body = match head[0] {
            FRAME => usize::from(u16::from_le_bytes([head[2], head[3]])),
            FORMAT => NAME,
            _ => 0,
        };
        let chunk = self.ring.read_chunk(HEAD + body).ok()?;
        let (first, second) = chunk.as_slices();
        payload.clear();
        payload.extend_from_slice(first.get(HEAD..).unwrap_or_default());
        payload.extend_from_slice(second.get(HEAD.saturating_sub(first.len())..).unwrap_or_default());
        chunk.commit_all();
        match head[0] {
            FRAME => Some(Pulled::Frame(FrameHead {
                at: Monotonic(long_field(&head, 16)),
                generation: generation(field(&head, 12))?,
                timestamp: field(&head, 8),
                sequence: u16::from_le_bytes([head[4], head[5]]),
            })),
            FORMAT => Some(Pulled::Format(FrameFormat {
                name: payload.as_slice().try_into().ok()?,
                clock_rate: field(&head, 4),
                sample_rate: field(&head, 8),
                channels: head[1],
                ptime_us: field(&head, 12),
            })),
            _ => Some(Pulled::Lost(Lost {
                frames: field(&head, 4),
                since: Monotonic(long_field(&head, 16)),
                generation: generation(field(&head, 8))?,
            })),
        }
    }

    /// Bytes that are in it, heads included.
    pub fn len(&self) -> usize {
        self.ring.slots()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How full it is, in percent.
    pub fn fill(&self) -> usize {
        self.ring.slots() * 100 / self.capacity
    }

    /// Whether the producer is gone and all it left has been taken.
    pub fn is_over(&self) -> bool {
        self.ring.is_abandoned() && self.ring.is_empty()
    }

    fn peek(&mut self) -> Option<[u8; HEAD]> {
        let chunk = self.ring.read_chunk(HEAD).ok()?;
        let (first, second) = chunk.as_slices();
        let mut head = [0; HEAD];
        let (begin, rest) = head.split_at_mut(first.len());
        begin.copy_from_slice(first);
        rest.copy_from_slice(second);
        Some(head)
    }
}

fn frame_head(head: &FrameHead, length: u16) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    bytes[0] = FRAME;
    bytes[2..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..6].copy_from_slice(&head.sequence.to_le_bytes());
    bytes[8..12].copy_from_slice(&head.timestamp.to_le_bytes());
    bytes[12..16].copy_from_slice(&head.generation.0.get().to_le_bytes());
    bytes[16..24].copy_from_slice(&head.at.0.to_le_bytes());
    bytes
}

fn format_head(format: &FrameFormat) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    bytes[0] = FORMAT;
    bytes[1] = format.channels;
    bytes[4..8].copy_from_slice(&format.clock_rate.to_le_bytes());
    bytes[8..12].copy_from_slice(&format.sample_rate.to_le_bytes());
    bytes[12..16].copy_from_slice(&format.ptime_us.to_le_bytes());
    bytes
}

fn lost_head(lost: &Lost) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    bytes[0] = LOST;
    bytes[4..8].copy_from_slice(&lost.frames.to_le_bytes());
    bytes[8..12].copy_from_slice(&lost.generation.0.get().to_le_bytes());
    bytes[16..24].copy_from_slice(&lost.since.0.to_le_bytes());
    bytes
}

fn field(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn long_field(head: &[u8; HEAD], at: usize) -> u64 {
    u64::from(field(head, at)) | u64::from(field(head, at + 4)) << 32
}

fn generation(number: u32) -> Option<Generation> {
    NonZeroU32::new(number).map(Generation)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test may wait")]
mod tests {
    use super::*;
    use crate::capture::format_named;

    fn head(sequence: u16) -> FrameHead {
        FrameHead {
            at: Monotonic(0x0102_0304_0506_0708),
            generation: Generation(NonZeroU32::new(7).expect("7 is not 0")),
            timestamp: 0xfeed_beef,
            sequence,
        }
    }

    #[test]
    fn what_goes_in_comes_out_in_order_across_the_end_of_the_buffer() {
        let (mut producer, mut consumer) = frame_ring(0);
        let format = format_named(b"PCMU", 8000, 1);
        let lost = Lost { frames: 9, since: Monotonic(5), generation: head(0).generation };
        let mut payload = Vec::new();
        for sequence in 0..2000_u16 {
            let body = vec![sequence as u8; usize::from(sequence) % 1500];
            let preface = match sequence % 3 {
                0 => Preface::default(),
                1 => Preface { format: Some(&format), lost: None },
                _ => Preface { format: Some(&format), lost: Some(lost) },
            };
            assert!(producer.push(preface, &head(sequence), &body));
            if sequence % 3 == 2 {
                assert_eq!(consumer.next_generation(), Some((lost.generation, lost.since)));
                assert_eq!(consumer.pull(&mut payload), Some(Pulled::Lost(lost)));
            }
            if sequence % 3 != 0 {
                assert_eq!(consumer.next_generation(), None);
                assert_eq!(consumer.pull(&mut payload), Some(Pulled::Format(format)));
            }
            assert_eq!(consumer.next_generation(), Some((head(0).generation, head(0).at)));
            assert_eq!(consumer.pull(&mut payload), Some(Pulled::Frame(head(sequence))));
            assert_eq!(payload, body);
            assert_eq!(consumer.pull(&mut payload), None);
        }
    }

    #[test]
    fn a_full_ring_takes_all_of_a_frame_or_nothing() {
        let (mut producer, mut consumer) = frame_ring(0);
        let mut pushed = 0;
        while producer.push(Preface::default(), &head(pushed), &[pushed as u8; 160]) {
            pushed += 1;
        }
        let mut payload = Vec::new();
        for sequence in 0..pushed {
            assert_eq!(consumer.pull(&mut payload), Some(Pulled::Frame(head(sequence))));
            assert_eq!(payload, [sequence as u8; 160]);
        }
        assert_eq!(consumer.pull(&mut payload), None);
        assert_eq!(consumer.fill(), 0);
    }

    #[test]
    fn two_threads_at_once_pass_every_frame_whole() {
        const FRAMES: u32 = 200_000;
        let (mut producer, mut consumer) = frame_ring(0);
        let body = |number: u32| vec![number as u8; (number % 700) as usize];
        let reader = std::thread::spawn(move || {
            let mut payload = Vec::new();
            let mut next = 0;
            while next < FRAMES {
                match consumer.pull(&mut payload) {
                    Some(Pulled::Frame(head)) => {
                        assert_eq!((head.timestamp, payload.as_slice()), (next, body(next).as_slice()));
                        next += 1;
                    }
                    Some(Pulled::Format(_) | Pulled::Lost(_)) => panic!("none was sent"),
                    None => std::thread::yield_now(),
                }
            }
        });
        for number in 0..FRAMES {
            let sent = FrameHead { timestamp: number, ..head(0) };
            while !producer.push(Preface::default(), &sent, &body(number)) {
                std::thread::yield_now();
            }
        }
        reader.join().expect("every frame came whole and in order");
    }

    #[test]
    fn the_reader_sees_nothing_of_a_frame_whose_body_is_not_there_yet() {
        let (mut producer, mut consumer) = frame_ring(0);
        producer.0.push_entire_slice(&frame_head(&head(1), 3)).expect("the ring is empty");
        let mut payload = Vec::new();
        assert_eq!(consumer.pull(&mut payload), None);
        producer.0.push_entire_slice(&[1, 2, 3]).expect("the ring is nearly empty");
        assert_eq!(consumer.pull(&mut payload), Some(Pulled::Frame(head(1))));
        assert_eq!(payload, [1, 2, 3]);
    }
}
