//! A stored packet's samples, mono, at the export's rate.
use crate::codec::{PCMA_SAMPLES, PCMU_SAMPLES};
use crate::seal::{SegmentHeader, StoredCodec};

use super::resample::Resampler;

/// Opus decodes to these rates and no other.
pub(super) const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

/// The longest Opus packet, 120 ms, at 48 kHz.
const LONGEST: usize = 5_760;

/// Decodes one segment's packets.
pub(super) struct PayloadDecoder {
    coding: Coding,
    channels: usize,
    delay_us: u64,
    resampler: Option<Resampler>,
    scratch: Vec<i16>,
}

enum Coding {
    Opus(opus::Decoder),
    Table(&'static [i16; 256]),
    Linear,
}

impl PayloadDecoder {
    /// For a segment, at one of [`RATES`]; `None` where libopus has no memory for a decoder.
    pub(super) fn new(header: &SegmentHeader, rate: u32) -> Option<Self> {
        let coding = match header.codec {
            StoredCodec::Opus => Coding::Opus(opus::Decoder::new(rate, opus::Channels::Mono).ok()?),
            StoredCodec::Pcmu => Coding::Table(&PCMU_SAMPLES),
            StoredCodec::Pcma => Coding::Table(&PCMA_SAMPLES),
            StoredCodec::L16 => Coding::Linear,
        };
        let as_it_is = matches!(coding, Coding::Opus(_)) || header.sample_rate == rate;
        let resampler = (!as_it_is).then(|| Resampler::new(header.sample_rate, rate));
        let delay_us = if header.codec == StoredCodec::Opus { header.pre_skip_us.into() } else { 0 };
        Some(Self { coding, channels: usize::from(header.channels), delay_us, resampler, scratch: Vec::new() })
    }

    /// By how much what comes out is late, in microseconds.
    pub(super) fn delay_us(&self) -> u64 {
        self.delay_us
    }

    /// Adds a packet's samples to `out`, as far as they are known by now; `false` where it is not of its codec.
    pub(super) fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) -> bool {
        self.scratch.clear();
        match &mut self.coding {
            Coding::Opus(decoder) => {
                self.scratch.resize(LONGEST, 0);
                // An empty payload would mean loss to libopus, which then invents something.
                let decoded =
                    if packet.is_empty() { None } else { decoder.decode(packet, &mut self.scratch, false).ok() };
                out.extend_from_slice(&self.scratch[..decoded.unwrap_or(0)]);
                return decoded.is_some();
            }
            Coding::Table(samples) => self.scratch.extend(packet.iter().map(|&byte| samples[usize::from(byte)])),
            Coding::Linear => self.scratch.extend(packet.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes))),
        }
        mix_down(&mut self.scratch, self.channels);
        match &mut self.resampler {
            Some(resampler) => resampler.push(&self.scratch, out),
            None => out.extend_from_slice(&self.scratch),
        }
        true
    }

    /// Ends a run of packets: adds what was still held back.
    pub(super) fn finish_run(&mut self, out: &mut Vec<i16>) {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(out);
        }
    }
}

fn mix_down(samples: &mut Vec<i16>, channels: usize) {
    if channels != 2 {
        return;
    }
    let frames = samples.len() / 2;
    for frame in 0..frames {
        let sum = i32::from(samples[2 * frame]) + i32::from(samples[2 * frame + 1]);
        samples[frame] = (sum / 2) as i16;
    }
    samples.truncate(frames);
}
