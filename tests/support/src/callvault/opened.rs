//! A released copy that its manager opened.
use std::path::Path;

use crate::Proof;
use crate::intervals::Interval;
use crate::tones::{audible_intervals, intervals_within};

/// Opus at 16 kbit/s stays this far below a full tone at other frequencies.
const CODEC_NOISE_DB: f64 = 26.0;

/// An opened recording: samples of each track from the recording's start.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Samples per second.
    pub rate: u32,
    /// In track order.
    pub tracks: Vec<Vec<i16>>,
}

impl Opened {
    /// From a WAV with a channel per track.
    pub fn read(file: &Path) -> Proof<Self> {
        let mut reader = hound::WavReader::open(file)?;
        let spec = reader.spec();
        let mut tracks = vec![Vec::new(); usize::from(spec.channels)];
        for (index, sample) in reader.samples::<i16>().enumerate() {
            tracks[index % usize::from(spec.channels)].push(sample?);
        }
        Ok(Self { rate: spec.sample_rate, tracks })
    }

    /// How long the WAV is, ms.
    pub fn length_ms(&self) -> i64 {
        self.tracks.first().map_or(0, |track| track.len() as i64 * 1000 / i64::from(self.rate))
    }

    /// When a frequency is audible on a track (from 0, in track order), ms from the recording's start.
    pub fn audible(&self, track: usize, frequency: u32) -> Vec<Interval> {
        self.tracks.get(track).map(|samples| audible_intervals(samples, self.rate, frequency)).unwrap_or_default()
    }

    /// When a frequency sounds on a track at more than what a lossy codec adds beside another tone.
    pub fn plainly_audible(&self, track: usize, frequency: u32) -> Vec<Interval> {
        let within = |samples: &Vec<i16>| intervals_within(CODEC_NOISE_DB, samples, self.rate, frequency);
        self.tracks.get(track).map(within).unwrap_or_default()
    }
}
