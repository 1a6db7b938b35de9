//! Strings across the border.
use std::ffi::{CStr, CString, c_char};

/// Text of a C string; none where the pointer is null.
///
/// # Safety
/// `text` is null or NUL-terminated.
pub unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: by this function's contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A C string; a NUL inside ends it.
pub fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
