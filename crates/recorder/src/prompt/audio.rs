//! A prompt's audio: which bytes, how long, how loud, from where to where something is heard.
use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::PromptFault;

/// Below this level, dB of full scale, a prompt counts as silent. Speech that was levelled for a telephone lies at −30
/// to −15; a room without a speaker at −60.
pub const QUIETEST_DB: f64 = -50.0;

/// A piece of this length is heard, or is not.
const PIECE_MS: usize = 20;

/// Larger files are no prompts; read whole they would only cost memory.
const LARGEST: u64 = 64 << 20;

/// What was measured of a WAV file.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub duration_ms: u64,
    /// From the first piece that is heard to the end of the last.
    pub heard_ms: u64,
    /// Root mean square of all of it, dB of full scale; −∞ for digital silence.
    pub level_db: f64,
}

impl Audio {
    /// Reads a WAV file (RIFF; whole samples of 8 to 32 bits or floating ones, any rate, any number of channels).
    ///
    /// # Errors
    /// It cannot be read, or is none. A silent one is read like any other.
    pub fn read(path: &Path) -> Result<Self, PromptFault> {
        let bytes = read_file(path)?;
        let not_wav = |why: String| PromptFault::NotWav { path: path.to_owned(), why };
        let reader = hound::WavReader::new(Cursor::new(&bytes)).map_err(|fault| not_wav(fault.to_string()))?;
        let spec = reader.spec();
        let samples = samples(reader).map_err(|fault| not_wav(fault.to_string()))?;
        let per_second = (spec.sample_rate.max(1) as usize) * usize::from(spec.channels.max(1));
        let length_ms = |samples: usize| (samples as u64 * 1000).div_ceil(per_second as u64);
        let piece = (per_second * PIECE_MS / 1000).max(1);
        let heard: Vec<usize> = samples
            .chunks(piece)
            .enumerate()
            .filter(|(_, piece)| level_db(piece) > QUIETEST_DB)
            .map(|(place, _)| place)
            .collect();
        let span = heard.first().zip(heard.last()).map_or(0, |(first, last)| last - first + 1);
        Ok(Self {
            sha256: hexadecimal(&bytes),
            duration_ms: length_ms(samples.len()),
            heard_ms: (span * PIECE_MS) as u64,
            level_db: level_db(&samples),
        })
    }

    /// Nothing is heard in it.
    pub fn is_silent(&self) -> bool {
        self.level_db <= QUIETEST_DB
    }
}

/// SHA-256 of a file, 64 hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub fn hash_of_file(path: &Path) -> Result<String, PromptFault> {
    Ok(hexadecimal(&read_file(path)?))
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, PromptFault> {
    let unreadable = |source| PromptFault::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All samples, a full one being 1.
fn samples(mut reader: hound::WavReader<Cursor<&Vec<u8>>>) -> Result<Vec<f32>, hound::Error> {
    let spec = reader.spec();
    match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect(),
        hound::SampleFormat::Int => {
            let full = 2_f32.powi(i32::from(spec.bits_per_sample.max(1)) - 1);
            reader.samples::<i32>().map(|sample| sample.map(|sample| sample as f32 / full)).collect()
        }
    }
}

fn level_db(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    if samples.is_empty() { f64::NEG_INFINITY } else { 10.0 * (power / samples.len() as f64).log10() }
}
