//! What a person types (decision 18). Help texts are part of the interface.
use std::path::PathBuf;

use callvault_recorder::access::{PersonName, PublicLine, PublicSigningKey, Reference, Role};
use callvault_recorder::disclosure;
use callvault_recorder::ids::RecordingId;
use callvault_recorder::policy::Purpose;
use callvault_recorder::prompt::NamedPurposes;
use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a file, the disk or the system stood in the way
  2  the command line is wrong
  3  what was given is not what it should be: malformed, cut, changed, signed by another
  4  not allowed: wrong passphrase, another person's copy, past its expiry, not that role

A passphrase is asked for on the terminal, or taken from the variable CALLVAULT_PASSPHRASE.
A command that fails changes nothing.";

/// Enrol people, sign tickets, and open what a call recorder released.
#[derive(Debug, Parser)]
#[command(name = "callvault", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a recorder's directory on the PBX: store, catalogue, keystore, node key, configuration
    Init(Init),
    /// Make your identity on your own machine and print its public line
    Enrol(Enrol),
    /// Say who may open recordings, and for what: the privacy officer's signed list
    Roster {
        #[command(subcommand)]
        command: RosterCommand,
    },
    /// Sign a single-use ticket for one recording and print it
    Ticket(Ticket),
    /// Say what a prompt says: the manifest without which no notice counts
    Prompt {
        #[command(subcommand)]
        command: PromptCommand,
    },
    /// Turn a copy that was released to you into audio
    Open(Open),
    /// Show what a copy or a segment says of itself (no secret needed)
    Inspect(Inspect),
    /// Check that a copy or a segment is whole and as it was made (no secret needed)
    Verify(Verify),
    /// Print a shell's completion script
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(
    override_usage = "callvault init <DIR> --officer <LINE> --recovery <LINE>\n       callvault init <DIR> --starter <KEYS>",
    group = clap::ArgGroup::new("whose").required(true).multiple(true)
)]
pub struct Init {
    /// The recorder's directory, new or empty; run this as the user that FreeSWITCH runs as
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The privacy officer's public line: only rosters that this key signed will be taken
    #[arg(long, value_name = "LINE", group = "whose", requires = "recovery", conflicts_with = "starter")]
    pub officer: Option<PublicLine>,
    /// The recovery key's public line, for the officer to put on the roster
    #[arg(long, value_name = "LINE", group = "whose", requires = "officer", conflicts_with = "starter")]
    pub recovery: Option<PublicLine>,
    /// For a first try: make an officer, a manager and a recovery identity in this directory, too
    #[arg(long, value_name = "KEYS", group = "whose")]
    pub starter: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Enrol {
    /// What you are: manager, officer or recovery
    #[arg(long)]
    pub role: Role,
    /// Your name, one word
    #[arg(long)]
    pub name: PersonName,
    /// Where to write the identity; never overwritten
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum RosterCommand {
    /// Put a person on the roster (a new roster is begun where there is none)
    Add {
        /// The line that the person's `callvault enrol` printed
        line: PublicLine,
        /// What a manager may open recordings for: complaint, spotcheck, safety_crime, legal_compliance, training
        #[arg(long, value_name = "P,…", value_delimiter = ',')]
        purposes: Vec<Purpose>,
        #[command(flatten)]
        files: RosterFiles,
    },
    /// Take a person off the roster
    Remove {
        /// The name on the roster
        name: PersonName,
        #[command(flatten)]
        files: RosterFiles,
    },
    /// Show who is on it (asks for no passphrase)
    List {
        #[command(flatten)]
        files: RosterFiles,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct RosterFiles {
    /// The roster
    #[arg(long, value_name = "FILE")]
    pub roster: PathBuf,
    /// The privacy officer's identity
    #[arg(long, value_name = "OFFICER")]
    pub identity: PathBuf,
}

#[derive(Debug, Args)]
pub struct Ticket {
    /// The recording's id, as `callvault list` shows it on the PBX
    #[arg(value_name = "ID")]
    pub recording: RecordingId,
    /// Why: complaint, spotcheck, safety_crime, legal_compliance or training
    #[arg(long)]
    pub purpose: Purpose,
    /// The case it belongs to, such as a complaint's number
    #[arg(long)]
    pub reference: Reference,
    /// Your identity
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum PromptCommand {
    /// Write the manifest of an audio file and print its line for callvault.conf.xml
    Add(PromptAdd),
    /// Check that an audio file is the one its manifest speaks of
    Check {
        /// The audio, with FILE.prompt.json beside it
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

const PROMPT_FILES: &str = "\
The audio is a WAV file, heard, and as long as its text takes to say. FILE.prompt.json is written beside it, in place
of an older one. Whoever changes the audio runs this again: a notice whose audio is not the one of its manifest is not
played, and the call is not recorded.

A notice names every purpose that the policy enables, or is layered: short, and it says where the rest is read, in an
address as written (example.org/privacy) or as spoken (example dot org, example punt nl).";

#[derive(Debug, Args)]
#[command(after_help = PROMPT_FILES)]
pub struct PromptAdd {
    /// The audio, where FreeSWITCH will find it
    pub file: PathBuf,
    /// The language that is spoken: nl, en, en-GB
    #[arg(long)]
    pub language: String,
    /// The purposes that the text names: complaint, spotcheck, safety_crime, legal_compliance, training; or layered, or
    /// none
    #[arg(long, value_name = "P,…")]
    pub purposes: NamedPurposes,
    /// The words that are spoken
    #[arg(long)]
    pub text: String,
    /// Its id in the configuration: notice, notice-optout, notice-optin, notice-outbound, stopped or one of your own
    #[arg(long, default_value = "notice")]
    pub id: String,
    /// Its version there: yours to count
    #[arg(long, default_value = "1")]
    pub version: String,
}

#[derive(Debug, Args)]
pub struct Open {
    /// The copy, as `callvault_release` wrote it
    pub file: PathBuf,
    /// Your identity
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
    /// Where to write the audio; nothing there is overwritten [default: here]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// One WAV with a channel per track unless --mix or --split says otherwise; Ogg Opus is always mono
    #[arg(long, value_enum, default_value_t = AudioFormat::Wav)]
    pub format: AudioFormat,
    /// One file with all tracks added up
    #[arg(long, conflicts_with = "split")]
    pub mix: bool,
    /// A file per track
    #[arg(long)]
    pub split: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What the audio is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AudioFormat {
    Wav,
    Opus,
}

impl From<AudioFormat> for disclosure::Format {
    fn from(format: AudioFormat) -> Self {
        match format {
            AudioFormat::Wav => Self::Wav,
            AudioFormat::Opus => Self::Opus,
        }
    }
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// A released copy, or a segment out of the store
    pub file: PathBuf,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// A released copy, or a segment out of the store
    pub file: PathBuf,
    /// The public key of the node that should have signed it, as `callvault init` printed it
    #[arg(long, value_name = "KEY")]
    pub node: Option<PublicSigningKey>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}
