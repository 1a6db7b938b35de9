//! Standard output and standard error. What is printed on standard output can be piped on.
use std::io::{self, Write as _};

use serde::Serialize;

/// Standard output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}. Check where the output goes to.")]
pub struct OutputFault(#[from] io::Error);

/// A line, or several, on standard output.
pub fn print(text: &str) -> Result<(), OutputFault> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// A value as JSON on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), OutputFault> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    print(&text)
}

/// A line on standard error: for the person, not for the pipe. Where even that is closed, nobody reads it.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
