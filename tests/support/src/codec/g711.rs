//! G.711 (ITU-T G.711): companding by its definition, segment and step.
use super::{Decoder, Encoder};
use crate::Proof;

/// Which of the two companding laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law.
    Mu,
    /// A-law.
    A,
}

pub(super) struct Companded(pub Law);

impl Encoder for Companded {
    fn encode(&mut self, samples: &[i16]) -> Proof<Vec<u8>> {
        Ok(samples.iter().map(|&sample| compress(self.0, sample)).collect())
    }
}

impl Decoder for Companded {
    fn decode(&mut self, payload: &[u8]) -> Proof<Vec<i16>> {
        Ok(payload.iter().map(|&code| expand(self.0, code)).collect())
    }
}

/// One code to its 16-bit sample.
pub fn expand(law: Law, code: u8) -> i16 {
    match law {
        Law::Mu => {
            let code = !code;
            let magnitude = (((i32::from(code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
            if code & 0x80 != 0 { -magnitude as i16 } else { magnitude as i16 }
        }
        Law::A => {
            let code = code ^ 0x55;
            let segment = (code >> 4) & 7;
            let step = (i32::from(code & 0x0f) << 4) + 8;
            let magnitude = if segment == 0 { step } else { (step + 0x100) << (segment - 1) };
            if code & 0x80 != 0 { magnitude as i16 } else { -magnitude as i16 }
        }
    }
}

/// The code whose sample is nearest; the tables are short enough to be searched by segment.
pub fn compress(law: Law, sample: i16) -> u8 {
    match law {
        Law::Mu => {
            let negative = sample < 0;
            let magnitude = (i32::from(sample).abs() + 0x84).min(0x7fff);
            let segment = (0..8).rev().find(|segment| magnitude >= 0x84 << segment).unwrap_or(0);
            let code = (segment << 4) as u8 | ((magnitude >> (segment + 3)) & 0x0f) as u8;
            !(code | if negative { 0x80 } else { 0 })
        }
        Law::A => {
            let negative = sample < 0;
            let magnitude = if negative { -i32::from(sample) - 1 } else { i32::from(sample) } >> 4;
            let segment = (1..8).rev().find(|segment| magnitude >= 0x10 << (segment - 1)).unwrap_or(0);
            let step = if segment == 0 { magnitude } else { magnitude >> (segment - 1) } & 0x0f;
            let code = (segment << 4) as u8 | step as u8;
            (code | if negative { 0 } else { 0x80 }) ^ 0x55
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_as_itself() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255u8 {
                let sample = expand(law, code);
                // µ-law has two zeros, of which one is written.
                let again = expand(law, compress(law, sample));
                assert_eq!(again, sample, "{law:?} {code}");
            }
        }
        assert_eq!(expand(Law::Mu, 0x00), -32_124);
        assert_eq!(expand(Law::A, 0x2a), -32_256);
    }
}
