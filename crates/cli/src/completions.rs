//! `callvault completions SHELL`: a completion script on standard output.
use clap::CommandFactory as _;

use crate::args::Arguments;
use crate::output::{self, OutputFault};

/// Prints it.
pub fn run(shell: clap_complete::Shell) -> Result<(), OutputFault> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "callvault", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}
