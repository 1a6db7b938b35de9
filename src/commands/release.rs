//! `callvault_release <ticket>`.
use std::sync::Arc;

use callvault_recorder::controller::CommandFault;
use clap::Parser;

use super::answer::{Answer, parse};
use crate::module::Module;

/// Release a recording to the holder of a ticket. The answer is the copy's path; only the holder can open it.
#[derive(Parser)]
#[command(name = "callvault_release", no_binary_name = true)]
struct Release {
    /// The ticket, as `callvault ticket` printed it on the manager's machine.
    ticket: String,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(module: &Arc<Module>, arguments: &str) -> Answer {
    let release: Release = match parse(arguments) {
        Ok(release) => release,
        Err(answer) => return answer,
    };
    match module.recorder.release(&release.ticket) {
        Ok(path) if release.json => Answer::Text(serde_json::json!({ "path": path }).to_string()),
        Ok(path) => match path.to_str() {
            Some(path) => Answer::Done(path.to_owned()),
            None => Answer::Fault(CommandFault::new(
                "path_not_text",
                "the copy was written, but its path is no UTF-8",
                "look into the release directory",
            )),
        },
        Err(fault) => Answer::Fault(fault),
    }
}
