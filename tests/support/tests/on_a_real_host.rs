//! The support crate shown on a real host without our module: what a scenario builds on must hold by itself.
use std::process::ExitCode;

fn main() -> ExitCode {
    callvault_test_support::suite::run(Vec::new())
}
