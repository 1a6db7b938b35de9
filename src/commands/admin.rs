//! `callvault_admin …`: what changes something, and is audited.
use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::controller::CommandFault;
use callvault_recorder::ids::LegUuid;
use clap::{Parser, Subcommand};

use super::answer::{Answer, parse};
use crate::config;
use crate::module::Module;
use crate::notice::PromptBook;

/// How long `drain` waits for running calls.
const DRAIN_WITHIN: Duration = Duration::from_secs(600);

/// The call recorder's switches. Every use is audited.
#[derive(Parser)]
#[command(name = "callvault_admin", no_binary_name = true, disable_version_flag = true)]
struct Admin {
    #[command(subcommand)]
    command: Command,
    /// Answer in JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Read the configuration, the prompts and the roster anew; a bad one changes nothing.
    Reload,
    /// New calls are not recorded from now on (`not_recorded(operator_stop)`), and hear no notice.
    Stop,
    /// Undo `stop`.
    Start,
    /// Stop, and wait until the last running recording is sealed.
    Drain,
    /// Destroy what is due now instead of within the minute.
    ExpireNow {
        /// Only say what would be destroyed, and why.
        #[arg(long)]
        dry_run: bool,
    },
    /// Pause the recording of a leg's conversation, because payment data is said in it; ends by itself after
    /// `pause-seconds`.
    Pause {
        /// The uuid of the company's leg, as `callvault active` shows it.
        leg: String,
    },
    /// Go on recording it.
    Resume {
        /// The leg's uuid.
        leg: String,
    },
    /// The company's side told the other party that the call is recorded (`outbound-notice=attest`).
    Attest {
        /// The uuid of the company's leg, or of the party's that was told.
        leg: String,
    },
    /// A party objects: recording stops at once, what was captured is destroyed within a minute, the call goes on.
    Object {
        /// The uuid of the party's leg, or of the company's leg that it is with.
        leg: String,
    },
    /// You have read the alarms that stand for what is over, such as `unreconciled`: they end.
    Acknowledge,
}

pub fn run(module: &Arc<Module>, arguments: &str) -> Answer {
    let asked: Admin = match parse(arguments) {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let recorder = &module.recorder;
    let json = asked.json;
    let done = |result: Result<(), CommandFault>, word: &str| match result {
        Ok(()) if json => Answer::Text(serde_json::json!({ "done": word }).to_string()),
        Ok(()) => Answer::Done(word.to_owned()),
        Err(fault) => Answer::Fault(fault),
    };
    let leg = |uuid: &str| LegUuid::from_host(uuid.as_bytes());
    match asked.command {
        Command::Reload => done(reload(module), "reloaded"),
        Command::Stop => {
            recorder.stop();
            done(Ok(()), "stopped")
        }
        Command::Start => {
            recorder.start_recording();
            done(Ok(()), "started")
        }
        Command::Drain => done(drain(module), "drained"),
        Command::ExpireNow { dry_run } => match recorder.expire_now(dry_run) {
            Ok(report) => Answer::of(json, &report, ToString::to_string),
            Err(fault) => Answer::Fault(fault),
        },
        Command::Attest { leg: uuid } => done(recorder.attest(&leg(&uuid)), "attested"),
        Command::Object { leg: uuid } => done(recorder.object(&leg(&uuid)), "objected"),
        Command::Acknowledge => done(recorder.acknowledge().map(drop), "acknowledged"),
        Command::Pause { leg: uuid } => done(recorder.pause(&leg(&uuid)), "paused"),
        Command::Resume { leg: uuid } => done(recorder.resume(&leg(&uuid)), "resumed"),
    }
}

fn reload(module: &Module) -> Result<(), CommandFault> {
    let policy = config::read().map_err(|fault| CommandFault::saying("bad_config", fault))?;
    let prompts = PromptBook::measure(&policy);
    let before = module.prompts.load_full();
    // A notice that begins in between finds its prompt in either policy.
    module.prompts.store(Arc::new(prompts.with(&before)));
    if let Err(fault) = module.recorder.reload(policy) {
        module.prompts.store(before);
        return Err(fault);
    }
    module.recorder.prompts(prompts.state());
    module.prompts.store(Arc::new(prompts));
    Ok(())
}

fn drain(module: &Module) -> Result<(), CommandFault> {
    if module.recorder.drain(DRAIN_WITHIN) {
        Ok(())
    } else {
        Err(CommandFault::new(
            "calls_running",
            format!("recordings still run after {} s", DRAIN_WITHIN.as_secs()),
            "recording stays stopped; see `callvault active` and run drain again",
        ))
    }
}
