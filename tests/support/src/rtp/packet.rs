//! One RTP packet (RFC 3550) without extensions, and RFC 4733's telephone events.

/// Payload type of `telephone-event/8000` in every offer and answer of ours.
pub const TELEPHONE_EVENT: u8 = 101;
/// Comfort noise (RFC 3389).
pub const COMFORT_NOISE: u8 = 13;

/// A packet's header and payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The marker bit: a talk spurt's first packet.
    pub marker: bool,
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in ticks of the codec's RTP clock.
    pub timestamp: u32,
    /// Who sends.
    pub source: u32,
    /// The codec's bytes.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Its bytes on the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.payload.len());
        bytes.push(0x80);
        bytes.push(u8::from(self.marker) << 7 | self.payload_type);
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.source.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// From the wire; `None` for what is no RTP (RTCP, STUN).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<12>()?;
        let rtcp = (200..=206).contains(&head[1]);
        if head[0] >> 6 != 2 || rtcp {
            return None;
        }
        let contributors = usize::from(head[0] & 0x0f) * 4;
        let mut payload = rest.get(contributors..)?;
        if head[0] & 0x10 != 0 {
            let words = usize::from(u16::from_be_bytes([*payload.get(2)?, *payload.get(3)?]));
            payload = payload.get(4 + words * 4..)?;
        }
        if head[0] & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            payload = payload.get(..payload.len().checked_sub(padding)?)?;
        }
        Some(Self {
            marker: head[1] & 0x80 != 0,
            payload_type: head[1] & 0x7f,
            sequence: u16::from_be_bytes([head[2], head[3]]),
            timestamp: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            source: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            payload: payload.to_vec(),
        })
    }
}

/// The payload of a telephone event; `ticks` since the digit began, `last` on the packets that end it.
pub fn telephone_event(digit: char, ticks: u16, last: bool) -> Option<Vec<u8>> {
    let event = "0123456789*#ABCD".find(digit)? as u8;
    let [high, low] = ticks.to_be_bytes();
    Some(vec![event, u8::from(last) << 7 | 10, high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_reads_back_and_rtcp_is_none() {
        let packet =
            Packet { marker: true, payload_type: 8, sequence: 65_535, timestamp: 7, source: 9, payload: vec![1, 2, 3] };
        let bytes = packet.to_bytes();
        assert_eq!(Packet::from_bytes(&bytes), Some(packet));
        assert_eq!(Packet::from_bytes(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Packet::from_bytes(&bytes[..11]), None);
    }
}
