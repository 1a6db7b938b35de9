//! What an API command answers through.
use super::bindings as host;

/// The host's stream of one command.
pub struct Stream(*mut host::switch_stream_handle_t);

impl Stream {
    /// Wraps what an API callback got.
    ///
    /// # Safety
    /// `stream` is null or lives for the callback in which this is used.
    pub(super) unsafe fn from_host(stream: *mut host::switch_stream_handle_t) -> Self {
        Self(stream)
    }

    /// Writes text as it is: never as a format.
    pub fn write(&self, text: &str) {
        // SAFETY: the stream is alive by `from_host`'s contract.
        let Some(stream) = (unsafe { self.0.as_ref() }) else { return };
        if let Some(write) = stream.raw_write_function {
            // SAFETY: the function is the stream's own; it copies the bytes and does not change them.
            unsafe { write(self.0, text.as_ptr().cast_mut(), text.len() as host::switch_size_t) };
        }
    }
}
