//! The user agent: one socket, one thread that receives and repeats what was not answered.
use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::call::Call;
use super::dialog::CallInner;
use super::message::{Message, Start, tag_of, uri_of};
use super::plan::CallPlan;
use crate::{Proof, broken};

/// RFC 3261 17: T1 and T2, and how long a request is repeated.
const FIRST_REPEAT: Duration = Duration::from_millis(500);
const SLOWEST_REPEAT: Duration = Duration::from_secs(4);
const GIVE_UP: Duration = Duration::from_secs(32);

/// What becomes of a call that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// The scenario takes it from [`UserAgent::incoming`] and rings, answers or refuses.
    ByHand,
    /// 200 at once; the scenario may still take it.
    AtOnce,
    /// 180 at once, nothing more.
    Ring,
    /// Refused with this status.
    Refuse(u16),
}

/// A party's telephone. Its name is the user part by which the host knows it.
pub struct UserAgent {
    inner: Arc<Agent>,
    thread: Option<JoinHandle<()>>,
}

struct Agent {
    wire: Arc<Wire>,
    stopped: AtomicBool,
    calls: Mutex<HashMap<String, Arc<CallInner>>>,
    incoming: Mutex<VecDeque<Call>>,
    arrived: Condvar,
    manner: Mutex<(Answering, CallPlan)>,
}

/// What calls need of their agent.
pub(super) struct Wire {
    socket: UdpSocket,
    pub(super) local: SocketAddr,
    pub(super) name: String,
    repeats: Mutex<Vec<Repeat>>,
    numbers: AtomicU64,
    seed: u64,
}

/// A message that goes out again until it is answered.
struct Repeat {
    call: String,
    sequence: u32,
    method: String,
    bytes: String,
    to: SocketAddr,
    next: Instant,
    interval: Duration,
    until: Instant,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub(super) fn send(&self, message: &Message, to: SocketAddr) {
        // A host that is gone does not answer; who waits for its answer says so.
        drop(self.socket.send_to(message.to_string().as_bytes(), to));
    }

    /// Sends, and again until [`Wire::answered`].
    pub(super) fn send_until_answered(&self, message: &Message, to: SocketAddr) {
        let now = Instant::now();
        locked(&self.repeats).push(Repeat {
            call: message.call_id().into(),
            sequence: message.sequence(),
            method: message.method().into(),
            bytes: message.to_string(),
            to,
            next: now + FIRST_REPEAT,
            interval: FIRST_REPEAT,
            until: now + GIVE_UP,
        });
        self.send(message, to);
    }

    pub(super) fn answered(&self, call: &str, sequence: u32, method: &str) {
        locked(&self.repeats).retain(|r| !(r.call == call && r.sequence == sequence && r.method == method));
    }

    pub(super) fn forget(&self, call: &str) {
        locked(&self.repeats).retain(|repeat| repeat.call != call);
    }

    /// A word that no other message of this run has.
    pub(super) fn unique(&self) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{number:04x}", crate::tones::noise_word(self.seed ^ number) >> 16)
    }

    /// A call's id in the shape of the host's own uuids.
    pub(super) fn unique_call(&self) -> String {
        let (high, low) = (self.unique(), self.unique());
        format!("{}-{}-4{}-a{}-{}", &high[..8], &high[8..12], &low[..3], &low[3..6], &self.unique()[..12])
    }

    pub(super) fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.name, self.local)
    }

    fn repeat_due(&self) {
        let now = Instant::now();
        let mut repeats = locked(&self.repeats);
        repeats.retain(|repeat| repeat.until > now);
        for repeat in repeats.iter_mut().filter(|repeat| repeat.next <= now) {
            drop(self.socket.send_to(repeat.bytes.as_bytes(), repeat.to));
            repeat.interval = (repeat.interval * 2).min(SLOWEST_REPEAT);
            repeat.next = now + repeat.interval;
        }
    }
}

impl UserAgent {
    /// A telephone on a free port of 127.0.0.1; calls that come in wait to be taken.
    pub fn start(name: &str) -> Proof<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let local = socket.local_addr()?;
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), local.port());
        let wire = Wire {
            socket,
            local,
            name: name.into(),
            repeats: Mutex::new(Vec::new()),
            numbers: AtomicU64::new(1),
            seed,
        };
        let inner = Arc::new(Agent {
            wire: Arc::new(wire),
            stopped: AtomicBool::new(false),
            calls: Mutex::new(HashMap::new()),
            incoming: Mutex::new(VecDeque::new()),
            arrived: Condvar::new(),
            manner: Mutex::new((Answering::ByHand, CallPlan::default())),
        });
        let thread = std::thread::Builder::new().name(format!("sip-{name}")).spawn({
            let inner = inner.clone();
            move || inner.run()
        })?;
        Ok(Self { inner, thread: Some(thread) })
    }

    /// Its port, for the host's dial strings.
    pub fn port(&self) -> u16 {
        self.inner.wire.local.port()
    }

    /// Its name: the user part of its address.
    pub fn name(&self) -> &str {
        &self.inner.wire.name
    }

    /// The dial string by which a host reaches it.
    pub fn dial_string(&self) -> String {
        format!("sofia/test/{}@{}", self.name(), self.inner.wire.local)
    }

    /// How calls that come in are met, and how this party speaks in them.
    pub fn answering(&self, answering: Answering, plan: CallPlan) {
        *locked(&self.inner.manner) = (answering, plan);
    }

    /// Rings `user` at a host on this port of 127.0.0.1.
    pub fn call(&self, user: &str, host_port: u16, plan: CallPlan) -> Proof<Call> {
        let inner = CallInner::outgoing(self.inner.wire.clone(), user, (Ipv4Addr::LOCALHOST, host_port).into(), plan)?;
        locked(&self.inner.calls).insert(inner.id().into(), inner.clone());
        inner.invite();
        Ok(Call::of(inner))
    }

    /// The next call that comes in.
    pub fn incoming(&self, limit: Duration) -> Proof<Call> {
        let until = Instant::now() + limit;
        let mut incoming = locked(&self.inner.incoming);
        loop {
            if let Some(call) = incoming.pop_front() {
                return Ok(call);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                broken!("{} waited {limit:?} in vain for a call", self.name());
            }
            incoming = match self.inner.arrived.wait_timeout(incoming, left) {
                Ok((incoming, _)) => incoming,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl Drop for UserAgent {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

impl Agent {
    fn run(&self) {
        let mut buffer = vec![0; 65_536];
        while !self.stopped.load(Ordering::Acquire) {
            if let Ok((length, from)) = self.wire.socket.recv_from(&mut buffer)
                && let Some(message) = Message::parse(&buffer[..length])
            {
                self.take(&message, from);
            }
            self.wire.repeat_due();
        }
    }

    fn take(&self, message: &Message, from: SocketAddr) {
        let call = locked(&self.calls).get(message.call_id()).cloned();
        match (&message.start, call) {
            (Start::Response(..), Some(call)) => call.take_response(message),
            (Start::Response(..), None) => {}
            (Start::Request(..), Some(call)) => call.take_request(message, from),
            (Start::Request(method, _), None) if method == "INVITE" => self.take_new(message, from),
            (Start::Request(method, _), None) if method == "ACK" => {}
            (Start::Request(method, _), None) => {
                let (status, reason) = match method.as_str() {
                    "OPTIONS" => (200, "OK"),
                    _ => (481, "Call/Transaction Does Not Exist"),
                };
                self.wire.send(&Message::response(message, status, reason, "none"), from);
            }
        }
    }

    fn take_new(&self, invite: &Message, from: SocketAddr) {
        let (answering, plan) = locked(&self.manner).clone();
        let inner = match CallInner::incoming(self.wire.clone(), invite, from, plan) {
            Ok(inner) => inner,
            Err(_) => {
                self.wire.send(&Message::response(invite, 488, "Not Acceptable Here", "none"), from);
                return;
            }
        };
        locked(&self.calls).insert(inner.id().into(), inner.clone());
        let call = Call::of(inner);
        match answering {
            Answering::ByHand => {}
            Answering::AtOnce if call.answer().is_err() => call.refuse(488),
            Answering::AtOnce => {}
            Answering::Ring => call.ring(),
            Answering::Refuse(status) => call.refuse(status),
        }
        locked(&self.incoming).push_back(call);
        self.arrived.notify_all();
    }
}

/// The user part of a From or To value.
pub(super) fn user_of(value: &str) -> &str {
    let uri = uri_of(value);
    let uri = uri.strip_prefix("sip:").unwrap_or(uri);
    uri.split('@').next().unwrap_or(uri)
}

/// The tag that names the other side of a dialog, if it is set yet.
pub(super) fn remote_tag(value: Option<&str>) -> Option<String> {
    value.and_then(tag_of).map(str::to_owned)
}
