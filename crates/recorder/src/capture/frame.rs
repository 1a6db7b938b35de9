//! What travels through the ring: frames as the endpoint read them, and what they are encoded in.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::num::NonZeroU32;

use crate::time::Monotonic;

/// Which opening of a leg's gate a frame came through. The controller opens a gate with a new generation for every
/// track and after every interval that must not be captured; the pool keeps which generation feeds which track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(pub NonZeroU32);

/// The head of a frame, as the media thread saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// When the media thread had the frame.
    pub at: Monotonic,
    /// The opening of the gate it came through.
    pub generation: Generation,
    /// RTP timestamp in units of the format's clock; 0 means none (loopback, conference, local legs).
    pub timestamp: u32,
    /// RTP sequence number; meaningless where `timestamp` is 0.
    pub sequence: u16,
}

/// What a leg's frames are encoded in. Pushed into the ring whenever it changes, before the first such frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameFormat {
    /// IANA name in upper-case ASCII as the host has it (`PCMU`, `PCMA`, `L16`, `OPUS`, `G722` …), zero-padded.
    pub name: [u8; 16],
    /// RTP clock in Hz (G.722: 8000).
    pub clock_rate: u32,
    /// Samples per second of the audio itself (G.722: 16000).
    pub sample_rate: u32,
    /// 1 or 2; interleaved.
    pub channels: u8,
    /// Nominal packet time in microseconds.
    pub ptime_us: u32,
}

impl FrameFormat {
    /// From the host's fields: the name is taken in upper case and cut at 16 bytes. Packet time in microseconds.
    pub fn new(name: &[u8], clock_rate: u32, sample_rate: u32, channels: u8, ptime_us: u32) -> Self {
        let mut padded = [0; 16];
        for (to, from) in padded.iter_mut().zip(name) {
            *to = from.to_ascii_uppercase();
        }
        Self { name: padded, clock_rate, sample_rate, channels, ptime_us }
    }

    /// The name without its padding.
    pub fn name_bytes(&self) -> &[u8] {
        let end = self.name.iter().position(|&byte| byte == 0).unwrap_or(self.name.len());
        &self.name[..end]
    }
}

impl std::fmt::Display for FrameFormat {
    /// `OPUS at 48000 Hz, 2 channels`; bytes that are not printable ASCII as `?`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for &byte in self.name_bytes() {
            let shown = if byte.is_ascii_graphic() { char::from(byte) } else { '?' };
            write!(f, "{shown}")?;
        }
        let s = if self.channels == 1 { "" } else { "s" };
        write!(f, " at {} Hz, {} channel{s}", self.sample_rate, self.channels)
    }
}
