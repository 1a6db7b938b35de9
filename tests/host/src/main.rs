//! A host that stands in for FreeSWITCH: it exports the functions that mod_callvault imports, loads the real module,
//! and replays to it what a real FreeSWITCH did. It has no call logic of its own.
//!
//! `stand-in -conf DIR -log DIR -run DIR -mod DIR -sounds DIR`, each as FreeSWITCH takes it. Commands come as one line
//! on a connection to `run/stand-in.sock` and are answered until its end; [`commands`] has them all.
#![allow(clippy::wildcard_enum_match_arm, reason = "each place acts on the few records that concern it")]
mod commands;
mod exports;
mod leg;
mod loader;
mod lock;
mod log;
mod replay;
mod text;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let places = match world::Places::from_arguments(std::env::args().skip(1)) {
        Ok(places) => places,
        Err(fault) => return failed(&fault),
    };
    exports::keep();
    match world::begin(places).and_then(|()| commands::serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => failed(&fault.to_string()),
    }
}

#[allow(clippy::print_stderr, reason = "a program's last words")]
fn failed(fault: &str) -> ExitCode {
    eprintln!("stand-in: {fault}");
    ExitCode::FAILURE
}
