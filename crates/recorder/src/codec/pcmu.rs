//! G.711 µ-law: one byte, one sample (ITU-T G.711, table 2).

/// The sample of each byte, scaled from 14 bits to 16.
pub(super) const SAMPLES: [i16; 256] = {
    let mut samples = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // All bits are inverted on the line; sign, three bits of segment, four of interval.
        let bits = !byte as u8;
        let magnitude = ((((bits & 0x0f) as i16) << 3) + 0x84) << ((bits & 0x70) >> 4);
        samples[byte] = if bits & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude };
        byte += 1;
    }
    samples
};

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711, 3.3 with table 2: the output value of interval `i` in segment `s` is (2i + 33) · 2^s − 33 of 8159.
    #[test]
    fn every_byte_has_the_value_of_the_standard() {
        for (byte, sample) in (0..).zip(SAMPLES) {
            let line = 255 - byte;
            let (segment, interval) = (line / 16 % 8, line % 16);
            let value = (2 * interval + 33) * 2_i32.pow(segment as u32) - 33;
            let signed = if byte >= 128 { value } else { -value };
            assert_eq!(i32::from(sample), 4 * signed, "byte {byte}");
        }
        assert_eq!((SAMPLES[0x80], SAMPLES[0x00], SAMPLES[0xff], SAMPLES[0x7f]), (32_124, -32_124, 0, 0));
    }
}
