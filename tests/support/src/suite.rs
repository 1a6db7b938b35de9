//! How promises run: one list of trials, each named by the host it stands on; a missing host is `ignored`, by name.
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Trial};

use crate::browser;
use crate::freeswitch::{Configuration, FreeSwitch, Installation, Instance};
use crate::{Failed, Proof};

/// What a trial on a real host stands on: the host's installation and a directory of its own.
pub struct Stage {
    installation: Installation,
    directory: PathBuf,
}

impl Stage {
    /// The trial's own directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The host's installation.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Starts a host in the trial's directory.
    pub fn start(&self, configuration: &Configuration) -> Proof<Instance> {
        self.start_named("host", configuration)
    }

    /// Starts a host in a directory of this name in the trial's: a second one, or the same one again.
    pub fn start_named(&self, name: &str, configuration: &Configuration) -> Proof<Instance> {
        Instance::start(&self.installation, configuration, &self.directory.join(name))
    }
}

/// A promise shown on a real host.
pub fn on_freeswitch(name: &str, act: impl FnOnce(&Stage) -> Proof + Send + 'static) -> Trial {
    let installation = FreeSwitch::find();
    let missing = installation.is_none();
    let trial = Trial::test(format!("freeswitch::{name}"), move || match installation {
        Some(installation) => with_directory(|directory| {
            let stage = Stage { installation, directory: directory.into() };
            act(&stage)
        }),
        None => Err(Failed::from("no FreeSWITCH is found by `pkg-config freeswitch` or FREESWITCH_PREFIX")),
    });
    let trial = trial.with_ignored_flag(missing);
    if missing { trial.with_kind("no FreeSWITCH found") } else { trial }
}

/// A promise shown on a real host with a party in a browser, whose program the trial is given.
pub fn on_freeswitch_with_browser(name: &str, act: impl FnOnce(&Stage, &Path) -> Proof + Send + 'static) -> Trial {
    let Some(browser) = browser::find() else {
        let missing = Trial::test(format!("freeswitch::{name}"), || Err(Failed::from("no Chromium is found in PATH")));
        return missing.with_ignored_flag(true).with_kind("no Chromium found");
    };
    on_freeswitch(name, move |stage| act(stage, &browser))
}

/// A promise shown on the host that stands in, with a directory of the trial's own; `needs` are files without which it
/// cannot be.
pub fn on_stand_in(name: &str, needs: &[PathBuf], act: impl FnOnce(&Path) -> Proof + Send + 'static) -> Trial {
    let missing = needs.iter().any(|file| !file.is_file());
    let trial = Trial::test(format!("stand_in::{name}"), move || with_directory(act)).with_ignored_flag(missing);
    if missing { trial.with_kind("no trace taken") } else { trial }
}

/// Runs the trials one after another where a real host acts them, for they measure time; replays, which mostly wait,
/// three at a time. The command line may say otherwise.
pub fn run(trials: Vec<Trial>) -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    let acted = trials.iter().any(|trial| trial.name().starts_with("freeswitch::") && !trial.has_ignored_flag());
    arguments.test_threads.get_or_insert(if acted { 1 } else { 3 });
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Gives the trial a directory that stays, with the hosts' last log lines in the failure, where it fails.
pub fn with_directory(act: impl FnOnce(&Path) -> Proof) -> Proof {
    let mut directory = tempfile::Builder::new().prefix("callvault-").tempdir()?;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(directory.path())));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(Failed::from(format!("panicked: {}", text.unwrap_or("without a text"))))
    });
    outcome.map_err(|failed| {
        directory.disable_cleanup(true);
        let text = failed.message().unwrap_or("failed").to_owned();
        Failed::from(format!(
            "{text}\n{}\nAll of it is kept in {}",
            last_lines(directory.path()),
            directory.path().display()
        ))
    })
}

fn last_lines(directory: &Path) -> String {
    let mut text = String::new();
    for host in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let log = host.path().join("log/freeswitch.log");
        if let Ok(bytes) = std::fs::read(&log) {
            let all = String::from_utf8_lossy(&bytes).into_owned();
            let mark =
                |line: &&str| line.contains(" mod_callvault:") || line.contains("[ERR]") || line.contains("[CRIT]");
            let marked: Vec<&str> = all.lines().filter(mark).collect();
            let tail = &marked[marked.len().saturating_sub(30)..];
            text += &format!(
                "--- {} (callvault's and errors, the last {})\n{}\n",
                log.display(),
                tail.len(),
                tail.join("\n")
            );
        }
    }
    text
}
