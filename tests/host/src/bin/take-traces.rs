//! Takes the traces anew: runs the scenarios on a real FreeSWITCH with the tracer in it. The first
//! argument is a promise's name, or a part of it; without it, all are taken.
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    match build().and_then(|()| scenarios(&format!("freeswitch::{wanted}"))) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn build() -> std::io::Result<()> {
    let status = cargo().args(["build", "--package", "callvault-tracer"]).status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("the tracer was not built")) }
}

fn scenarios(filter: &str) -> std::io::Result<ExitStatus> {
    // The tracer lies beside this program.
    let own = std::env::current_exe()?;
    let tracer = own.parent().unwrap_or(Path::new(".")).join("libcallvault_tracer.so");
    cargo()
        .args(["test", "--package", "callvault-scenarios", "--", filter])
        .env("CALLVAULT_TRACER", tracer)
        .env("CALLVAULT_TAKE_TRACES", "1")
        .status()
}
