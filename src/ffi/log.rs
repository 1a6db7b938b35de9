//! `tracing` into the host's logger, with the call's uuid. Never from a media thread.
use std::ffi::{CStr, CString};
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;

use super::bindings as host;

/// Installs the process's subscriber, once per mapped image: a reload finds it there.
pub fn install() {
    static ONCE: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    // An error means that a subscriber of this image stands already, and it is this one.
    let _ = ONCE.get_or_try_init(|| tracing_subscriber::registry().with(HostLog).try_init());
}

/// Formats an event on the stack and hands it to `switch_log_printf`.
struct HostLog;

impl<S: Subscriber> Layer<S> for HostLog {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().contains("callvault")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::new();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => host::SWITCH_LOG_ERROR,
            Level::WARN => host::SWITCH_LOG_WARNING,
            Level::INFO => host::SWITCH_LOG_INFO,
            Level::DEBUG | Level::TRACE => host::SWITCH_LOG_DEBUG,
        };
        line.send(level);
    }
}

/// One line of at most 511 bytes. A field `leg` becomes the line's uuid; other fields follow the message.
struct Line {
    text: [u8; 512],
    length: usize,
    leg: Option<CString>,
}

impl Line {
    fn new() -> Self {
        Self { text: [0; 512], length: 0, leg: None }
    }

    fn send(&self, level: host::switch_log_level_t) {
        let Ok(text) = CStr::from_bytes_until_nul(&self.text) else { return };
        let uuid = self.leg.as_ref().map_or(std::ptr::null(), |leg| leg.as_ptr());
        // SAFETY: both strings are alive for the call; the shim passes the text as an argument, not as the format.
        unsafe { host::log_callvault_shim(uuid, level, text.as_ptr()) };
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.length + 1 < self.text.len() {
                // Control bytes would forge lines of the log.
                self.text[self.length] = if byte < b' ' || byte == 0x7f { b'?' } else { byte };
                self.length += 1;
            }
        }
        Ok(())
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to the line cannot fail: what does not fit is cut.
        let _ = match field.name() {
            "message" => write!(self, "{value:?}"),
            "leg" => {
                self.leg = CString::new(format!("{value:?}").trim_matches('"')).ok();
                Ok(())
            }
            name => write!(self, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_carries_no_control_bytes() {
        let mut line = Line::new();
        write!(line, "a\r\nforged {}", "x".repeat(600)).expect("never fails");
        assert_eq!(line.length, 511);
        assert!(line.text.starts_with(b"a??forged xx"));
    }
}
