//! What A-law and µ-law share: one byte, one sample, by a table of their own (ITU-T G.711).
use super::{Decoder, Undecodable};
use crate::capture::FrameFormat;

/// G.711 by its table, at 8 kHz wherever it is met.
#[derive(Debug)]
pub(super) struct G711 {
    samples: &'static [i16; 256],
    sample_rate: u32,
    channels: u8,
}

impl G711 {
    pub(super) fn new(samples: &'static [i16; 256], format: &FrameFormat) -> Self {
        Self { samples, sample_rate: format.sample_rate, channels: format.channels }
    }
}

impl Decoder for G711 {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Undecodable> {
        out.extend(payload.iter().map(|&byte| self.samples[usize::from(byte)]));
        Ok(())
    }

    fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    fn channels(&self) -> u8 {
        self.channels
    }
}
