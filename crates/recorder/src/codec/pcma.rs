//! G.711 A-law: one byte, one sample (ITU-T G.711, table 1).

/// The sample of each byte, scaled from 13 bits to 16.
pub(super) const SAMPLES: [i16; 256] = {
    let mut samples = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // Even bits are inverted on the line; sign (set: positive), three bits of segment, four of interval.
        let bits = byte as u8 ^ 0x55;
        let interval = ((bits & 0x0f) as i16) << 4;
        let segment = (bits & 0x70) >> 4;
        let magnitude = if segment == 0 { interval + 8 } else { (interval + 0x108) << (segment - 1) };
        samples[byte] = if bits & 0x80 == 0 { -magnitude } else { magnitude };
        byte += 1;
    }
    samples
};

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711, 3.3 with table 1: interval `i` has the output value 2i + 1 in segment 0, (2i + 33) · 2^(s−1) above,
    /// of 4096.
    #[test]
    fn every_byte_has_the_value_of_the_standard() {
        for (byte, sample) in (0..256).zip(SAMPLES) {
            let line = byte ^ 0x55;
            let (segment, interval) = (line / 16 % 8, line % 16);
            let value = match segment {
                0 => 2 * interval + 1,
                _ => (2 * interval + 33) * 2_i32.pow(segment as u32 - 1),
            };
            let signed = if line >= 128 { value } else { -value };
            assert_eq!(i32::from(sample), 8 * signed, "byte {byte}");
        }
        assert_eq!((SAMPLES[0xaa], SAMPLES[0x2a], SAMPLES[0xd5], SAMPLES[0x55]), (32_256, -32_256, 8, -8));
    }
}
