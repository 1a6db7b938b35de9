//! `callvault open`: a released copy becomes audio, on its holder's machine.
use std::io::{self, BufWriter};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use callvault_recorder::disclosure::{CopyFault, CopyReader, ExportFault, Layout, UnlockedCopy, Written};
use callvault_recorder::time::{Clock as _, SystemClock};
use serde::Serialize;

use crate::args::Open;
use crate::failure::{Kind, of_copy, of_identity};
use crate::identity::{IdentityFault, LockedIdentity};
use crate::output::{self, OutputFault};
use crate::passphrase;
use crate::private_file::{PrivateFile, PrivateFileFault};
use crate::progress::Progress;

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// The copy.
    #[error(transparent)]
    Copy(#[from] CopyFault),
    /// The audio.
    #[error(transparent)]
    Export(#[from] ExportFault),
    /// A file that is to be written.
    #[error(transparent)]
    File(#[from] PrivateFileFault),
    /// The directory.
    #[error("{} is no directory that can be written to. Make it, or give another with --output.", .0.display())]
    NoDirectory(PathBuf),
    /// Standard output.
    #[error(transparent)]
    Output(#[from] OutputFault),
}

impl OpenFault {
    pub fn kind_and_code(&self) -> (Kind, &'static str) {
        match self {
            Self::Identity(fault) => of_identity(fault),
            Self::Copy(fault) => of_copy(fault),
            Self::Export(fault @ ExportFault::Segment { .. }) => (Kind::Malformed, fault.code()),
            Self::Export(fault) => (Kind::System, fault.code()),
            Self::File(PrivateFileFault::Exists(_)) => (Kind::System, "open_exists"),
            Self::File(PrivateFileFault::Io { .. }) => (Kind::System, "open_not_written"),
            Self::NoDirectory(_) => (Kind::System, "open_no_directory"),
            Self::Output(_) => (Kind::System, "output_failed"),
        }
    }
}

/// One file, as `--json` says it.
#[derive(Serialize)]
struct Opened {
    path: PathBuf,
    duration_ms: u64,
    sample_rate: u32,
    channels: u16,
    undecodable_packets: u64,
    torn_segments: u32,
}

/// Opens it.
pub fn run(asked: &Open) -> Result<(), OpenFault> {
    let copy = CopyReader::open(&asked.file)?;
    let locked = LockedIdentity::read(&asked.identity)?;
    let now = SystemClock.now();
    // Told before a passphrase is asked for.
    copy.check_expiry(now)?;
    copy.check_holder(&locked.line().age)?;

    let passphrase = passphrase::ask(locked.line().name.as_str()).map_err(IdentityFault::from)?;
    let identity = locked.unlock(passphrase)?;
    let mut progress = Progress::new("checking", copy.segment_bytes());
    let unlocked = copy.unlock(identity.age(), now, &mut |bytes| progress.at(bytes))?;
    drop(progress);

    let opened = write_all(&unlocked, asked, &directory(asked)?)?;
    if asked.json {
        output::print_json(&opened)?;
    } else {
        for file in &opened {
            output::print(&format!("{}  {}", file.path.display(), length(file.duration_ms)))?;
        }
    }
    warn(&opened);
    Ok(())
}

/// All files or none: each gets its name only when every one of them is whole.
fn write_all(unlocked: &UnlockedCopy, asked: &Open, directory: &Path) -> Result<Vec<Opened>, OpenFault> {
    let outputs = unlocked.outputs(asked.format.into(), layout(asked));
    let mut files = Vec::with_capacity(outputs.len());
    for output in &outputs {
        files.push(PrivateFile::create(&directory.join(&output.name))?);
    }
    let mut written: Vec<Written> = Vec::with_capacity(outputs.len());
    let total = unlocked.duration_ms().saturating_mul(1000);
    for (output, file) in outputs.iter().zip(&files) {
        let mut progress = Progress::new("opening", total);
        let writer = BufWriter::with_capacity(1 << 20, file.handle()?);
        written.push(unlocked.write(output, writer, &mut |done| progress.at(done))?);
    }
    let mut kept: Vec<PathBuf> = Vec::with_capacity(files.len());
    for file in files {
        match file.keep() {
            Ok(path) => kept.push(path),
            Err(fault) => {
                // A failing command changes nothing; the fault that led here is the one to tell.
                for path in &kept {
                    let _ = std::fs::remove_file(path);
                }
                return Err(fault.into());
            }
        }
    }
    Ok(kept
        .into_iter()
        .zip(written)
        .map(|(path, written)| Opened {
            path,
            duration_ms: written.duration_ms,
            sample_rate: written.sample_rate,
            channels: written.channels,
            undecodable_packets: written.undecodable,
            torn_segments: written.torn,
        })
        .collect())
}

/// The directory to write into; made, for its owner alone, where only its last part is missing.
fn directory(asked: &Open) -> Result<PathBuf, OpenFault> {
    let given = asked.output.as_deref().unwrap_or(Path::new("."));
    // A directory that is there already is as good; what else is wrong shows in the next line.
    let _ = std::fs::DirBuilder::new().mode(0o700).create(given);
    let found: io::Result<PathBuf> = std::fs::canonicalize(given);
    found.ok().filter(|path| path.is_dir()).ok_or_else(|| OpenFault::NoDirectory(given.to_owned()))
}

fn layout(asked: &Open) -> Layout {
    match (asked.mix, asked.split) {
        (true, _) => Layout::Mix,
        (_, true) => Layout::Split,
        (false, false) => Layout::Channels,
    }
}

fn warn(opened: &[Opened]) {
    let torn: u32 = opened.iter().map(|file| file.torn_segments).sum();
    if torn > 0 {
        output::complain(&format!(
            "callvault: {torn} segments end without their last record: the recorder was stopped in them. All that was sealed until then is in the audio."
        ));
    }
    let silent: u64 = opened.iter().map(|file| file.undecodable_packets).sum();
    if silent > 0 {
        output::complain(&format!("callvault: {silent} packets could not be decoded. They are silent in the audio."));
    }
}

/// `0:01:23.456`.
pub fn length(ms: u64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, ms % 1000)
}
