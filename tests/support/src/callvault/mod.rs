//! The product as its users meet it: the program, the module's file, the commands of fs_cli, the opened tracks.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::freeswitch::Configuration;
use crate::{Proof, broken};

mod commands;
mod opened;
mod views;

use commands::run;

pub use commands::Commands;
pub use opened::Opened;
pub use views::{Gap, PartyView, Row, StandingView, Track, View};

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
}

/// Parameters that are only explained are not set.
fn without_comments(xml: &str) -> String {
    let mut parts = xml.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("-->").map_or("", |(_, after)| after))
}
