//! The sender's thread: one absolute schedule, so that a late wake-up never shifts what follows.
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::packet::{Packet, TELEPHONE_EVENT, telephone_event};
use super::{Said, Shared, Speech, State, Target};
use crate::codec::{Codec, Encoder};
use crate::tones::noise_word;

pub(super) fn run(shared: &Shared) {
    let mut voice: Option<Voice> = None;
    let mut wire = Wire::new();
    let mut due = Instant::now();
    while !shared.stopped.load(Ordering::Acquire) {
        let state = shared.state();
        let Some(target) = state.target.filter(|_| state.may_send) else {
            voice = None;
            // Woken by a change; the limit only bounds a missed stop.
            drop(shared.changed.wait_timeout(state, Duration::from_millis(200)));
            due = Instant::now();
            continue;
        };
        let left = due.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            drop(state);
            std::thread::sleep(left);
            continue;
        }
        if voice.as_ref().is_none_or(|voice| voice.codec != target.codec) {
            let Ok(encoder) = target.codec.encoder() else { return };
            voice = Some(Voice { codec: target.codec, encoder });
        }
        if let Some(voice) = voice.as_mut() {
            due += turn(shared, state, target, voice, &mut wire, due);
        }
    }
}

struct Voice {
    codec: Codec,
    encoder: Box<dyn Encoder>,
}

/// The stream as the wire sees it; it outlives codec changes and holds.
struct Wire {
    source: u32,
    sequence: u16,
    timestamp: u32,
    packets: u64,
    spurt: bool,
    held: Option<Vec<u8>>,
    /// Audio time since the beginning, µs: tones stay in phase by it.
    elapsed_us: u64,
    digit: Option<Digit>,
}

struct Digit {
    digit: char,
    began: u32,
    ticks: u32,
    length: u32,
    ends: u8,
}

impl Wire {
    fn new() -> Self {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        Self {
            source: random as u32,
            sequence: (random >> 32) as u16,
            timestamp: noise_word(random) as u32,
            packets: 0,
            spurt: true,
            held: None,
            elapsed_us: 0,
            digit: None,
        }
    }
}

/// Sends what is due at `due`; gives how long it lasts.
fn turn(
    shared: &Shared,
    mut state: std::sync::MutexGuard<'_, State>,
    target: Target,
    voice: &mut Voice,
    wire: &mut Wire,
    due: Instant,
) -> Duration {
    let times = &state.sending.packet_times;
    let milliseconds = times[(wire.packets % times.len() as u64) as usize];
    let length = Duration::from_millis(u64::from(milliseconds));
    let ticks = target.codec.clock_rate() * milliseconds / 1000;
    if std::mem::take(&mut state.fresh_source) {
        wire.source = wire.source.wrapping_add(0x1234_5677);
        wire.timestamp = wire.timestamp.wrapping_mul(3).wrapping_add(77_777);
        wire.sequence = wire.sequence.wrapping_add(12_345);
        wire.spurt = true;
    }
    if wire.digit.is_none() && !state.digits.is_empty() {
        let (digit, length) = state.digits.remove(0);
        let length = length.as_millis() as u32 * target.codec.clock_rate() / 1000;
        wire.digit = Some(Digit { digit, began: wire.timestamp, ticks: 0, length, ends: 0 });
    }
    let speech = state.sending.speech.clone();
    let network = state.sending.network;
    note(&mut state.said, &speech, due, due + length);
    let silent = speech == Speech::Nothing;
    let harm = network.map_or(Harm::None, |network| network.harm(wire.packets));
    if !silent || wire.digit.is_some() {
        state.sent += 1;
    }
    drop(state);

    let ended = wire.digit.as_ref().filter(|digit| digit.ends == 0).map(|digit| digit.digit);
    if let Some(bytes) = payload(&speech, target, voice, wire, ticks) {
        send(shared, target, wire, bytes, harm);
    } else {
        wire.spurt = true;
    }
    if let Some(key) = ended.filter(|_| wire.digit.as_ref().is_none_or(|digit| digit.ends > 0)) {
        shared.state().pressed.push((key, Instant::now()));
    }
    wire.packets += 1;
    wire.timestamp = wire.timestamp.wrapping_add(ticks);
    wire.elapsed_us += u64::from(milliseconds) * 1000;
    shared.changed.notify_all();
    length
}

/// The next packet's bytes; `None` where the party sends nothing now.
fn payload(speech: &Speech, target: Target, voice: &mut Voice, wire: &mut Wire, ticks: u32) -> Option<Vec<u8>> {
    if let Some(digit) = wire.digit.as_mut() {
        let first = digit.ticks == 0;
        digit.ticks = (digit.ticks + ticks).min(digit.length);
        let last = digit.ticks == digit.length;
        let payload = telephone_event(digit.digit, digit.ticks.min(0xffff) as u16, last)?;
        let began = digit.began;
        if last {
            digit.ends += 1;
            // RFC 4733 2.5.1.4: the end is sent three times.
            if digit.ends == 3 {
                wire.digit = None;
            }
        }
        return Some(packet(wire, TELEPHONE_EVENT, began, first, payload).to_bytes());
    }
    if *speech == Speech::Nothing {
        return None;
    }
    let rate = u64::from(target.codec.sample_rate());
    let first = wire.elapsed_us * rate / 1_000_000;
    let count = u64::from(ticks) * rate / u64::from(target.codec.clock_rate());
    let samples: Vec<i16> = (first..first + count).map(|index| speech.sample(rate as u32, index)).collect();
    let payload = voice.encoder.encode(&samples).ok()?;
    let marker = std::mem::take(&mut wire.spurt);
    Some(packet(wire, target.payload_type, wire.timestamp, marker, payload).to_bytes())
}

fn packet(wire: &mut Wire, payload_type: u8, timestamp: u32, marker: bool, payload: Vec<u8>) -> Packet {
    let sequence = wire.sequence;
    wire.sequence = wire.sequence.wrapping_add(1);
    Packet { marker, payload_type, sequence, timestamp, source: wire.source, payload }
}

fn send(shared: &Shared, target: Target, wire: &mut Wire, bytes: Vec<u8>, harm: Harm) {
    // The far end may be gone already: what it does not hear is found by who listens there.
    match harm {
        Harm::Lost => {}
        Harm::Late => wire.held = Some(bytes),
        Harm::None => drop(shared.socket.send_to(&bytes, target.address)),
    }
    if harm != Harm::Late
        && let Some(held) = wire.held.take()
    {
        drop(shared.socket.send_to(&held, target.address));
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Harm {
    None,
    Lost,
    Late,
}

impl super::Network {
    fn harm(&self, packet: u64) -> Harm {
        let draw = (noise_word(self.seed ^ noise_word(packet)) >> 11) as f64 / (1u64 << 53) as f64;
        if draw < self.loss {
            Harm::Lost
        } else if draw < self.loss + self.reordering {
            Harm::Late
        } else {
            Harm::None
        }
    }
}

fn note(said: &mut Vec<Said>, speech: &Speech, from: Instant, to: Instant) {
    match said.last_mut() {
        Some(last) if last.speech == *speech && last.to == from => last.to = to,
        _ => said.push(Said { speech: speech.clone(), from, to }),
    }
}
