//! The host that stands in for a FreeSWITCH: it loads the real module and replays to it what a real one did.
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::callvault::{Commands, cargo_built};
use crate::freeswitch::{Configuration, Process};
use crate::{Proof, broken};

const READY_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const PARTS: [&str; 5] = ["conf", "log", "run", "mod", "sounds"];

/// A running stand-in. Dropping it kills it.
pub struct StandIn {
    directory: PathBuf,
    process: Process,
    ended: Receiver<String>,
}

/// A trace that is being replayed.
pub struct Replay {
    /// What of the trace's times is to be added for this replay's, ms.
    pub later_by: i64,
    answer: BufReader<UnixStream>,
}

/// A change to a trace.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A text behind each uuid: one trace is many calls at once.
    Suffix(String),
    /// Another value of a channel variable.
    Variable(&'static str, String),
}

impl Edit {
    fn word(&self) -> String {
        let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        match self {
            Self::Suffix(text) => format!("suffix={}", escaped(text)),
            Self::Variable(name, value) => format!("variable:{name}={}", escaped(value)),
        }
    }
}

impl StandIn {
    /// Starts one in `directory` with the module and the files that the configuration names.
    pub fn start(configuration: &Configuration, directory: &Path) -> Proof<Self> {
        let at = |part: &str| directory.join(part);
        for part in PARTS {
            std::fs::create_dir_all(at(part))?;
        }
        configuration.write_files(&at("conf"))?;
        if let Some(module) = configuration.module() {
            std::fs::copy(module, at("mod").join("mod_callvault.so"))?;
        }
        let mut command = Command::new(Self::program()?);
        for part in PARTS {
            command.arg(format!("-{part}")).arg(at(part));
        }
        command
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(at("stdout"))?)
            .stderr(std::fs::File::create(at("stderr"))?);
        let mut child = command.spawn()?;
        let process = Process::of(child.id())?;
        let (end, ended) = channel();
        std::thread::Builder::new().name("host-end".into()).spawn(move || {
            let how = child.wait().map_or_else(|fault| fault.to_string(), |status| status.to_string());
            // Nobody listens any more where the test is over.
            drop(end.send(how));
        })?;
        let host = Self { directory: directory.into(), process, ended };
        host.await_ready()?;
        Ok(host)
    }

    /// The program, built where it is not; `CALLVAULT_STAND_IN` names another.
    pub fn program() -> Proof<PathBuf> {
        static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let find = || match std::env::var_os("CALLVAULT_STAND_IN") {
            Some(named) => Ok(named.into()),
            None => cargo_built(&["callvault-stand-in"]).map(|directory| directory.join("stand-in")),
        };
        let found = PROGRAM.get_or_init(|| find().map_err(|failed| failed.message().unwrap_or("failed").to_owned()));
        Ok(found.clone()?)
    }

    fn await_ready(&self) -> Proof {
        let until = Instant::now() + READY_LIMIT;
        while self.connect().is_err() {
            if let Ok(how) = self.ended.recv_timeout(Duration::from_millis(10)) {
                broken!("the stand-in ended at its start: {how}");
            }
            if Instant::now() >= until {
                broken!("the stand-in is not ready within {READY_LIMIT:?}");
            }
        }
        Ok(())
    }

    fn connect(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.directory.join("run/stand-in.sock"))
    }

    /// Where everything of it lies.
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

    /// A command as fs_cli gives it: its whole output.
    pub fn api(&self, command: &str) -> Proof<String> {
        let mut connection = self.connect()?;
        writeln!(connection, "{command}")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// A command that must answer `+OK` and no `-ERR` after it (`load` says both).
    pub fn must(&self, command: &str) -> Proof<String> {
        let answer = self.api(command)?;
        if !answer.starts_with("+OK") || answer.contains("-ERR") {
            broken!("`{command}` answered: {}", answer.trim());
        }
        Ok(answer)
    }

    /// Begins to replay a trace, edited.
    pub fn replay(&self, trace: &Path, edits: &[Edit]) -> Proof<Replay> {
        let taken = began(trace)?;
        let mut connection = self.connect()?;
        let words: String = edits.iter().map(|edit| format!(" {}", edit.word())).collect();
        writeln!(connection, "replay {}{words}", trace.display())?;
        let mut answer = BufReader::new(connection);
        let mut line = String::new();
        answer.read_line(&mut line)?;
        match line.trim().strip_prefix("+OK ").and_then(|began| began.parse::<i64>().ok()) {
            Some(began) => Ok(Replay { later_by: began - taken, answer }),
            None => broken!("the replay of {} was refused: {}", trace.display(), line.trim()),
        }
    }

    /// `fsctl shutdown`; waits until the process is gone and says how it ended.
    pub fn stop(self) -> Proof<String> {
        // The connection may break before the answer.
        drop(self.api("fsctl shutdown"));
        self.wait_end()
    }

    /// SIGKILL; waits until the process is gone.
    pub fn kill(self) -> Proof<String> {
        self.process.kill()?;
        self.wait_end()
    }

    fn wait_end(&self) -> Proof<String> {
        match self.ended.recv_timeout(STOP_LIMIT) {
            Ok(how) => Ok(how),
            Err(_) => broken!("the stand-in does not end within {STOP_LIMIT:?}"),
        }
    }
}

impl Replay {
    /// Waits for the trace's end: every leg is gone.
    pub fn wait(mut self) -> Proof {
        let mut line = String::new();
        self.answer.read_line(&mut line)?;
        if line.trim() != "+OK" {
            broken!("the replay ended with `{}`", line.trim());
        }
        Ok(())
    }
}

impl Commands for StandIn {
    fn api(&self, command: &str) -> Proof<String> {
        Self::api(self, command)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if self.ended.try_recv().is_err() {
            // Gone by itself in between: as well.
            drop(self.process.kill());
            drop(self.ended.recv_timeout(STOP_LIMIT));
        }
    }
}

/// When a trace began, Unix ms.
fn began(trace: &Path) -> Proof<i64> {
    let head = BufReader::new(std::fs::File::open(trace)?).lines().take(8);
    let began = head.map_while(Result::ok).find_map(|line| line.strip_prefix("began ")?.parse().ok());
    began.ok_or_else(|| format!("{} is no trace", trace.display()).into())
}
