//! The host's strings are bytes from the network: not UTF-8, not short, sometimes null.
use std::ffi::{CStr, CString, c_char};

/// The longest text taken from the host, in bytes (requirement E16).
pub const MAX: usize = 256;

/// Copies a C string of the host, at most [`MAX`] bytes; `None` where the pointer is null.
///
/// # Safety
/// `text` is null or points to a NUL-terminated string that lives for the call.
pub unsafe fn copy(text: *const c_char) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, NUL-terminated and alive, by this function's contract.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Some(bytes[..bytes.len().min(MAX)].to_vec())
}

/// Readable text of the host's bytes; what is no UTF-8 is replaced.
pub fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A C string for the host; a NUL inside ends it.
pub fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
