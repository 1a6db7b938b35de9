//! Samples of 16 bits that need no decoding. RTP carries them big-endian (RFC 3551, 4.5.11); the host swaps them on
//! reading (`SWITCH_RTP_FLAG_BYTESWAP`), so in its frames they are in the machine's byte order.
use super::{Decoder, Undecodable};
use crate::capture::FrameFormat;

/// L16 at any rate, mono or interleaved stereo.
#[derive(Debug)]
pub(super) struct L16 {
    sample_rate: u32,
    channels: u8,
}

impl L16 {
    pub(super) fn new(format: &FrameFormat) -> Self {
        Self { sample_rate: format.sample_rate, channels: format.channels }
    }
}

impl Decoder for L16 {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Undecodable> {
        let (samples, rest) = payload.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Undecodable);
        }
        let sample = if cfg!(target_endian = "big") { i16::from_be_bytes } else { i16::from_le_bytes };
        out.extend(samples.iter().map(|&bytes| sample(bytes)));
        Ok(())
    }

    fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    fn channels(&self) -> u8 {
        self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::format_named;

    #[test]
    fn samples_are_taken_in_the_machines_byte_order() {
        let mut out = vec![7];
        let mut decoder = L16::new(&format_named(b"L16", 16_000, 1));
        let bytes = if cfg!(target_endian = "big") { [0x12, 0x34, 0xff, 0xfe] } else { [0x34, 0x12, 0xfe, 0xff] };
        assert_eq!(decoder.decode(&bytes, &mut out), Ok(()));
        assert_eq!(out, [7, 0x1234, -2]);
        assert_eq!(decoder.decode(&[1, 2, 3], &mut out), Err(Undecodable));
    }
}
