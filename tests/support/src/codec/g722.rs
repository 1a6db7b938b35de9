//! G.722 at 64 kbit/s (ITU-T G.722, mode 1): two sub-bands of adaptive differential PCM. Block names are the
//! recommendation's.
use super::{Decoder, Encoder};
use crate::Proof;

pub(super) struct G722Encoder {
    low: Band,
    high: Band,
    history: [i32; 24],
}

impl G722Encoder {
    pub(super) fn new() -> Self {
        Self { low: Band::new(32), high: Band::new(8), history: [0; 24] }
    }

    fn pair(&mut self, first: i16, second: i16) -> u8 {
        let (sum, difference) = split(&mut self.history, i32::from(first), i32::from(second));
        let low = self.low.quantise_low((sum + difference) >> 14);
        self.low.adapt_low(low);
        let high = self.high.quantise_high((sum - difference) >> 14);
        self.high.adapt_high(high);
        high << 6 | low
    }
}

impl Encoder for G722Encoder {
    fn encode(&mut self, samples: &[i16]) -> Proof<Vec<u8>> {
        Ok(samples.chunks_exact(2).map(|pair| self.pair(pair[0], pair[1])).collect())
    }
}

pub(super) struct G722Decoder {
    low: Band,
    high: Band,
    history: [i32; 24],
}

impl G722Decoder {
    pub(super) fn new() -> Self {
        Self { low: Band::new(32), high: Band::new(8), history: [0; 24] }
    }

    fn octet(&mut self, code: u8) -> [i16; 2] {
        let (low, high) = (code & 0x3f, code >> 6);
        let below = self.low.predicted + ((self.low.step * QM6[usize::from(low)]) >> 15);
        let above = self.high.predicted + ((self.high.step * QM2[usize::from(high)]) >> 15);
        let (below, above) = (below.clamp(-16_384, 16_383), above.clamp(-16_384, 16_383));
        self.low.adapt_low(low);
        self.high.adapt_high(high);
        let (even, odd) = split(&mut self.history, below + above, below - above);
        [saturate(even >> 11) as i16, saturate(odd >> 11) as i16]
    }
}

impl Decoder for G722Decoder {
    fn decode(&mut self, payload: &[u8]) -> Proof<Vec<i16>> {
        Ok(payload.iter().flat_map(|&code| self.octet(code)).collect())
    }
}

/// The quadrature mirror filter's two halves over the last 24 samples: what meets the reversed and the forward taps.
fn split(history: &mut [i32; 24], first: i32, second: i32) -> (i32, i32) {
    history.copy_within(2.., 0);
    history[22] = first;
    history[23] = second;
    let (mut reversed, mut forward) = (0, 0);
    for tap in 0..12 {
        forward += history[2 * tap] * QMF[tap];
        reversed += history[2 * tap + 1] * QMF[11 - tap];
    }
    (reversed, forward)
}

/// One sub-band's predictor and quantiser scale.
struct Band {
    /// What the predictor expects next (PREDIC's output).
    predicted: i32,
    /// The part of it that the zeros give (FILTEZ).
    from_zeros: i32,
    /// The quantiser's step (SCALEL, SCALEH) and its logarithm (LOGSCL, LOGSCH).
    step: i32,
    log_step: i32,
    /// Poles (UPPOL1, UPPOL2) and zeros (UPZERO).
    poles: [i32; 2],
    zeros: [i32; 6],
    /// The last reconstructed samples, partial reconstructions and differences.
    rebuilt: [i32; 2],
    partial: [i32; 2],
    differences: [i32; 6],
}

impl Band {
    fn new(step: i32) -> Self {
        Self {
            predicted: 0,
            from_zeros: 0,
            step,
            log_step: 0,
            poles: [0; 2],
            zeros: [0; 6],
            rebuilt: [0; 2],
            partial: [0; 2],
            differences: [0; 6],
        }
    }

    fn quantise_low(&self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let level = (1..30).find(|&level| magnitude < (Q6[level] * self.step) >> 12).unwrap_or(30);
        // Codes run down from 61 for positive errors; negative ones from 31, of which the smallest two are 63 and 62.
        match (error < 0, level as u8) {
            (true, level @ 1..=2) => 64 - level,
            (true, level) => 34 - level,
            (false, level) => 62 - level,
        }
    }

    fn quantise_high(&self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let large = magnitude >= (564 * self.step) >> 12;
        match (error < 0, large) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        }
    }

    fn adapt_low(&mut self, code: u8) {
        let coarse = usize::from(code >> 2);
        let difference = (self.step * QM4[coarse]) >> 15;
        self.log_step = (((self.log_step * 127) >> 7) + WL[RL42[coarse]]).clamp(0, 18_432);
        self.step = scale(self.log_step, 8);
        self.predict(difference);
    }

    fn adapt_high(&mut self, code: u8) {
        let difference = (self.step * QM2[usize::from(code)]) >> 15;
        // Codes 0 and 2 are the large errors.
        let growth = if code.is_multiple_of(2) { 798 } else { -214 };
        self.log_step = (((self.log_step * 127) >> 7) + growth).clamp(0, 22_528);
        self.step = scale(self.log_step, 10);
        self.predict(difference);
    }

    /// RECONS to PREDIC of the recommendation's block 4.
    fn predict(&mut self, difference: i32) {
        let rebuilt = saturate(self.predicted + difference);
        let partial = saturate(self.from_zeros + difference);
        let same = |other: i32| (partial < 0) == (other < 0);

        let first = saturate(self.poles[0] << 2);
        let turned = (if same(self.partial[0]) { -first } else { first }).min(32_767) >> 7;
        let step = if same(self.partial[1]) { 128 } else { -128 };
        let second = (turned + step + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let step = if same(self.partial[0]) { 192 } else { -192 };
        let first = saturate(step + ((self.poles[0] * 32_640) >> 15));
        let limit = saturate(15_360 - second);
        let first = first.clamp(-limit, limit);

        let push = if difference == 0 { 0 } else { 128 };
        for (zero, &past) in self.zeros.iter_mut().zip(&self.differences) {
            let towards = if (difference < 0) == (past < 0) { push } else { -push };
            *zero = saturate(towards + ((*zero * 32_640) >> 15));
        }

        self.poles = [first, second];
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        self.partial = [partial, self.partial[0]];

        let weighed = |weight: i32, value: i32| (weight * saturate(value + value)) >> 15;
        let from_poles = saturate(weighed(first, self.rebuilt[0]) + weighed(second, self.rebuilt[1]));
        let zeros: i32 = self.zeros.iter().zip(&self.differences).map(|(&zero, &past)| weighed(zero, past)).sum();
        self.from_zeros = saturate(zeros);
        self.predicted = saturate(from_poles + self.from_zeros);
    }
}

fn scale(log_step: i32, base: i32) -> i32 {
    let mantissa = ILB[((log_step >> 6) & 31) as usize];
    let shift = base - (log_step >> 11);
    (if shift < 0 { mantissa << -shift } else { mantissa >> shift }) << 2
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// The filter's taps (table 4 of the recommendation, twelve of the symmetric twenty-four).
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
/// Decision levels of the lower band (table 14).
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121, 1_219,
    1_339, 1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];
/// Output levels: two bits of the upper band, four and six bits of the lower one (tables 16 to 18).
const QM2: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
const QM4: [i32; 16] =
    [0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200, 0];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232, -9_360,
    -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776, -2_400, -2_032,
    -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576,
    7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360, 1_040,
    728, 432, 136, -432, -136,
];
/// Scale factors (tables 19 to 21).
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1_198, 3_042];
const ILB: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774, 2_834,
    2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];
