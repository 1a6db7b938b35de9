//! The host's strings are bytes from the network: not UTF-8, not short, sometimes null.
use std::ffi::{CStr, CString, c_char};

/// The longest text taken from the host where nothing shorter is due, in bytes (requirement E16): a bound on memory, not
/// on meaning. A session description fills a UDP packet at most, and a channel variable that is longer is none that
/// we read.
pub const LONGEST: usize = 64 * 1024;

/// The longest name of a channel, application or subclass, in bytes.
pub const LONGEST_NAME: usize = 1024;

/// Copies a C string of the host, at most so many bytes; `None` where the pointer is null.
///
/// # Safety
/// `text` is null or points to a NUL-terminated string that lives for the call.
pub unsafe fn copy(text: *const c_char, at_most: usize) -> Option<Vec<u8>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, NUL-terminated and alive, by this function's contract.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Some(bytes[..bytes.len().min(at_most)].to_vec())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &[u8], at_most: usize) -> Vec<u8> {
        let text = CString::new(text).expect("no NUL inside");
        // SAFETY: NUL-terminated and alive for the call.
        unsafe { copy(text.as_ptr(), at_most) }.expect("it is not null")
    }

    /// E16: a bound is one on memory; texts as they come are whole.
    #[test]
    fn texts_of_the_host_are_taken_whole_up_to_the_bound_of_their_use() {
        for length in [0, 1, 255, 256, 257, 400, 1_500, 9_000, LONGEST] {
            assert_eq!(copied(&vec![b'x'; length], LONGEST).len(), length, "{length} bytes");
        }
        assert_eq!(copied(&vec![b'x'; LONGEST + 1], LONGEST).len(), LONGEST);
        assert_eq!(copied(b"a\xff\r\nb", 3), b"a\xff\r");
        // SAFETY: null is allowed.
        assert_eq!(unsafe { copy(std::ptr::null(), LONGEST) }, None);
    }
}
