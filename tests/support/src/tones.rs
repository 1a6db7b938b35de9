//! The oracle: each party has its own tone, and the energy at that frequency says who is audible when.
use std::f64::consts::TAU;

use crate::intervals::Interval;

/// The caller's tone, Hz.
pub const CALLER: u32 = 440;
/// The agent's tone, Hz.
pub const AGENT: u32 = 1000;
/// A third party's tone, Hz.
pub const THIRD: u32 = 1700;
/// A tone's amplitude: -20 dBFS.
pub const AMPLITUDE: f64 = 3276.7;

/// How far below a full tone a frequency still counts as audible, dB.
const THRESHOLD_DB: f64 = 40.0;
const HOP_MS: i64 = 10;
const WINDOW_MS: i64 = 20;
/// A Hann window of 20 ms reaches -40 dB of a full tone when this much of it overlaps the tone, ms.
const OVERLAP_MS: i64 = 2;
/// What is shorter is the click at another tone's edge.
const SHORTEST_MS: i64 = 30;

/// One sample of a tone at -20 dBFS; `index` counts from the stream's start, so that a tone that pauses goes on in phase.
pub fn tone_sample(frequency: u32, rate: u32, index: u64) -> i16 {
    let second = index % u64::from(rate);
    (AMPLITUDE * (TAU * f64::from(frequency) * second as f64 / f64::from(rate)).sin()).round() as i16
}

/// A sample of a tone with quiet noise over it that depends on `index` alone: any few milliseconds of it can be
/// placed to the sample.
pub fn fingerprint_sample(frequency: u32, rate: u32, index: u64) -> i16 {
    let noise = (noise_word(index) >> 54) as i16 - 512;
    tone_sample(frequency, rate, index).saturating_add(noise)
}

/// A tone with a burst of pseudo-noise in the first 20 ms of each second.
pub fn burst_sample(frequency: u32, rate: u32, index: u64) -> i16 {
    if index % u64::from(rate) < u64::from(rate / 50) {
        (noise_word(index) >> 52) as i16 - 2048
    } else {
        tone_sample(frequency, rate, index)
    }
}

/// A scrambled word of a counter (the finaliser of SplitMix64): noise that needs no state.
pub fn noise_word(index: u64) -> u64 {
    let mut word = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// When a frequency is audible in `samples`, ms from their start: within 40 dB of a full tone, in hops of 10 ms.
pub fn audible_intervals(samples: &[i16], rate: u32, frequency: u32) -> Vec<Interval> {
    intervals_within(THRESHOLD_DB, samples, rate, frequency)
}

/// When a frequency sounds within `decibels` of a full tone: [`audible_intervals`] with another threshold, for what a
/// lossy codec adds beside the tone.
pub fn intervals_within(decibels: f64, samples: &[i16], rate: u32, frequency: u32) -> Vec<Interval> {
    let window = hann(rate);
    let hop = (i64::from(rate) * HOP_MS / 1000) as usize;
    let floor = AMPLITUDE * 10f64.powf(-decibels / 20.0);
    let mut intervals: Vec<Interval> = Vec::new();
    let mut since: Option<i64> = None;
    let hops = samples.len().saturating_sub(window.len()) / hop.max(1) + 1;
    for index in 0..hops {
        let Some(stretch) = samples.get(index * hop..index * hop + window.len()) else { break };
        let at = index as i64 * HOP_MS;
        let audible = amplitude_at(stretch, &window, rate, frequency) >= floor;
        match (audible, since) {
            (true, None) => since = Some(at),
            (false, Some(from)) => {
                push(&mut intervals, from, at - HOP_MS);
                since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    if let Some(from) = since {
        let end = samples.len() as i64 * 1000 / i64::from(rate);
        // The stretch reaches to the last sample: nothing says that the tone ends before it.
        intervals.push(Interval::new(edge_in(from), end));
    }
    intervals
}

/// The level of a frequency over all of `samples`, dB relative to a full tone.
pub fn level_db(samples: &[i16], rate: u32, frequency: u32) -> f64 {
    let window = hann(rate);
    let hop = window.len() / 2;
    let mut power = 0.0;
    let mut count = 0u32;
    for stretch in samples.windows(window.len()).step_by(hop.max(1)) {
        power += amplitude_at(stretch, &window, rate, frequency).powi(2);
        count += 1;
    }
    10.0 * (power / f64::from(count.max(1)) / AMPLITUDE.powi(2)).max(1e-12).log10()
}

/// Where `needle` lies in `hay` (both at one rate) and how alike they are there, 0 to 1: the normalised correlation's
/// peak over all places where the whole needle fits.
pub fn best_place(hay: &[i16], needle: &[i16]) -> Option<(usize, f64)> {
    let energy = |stretch: &[i16]| stretch.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let own = energy(needle);
    if needle.is_empty() || hay.len() < needle.len() || own == 0.0 {
        return None;
    }
    (0..=hay.len() - needle.len())
        .map(|place| {
            let stretch = &hay[place..place + needle.len()];
            let product: f64 = stretch.iter().zip(needle).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            (place, product / (own * energy(stretch)).sqrt().max(1.0))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

fn push(intervals: &mut Vec<Interval>, first: i64, last: i64) {
    let interval = Interval::new(edge_in(first), last + OVERLAP_MS);
    if interval.length() >= SHORTEST_MS {
        intervals.push(interval);
    }
}

/// The first window that hears a tone begins before it: the tone is in the window's last milliseconds.
fn edge_in(first: i64) -> i64 {
    if first == 0 { 0 } else { first + WINDOW_MS - OVERLAP_MS }
}

fn hann(rate: u32) -> Vec<f64> {
    let length = (i64::from(rate) * WINDOW_MS / 1000) as usize;
    (0..length).map(|n| 0.5 - 0.5 * (TAU * n as f64 / length as f64).cos()).collect()
}

/// Goertzel: the amplitude of `frequency` in a windowed stretch.
fn amplitude_at(stretch: &[i16], window: &[f64], rate: u32, frequency: u32) -> f64 {
    let omega = TAU * f64::from(frequency) / f64::from(rate);
    let coefficient = 2.0 * omega.cos();
    let (mut before, mut last) = (0.0, 0.0);
    for (&sample, weight) in stretch.iter().zip(window) {
        let next = f64::from(sample) * weight + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - coefficient * last * before;
    // A full tone sums to half of the window's sum, which is half its length.
    4.0 * power.max(0.0).sqrt() / window.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(pieces: &[(u32, u64)], rate: u32) -> Vec<i16> {
        let mut samples = Vec::new();
        for &(frequency, ms) in pieces {
            for _ in 0..ms * u64::from(rate) / 1000 {
                let index = samples.len() as u64;
                samples.push(if frequency == 0 { 0 } else { tone_sample(frequency, rate, index) });
            }
        }
        samples
    }

    #[test]
    fn a_tone_is_audible_when_it_sounds_and_only_then() {
        for rate in [8_000, 16_000, 48_000] {
            let samples = speech(&[(0, 333), (CALLER, 1_000), (0, 512), (AGENT, 700), (0, 90), (AGENT, 300)], rate);
            let caller = audible_intervals(&samples, rate, CALLER);
            assert_eq!(caller.len(), 1, "{rate}: {caller:?}");
            assert!(caller[0].is_near(Interval::new(333, 1_333), 12), "{rate}: {caller:?}");
            let agent = audible_intervals(&samples, rate, AGENT);
            assert_eq!(agent.len(), 2, "{rate}: {agent:?}");
            assert!(agent[0].is_near(Interval::new(1_845, 2_545), 12), "{rate}: {agent:?}");
            assert!(agent[1].is_near(Interval::new(2_635, 2_935), 12), "{rate}: {agent:?}");
            assert!(audible_intervals(&samples, rate, THIRD).is_empty());
        }
    }

    #[test]
    fn a_tone_forty_decibels_down_is_the_limit() {
        let quiet = |divisor: i16| -> Vec<i16> { speech(&[(AGENT, 500)], 8_000).iter().map(|s| s / divisor).collect() };
        assert_eq!(audible_intervals(&quiet(50), 8_000, AGENT).len(), 1);
        assert!(audible_intervals(&quiet(200), 8_000, AGENT).is_empty());
        assert!((level_db(&speech(&[(AGENT, 500)], 8_000), 8_000, AGENT)).abs() < 0.5);
    }

    #[test]
    fn a_fingerprint_is_found_to_the_sample() {
        let all: Vec<i16> = (0..16_000).map(|n| fingerprint_sample(CALLER, 8_000, n)).collect();
        let (place, likeness) = best_place(&all, &all[5_123..5_283]).expect("it fits");
        assert_eq!(place, 5_123);
        assert!(likeness > 0.999);
    }
}
