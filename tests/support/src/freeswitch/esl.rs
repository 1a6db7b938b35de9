//! The host's event socket: commands and their answers, events as they come.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::{Proof, broken};

pub(super) const PASSWORD: &str = "a test's own";
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// One event: its headers by name.
#[derive(Debug, Clone)]
pub struct Event {
    headers: Map<String, Value>,
    /// When it was read here.
    pub at: Instant,
}

impl Event {
    /// Its name: `CHANNEL_ANSWER` …
    pub fn name(&self) -> &str {
        self.header("Event-Name")
    }

    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// The leg it tells of.
    pub fn leg(&self) -> &str {
        self.header("Unique-ID")
    }
}

/// A connection. Commands are answered one after another.
pub struct EventSocket {
    stream: TcpStream,
    asking: Mutex<Receiver<Answer>>,
    shared: Arc<Shared>,
}

struct Answer {
    reply: String,
    body: String,
}

struct Shared {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
}

impl Shared {
    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSocket {
    /// Connects, authenticates and subscribes to all events.
    pub fn connect(port: u16) -> Proof<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        let shared = Arc::new(Shared { events: Mutex::new(Vec::new()), changed: Condvar::new() });
        let (answers, asking) = channel();
        std::thread::Builder::new().name("events".into()).spawn({
            let (reader, shared) = (BufReader::new(stream.try_clone()?), shared.clone());
            move || {
                // The connection's end ends the thread; who waits for an answer sees the channel close.
                drop(read(reader, &shared, |answer| answers.send(answer).is_ok()));
            }
        })?;
        let socket = Self { stream, asking: Mutex::new(asking), shared };
        let answer = socket.ask(&format!("auth {PASSWORD}"))?;
        if !answer.reply.starts_with("+OK") {
            broken!("the event socket refused us: {}", answer.reply);
        }
        socket.ask("event json ALL")?;
        Ok(socket)
    }

    /// An API command's whole output.
    pub fn api(&self, command: &str) -> Proof<String> {
        Ok(self.ask(&format!("api {command}"))?.body)
    }

    /// An API command in the background: its output when it is done.
    pub fn background(&self, command: &str, limit: Duration) -> Proof<String> {
        let reply = self.ask(&format!("bgapi {command}"))?.reply;
        let Some(job) = reply.rsplit(' ').next().map(str::to_owned) else { broken!("bgapi answered {reply}") };
        let done = self.wait_for(&format!("{command} to end"), limit, |event| {
            event.name() == "BACKGROUND_JOB" && event.header("Job-UUID") == job
        })?;
        Ok(done.header("_body").to_owned())
    }

    /// Fires an event of this name, as any program at the socket may.
    pub fn fire(&self, name: &str, headers: &[(&str, &str)]) -> Proof {
        let lines: String = headers.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
        let answer = self.ask(&format!("sendevent {name}{lines}"))?;
        if !answer.reply.starts_with("+OK") {
            broken!("the event socket did not fire {name}: {}", answer.reply);
        }
        Ok(())
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.shared.events().clone()
    }

    /// Waits for an event, those that came before included.
    pub fn wait_for(&self, what: &str, limit: Duration, mut wanted: impl FnMut(&Event) -> bool) -> Proof<Event> {
        let until = Instant::now() + limit;
        let mut seen = 0;
        let mut events = self.shared.events();
        loop {
            if let Some(event) = events[seen..].iter().find(|event| wanted(event)) {
                return Ok(event.clone());
            }
            seen = events.len();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                broken!("waited {limit:?} in vain for {what}; {seen} events came");
            }
            events = match self.shared.changed.wait_timeout(events, left) {
                Ok((events, _)) => events,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn ask(&self, command: &str) -> Proof<Answer> {
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.stream).write_all(format!("{command}\n\n").as_bytes())?;
        match asking.recv_timeout(ANSWER_LIMIT) {
            Ok(answer) => Ok(answer),
            Err(_) => broken!("the host gave no answer to `{command}`: it is gone or hangs"),
        }
    }
}

impl Drop for EventSocket {
    fn drop(&mut self) {
        // Already closed where the host is gone.
        drop(self.stream.shutdown(Shutdown::Both));
    }
}

fn read(mut reader: BufReader<TcpStream>, shared: &Shared, mut answer: impl FnMut(Answer) -> bool) -> Proof {
    let mut listening = true;
    while listening {
        let (mut kind, mut reply, mut length) = (String::new(), String::new(), 0usize);
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\n" {
                break;
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Type", value)) => kind = value.into(),
                Some(("Content-Length", value)) => length = value.parse()?,
                Some(("Reply-Text", value)) => reply = value.into(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        match kind.as_str() {
            "text/event-json" => {
                if let Ok(Value::Object(headers)) = serde_json::from_str(&body) {
                    shared.events().push(Event { headers, at: Instant::now() });
                    shared.changed.notify_all();
                }
            }
            "command/reply" | "api/response" => listening = answer(Answer { reply, body }),
            _ => {}
        }
    }
    Ok(())
}
