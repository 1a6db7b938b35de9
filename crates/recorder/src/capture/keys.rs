//! Keys that come as RTP events (RFC 4733), for where the host hands those packets on and hears no digit itself.
//!
//! The media thread reads a packet and posts its key in one atomic word; whoever makes sense of keys takes them out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::atomic::{AtomicU64, Ordering};

/// The events that are keys of a telephone, by their code (RFC 4733, 3.2): 16 and more are none.
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// The longest that one packet says of an event, in units of the timestamp; one that lasts longer is told in segments
/// (RFC 4733, 2.5.1.3).
const LONGEST: u16 = u16::MAX;

/// Tells the packets of one key from those of the next.
///
/// An event has one RTP timestamp, its beginning; all its packets, updates and the three that say its end, bear that.
/// So a key counts once, with the first of its packets that comes, whichever that is.
#[derive(Debug, Default)]
pub struct TelephoneEvents {
    last: Option<Event>,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
}

impl TelephoneEvents {
    /// The key that this packet is the first to tell of: ASCII, or none.
    ///
    /// `timestamp` is the packet's; `payload` is code, end bit with volume, and duration in two bytes, big-endian
    /// (RFC 4733, 2.3). Four bytes of zeros in front, as some telephones have them, are skipped as the host does
    /// (switch_rtp.c:handle_rfc2833).
    pub fn key(&mut self, timestamp: u32, payload: &[u8]) -> Option<u8> {
        let (_, shifted) =
            payload.split_at_checked(4).filter(|(zeros, rest)| *zeros == [0; 4] && rest.len() >= 4).unzip();
        let &[code, end_and_volume, high, low, ..] = shifted.unwrap_or(payload) else { return None };
        let duration = u16::from_be_bytes([high, low]);
        let event = Event { timestamp, code, duration, ended: end_and_volume & 0x80 != 0 };
        if let Some(last) = &mut self.last {
            let later = timestamp.wrapping_sub(last.timestamp).cast_signed();
            if later == 0 && code == last.code {
                last.duration = last.duration.max(duration);
                last.ended |= event.ended;
                return None;
            }
            if later < 0 && later > -OLD {
                return None;
            }
            let goes_on = code == last.code && !last.ended && last.duration >= LONGEST - SLACK;
            let follows = (0..=i32::from(LONGEST) + i32::from(SLACK)).contains(&later);
            if goes_on && follows {
                self.last = Some(event);
                return None;
            }
        }
        self.last = Some(event);
        KEYS.get(usize::from(code)).copied()
    }
}

/// A segment may end this much before its time (a packet time at 48 kHz), and its last packet may be lost.
const SLACK: u16 = 4 * 960;

/// A packet this much older than the last event is one that was overtaken: ten seconds at 8 kHz. Further back the sender
/// began to count anew.
const OLD: i32 = 80_000;

/// Keys on their way from a media thread: eight at most, later ones are dropped until the first are taken.
#[derive(Debug, Default)]
pub struct KeyPost(AtomicU64);

impl KeyPost {
    /// Puts one in; false where eight wait.
    pub fn put(&self, key: u8) -> bool {
        let push = |waiting: u64| (waiting >> 56 == 0).then(|| waiting << 8 | u64::from(key));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, push).is_ok()
    }

    /// Takes all out, who came first first.
    pub fn take(&self) -> impl Iterator<Item = char> {
        let waiting = self.0.swap(0, Ordering::AcqRel).to_be_bytes();
        waiting.into_iter().filter(|&key| key != 0).map(char::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(code: u8, ended: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, if ended { 0x8a } else { 0x0a }, high, low]
    }

    /// A key as RFC 4733 has it: a packet each 50 ms, the last one three times.
    fn pressed(code: u8, packets: u16) -> Vec<[u8; 4]> {
        let mut all: Vec<_> = (1..=packets).map(|n| packet(code, false, n * 400)).collect();
        all.extend([packet(code, true, packets * 400 + 400); 3]);
        all
    }

    #[test]
    fn each_key_counts_once_however_many_packets_tell_of_it() {
        let mut events = TelephoneEvents::default();
        let mut heard = Vec::new();
        for (n, code) in [10, 7, 7, 11, 0].into_iter().enumerate() {
            for payload in pressed(code, 4) {
                heard.extend(events.key(n as u32 * 4000, &payload));
            }
        }
        assert_eq!(heard, b"*77#0");
    }

    #[test]
    fn one_packet_of_a_key_is_enough_and_one_that_was_overtaken_is_no_key() {
        let mut events = TelephoneEvents::default();
        assert_eq!(events.key(1000, &packet(9, true, 800)), Some(b'9'));
        assert_eq!(events.key(5000, &packet(5, false, 160)), Some(b'5'));
        assert_eq!(events.key(1000, &packet(9, true, 800)), None);
        assert_eq!(events.key(5000, &packet(5, true, 800)), None);
    }

    #[test]
    fn a_key_that_is_held_for_long_is_told_in_segments_and_counts_once() {
        let mut events = TelephoneEvents::default();
        let mut heard = Vec::new();
        for segment in 0..3_u32 {
            let begins = segment * u32::from(LONGEST);
            heard.extend(events.key(begins, &packet(9, false, 800)));
            heard.extend(events.key(begins, &packet(9, false, LONGEST)));
        }
        heard.extend(events.key(3 * u32::from(LONGEST), &packet(9, true, 4000)));
        heard.extend(events.key(4 * u32::from(LONGEST), &packet(9, true, 800)));
        assert_eq!(heard, b"99");
    }

    #[test]
    fn what_is_no_key_is_none() {
        let mut events = TelephoneEvents::default();
        for payload in [&[][..], &[1, 2, 3], &packet(16, true, 400), &packet(255, true, 400)] {
            assert_eq!(events.key(payload.len() as u32 * 1000, payload), None, "{payload:?}");
        }
        assert_eq!(events.key(90_000, &[0, 0, 0, 0, 3, 0x8a, 1, 0]), Some(b'3'));
        assert_eq!(events.key(95_000, &[0, 0, 0, 0]), Some(b'0'));
    }

    #[test]
    fn a_post_holds_eight_and_keeps_their_order() {
        let post = KeyPost::default();
        assert!(b"12345678".iter().all(|&key| post.put(key)));
        assert!(!post.put(b'9'));
        assert_eq!(post.take().collect::<String>(), "12345678");
        assert_eq!(post.take().count(), 0);
    }

    proptest! {
        /// Whatever comes breaks nothing; and keys of distinct times are heard once each, in whatever packets get through.
        #[test]
        fn keys_are_heard_once_each_whatever_is_lost(
            codes in prop::collection::vec((0_u8..16, 1_u16..40, prop::collection::vec(any::<bool>(), 43)), 1..30),
            noise in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..12)), 0..40),
        ) {
            let mut events = TelephoneEvents::default();
            let (mut heard, mut due) = (Vec::new(), Vec::new());
            for (n, (code, packets, comes)) in codes.iter().enumerate() {
                let through: Vec<_> = pressed(*code, *packets).into_iter().zip(comes).filter(|(_, comes)| **comes).collect();
                if !through.is_empty() {
                    due.push(KEYS[usize::from(*code)]);
                }
                for (payload, _) in through {
                    heard.extend(events.key(u32::MAX.wrapping_add(n as u32 * 20_000), &payload));
                }
            }
            prop_assert_eq!(heard, due);
            let mut events = TelephoneEvents::default();
            for (timestamp, payload) in noise {
                let key = events.key(timestamp, &payload);
                prop_assert!(key.is_none_or(|key| KEYS.contains(&key)));
            }
        }
    }
}
