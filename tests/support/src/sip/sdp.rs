//! Session descriptions (RFC 4566) with one audio stream, offered and answered by RFC 3264.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::codec::Codec;
use crate::rtp::TELEPHONE_EVENT;

/// Who sends, from the describer's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The describer only: the other side is on hold.
    SendOnly,
    /// The other side only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether the describer sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the describer receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The answer to an offer of this direction by one who would do both.
    pub fn answered(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive].into_iter().find(|d| d.word() == word)
    }
}

/// One side's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Where it wants its audio.
    pub address: SocketAddr,
    /// Payload types and codecs, best first.
    pub codecs: Vec<(u8, Codec)>,
    /// `a=ptime`, ms.
    pub packet_time: Option<u32>,
    /// Who sends.
    pub direction: Direction,
    /// `o=`'s version: raised with each change.
    pub version: u32,
}

impl Description {
    /// What we offer: these codecs at our own payload types.
    pub fn offer(port: u16, codecs: &[Codec], packet_time: u32, direction: Direction, version: u32) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            codecs: codecs.iter().map(|&codec| (codec.payload_type(), codec)).collect(),
            packet_time: Some(packet_time),
            direction,
            version,
        }
    }

    /// The answer to this offer by one who speaks `ours`: the first of the offer that is among them.
    pub fn answer(&self, port: u16, ours: &[Codec], packet_time: u32, version: u32) -> Option<Self> {
        let agreed = self.codecs.iter().find(|(_, codec)| ours.contains(codec))?;
        Some(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            codecs: vec![*agreed],
            packet_time: Some(packet_time),
            direction: self.direction.answered(),
            version,
        })
    }

    /// From a body.
    pub fn parse(body: &str) -> Option<Self> {
        let (mut ip, mut port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), None);
        let (mut types, mut maps): (Vec<u8>, Vec<(u8, Codec)>) = (Vec::new(), Vec::new());
        let (mut packet_time, mut direction, mut version) = (None, Direction::SendRecv, 0);
        let mut in_audio = true;
        for line in body.lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
            match kind {
                "o" => version = value.split_whitespace().nth(2).and_then(|v| v.parse().ok()).unwrap_or(0),
                "c" if in_audio => ip = value.split_whitespace().nth(2)?.parse().ok()?,
                "m" => {
                    let mut words = value.split_whitespace();
                    in_audio = words.next() == Some("audio");
                    if in_audio {
                        port = words.next()?.parse::<u16>().ok();
                        types = words.skip(1).filter_map(|word| word.parse().ok()).collect();
                    }
                }
                "a" if in_audio => {
                    if let Some(map) = value.strip_prefix("rtpmap:") {
                        let (payload_type, name) = map.split_once(' ')?;
                        maps.extend(payload_type.parse().ok().zip(Codec::from_rtpmap(name)));
                    } else if let Some(time) = value.strip_prefix("ptime:") {
                        packet_time = time.trim().parse().ok();
                    } else if let Some(word) = Direction::from_word(value) {
                        direction = word;
                    }
                }
                _ => {}
            }
        }
        let codecs = types
            .iter()
            .filter_map(|&payload_type| {
                let mapped = maps.iter().find(|(own, _)| *own == payload_type).map(|&(_, codec)| codec);
                Some((payload_type, mapped.or_else(|| Codec::from_static(payload_type))?))
            })
            .collect();
        Some(Self { address: (ip, port?).into(), codecs, packet_time, direction, version })
    }

    /// As a body.
    pub fn to_body(&self) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        let types: String = self.codecs.iter().map(|(payload_type, _)| format!(" {payload_type}")).collect();
        let mut body = format!(
            "v=0\r\no=- {port} {} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP{types} {TELEPHONE_EVENT}\r\n",
            self.version
        );
        for (payload_type, codec) in &self.codecs {
            body += &format!("a=rtpmap:{payload_type} {}\r\n", codec.rtpmap());
        }
        body += &format!("a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na=fmtp:{TELEPHONE_EVENT} 0-15\r\n");
        if let Some(time) = self.packet_time {
            body += &format!("a=ptime:{time}\r\n");
        }
        body + &format!("a={}\r\n", self.direction.word())
    }

    /// The same of a device that says what it prefers of being recorded (RFC 7866).
    pub fn to_body_preferring(&self, preference: Option<&str>) -> String {
        let said = preference.map(|preference| format!("a=recordpref:{preference}\r\n")).unwrap_or_default();
        self.to_body() + &said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_reads_back_and_is_answered_by_the_first_common_codec() {
        let codecs = [Codec::Opus, Codec::Pcma, Codec::Pcmu];
        let offer = Description::offer(4_000, &codecs, 30, Direction::SendOnly, 3);
        let parsed = Description::parse(&offer.to_body()).expect("it is a description");
        assert_eq!(parsed, offer);
        let answer = parsed.answer(5_000, &[Codec::Pcmu, Codec::Pcma], 30, 1).expect("a codec is common");
        assert_eq!((answer.codecs.as_slice(), answer.direction), (&[(8, Codec::Pcma)][..], Direction::RecvOnly));
        assert_eq!(parsed.answer(5_000, &[Codec::G722], 30, 1), None);
    }
}
