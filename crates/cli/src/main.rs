//! The `callvault` program: enrol people, sign tickets, describe prompts, open, inspect and verify released copies (decision 18).
//!
//! One file per command; [`args`] is what a person types, [`failure`] what is answered when it cannot be done.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod completions;
mod configuration;
mod enrol;
mod failure;
mod identity;
mod init;
mod inspect;
mod open;
mod output;
mod passphrase;
mod private_file;
mod progress;
mod prompt;
mod roster;
mod starter;
mod ticket;

use args::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&format!("callvault: {}: {failure}", failure.code()));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(asked) => init::run(&asked)?,
        Command::Enrol(asked) => enrol::run(&asked)?,
        Command::Roster { command } => roster::run(&command)?,
        Command::Ticket(asked) => ticket::run(&asked)?,
        Command::Prompt { command } => prompt::run(&command)?,
        Command::Open(asked) => open::run(&asked)?,
        Command::Inspect(asked) => inspect::run(&asked)?,
        Command::Verify(asked) => inspect::verify(&asked)?,
        Command::Completions { shell } => completions::run(shell)?,
    }
    Ok(())
}
