//! The product as its users meet it: the program, the module's file, the commands of fs_cli, the opened tracks.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::freeswitch::{Configuration, Instance};
use crate::intervals::Interval;
use crate::tones::{audible_intervals, intervals_within};
use crate::{Proof, broken};

/// How soon what is not to be kept is destroyed (NOT-05).
const GONE: std::time::Duration = std::time::Duration::from_secs(60);

/// Opus at 16 kbit/s stays this far below a full tone at other frequencies.
const CODEC_NOISE_DB: f64 = 26.0;

const PASSPHRASE: &str = "a test's passphrase, of no use elsewhere";

/// Whoever takes the commands of fs_cli: a real host, or one that stands in for it.
pub trait Commands {
    /// A command's whole output.
    fn api(&self, command: &str) -> Proof<String>;
}

impl Commands for Instance {
    fn api(&self, command: &str) -> Proof<String> {
        Instance::api(self, command)
    }
}

/// The module and the program as cargo built them.
#[derive(Debug, Clone)]
pub struct Built {
    /// `libmod_callvault.so`.
    pub module: PathBuf,
    /// `callvault`.
    pub program: PathBuf,
}

impl Built {
    /// Builds what is not built yet. `CALLVAULT_MODULE` and `CALLVAULT_PROGRAM` name others, a release's for example.
    pub fn locate() -> Proof<Self> {
        static BUILT: OnceLock<Result<Built, String>> = OnceLock::new();
        let built =
            BUILT.get_or_init(|| Self::build().map_err(|failed| failed.message().unwrap_or("failed").to_owned()));
        Ok(built.clone()?)
    }

    fn build() -> Proof<Self> {
        let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
        if let (Some(module), Some(program)) = (named("CALLVAULT_MODULE"), named("CALLVAULT_PROGRAM")) {
            return Ok(Self { module, program });
        }
        let profile = cargo_built(&["mod_callvault", "callvault-cli"])?;
        let module = named("CALLVAULT_MODULE").unwrap_or_else(|| profile.join("libmod_callvault.so"));
        let program = named("CALLVAULT_PROGRAM").unwrap_or_else(|| profile.join("callvault"));
        for file in [&module, &program] {
            if !file.is_file() {
                broken!("cargo built no {}", file.display());
            }
        }
        Ok(Self { module, program })
    }
}

/// Builds these packages as this test was built, and gives the directory of what came of them. Cargo builds no program
/// or cdylib of another package for a test.
pub fn cargo_built(packages: &[&str]) -> Proof<PathBuf> {
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet"]).args(packages.iter().flat_map(|package| ["--package", package]));
    let profile = profile_directory()?;
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let output = build.current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !output.status.success() {
        broken!("{packages:?} cannot be built:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(profile)
}

/// `target/debug` or whatever this was built into: a program lies there, a test runs from `deps` below.
fn profile_directory() -> Proof<PathBuf> {
    let own = std::env::current_exe()?;
    match own.parent() {
        Some(deps) if deps.ends_with("deps") => Ok(deps.parent().unwrap_or(deps).into()),
        Some(directory) => Ok(directory.into()),
        None => broken!("{} lies in no target directory", own.display()),
    }
}

/// A recorder's directory made by `callvault init --starter`, with the keys that would be carried off.
#[derive(Debug, Clone)]
pub struct Vault {
    built: Built,
    directory: PathBuf,
    keys: PathBuf,
    configuration: String,
}

impl Vault {
    /// `init --starter` in `within`.
    pub fn init(within: &Path) -> Proof<Self> {
        let built = Built::locate()?;
        let (directory, keys) = (within.join("vault"), within.join("keys"));
        run(&built.program, &["init".as_ref(), directory.as_ref(), "--starter".as_ref(), keys.as_ref()])?;
        let configuration = without_comments(&std::fs::read_to_string(directory.join("callvault.conf.xml"))?);
        Ok(Self { built, directory, keys, configuration })
    }

    /// One that an earlier process made there by [`Vault::init`], as its configuration was written last.
    pub fn at(within: &Path) -> Proof<Self> {
        let (directory, keys) = (within.join("vault"), within.join("keys"));
        let configuration = without_comments(&std::fs::read_to_string(directory.join("callvault.conf.xml"))?);
        Ok(Self { built: Built::locate()?, directory, keys, configuration })
    }

    /// `DIR` of `init`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the recorder keeps what it makes: segments, releases, catalogue, audit log.
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The identities.
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.built.program
    }

    /// `callvault.conf.xml` as it is now.
    pub fn configuration(&self) -> &str {
        &self.configuration
    }

    /// With another value of a parameter of `<settings>`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let line = format!("<param name=\"{name}\" value=\"{}\"/>", value.replace('&', "&amp;").replace('"', "&quot;"));
        let found = format!("<param name=\"{name}\"");
        let start = self.configuration.match_indices(&found).map(|(start, _)| start).find(|&start| self.is_said(start));
        match start.and_then(|start| Some((start, start + self.configuration[start..].find("/>")? + 2))) {
            Some((start, end)) => self.configuration.replace_range(start..end, &line),
            None => {
                self.configuration = self.configuration.replacen("</settings>", &format!("  {line}\n  </settings>"), 1)
            }
        }
        self
    }

    /// Whether a place of the configuration is in no comment.
    fn is_said(&self, place: usize) -> bool {
        let before = &self.configuration[..place];
        before.rfind("<!--").is_none_or(|opened| before[opened..].contains("-->"))
    }

    /// With this prompt as the notice, and no other.
    #[must_use]
    pub fn with_notice(mut self, file: &str, language: &str) -> Self {
        let prompt =
            format!("<prompts>\n    <prompt id=\"notice\" language=\"{language}\" file=\"{file}\"/>\n  </prompts>");
        let found = self.configuration.find("<prompts").and_then(|start| {
            let end = self.configuration[start..].find("</prompts>").map(|end| start + end + "</prompts>".len());
            let empty = self.configuration[start..].find("/>").map(|end| start + end + 2);
            Some((start, end.or(empty)?))
        });
        match found {
            Some((start, end)) => self.configuration.replace_range(start..end, &prompt),
            None => {
                self.configuration =
                    self.configuration.replacen("</configuration>", &format!("  {prompt}\n</configuration>"), 1)
            }
        }
        self
    }

    /// With one prompt more.
    #[must_use]
    pub fn with_prompt(mut self, id: &str, file: &str, language: &str) -> Self {
        let prompt = format!("  <prompt id=\"{id}\" language=\"{language}\" file=\"{file}\"/>\n  </prompts>");
        self.configuration = self.configuration.replacen("</prompts>", &prompt, 1);
        self
    }

    /// With another file in place of its own.
    #[must_use]
    pub fn with_configuration(mut self, text: String) -> Self {
        self.configuration = text;
        self
    }

    /// A host's configuration with the module and this recorder's file in its place.
    #[must_use]
    pub fn installed(&self, host: Configuration) -> Configuration {
        host.with_module(&self.built.module).file("callvault.conf.xml", &self.configuration)
    }

    /// `callvault list --json`.
    pub fn list(&self, host: &dyn Commands) -> Proof<Vec<Row>> {
        json(&host.api("callvault list --json --limit 1000")?)
    }

    /// `callvault show ID --json`.
    pub fn show(&self, host: &dyn Commands, id: &str) -> Proof<View> {
        json(&host.api(&format!("callvault show {id} --json"))?)
    }

    /// `callvault status --json`.
    pub fn status(&self, host: &dyn Commands) -> Proof<Value> {
        json(&host.api("callvault status --json")?)
    }

    /// Waits until exactly `count` recordings are listed and all of them have ended.
    pub fn wait_listed(&self, host: &dyn Commands, count: usize) -> Proof<Vec<Row>> {
        self.wait_listed_within(std::time::Duration::from_secs(20), host, count)
    }

    /// The same with another limit.
    pub fn wait_listed_within(&self, limit: std::time::Duration, host: &dyn Commands, count: usize) -> Proof<Vec<Row>> {
        let until = std::time::Instant::now() + limit;
        loop {
            let rows = self.list(host)?;
            let ended = rows.iter().all(|row| row.state != "recording" && row.outcome.is_some());
            if rows.len() == count && ended {
                return Ok(rows);
            }
            if std::time::Instant::now() >= until {
                broken!("{count} ended calls are due in the list; it has {rows:#?}");
            }
            // The catalogue tells nobody of its rows: looked at again after a while.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// `callvault show` of what is not to be kept, when nothing of it is any more.
    pub fn wait_gone(&self, host: &dyn Commands, id: &str) -> Proof<View> {
        let until = std::time::Instant::now() + GONE;
        loop {
            let view = self.show(host, id)?;
            if view.state != "kept" {
                return Ok(view);
            }
            if std::time::Instant::now() >= until {
                broken!("after {GONE:?} what was not to be kept is: {view:#?}");
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// A ticket of the starter's manager for one recording.
    pub fn ticket(&self, id: &str) -> Proof<String> {
        self.ticket_for(id, "complaint")
    }

    /// A ticket for a purpose.
    pub fn ticket_for(&self, id: &str, purpose: &str) -> Proof<String> {
        let identity = self.identity("manager")?;
        let arguments = ["ticket", id, "--purpose", purpose, "--reference", "case 1", "--identity"];
        let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        all.push(identity.as_ref());
        Ok(run(&self.built.program, &all)?.trim().to_owned())
    }

    /// `callvault_release TICKET`: the released copy's path.
    pub fn release(&self, host: &dyn Commands, id: &str) -> Proof<PathBuf> {
        let answer = host.api(&format!("callvault_release {}", self.ticket(id)?))?;
        match answer.trim().strip_prefix("+OK ") {
            Some(path) => Ok(path.into()),
            None => broken!("the release of {id} was refused: {}", answer.trim()),
        }
    }

    /// Releases a recording and opens the copy to one WAV with a channel per track.
    pub fn opened(&self, host: &dyn Commands, id: &str) -> Proof<Opened> {
        let copy = self.release(host, id)?;
        self.open(&copy)
    }

    /// `callvault open FILE` as its manager.
    pub fn open(&self, copy: &Path) -> Proof<Opened> {
        let output = self.directory.with_extension("opened").join(copy.file_stem().unwrap_or_default());
        std::fs::create_dir_all(&output)?;
        let identity = self.identity("manager")?;
        run(
            &self.built.program,
            &[
                "open".as_ref(),
                copy.as_ref(),
                "--identity".as_ref(),
                identity.as_ref(),
                "--output".as_ref(),
                output.as_ref(),
            ],
        )?;
        let file = std::fs::read_dir(&output)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "wav"));
        match file {
            Some(file) => Opened::read(&file),
            None => broken!("`callvault open` wrote no WAV into {}", output.display()),
        }
    }

    /// The program with these arguments: its output, where it succeeds.
    pub fn run(&self, arguments: &[&str]) -> Proof<String> {
        run(&self.built.program, &arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// The starter's identity of a role.
    pub fn identity(&self, role: &str) -> Proof<PathBuf> {
        let found = std::fs::read_dir(&self.keys)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(role)));
        found.ok_or_else(|| format!("`init --starter` made no {role}'s identity in {}", self.keys.display()).into())
    }
}

/// Parameters that are only explained are not set.
fn without_comments(xml: &str) -> String {
    let mut parts = xml.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("-->").map_or("", |(_, after)| after))
}

fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> Proof<String> {
    let output = Command::new(program).args(arguments).env("CALLVAULT_PASSPHRASE", PASSPHRASE).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        broken!("callvault {arguments:?} failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn json<T: serde::de::DeserializeOwned>(answer: &str) -> Proof<T> {
    match serde_json::from_str(answer) {
        Ok(value) => Ok(value),
        Err(fault) => broken!("no JSON of the agreed shape ({fault}): {answer}"),
    }
}

/// A row of `list --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The recording's id.
    pub id: String,
    /// `inbound`, `outbound` or `internal`.
    pub direction: String,
    /// Unix ms, UTC.
    pub started_at_ms: i64,
    /// From the first answer to the end, or until now, ms.
    pub duration_ms: i64,
    /// `recording`, `kept`, `truncated`, `none`, `destroying`, `destroyed`.
    pub state: String,
    /// `recorded` or `not_recorded`; absent while it lasts.
    pub outcome: Option<String>,
    /// Why nothing is kept.
    pub reason: Option<String>,
}

/// `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The recording's id.
    pub id: String,
    /// As in [`Row`].
    pub direction: String,
    /// As in [`Row`].
    pub started_at_ms: i64,
    /// As in [`Row`].
    pub duration_ms: i64,
    /// As in [`Row`].
    pub state: String,
    /// As in [`Row`].
    pub outcome: Option<String>,
    /// As in [`Row`].
    pub reason: Option<String>,
    /// Which PBX.
    pub instance: String,
    /// Unix ms; the recording's zero, from which offsets count.
    pub answered_at_ms: Option<i64>,
    /// Unix ms.
    pub ended_at_ms: Option<i64>,
    /// Unix ms.
    pub expires_at_ms: Option<i64>,
    /// One per party.
    pub tracks: Vec<Track>,
    /// One per notice.
    pub notices: Vec<Value>,
    /// How each party stood, and since when.
    #[serde(default)]
    pub parties: Vec<PartyView>,
    /// What the tombstone has, where it was destroyed.
    #[serde(default)]
    pub destroyed: Option<Value>,
}

impl View {
    /// How the party of a leg stood, one word after another.
    pub fn standings(&self, leg: &str) -> Vec<&str> {
        let own = self.parties.iter().filter(|party| party.leg == leg);
        own.flat_map(|party| &party.standings).map(|change| change.standing.as_str()).collect()
    }
}

/// A party of `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyView {
    /// The host's uuid of its leg.
    pub leg: String,
    /// As in [`Track`].
    pub party: String,
    /// Oldest first.
    pub standings: Vec<StandingView>,
}

/// Since when a party stands so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingView {
    /// `pending`, `informed`, `consented`, `objected` …
    pub standing: String,
    /// Unix ms.
    pub at_ms: i64,
    /// `prompt`, `digit`, `agent`, `command`, or what `told-by` names.
    pub by: String,
}

/// A track of `show --json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// From 1; its place in an opened WAV's channels follows it.
    pub number: u16,
    /// `caller`, `callee`, `agent`, `joined`, `system`.
    pub party: String,
    /// The host's uuid of the leg.
    pub leg: String,
    /// How it is stored.
    pub codec: Option<String>,
    /// From the recording's start.
    pub offset_ms: Option<i64>,
    /// How long.
    pub duration_ms: Option<i64>,
    /// Stretches without audio.
    pub gaps: Vec<Gap>,
}

/// A gap of a track.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// From the recording's start.
    pub offset_ms: i64,
    /// How long.
    pub duration_ms: i64,
    /// Why.
    pub reason: String,
}

/// An opened recording: samples of each track from the recording's start.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Samples per second.
    pub rate: u32,
    /// In track order.
    pub tracks: Vec<Vec<i16>>,
}

impl Opened {
    /// From a WAV with a channel per track.
    pub fn read(file: &Path) -> Proof<Self> {
        let mut reader = hound::WavReader::open(file)?;
        let spec = reader.spec();
        let mut tracks = vec![Vec::new(); usize::from(spec.channels)];
        for (index, sample) in reader.samples::<i16>().enumerate() {
            tracks[index % usize::from(spec.channels)].push(sample?);
        }
        Ok(Self { rate: spec.sample_rate, tracks })
    }

    /// How long the WAV is, ms.
    pub fn length_ms(&self) -> i64 {
        self.tracks.first().map_or(0, |track| track.len() as i64 * 1000 / i64::from(self.rate))
    }

    /// When a frequency is audible on a track (from 0, in track order), ms from the recording's start.
    pub fn audible(&self, track: usize, frequency: u32) -> Vec<Interval> {
        self.tracks.get(track).map(|samples| audible_intervals(samples, self.rate, frequency)).unwrap_or_default()
    }

    /// When a frequency sounds on a track at more than what a lossy codec adds beside another tone.
    pub fn plainly_audible(&self, track: usize, frequency: u32) -> Vec<Interval> {
        let within = |samples: &Vec<i16>| intervals_within(CODEC_NOISE_DB, samples, self.rate, frequency);
        self.tracks.get(track).map(within).unwrap_or_default()
    }
}
