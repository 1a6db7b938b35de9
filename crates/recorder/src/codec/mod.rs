//! From payloads to samples: a file per codec that the recorder knows itself, and a door to the host's for the rest.
//!
//! What a codec says of a payload without decoding it is its duration; the timeline lives on that. Opus is never
//! decoded here: it is kept as it came.
mod g711;
mod host;
mod l16;
mod opus;
mod pcma;
mod pcmu;

pub use host::{HostDecoders, NoHostDecoders};
pub use opus::packet_duration_us as opus_packet_duration_us;

use crate::capture::FrameFormat;

/// What a leg's frames are to the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// G.711 µ-law (RFC 3551, 4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551, 4.5.14).
    Pcma,
    /// 16-bit samples; in the machine's byte order, as the host has them after reading (on the wire they are
    /// big-endian, RFC 3551, 4.5.11).
    L16,
    /// Opus (RFC 6716, RFC 7587).
    Opus,
    /// Something that only the host decodes.
    Host,
}

impl Coding {
    /// By the format's IANA name.
    pub fn of(format: &FrameFormat) -> Self {
        match format.name_bytes() {
            b"PCMU" => Self::Pcmu,
            b"PCMA" => Self::Pcma,
            b"L16" => Self::L16,
            b"OPUS" => Self::Opus,
            _ => Self::Host,
        }
    }

    /// Whether audio can be cut off a payload's beginning: of samples, but not of coded frames.
    pub fn is_samples(self) -> bool {
        matches!(self, Self::Pcmu | Self::Pcma | Self::L16)
    }

    /// How much audio a payload holds, in microseconds; `None` where it is no payload of that codec, or of a format
    /// that cannot be.
    pub fn duration_us(self, format: &FrameFormat, payload: &[u8]) -> Option<u32> {
        if !(1..=2).contains(&format.channels) || !RATES.contains(&format.sample_rate) {
            return None;
        }
        let duration = match self {
            Self::Pcmu | Self::Pcma => samples_us(payload.len(), 1, format),
            Self::L16 => samples_us(payload.len(), 2, format),
            Self::Opus => opus::packet_duration_us(payload),
            Self::Host => host::duration_us(format, payload),
        };
        duration.filter(|us| (1..=LONGEST_US).contains(us))
    }
}

/// Sample rates that audio has.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// No packet holds more audio: 4096 bytes of G.711.
pub(crate) const LONGEST_US: u32 = 512_000;

fn samples_us(bytes: usize, width: usize, format: &FrameFormat) -> Option<u32> {
    let channels = usize::from(format.channels);
    if !bytes.is_multiple_of(width * channels) {
        return None;
    }
    let samples = u64::try_from(bytes / (width * channels)).ok()?;
    u32::try_from(samples * 1_000_000 / u64::from(format.sample_rate)).ok()
}

/// One track's way from payloads to samples. Made, used and dropped on one pool thread.
pub trait Decoder {
    /// Adds the payload's samples to `out`: 16 bit, interleaved, at [`Self::sample_rate`].
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Undecodable>;
    /// Samples per second and channel.
    fn sample_rate(&self) -> u32;
    /// 1 or 2.
    fn channels(&self) -> u8;
}

/// A payload that is none of its codec. The frame becomes a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payload is not of its codec; if this goes on, look at what the far end sends")]
pub struct Undecodable;

/// Nothing here decodes a format: its audio cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no decoder for {format}, so its audio is not recorded: load the host's module for it, or take it out of the codec preferences"
)]
pub struct NoDecoder {
    /// The format.
    pub format: FrameFormat,
}

/// The decoder of a format: our own, or the host's.
pub fn decoder_for(format: &FrameFormat, host: &dyn HostDecoders) -> Result<Box<dyn Decoder>, NoDecoder> {
    match Coding::of(format) {
        Coding::Pcmu => Ok(Box::new(g711::G711::new(&PCMU_SAMPLES, format))),
        Coding::Pcma => Ok(Box::new(g711::G711::new(&PCMA_SAMPLES, format))),
        Coding::L16 => Ok(Box::new(l16::L16::new(format))),
        Coding::Opus => Err(NoDecoder { format: *format }),
        Coding::Host => host.open(format),
    }
}

/// The 16-bit sample of each byte of G.711 µ-law.
pub static PCMU_SAMPLES: [i16; 256] = pcmu::SAMPLES;
/// The 16-bit sample of each byte of G.711 A-law.
pub static PCMA_SAMPLES: [i16; 256] = pcma::SAMPLES;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::format_named;

    /// Each codec's table: payload bytes and what they last.
    #[test]
    fn a_payload_lasts_as_long_as_its_codec_says() {
        let opus = format_named(b"opus", 48_000, 2);
        let table: &[(FrameFormat, Coding, &[u8], Option<u32>)] = &[
            (format_named(b"PCMU", 8000, 1), Coding::Pcmu, &[0; 160], Some(20_000)),
            (format_named(b"pcmu", 8000, 1), Coding::Pcmu, &[0; 80], Some(10_000)),
            (format_named(b"PCMA", 8000, 1), Coding::Pcma, &[0; 241], Some(30_125)),
            (format_named(b"PCMA", 8000, 1), Coding::Pcma, &[], None),
            (format_named(b"L16", 16_000, 1), Coding::L16, &[0; 640], Some(20_000)),
            (format_named(b"L16", 48_000, 2), Coding::L16, &[0; 3840], Some(20_000)),
            (format_named(b"L16", 48_000, 2), Coding::L16, &[0; 3842], None),
            (format_named(b"L16", 0, 1), Coding::L16, &[0; 640], None),
            (format_named(b"L16", u32::MAX, 1), Coding::L16, &[0; 640], None),
            (format_named(b"L16", 8000, 0), Coding::L16, &[0; 640], None),
            (format_named(b"PCMU", 8000, 1), Coding::Pcmu, &[0; 4096], Some(512_000)),
            (opus, Coding::Opus, &[0x78, 1, 2], Some(20_000)),
            (format_named(b"G722", 16_000, 1), Coding::Host, &[0; 240], Some(30_000)),
            (format_named(b"AMR", 8000, 1), Coding::Host, &[0; 32], Some(20_000)),
        ];
        for (format, coding, payload, duration) in table {
            assert_eq!(Coding::of(format), *coding, "{format}");
            assert_eq!(coding.duration_us(format, payload), *duration, "{format}, {} bytes", payload.len());
        }
    }

    #[test]
    fn a_format_without_a_decoder_is_named_in_words() {
        let silk = FrameFormat::new(b"silk\n", 24_000, 24_000, 1, 20_000);
        let Err(fault) = decoder_for(&silk, &NoHostDecoders) else { panic!("nobody decodes it") };
        assert!(fault.to_string().starts_with("there is no decoder for SILK? at 24000 Hz, 1 channel, so"), "{fault}");
    }
}
