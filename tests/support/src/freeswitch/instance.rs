//! One running host, everything of it in the test's directory.
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::configuration::{Configuration, Ports};
use super::esl::{Event, EventSocket};
use super::installation::Installation;
use super::process::Process;
use crate::tones::noise_word;
use crate::{Proof, broken};

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const MEDIA_PORTS: u16 = 2_000;

/// Names the tracer's library, where what the host does to the module is to be written down.
const TRACER: &str = "CALLVAULT_TRACER";
/// The trace's file in the instance's directory.
pub const TRACE: &str = "trace";

/// A running host. Dropping it kills it.
pub struct Instance {
    directory: PathBuf,
    ports: Ports,
    /// Holds the RTP range against other tests of this machine.
    _range: UdpSocket,
    process: Process,
    ended: Receiver<String>,
    events: EventSocket,
}

impl Instance {
    /// Starts a host in `directory` (made where it is missing) and waits until it is ready.
    pub fn start(installation: &Installation, configuration: &Configuration, directory: &Path) -> Proof<Self> {
        let (ports, range) = free_ports()?;
        let at = |part: &str| directory.join(part);
        for part in PARTS {
            std::fs::create_dir_all(at(part))?;
        }
        configuration.write(&at("conf"), &at("log"), ports, installation)?;
        lay_modules(installation, configuration, &at("mod"))?;

        let mut command = Command::new(&installation.program);
        command.args(["-nonat", "-nf", "-nc"]);
        for part in PARTS {
            command.arg(format!("-{part}")).arg(at(part));
        }
        command
            .env("LD_LIBRARY_PATH", &installation.libraries)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(at("stdout"))?)
            .stderr(std::fs::File::create(at("stderr"))?);
        if let Some(tracer) = std::env::var_os(TRACER) {
            command.env("LD_PRELOAD", tracer).env("CALLVAULT_TRACE", at(TRACE));
        }
        let mut child = command.spawn()?;
        let process = Process::of(child.id())?;
        let (end, ended) = channel();
        std::thread::Builder::new().name("host-end".into()).spawn(move || {
            let how = child.wait().map_or_else(|fault| fault.to_string(), |status| status.to_string());
            // Nobody listens any more where the test is over.
            drop(end.send(how));
        })?;
        let events = match await_ready(ports.events, &ended) {
            Ok(events) => events,
            Err(failed) => {
                drop(process.kill());
                return Err(failed);
            }
        };
        Ok(Self { directory: directory.into(), ports, _range: range, process, ended, events })
    }

    /// The SIP profile's port.
    pub fn sip_port(&self) -> u16 {
        self.ports.sip
    }

    /// The SIP profile's port for browsers.
    pub fn browser_port(&self) -> u16 {
        self.ports.browsers
    }

    /// Where everything of it lies; its log is `log/freeswitch.log`, its configuration `conf`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read(self.directory.join("log/freeswitch.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The process.
    pub fn process(&self) -> Process {
        self.process
    }

    /// Its event socket.
    pub fn events(&self) -> &EventSocket {
        &self.events
    }

    /// A command as fs_cli gives it: its whole output.
    pub fn api(&self, command: &str) -> Proof<String> {
        self.events.api(command)
    }

    /// A command that must answer `+OK` and no `-ERR` after it (`load` says both).
    pub fn must(&self, command: &str) -> Proof<String> {
        let answer = self.api(command)?;
        if !answer.starts_with("+OK") || answer.contains("-ERR") {
            broken!("`{command}` answered: {}", answer.trim());
        }
        Ok(answer)
    }

    /// A leg's variable; `None` where the leg has none of that name.
    pub fn variable(&self, leg: &str, name: &str) -> Proof<Option<String>> {
        let value = self.api(&format!("uuid_getvar {leg} {name}"))?;
        if value.starts_with("-ERR") {
            broken!("the variable {name} of {leg}: {}", value.trim());
        }
        Ok((value.trim() != "_undef_").then(|| value.trim().to_owned()))
    }

    /// Waits for an event of a leg.
    pub fn wait_leg(&self, leg: &str, event: &str, limit: Duration) -> Proof<Event> {
        self.events.wait_for(&format!("{event} of {leg}"), limit, |e| e.name() == event && e.leg() == leg)
    }

    /// How many legs are up.
    pub fn legs(&self) -> Proof<usize> {
        // The core's own count; `show channels` comes from a table that is written later.
        let answer = self.api("status")?;
        let line = answer.lines().find(|line| line.contains("session(s) - peak"));
        match line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok()) {
            Some(count) => Ok(count),
            None => broken!("`status` answered: {answer}"),
        }
    }

    /// Waits until no leg is up and the last one's end was told.
    pub fn wait_idle(&self, limit: Duration) -> Proof {
        let until = Instant::now() + limit;
        loop {
            let events = self.events.events();
            let count = |name: &str| events.iter().filter(|event| event.name() == name).count();
            if count("CHANNEL_CREATE") == count("CHANNEL_DESTROY") && self.legs()? == 0 {
                return Ok(());
            }
            if Instant::now() >= until {
                broken!("{} legs are still up after {limit:?}", self.legs()?);
            }
            let ends = count("CHANNEL_DESTROY");
            let mut seen = 0;
            let another = |event: &Event| {
                seen += usize::from(event.name() == "CHANNEL_DESTROY");
                seen > ends
            };
            // In vain where the last end came between both looks; the next look tells.
            drop(self.events.wait_for("a leg's end", Duration::from_millis(200), another));
        }
    }

    /// `fsctl shutdown`; waits until the process is gone and says how it ended.
    pub fn stop(self) -> Proof<String> {
        // The connection may break before the answer.
        drop(self.events.api("fsctl shutdown"));
        self.wait_end(STOP_LIMIT)
    }

    /// SIGKILL; waits until the process is gone.
    pub fn kill(self) -> Proof<String> {
        self.process.kill()?;
        self.wait_end(STOP_LIMIT)
    }

    /// Waits until the process is gone and says how it ended.
    pub fn wait_end(&self, limit: Duration) -> Proof<String> {
        match self.ended.recv_timeout(limit) {
            Ok(how) => Ok(how),
            Err(_) => broken!("the host does not end within {limit:?}"),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.ended.try_recv().is_err() {
            // Gone by itself in between: as well.
            drop(self.process.kill());
            drop(self.ended.recv_timeout(STOP_LIMIT));
        }
    }
}

/// The directories of an instance; each is named as the option that tells it to the host.
const PARTS: [&str; 13] = [
    "conf",
    "log",
    "db",
    "run",
    "mod",
    "recordings",
    "storage",
    "cache",
    "temp",
    "scripts",
    "grammar",
    "certs",
    "sounds",
];

fn lay_modules(installation: &Installation, configuration: &Configuration, to: &Path) -> Proof {
    for module in std::fs::read_dir(&installation.modules)? {
        let module = module?;
        let target = to.join(module.file_name());
        if module.path().extension().is_some_and(|extension| extension == "so") && !target.exists() {
            symlink(module.path(), target)?;
        }
    }
    if let Some(module) = configuration.module() {
        let target = to.join("mod_callvault.so");
        if target.exists() {
            std::fs::remove_file(&target)?;
        }
        std::fs::copy(module, target)?;
    }
    Ok(())
}

fn await_ready(port: u16, ended: &Receiver<String>) -> Proof<EventSocket> {
    let until = Instant::now() + READY_LIMIT;
    loop {
        if let Ok(events) = EventSocket::connect(port) {
            while Instant::now() < until {
                // With the profile up too: until then nobody answers on the SIP port.
                let ready = events.api("status")?.contains("is ready");
                if ready && events.api("sofia status profile test")?.contains("URL") {
                    return Ok(events);
                }
                pause(ended)?;
            }
        }
        if Instant::now() >= until {
            broken!("the host is not ready within {READY_LIMIT:?}");
        }
        pause(ended)?;
    }
}

/// A moment between two looks, cut short where the host ends.
fn pause(ended: &Receiver<String>) -> Proof {
    match ended.recv_timeout(Duration::from_millis(50)) {
        Ok(how) => broken!("the host ended at its start: {how}"),
        Err(_) => Ok(()),
    }
}

/// SIP and event ports that are free now, and an RTP range held by a socket at its beginning.
fn free_ports() -> Proof<(Ports, UdpSocket)> {
    let sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let [events, browsers] =
        [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?]
            .map(|listener| listener.local_addr().map(|address| address.port()));
    let (events, browsers) = (events?, browsers?);
    let seed = u64::from(std::process::id()) << 16 | u64::from(sip);
    // Below the range from which the system gives ports to everybody else.
    for attempt in 0..64 {
        let first = 10_000 + (noise_word(seed ^ noise_word(attempt)) % 10) as u16 * MEDIA_PORTS;
        if let Ok(range) = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)) {
            let media = (first + 2, first + MEDIA_PORTS - 2);
            return Ok((Ports { sip, browsers, events, media }, range));
        }
    }
    broken!("no range of RTP ports is free")
}
