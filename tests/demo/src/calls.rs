//! The first part: two calls, the list, a release, a copy that opens.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use callvault_test_support::callvault::{Built, Commands, Row, Vault};
use callvault_test_support::freeswitch::{Configuration, Instance};
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan, UserAgent};
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::{Failed, Proof, broken};

use crate::host::{Host, Stage, trace};
use crate::say;

/// Rings, answers, notices: far longer than any of them takes here.
const SOON: Duration = Duration::from_secs(30);

/// The company's line, and the outside party's number.
const LINE: &str = "2001";
const OUTSIDE: &str = "0612345678";

pub fn act(output: &Path) -> Proof {
    let stage = Stage::find();
    std::fs::create_dir_all(output)?;
    let output = output.canonicalize()?;
    match &stage {
        Stage::Real(installation) => {
            say::title("Two calls on a real FreeSWITCH");
            say::line(installation.version().unwrap_or_default().trim());
        }
        Stage::StandIn => {
            say::title("Two calls on the stand-in host");
            say::line(
                "no FreeSWITCH is found by `pkg-config freeswitch` or FREESWITCH_PREFIX: two calls that one had are replayed",
            );
        }
    }
    let vault = Vault::init(&output)?.with("company-numbers", r"2\d{3}").with("default-language", "en");
    let host = converse_twice(&stage, &vault, &output)?;
    let rows = vault.wait_listed(&host, 2)?;
    std::fs::write(vault.directory().join("callvault.conf.xml"), vault.configuration())?;
    say::typed("fs_cli", "callvault list", &host.api("callvault list")?);

    say::title("One is released to a manager, by ticket");
    let Some(kept) = rows.iter().find(|row| row.direction == "inbound") else { broken!("no inbound call is listed") };
    say::typed("fs_cli", &format!("callvault show {}", kept.id), &host.api(&format!("callvault show {}", kept.id))?);
    let copy = vault.release(&host, &kept.id)?;
    say::typed("fs_cli", "callvault_release <ticket>", &format!("+OK {}", copy.display()));
    let carried = output.join("carried-off.callvault");
    std::fs::copy(&copy, &carried)?;
    for format in ["wav", "opus"] {
        open(&vault, &carried, format, &output)?;
    }
    host.stop()?;
    remember(&output, &rows)?;
    thirty_one_days_later(&output)
}

/// Both calls.
fn converse_twice(stage: &Stage, vault: &Vault, output: &Path) -> Proof<Host> {
    let (outside, agent) = (UserAgent::start(OUTSIDE)?, UserAgent::start(LINE)?);
    let told = [("answer", ""), ("callvault_notice", "language=en"), ("bridge", &*agent.dial_string())];
    let dial = outside.dial_string();
    let configuration =
        Configuration::new().extension("line", &told).extension("out", &[("bridge", &*dial)]).user(&agent);
    let host = stage.start(vault, configuration, &output.join("host"))?;
    match &host {
        Host::Real(host) => act_both(host, &outside, &agent)?,
        Host::StandIn(host) => {
            say::line(INBOUND);
            host.replay(&trace("inbound"), &[])?.wait()?;
            say::line(OUTBOUND);
            host.replay(&trace("outbound"), &[])?.wait()?;
        }
    }
    Ok(host)
}

const INBOUND: &str = "inbound: a caller rings, hears the notice, speaks with the service desk";
const OUTBOUND: &str = "outbound: the service desk rings a customer, who hears the short notice first";

fn act_both(host: &Instance, outside: &UserAgent, agent: &UserAgent) -> Proof {
    say::line(INBOUND);
    agent.answering(Answering::AtOnce, speaking("inbound-agent")?);
    let out = outside.call("line", host.sip_port(), speaking("inbound-caller")?)?;
    let into = agent.incoming(SOON)?;
    converse(&out, &into)?;

    say::line(OUTBOUND);
    outside.answering(Answering::AtOnce, speaking("outbound-callee")?);
    let out = agent.call("out", host.sip_port(), speaking("outbound-agent")?)?;
    let into = outside.incoming(SOON)?;
    converse(&out, &into)?;
    host.wait_idle(SOON)
}

fn converse(out: &Call, into: &Call) -> Proof {
    into.wait_answered(SOON)?;
    out.wait_answered(SOON)?;
    out.talk(Duration::from_secs(10))?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    Ok(())
}

fn speaking(name: &str) -> Proof<CallPlan> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../speech/{name}.wav"));
    Ok(CallPlan::saying(Speech::from_wav(&file)?))
}

/// Opens a copy as its manager and prints where the audio is, and how long.
pub fn open(vault: &Vault, copy: &Path, format: &str, output: &Path) -> Proof {
    let identity = vault.identity("manager")?;
    let [copy_text, identity, opened] =
        [copy, &identity, &output.join("opened")].map(|path| path.to_string_lossy().into_owned());
    let said = vault.run(&["open", &copy_text, "--identity", &identity, "--output", &opened, "--format", format])?;
    say::typed("manager", &format!("callvault open {} --format {format}", copy.display()), &said);
    Ok(())
}

/// The ids, for the second part.
fn remember(output: &Path, rows: &[Row]) -> Proof {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    std::fs::write(output.join("recordings"), ids.join("\n"))?;
    Ok(())
}

fn thirty_one_days_later(output: &Path) -> Proof {
    let itself: PathBuf = std::env::current_exe()?;
    let mut ahead = Command::new("faketime");
    // Only the wall clock goes ahead: a monotonic clock that does not fit the kernel's would stop every timer.
    ahead.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    // What is built is built: no cargo in that time.
    let built = Built::locate()?;
    ahead.env("CALLVAULT_MODULE", built.module).env("CALLVAULT_PROGRAM", built.program);
    if let Stage::StandIn = Stage::find() {
        ahead.env("CALLVAULT_STAND_IN", StandIn::program()?);
    }
    let status = ahead.args(["-f", "+31d"]).arg(itself).arg("--later").arg(output).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed::from(format!("the second part failed: {status}"))),
        Err(fault) => Err(Failed::from(format!("faketime cannot be run ({fault}): apt-get install faketime"))),
    }
}
