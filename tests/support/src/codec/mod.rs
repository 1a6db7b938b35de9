//! What a party speaks: codecs as SDP names them, with an encoder and a decoder each.
use crate::Proof;

mod g711;
mod g722;

pub use g711::{Law, compress, expand};

/// A codec on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722, 64 kbit/s: 16 kHz of audio on an RTP clock of 8 kHz (RFC 3551).
    G722,
    /// 16-bit linear, network byte order, mono.
    L16 {
        /// Samples per second.
        rate: u32,
    },
    /// Opus, sent in mono at 48 kHz (RFC 7587).
    Opus,
}

impl Codec {
    /// Its payload type: the static one, or ours where it is dynamic.
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::L16 { .. } => 97,
            Self::Opus => 98,
        }
    }

    /// `a=rtpmap`'s value.
    pub fn rtpmap(self) -> String {
        match self {
            Self::Pcmu => "PCMU/8000".into(),
            Self::Pcma => "PCMA/8000".into(),
            Self::G722 => "G722/8000".into(),
            Self::L16 { rate } => format!("L16/{rate}"),
            Self::Opus => "opus/48000/2".into(),
        }
    }

    /// From `a=rtpmap`'s value; static types may come without one.
    pub fn from_rtpmap(value: &str) -> Option<Self> {
        let mut parts = value.trim().split('/');
        let name = parts.next()?.to_ascii_lowercase();
        let rate: u32 = parts.next()?.parse().ok()?;
        match (name.as_str(), rate) {
            ("pcmu", 8_000) => Some(Self::Pcmu),
            ("pcma", 8_000) => Some(Self::Pcma),
            ("g722", 8_000) => Some(Self::G722),
            ("l16", rate) if parts.next().is_none_or(|channels| channels == "1") => Some(Self::L16 { rate }),
            ("opus", 48_000) => Some(Self::Opus),
            _ => None,
        }
    }

    /// From a static payload type (RFC 3551).
    pub fn from_static(payload_type: u8) -> Option<Self> {
        [Self::Pcmu, Self::Pcma, Self::G722].into_iter().find(|codec| codec.payload_type() == payload_type)
    }

    /// Ticks per second of its RTP timestamps.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::L16 { rate } => rate,
            Self::Opus => 48_000,
        }
    }

    /// Samples per second of its audio.
    pub fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 => 16_000,
            Self::L16 { rate } => rate,
            Self::Opus => 48_000,
        }
    }

    /// A fresh encoder.
    pub fn encoder(self) -> Proof<Box<dyn Encoder>> {
        Ok(match self {
            Self::Pcmu => Box::new(g711::Companded(Law::Mu)),
            Self::Pcma => Box::new(g711::Companded(Law::A)),
            Self::G722 => Box::new(g722::G722Encoder::new()),
            Self::L16 { .. } => Box::new(Linear),
            Self::Opus => Box::new(OpusVoice::new()?),
        })
    }

    /// A fresh decoder.
    pub fn decoder(self) -> Proof<Box<dyn Decoder>> {
        Ok(match self {
            Self::Pcmu => Box::new(g711::Companded(Law::Mu)),
            Self::Pcma => Box::new(g711::Companded(Law::A)),
            Self::G722 => Box::new(g722::G722Decoder::new()),
            Self::L16 { .. } => Box::new(Linear),
            Self::Opus => Box::new(OpusEar(opus::Decoder::new(48_000, opus::Channels::Mono)?)),
        })
    }
}

/// Samples of one packet to its payload.
pub trait Encoder: Send {
    /// Mono samples at [`Codec::sample_rate`].
    fn encode(&mut self, samples: &[i16]) -> Proof<Vec<u8>>;
}

/// A payload to its samples.
pub trait Decoder {
    /// Mono samples at [`Codec::sample_rate`].
    fn decode(&mut self, payload: &[u8]) -> Proof<Vec<i16>>;
}

struct Linear;

impl Encoder for Linear {
    fn encode(&mut self, samples: &[i16]) -> Proof<Vec<u8>> {
        Ok(samples.iter().flat_map(|sample| sample.to_be_bytes()).collect())
    }
}

impl Decoder for Linear {
    fn decode(&mut self, payload: &[u8]) -> Proof<Vec<i16>> {
        Ok(payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect())
    }
}

struct OpusVoice(opus::Encoder);

impl OpusVoice {
    fn new() -> Proof<Self> {
        let mut encoder = opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Audio)?;
        encoder.set_bitrate(opus::Bitrate::Bits(48_000))?;
        Ok(Self(encoder))
    }
}

impl Encoder for OpusVoice {
    fn encode(&mut self, samples: &[i16]) -> Proof<Vec<u8>> {
        let mut payload = vec![0; 1_275];
        let length = self.0.encode(samples, &mut payload)?;
        payload.truncate(length);
        Ok(payload)
    }
}

struct OpusEar(opus::Decoder);

impl Decoder for OpusEar {
    fn decode(&mut self, payload: &[u8]) -> Proof<Vec<i16>> {
        let mut samples = vec![0; 5_760];
        let length = self.0.decode(payload, &mut samples, false)?;
        samples.truncate(length);
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tones::{AGENT, level_db, tone_sample};

    #[test]
    fn a_tone_survives_every_codec() {
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::L16 { rate: 16_000 }, Codec::Opus] {
            let rate = codec.sample_rate();
            let (mut encoder, mut decoder) =
                (codec.encoder().expect("an encoder"), codec.decoder().expect("a decoder"));
            let packet = u64::from(rate / 50);
            let mut heard = Vec::new();
            for number in 0..100 {
                let samples: Vec<i16> = (0..packet).map(|n| tone_sample(AGENT, rate, number * packet + n)).collect();
                heard.extend(decoder.decode(&encoder.encode(&samples).expect("encodes")).expect("decodes"));
            }
            assert_eq!(heard.len() as u64, 100 * packet, "{codec:?}");
            let level = level_db(&heard[heard.len() / 4..], rate, AGENT);
            assert!(level.abs() < 1.0, "{codec:?}: {level} dB");
            let noise = level_db(&heard[heard.len() / 4..], rate, 2_300);
            assert!(noise < -35.0, "{codec:?}: {noise} dB beside the tone");
        }
    }
}
