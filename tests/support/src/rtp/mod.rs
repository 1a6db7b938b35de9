//! A party's media: what it says goes out paced on the monotonic clock, what it hears is kept with arrival times.
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::tones;
use crate::{Proof, broken};

mod heard;
mod packet;
mod sender;

pub use heard::{Heard, Received, milliseconds_between};
pub use packet::{COMFORT_NOISE, Packet, TELEPHONE_EVENT};

/// What a party says.
#[derive(Debug, Clone, PartialEq)]
pub enum Speech {
    /// Packets of digital silence.
    Silence,
    /// No packets at all; time goes on (a far end with silence suppression).
    Nothing,
    /// A tone at -20 dBFS.
    Tone(u32),
    /// A tone with a burst of noise in each second.
    Burst(u32),
    /// A tone with noise by which each packet is known (see [`tones::fingerprint_sample`]).
    Fingerprint(u32),
    /// A recording at its own rate, over and over; played at the codec's rate by the nearest sample.
    Recording(Arc<Vec<i16>>, u32),
}

impl Speech {
    /// A WAV file, its first channel.
    pub fn from_wav(path: &std::path::Path) -> Proof<Self> {
        let mut reader = hound::WavReader::open(path)?;
        let spec = reader.spec();
        let step = usize::from(spec.channels.max(1));
        let samples = reader.samples::<i16>().step_by(step).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::Recording(Arc::new(samples), spec.sample_rate))
    }

    /// The frequency by which an oracle knows it.
    pub fn frequency(&self) -> Option<u32> {
        match self {
            Self::Tone(frequency) | Self::Burst(frequency) | Self::Fingerprint(frequency) => Some(*frequency),
            Self::Silence | Self::Nothing | Self::Recording(..) => None,
        }
    }

    fn sample(&self, rate: u32, index: u64) -> i16 {
        match self {
            Self::Silence | Self::Nothing => 0,
            Self::Tone(frequency) => tones::tone_sample(*frequency, rate, index),
            Self::Burst(frequency) => tones::burst_sample(*frequency, rate, index),
            Self::Fingerprint(frequency) => tones::fingerprint_sample(*frequency, rate, index),
            Self::Recording(samples, own) => {
                let place = index * u64::from(*own) / u64::from(rate);
                samples.get((place % samples.len().max(1) as u64) as usize).copied().unwrap_or(0)
            }
        }
    }
}

/// What the network does to what a party sends; the same seed gives the same harm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network {
    /// Chooses which packets are harmed.
    pub seed: u64,
    /// Share of packets that never arrive, 0 to 1.
    pub loss: f64,
    /// Share of packets that arrive after the one behind them, 0 to 1.
    pub reordering: f64,
}

/// How a party sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// Packet times in ms, over and over: `[20]`, `[20, 30]` …
    pub packet_times: Vec<u32>,
    /// What it says at first.
    pub speech: Speech,
    /// The way to the other side; `None` delivers all.
    pub network: Option<Network>,
}

impl Sending {
    /// 20 ms packets of `speech`, none lost.
    pub fn of(speech: Speech) -> Self {
        Self { packet_times: vec![20], speech, network: None }
    }
}

/// A stretch of speech as it was sent.
#[derive(Debug, Clone)]
pub struct Said {
    /// What.
    pub speech: Speech,
    /// When its first packet was due.
    pub from: Instant,
    /// When the packet after its last one was due.
    pub to: Instant,
}

/// Both directions of one party's audio. Dropping it ends its threads.
pub struct RtpSession {
    shared: Arc<Shared>,
    local: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) struct Shared {
    socket: UdpSocket,
    stopped: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    sending: Sending,
    /// Where to and with what; `None` until the other side's description is known.
    target: Option<Target>,
    /// Whether the session's direction lets us send.
    may_send: bool,
    digits: Vec<(char, Duration)>,
    /// Keys whose end was sent, and when.
    pressed: Vec<(char, Instant)>,
    fresh_source: bool,
    said: Vec<Said>,
    /// Packets handed to the network, harmed ones included.
    sent: u64,
    received: Vec<Received>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Target {
    address: SocketAddr,
    codec: Codec,
    payload_type: u8,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl RtpSession {
    /// Opens a port on 127.0.0.1 and listens; nothing is sent before [`RtpSession::connect`].
    pub fn open(sending: Sending) -> Proof<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        let local = socket.local_addr()?;
        let shared = Arc::new(Shared {
            socket,
            stopped: AtomicBool::new(false),
            state: Mutex::new(State {
                sending,
                target: None,
                may_send: true,
                digits: Vec::new(),
                pressed: Vec::new(),
                fresh_source: false,
                said: Vec::new(),
                sent: 0,
                received: Vec::new(),
            }),
            changed: Condvar::new(),
        });
        let receiver = std::thread::Builder::new().name("rtp-in".into()).stack_size(256 * 1024).spawn({
            let shared = shared.clone();
            move || receive(&shared)
        })?;
        let sender = std::thread::Builder::new().name("rtp-out".into()).stack_size(512 * 1024).spawn({
            let shared = shared.clone();
            move || sender::run(&shared)
        })?;
        Ok(Self { shared, local, threads: vec![receiver, sender] })
    }

    /// Our port.
    pub fn port(&self) -> u16 {
        self.local.port()
    }

    /// Where the other side listens and what it understands; from now on we send.
    pub fn connect(&self, address: SocketAddr, codec: Codec, payload_type: u8) {
        self.shared.state().target = Some(Target { address, codec, payload_type });
        self.shared.changed.notify_all();
    }

    /// Whether the session's direction lets us send.
    pub fn may_send(&self, may: bool) {
        self.shared.state().may_send = may;
        self.shared.changed.notify_all();
    }

    /// Says something else from the next packet on.
    pub fn say(&self, speech: Speech) {
        self.shared.state().sending.speech = speech;
        self.shared.changed.notify_all();
    }

    /// Other packet times from the next packet on.
    pub fn packet_times(&self, times: &[u32]) {
        self.shared.state().sending.packet_times = times.to_vec();
    }

    /// Sends a key as RFC 4733 events (100 ms), in place of audio. When the first packet that ends it was sent: the
    /// far end may know of the key from then on.
    pub fn press(&self, key: char, limit: Duration) -> Proof<Instant> {
        let before = {
            let mut state = self.shared.state();
            state.digits.push((key, Duration::from_millis(100)));
            state.pressed.len()
        };
        self.wait(limit, "to press a key", |state| state.pressed.len() > before)?;
        Ok(self.shared.state().pressed[before].1)
    }

    /// Goes on as another synchronisation source, as a far end does that moved its media.
    pub fn change_source(&self) {
        self.shared.state().fresh_source = true;
    }

    /// All that was said so far, oldest first.
    pub fn said(&self) -> Vec<Said> {
        self.shared.state().said.clone()
    }

    /// How many packets were sent so far.
    pub fn sent(&self) -> u64 {
        self.shared.state().sent
    }

    /// Every packet that came so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// What was heard so far.
    pub fn heard(&self) -> Proof<Heard> {
        Heard::from_packets(&self.received())
    }

    /// Waits until audio of this length was sent from now on (paused speech counts: its time goes on).
    pub fn wait_said(&self, length: Duration) -> Proof {
        let began = Instant::now();
        self.wait(length + Duration::from_secs(5), "to say something for a while", |state| {
            let spoken = state.said.last().is_some_and(|said| said.to >= began + length);
            let mute = state.target.is_none() || !state.may_send;
            spoken || (mute && began.elapsed() >= length)
        })
    }

    /// Waits until this many packets came, counted from the session's beginning.
    pub fn wait_received(&self, packets: usize, limit: Duration) -> Proof {
        self.wait(limit, "for packets from the host", |state| state.received.len() >= packets)
    }

    /// Waits until `frequency` is heard in the last 100 ms of what came.
    pub fn wait_heard(&self, frequency: u32, limit: Duration) -> Proof {
        let what = format!("to hear {frequency} Hz");
        self.wait(limit, &what, |state| tail_has(&state.received, frequency))
    }

    fn wait(&self, limit: Duration, what: &str, mut done: impl FnMut(&State) -> bool) -> Proof {
        let until = Instant::now() + limit;
        let mut state = self.shared.state();
        while !done(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                broken!("waited {limit:?} in vain {what}; {} packets came, {} went", state.received.len(), state.sent);
            }
            let nap = left.min(Duration::from_millis(100));
            state = match self.shared.changed.wait_timeout(state, nap) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
    }
}

impl Drop for RtpSession {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

fn tail_has(received: &[Received], frequency: u32) -> bool {
    let tail = &received[received.len().saturating_sub(8)..];
    Heard::from_packets(tail).is_ok_and(|heard| !heard.audible(frequency).is_empty())
}

fn receive(shared: &Shared) {
    let mut buffer = [0; 4_096];
    while !shared.stopped.load(Ordering::Acquire) {
        let Ok(length) = shared.socket.recv(&mut buffer) else { continue };
        let at = Instant::now();
        let Some(packet) = Packet::from_bytes(&buffer[..length]) else { continue };
        let mut state = shared.state();
        let codec = state
            .target
            .filter(|target| target.payload_type == packet.payload_type)
            .map(|target| target.codec)
            .or_else(|| Codec::from_static(packet.payload_type));
        state.received.push(Received { at, codec, packet });
        drop(state);
        shared.changed.notify_all();
    }
}
