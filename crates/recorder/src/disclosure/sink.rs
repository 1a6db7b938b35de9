//! Where samples go: a WAV file by hound, or an Ogg Opus file.
use std::io::{Seek, Write};

use super::export::ExportFault;
use super::ogg_opus::OggOpusEncoder;

/// A file being written.
pub(super) enum Sink<W: Write + Seek> {
    /// 16-bit WAV.
    Wav(Box<hound::WavWriter<W>>),
    /// Ogg Opus, mono.
    Opus(Box<OggOpusEncoder<W>>),
}

impl<W: Write + Seek> Sink<W> {
    pub(super) fn wav(file: W, rate: u32, channels: u16) -> Result<Self, ExportFault> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        Ok(Self::Wav(Box::new(hound::WavWriter::new(file, spec).map_err(wav_fault)?)))
    }

    pub(super) fn opus(file: W, rate: u32) -> Result<Self, ExportFault> {
        Ok(Self::Opus(Box::new(OggOpusEncoder::new(file, rate)?)))
    }

    /// Takes interleaved samples.
    pub(super) fn write(&mut self, samples: &[i16]) -> Result<(), ExportFault> {
        match self {
            Self::Wav(writer) => {
                let count = u32::try_from(samples.len()).expect("a block is short");
                let mut block = writer.get_i16_writer(count);
                samples.iter().for_each(|&sample| block.write_sample(sample));
                block.flush().map_err(wav_fault)
            }
            Self::Opus(encoder) => encoder.write(samples),
        }
    }

    /// Ends the file. Without this it is not one.
    pub(super) fn finish(self) -> Result<(), ExportFault> {
        match self {
            Self::Wav(writer) => writer.finalize().map_err(wav_fault),
            Self::Opus(encoder) => encoder.finish(),
        }
    }
}

fn wav_fault(fault: hound::Error) -> ExportFault {
    ExportFault::Write(if let hound::Error::IoError(source) = fault { source } else { std::io::Error::other(fault) })
}
