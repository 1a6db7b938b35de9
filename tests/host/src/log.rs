//! The host's log file, a line as FreeSWITCH writes it.
use std::ffi::{c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::text;
use crate::world::{locked, world};

const LEVELS: [&str; 8] = ["CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];

/// What `variadic.c` made of a module's line.
#[unsafe(no_mangle)]
unsafe extern "C" fn stand_in_log(level: c_int, file: *const c_char, line: c_int, message: *const c_char) {
    // SAFETY: both come NUL-terminated from the C side.
    let (file, message) = unsafe { (text(file), text(message)) };
    let level = usize::try_from(level).ok().and_then(|level| LEVELS.get(level)).copied().unwrap_or("CONSOLE");
    write(level, &format!("{}:{line} {}", file.unwrap_or_default(), message.unwrap_or_default().trim_end()));
}

/// One line.
pub fn write(level: &str, message: &str) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let open = || {
        let path = world().places.log.join("freeswitch.log");
        OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
    };
    let Some(file) = FILE.get_or_init(open) else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // A full disk loses lines of the log, as on the host.
    let _ = writeln!(locked(file), "{}.{:06} [{level}] {message}", now.as_secs(), now.subsec_micros());
}
