//! What a party heard: packets decoded and laid out by their RTP timestamps.
use std::collections::HashMap;
use std::time::Instant;

use super::packet::{COMFORT_NOISE, Packet, TELEPHONE_EVENT};
use crate::codec::{Codec, Decoder};
use crate::intervals::Interval;
use crate::tones::audible_intervals;
use crate::{Proof, broken};

/// Where timestamps and arrival differ by more, the stream was renumbered and is laid out anew by arrival, ms.
const RENUMBERED_MS: i64 = 150;

/// A packet and when it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// What its payload type meant then; `None` where nothing of ours understands it.
    pub codec: Option<Codec>,
    /// The packet.
    pub packet: Packet,
}

/// Audio as heard, mono; silence where nothing came.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Samples per second: those of the first codec heard.
    pub rate: u32,
    /// The samples from `started` on.
    pub samples: Vec<i16>,
    /// When the first packet came.
    pub started: Instant,
}

impl Heard {
    /// Lays packets out in time. Each stream (source and codec) has a decoder of its own and is decoded in sequence.
    pub fn from_packets(received: &[Received]) -> Proof<Self> {
        let mut spoken: Vec<(&Received, Codec)> = received
            .iter()
            .filter(|received| ![TELEPHONE_EVENT, COMFORT_NOISE].contains(&received.packet.payload_type))
            .filter_map(|received| received.codec.map(|codec| (received, codec)))
            .collect();
        let Some(&(first, codec)) = spoken.first() else { broken!("nothing was heard: no audio packet came") };
        let (started, rate) = (first.at, codec.sample_rate());
        in_sequence(&mut spoken);

        let mut heard = Self { rate, samples: Vec::new(), started };
        let mut streams: HashMap<(u32, Codec), Stream> = HashMap::new();
        for (received, codec) in spoken {
            let arrived = received.at.saturating_duration_since(started).as_millis() as i64;
            let stream = match streams.entry((received.packet.source, codec)) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Stream {
                    decoder: codec.decoder()?,
                    timestamp: received.packet.timestamp,
                    at_ms: arrived,
                }),
            };
            let place = stream.place(received.packet.timestamp, codec, arrived, rate);
            let samples = stream.decoder.decode(&received.packet.payload)?;
            heard.lay(place, &samples, codec.sample_rate());
        }
        Ok(heard)
    }

    /// When a frequency is audible, ms from the first packet.
    pub fn audible(&self, frequency: u32) -> Vec<Interval> {
        audible_intervals(&self.samples, self.rate, frequency)
    }

    /// When a frequency is audible, ms from `origin`.
    pub fn audible_since(&self, origin: Instant, frequency: u32) -> Vec<Interval> {
        let by = milliseconds_between(self.started, origin);
        self.audible(frequency).into_iter().map(|interval| interval.seen_from(by)).collect()
    }

    fn lay(&mut self, place: i64, samples: &[i16], rate: u32) {
        let count = (samples.len() as u64 * u64::from(self.rate) / u64::from(rate)) as usize;
        // A packet from before the first one's time has no place.
        let Ok(place) = usize::try_from(place) else { return };
        if self.samples.len() < place + count {
            self.samples.resize(place + count, 0);
        }
        for (index, out) in self.samples[place..place + count].iter_mut().enumerate() {
            *out = samples[(index as u64 * u64::from(rate) / u64::from(self.rate)) as usize];
        }
    }
}

/// From `from` to `to`, ms, negative where `to` lies before.
pub fn milliseconds_between(from: Instant, to: Instant) -> i64 {
    if to >= from { (to - from).as_millis() as i64 } else { -((from - to).as_millis() as i64) }
}

struct Stream {
    decoder: Box<dyn Decoder>,
    /// A timestamp and its time: the anchor.
    timestamp: u32,
    at_ms: i64,
}

impl Stream {
    /// The sample at which a packet belongs.
    fn place(&mut self, timestamp: u32, codec: Codec, arrived: i64, rate: u32) -> i64 {
        let ticks = i64::from(timestamp.wrapping_sub(self.timestamp) as i32);
        let at_ms = self.at_ms + ticks * 1000 / i64::from(codec.clock_rate());
        if (at_ms - arrived).abs() > RENUMBERED_MS {
            self.timestamp = timestamp;
            self.at_ms = arrived;
            return arrived * i64::from(rate) / 1000;
        }
        self.at_ms * i64::from(rate) / 1000 + ticks * i64::from(rate) / i64::from(codec.clock_rate())
    }
}

/// Puts swapped neighbours of one stream back in order without moving streams against each other.
fn in_sequence(packets: &mut [(&Received, Codec)]) {
    for index in 1..packets.len() {
        let mut place = index;
        while place > 0 {
            let (before, after) = (&packets[place - 1].0.packet, &packets[place].0.packet);
            let behind = after.sequence.wrapping_sub(before.sequence) as i16;
            if before.source != after.source || !(-50..0).contains(&behind) {
                break;
            }
            packets.swap(place - 1, place);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rtp::{Network, RtpSession, Sending, Speech};
    use crate::tones::CALLER;

    #[test]
    fn two_parties_hear_each_other_as_they_speak() {
        let caller = RtpSession::open(Sending::of(Speech::Tone(CALLER))).expect("a port");
        let agent = RtpSession::open(Sending::of(Speech::Silence)).expect("a port");
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        agent.connect(address(caller.port()), Codec::Pcma, 8);
        caller.connect(address(agent.port()), Codec::Pcma, 8);
        caller.wait_said(Duration::from_millis(600)).expect("it speaks");
        caller.say(Speech::Nothing);
        caller.wait_said(Duration::from_millis(300)).expect("time goes on");
        caller.say(Speech::Tone(CALLER));
        caller.wait_said(Duration::from_millis(400)).expect("it speaks");
        let said = caller.said();
        let heard = agent.heard().expect("audio came").audible_since(said[0].from, CALLER);
        let due: Vec<Interval> = said
            .iter()
            .filter(|said| said.speech == Speech::Tone(CALLER))
            .map(|s| {
                Interval::new(milliseconds_between(said[0].from, s.from), milliseconds_between(said[0].from, s.to))
            })
            .collect();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard[0].is_near(due[0], 15), "{due:?} {heard:?}");
        assert!((heard[1].from - due[1].from).abs() <= 15, "{due:?} {heard:?}");
    }

    #[test]
    fn a_seeded_network_harms_the_same_packets_each_time() {
        let network = Network { seed: 7, loss: 0.02, reordering: 0.01 };
        let sending = Sending { packet_times: vec![10], speech: Speech::Fingerprint(CALLER), network: Some(network) };
        let lost = || {
            let caller = RtpSession::open(sending.clone()).expect("a port");
            let agent = RtpSession::open(Sending::of(Speech::Nothing)).expect("a port");
            agent.connect(std::net::SocketAddr::from(([127, 0, 0, 1], caller.port())), Codec::Pcmu, 0);
            caller.connect(std::net::SocketAddr::from(([127, 0, 0, 1], agent.port())), Codec::Pcmu, 0);
            agent.wait_received(150, Duration::from_secs(5)).expect("packets come");
            let received = agent.received();
            let first = received[0].packet.sequence;
            received.iter().take(140).map(|r| r.packet.sequence.wrapping_sub(first)).collect::<Vec<_>>()
        };
        let once = lost();
        assert_eq!(once, lost());
        assert!(once.windows(2).any(|pair| pair[1] != pair[0].wrapping_add(1)), "nothing was harmed");
    }
}
