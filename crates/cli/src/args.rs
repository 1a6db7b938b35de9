//! What a person types (decision 18). Help texts are part of the interface.
use std::path::PathBuf;

use callvault_recorder::access::{PersonName, PublicLine, Reference, Role};
use callvault_recorder::ids::RecordingId;
use callvault_recorder::policy::Purpose;
use clap::{Args, Parser, Subcommand};

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
    /// Make your identity on your own machine and print its public line
    Enrol(Enrol),
    /// Say who may open recordings, and for what: the privacy officer's signed list
    Roster {
        #[command(subcommand)]
        command: RosterCommand,
    },
    /// Sign a single-use ticket for one recording and print it
    Ticket(Ticket),
    /// Print a shell's completion script
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
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
