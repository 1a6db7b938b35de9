//! From one sample rate to another, for the few tracks that cannot be decoded at the export's rate.
//!
//! A polyphase windowed sinc (Blackman, 16 zero crossings a side), without delay: the first sample out belongs to
//! the same moment as the first one in.

const CROSSINGS: usize = 16;

/// One run of samples, from its first to its last.
#[derive(Debug)]
pub(super) struct Resampler {
    /// Output samples per `down` input samples.
    up: usize,
    down: usize,
    /// Input samples on either side of an output sample that it is made of.
    half: usize,
    /// Per phase, `2 * half` weights.
    weights: Vec<f32>,
    /// Input, from sample `first` of the run on; `half` zeros stand before the run.
    input: Vec<f32>,
    first: usize,
    /// The next output sample's place in the run, as input sample and phase.
    at: usize,
    phase: usize,
    taken: usize,
}

impl Resampler {
    /// From `from` to `to` samples per second, both above 0.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let common = greatest_common_divisor(from, to);
        let (up, down) = ((to / common) as usize, (from / common) as usize);
        let cutoff = (f64::from(to) / f64::from(from)).min(1.0);
        let half = (CROSSINGS as f64 / cutoff).ceil() as usize;
        let mut weights = Vec::with_capacity(up * 2 * half);
        for phase in 0..up {
            let fraction = phase as f64 / up as f64;
            let row: Vec<f64> =
                (0..2 * half).map(|tap| weight(tap as f64 - (half - 1) as f64 - fraction, half, cutoff)).collect();
            // Each phase passes a constant unchanged.
            let sum: f64 = row.iter().sum();
            weights.extend(row.iter().map(|weight| (weight / sum) as f32));
        }
        Self { up, down, half, weights, input: vec![0.0; half], first: 0, at: 0, phase: 0, taken: 0 }
    }

    /// Takes samples of the run and adds what they give to `out`; the last `half` of them wait for what follows.
    pub(super) fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.input.extend(samples.iter().map(|&sample| f32::from(sample)));
        self.taken += samples.len();
        self.produce(usize::MAX, out);
    }

    /// Ends the run; the next push begins another.
    pub(super) fn finish(&mut self, out: &mut Vec<i16>) {
        self.input.extend(std::iter::repeat_n(0.0, self.half + 1));
        self.produce(self.taken, out);
        self.input.clear();
        self.input.resize(self.half, 0.0);
        (self.first, self.at, self.phase, self.taken) = (0, 0, 0, 0);
    }

    fn produce(&mut self, until: usize, out: &mut Vec<i16>) {
        // Input sample n of the run lies at index n + half - first.
        while self.at < until && self.at - self.first + 2 * self.half < self.input.len() {
            let from = self.at - self.first + 1;
            let window = &self.input[from..from + 2 * self.half];
            let weights = &self.weights[self.phase * 2 * self.half..][..2 * self.half];
            let sum: f32 = window.iter().zip(weights).map(|(sample, weight)| sample * weight).sum();
            out.push(sum.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16);
            self.phase += self.down;
            self.at += self.phase / self.up;
            self.phase %= self.up;
        }
        let done = (self.at - self.first).min(self.input.len());
        self.input.drain(..done);
        self.first += done;
    }
}

fn weight(x: f64, half: usize, cutoff: f64) -> f64 {
    use std::f64::consts::PI;
    let place = x / half as f64;
    if place.abs() >= 1.0 {
        return 0.0;
    }
    let window = 0.42 + 0.5 * (PI * place).cos() + 0.08 * (2.0 * PI * place).cos();
    let angle = PI * x * cutoff;
    let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
    sinc * window * cutoff
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..samples).map(|n| (10_000.0 * (step * n as f64).sin()).round() as i16).collect()
    }

    #[test]
    fn a_tone_stays_what_and_where_it_is() {
        for (from, to) in
            [(8000, 48_000), (8000, 16_000), (16_000, 24_000), (44_100, 48_000), (11_025, 12_000), (96_000, 48_000)]
        {
            let input = tone(from, 440.0, from as usize);
            let (mut resampler, mut out) = (Resampler::new(from, to), Vec::new());
            for piece in input.chunks(161) {
                resampler.push(piece, &mut out);
            }
            resampler.finish(&mut out);
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            let expected = tone(to, 440.0, to as usize);
            let inner = (to as usize / 50)..(to as usize * 49 / 50);
            let worst = inner.map(|n| (i32::from(out[n]) - i32::from(expected[n])).abs()).max().expect("not empty");
            assert!(worst <= 30, "{from} to {to}: off by {worst} of 10000");
        }
    }

    #[test]
    fn runs_do_not_meet() {
        let (mut resampler, mut first, mut second) = (Resampler::new(8000, 48_000), Vec::new(), Vec::new());
        resampler.push(&[1000; 160], &mut first);
        resampler.finish(&mut first);
        resampler.push(&[1000; 160], &mut second);
        resampler.finish(&mut second);
        assert_eq!(first, second);
        assert_eq!(first.len(), 960);
    }

    #[test]
    fn a_run_of_one_sample_gives_its_share() {
        let (mut resampler, mut out) = (Resampler::new(8000, 48_000), Vec::new());
        resampler.push(&[1000], &mut out);
        resampler.finish(&mut out);
        assert_eq!(out.len(), 6);
    }
}
