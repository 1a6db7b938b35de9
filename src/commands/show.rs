//! `callvault …`: what is, without personal data.
use std::sync::Arc;

use callvault_recorder::catalogue::{Filter, OutcomeFilter};
use callvault_recorder::controller::CommandFault;
use callvault_recorder::ids::RecordingId;
use callvault_recorder::time::UnixMillis;
use clap::{Parser, Subcommand};

use super::answer::{Answer, parse};
use super::text;
use crate::module::Module;

/// The call recorder: status and lists. Nothing here shows a number or a name.
#[derive(Parser)]
#[command(name = "callvault", no_binary_name = true, disable_version_flag = true)]
struct Callvault {
    #[command(subcommand)]
    command: Command,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// The recorder's state, outcomes of the last day, alarms.
    Status,
    /// Recordings being made.
    Active,
    /// Recordings, the newest first.
    List {
        /// Started at or after: Unix milliseconds or RFC 3339.
        #[arg(long, value_parser = moment)]
        since: Option<UnixMillis>,
        /// Started before: Unix milliseconds or RFC 3339.
        #[arg(long, value_parser = moment)]
        until: Option<UnixMillis>,
        /// `recorded`, `not_recorded` or a reason such as `refused_hangup`.
        #[arg(long)]
        outcome: Option<OutcomeFilter>,
        /// At most this many.
        #[arg(long)]
        limit: Option<u32>,
    },
    /// One recording: its tracks, gaps and notices.
    Show {
        /// Its id, as `list` shows it.
        id: RecordingId,
    },
    /// Counters and gauges as OpenMetrics text.
    Metrics,
}

pub fn run(module: &Arc<Module>, arguments: &str) -> Answer {
    let asked: Callvault = match parse(arguments) {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let recorder = &module.recorder;
    let json = asked.json;
    match asked.command {
        Command::Status => Answer::of(json, &recorder.status(), ToString::to_string),
        Command::Active => Answer::of(json, &recorder.active(), |active| text::active(active)),
        Command::List { since, until, outcome, limit } => {
            match recorder.list(&Filter { since, until, outcome, limit }) {
                Ok(rows) => Answer::of(json, &rows, |rows| text::list(rows)),
                Err(fault) => Answer::Fault(fault),
            }
        }
        Command::Show { id } => match recorder.show(id) {
            Ok(view) => Answer::of(json, &view, text::show),
            Err(fault) => Answer::Fault(fault),
        },
        Command::Metrics if json => {
            let text = recorder.metrics();
            Answer::of(true, &serde_json::json!({ "openmetrics": text }), ToString::to_string)
        }
        Command::Metrics => Answer::Text(recorder.metrics()),
    }
}

fn moment(text: &str) -> Result<UnixMillis, CommandFault> {
    UnixMillis::parse(text).ok_or_else(|| {
        CommandFault::new("bad_time", "this is no moment", "write Unix milliseconds or RFC 3339, 2026-11-24T10:00:00Z")
    })
}
