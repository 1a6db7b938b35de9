//! Two calls of shipped speech on a FreeSWITCH, or on the host that stands in for one, then what becomes of them: listed, one released by ticket and
//! opened to .wav and .opus, and both destroyed when their time is over.
//!
//! `callvault-demo OUTPUT` acts the calls; it runs itself again as `callvault-demo --later OUTPUT`, thirty-one days
//! ahead by faketime, for the end.
mod calls;
mod host;
mod later;
mod say;

use std::path::PathBuf;
use std::process::ExitCode;

use callvault_test_support::{Proof, broken};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [output] => calls::act(&PathBuf::from(output)),
        ["--later", output] => later::act(&PathBuf::from(output)),
        _ => usage(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            say::line(failed.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> Proof {
    broken!("usage: callvault-demo OUTPUT")
}
