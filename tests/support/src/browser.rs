//! A party in a real browser: headless Chromium with a small page of our own (`browser/`) that speaks SIP over a WebSocket and
//! the browser's own WebRTC: ICE, DTLS-SRTP, Opus. Its microphone is a file, its ear sends all it hears.
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::intervals::Interval;
use crate::tones::{audible_intervals, tone_sample};
use crate::{Proof, broken};

const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// How long the program may take until its page speaks.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// The microphone's rate, and the file's length in s, after which it begins anew.
const RATE: u32 = 48_000;
const SECONDS: u64 = 4;

/// The browser on this machine, if one is.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|directory| PROGRAMS.map(|name| directory.join(name)))
        .find(|program| program.is_file())
}

/// A running browser whose page is registered at a host. Dropping it ends it.
pub struct Browser {
    child: Child,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: Vec<Value>,
    happened: Vec<Happened>,
    heard: Vec<Ear>,
}

/// Something that the page tells of.
#[derive(Debug, Clone, Deserialize)]
pub struct Happened {
    /// `registered`, `calling`, `rung`, `answered`, `holds`, `held`, `resumes`, `resumed`, `pressed`, `ended`, `hung_up`, `refused`,
    /// `failed`, `media`.
    pub what: String,
    /// When, by the page, Unix ms.
    pub at_ms: i64,
    /// The call's id, which is the host's uuid of its leg.
    #[serde(default)]
    pub call: String,
    /// More.
    #[serde(default)]
    pub text: String,
}

/// What was heard in one piece.
#[derive(Debug, Clone)]
pub struct Ear {
    /// When it begins, Unix ms.
    pub from_ms: i64,
    /// Samples per second.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl Ear {
    /// When a frequency is audible, Unix ms.
    pub fn audible(&self, frequency: u32) -> Vec<Interval> {
        let found = audible_intervals(&self.samples, self.rate, frequency);
        found.into_iter().map(|interval| interval.seen_from(-self.from_ms)).collect()
    }
}

impl Browser {
    /// Starts it in `directory` and registers `name` at the host that listens there for SIP over WebSockets; its
    /// microphone hears this tone for ever.
    pub fn start(program: &Path, directory: &Path, name: &str, sip: u16, frequency: u32) -> Proof<Self> {
        std::fs::create_dir_all(directory)?;
        let microphone = directory.join("microphone.wav");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&microphone, spec)?;
        for index in 0..SECONDS * u64::from(RATE) {
            writer.write_sample(tone_sample(frequency, RATE, index))?;
        }
        writer.finalize()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/phone.html");
        let test = listener.local_addr()?.port();
        let url = format!("file://{}?test={test}&name={name}&domain=127.0.0.1&sip={sip}", page.display());
        let child = Command::new(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", directory.join("profile").display()))
            .arg(format!("--use-file-for-fake-audio-capture={}", microphone.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(directory.join("stdout"))?)
            .stderr(std::fs::File::create(directory.join("stderr"))?)
            .spawn()?;
        let shared = Arc::new(Shared::default());
        let mut browser = Self { child, shared: Arc::clone(&shared), thread: None };
        let socket = accept(&listener, &mut browser.child)?;
        browser.thread =
            Some(std::thread::Builder::new().name("browser".into()).spawn(move || speak(&shared, socket))?);
        browser.wait("registered", STARTS_WITHIN)?;
        Ok(browser)
    }

    /// Rings an extension; the call's id.
    pub fn call(&self, to: &str, limit: Duration) -> Proof<String> {
        self.ask(json!({"do": "call", "to": to}));
        Ok(self.wait("calling", limit)?.call)
    }

    /// Takes the call that rings.
    pub fn answer(&self) {
        self.ask(json!({"do": "answer"}));
    }

    /// Holds, by a re-INVITE, or no more; when it asked for that, and when it was so.
    pub fn hold(&self, on: bool, limit: Duration) -> Proof<Interval> {
        self.ask(json!({"do": "hold", "on": on}));
        let [asks, is] = if on { ["holds", "held"] } else { ["resumes", "resumed"] };
        let done = self.wait(is, limit)?.at_ms;
        Ok(Interval::new(self.wait(asks, limit)?.at_ms, done))
    }

    /// Presses a key (RFC 4733).
    pub fn press(&self, key: &str, limit: Duration) -> Proof<Happened> {
        self.ask(json!({"do": "press", "key": key}));
        self.wait("pressed", limit)
    }

    /// BYE.
    pub fn hang_up(&self, limit: Duration) -> Proof<Happened> {
        self.ask(json!({"do": "hang_up"}));
        self.wait("hung_up", limit)
    }

    /// Waits until this has happened for the first time; what fails in the page fails here.
    pub fn wait(&self, what: &str, limit: Duration) -> Proof<Happened> {
        let mut found = None;
        self.until(&format!("for `{what}`"), limit, |state| {
            found = state.happened.iter().find(|happened| happened.what == what).cloned();
            found.is_some()
        })?;
        found.ok_or_else(|| "nothing has happened".into())
    }

    /// Waits until this frequency was audible for so long in all.
    pub fn wait_heard(&self, frequency: u32, ms: i64, limit: Duration) -> Proof {
        self.until(&format!("to hear {ms} ms of {frequency} Hz"), limit, |state| {
            let heard: i64 = state.heard.iter().flat_map(|ear| ear.audible(frequency)).map(|one| one.length()).sum();
            heard >= ms
        })
    }

    /// All it heard so far.
    pub fn heard(&self) -> Vec<Ear> {
        self.shared.state().heard.clone()
    }

    fn ask(&self, task: Value) {
        self.shared.state().tasks.push(task);
    }

    fn until(&self, what: &str, limit: Duration, mut done: impl FnMut(&State) -> bool) -> Proof {
        let until = Instant::now() + limit;
        let mut state = self.shared.state();
        while !done(&state) {
            if let Some(failed) = state.happened.iter().find(|happened| happened.what == "failed") {
                broken!("the browser's page failed: {}", failed.text);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                broken!("the browser waited {limit:?} in vain {what}; so far: {:?}", state.happened);
            }
            let nap = left.min(Duration::from_millis(200));
            state = match self.shared.changed.wait_timeout(state, nap) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Gone by itself already: as well.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Nothing of the network's but this machine, and no question to anybody.
const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--allow-file-access-from-files",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];

fn accept(listener: &TcpListener, child: &mut Child) -> Proof<WebSocket<TcpStream>> {
    listener.set_nonblocking(true)?;
    let until = Instant::now() + STARTS_WITHIN;
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false)?;
            let socket = tungstenite::accept(stream).map_err(|fault| format!("the browser's page: {fault}"))?;
            socket.get_ref().set_read_timeout(Some(Duration::from_millis(10)))?;
            return Ok(socket);
        }
        if let Some(status) = child.try_wait()? {
            broken!("the browser ended at its start: {status}");
        }
        if Instant::now() >= until {
            broken!("the browser's page does not speak within {STARTS_WITHIN:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn speak(shared: &Shared, mut socket: WebSocket<TcpStream>) {
    while !shared.stopped.load(Ordering::Acquire) {
        let tasks = std::mem::take(&mut shared.state().tasks);
        for task in tasks {
            if socket.send(Message::text(task.to_string())).is_err() {
                return;
            }
        }
        match socket.read() {
            Ok(Message::Text(text)) => {
                if let Ok(happened) = serde_json::from_str(text.as_str()) {
                    shared.state().happened.push(happened);
                }
            }
            Ok(Message::Binary(chunk)) => hear(&mut shared.state().heard, &chunk),
            Err(tungstenite::Error::Io(waits)) if is_only_late(&waits) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        shared.changed.notify_all();
    }
}

fn is_only_late(fault: &std::io::Error) -> bool {
    matches!(fault.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// A chunk begins with its time (f64, ms), its rate (u32), little-endian; what comes within a second of the last one goes
/// on from there.
fn hear(heard: &mut Vec<Ear>, chunk: &[u8]) {
    let Some((head, samples)) = chunk.split_at_checked(12) else { return };
    let (Ok(at), Ok(rate)) = (head[..8].try_into(), head[8..].try_into()) else { return };
    let (from_ms, rate) = (f64::from_le_bytes(at) as i64, u32::from_le_bytes(rate));
    let samples = samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    let follows = |ear: &&mut Ear| {
        let end = ear.from_ms + ear.samples.len() as i64 * 1_000 / i64::from(ear.rate.max(1));
        ear.rate == rate && (from_ms - end).abs() < 1_000
    };
    match heard.last_mut().filter(follows) {
        Some(ear) => ear.samples.extend(samples),
        None => heard.push(Ear { from_ms, rate, samples: samples.collect() }),
    }
}
