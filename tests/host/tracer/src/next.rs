//! The host's own functions, behind ours.
use std::ffi::{CStr, c_void};

/// The next definition of a symbol after ours.
///
/// # Safety
/// `F` is the function pointer type of that symbol.
pub unsafe fn next<F: Copy>(name: &CStr) -> F {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name is NUL-terminated.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "the host has no {name:?}");
    // SAFETY: not null, and of that type by this function's contract.
    unsafe { std::mem::transmute_copy::<*mut c_void, F>(&found) }
}

/// Whether an address belongs to mod_callvault: other modules and the host itself call the same functions.
pub fn is_ours(address: *const c_void) -> bool {
    // SAFETY: all zeros is a value of this plain C structure; dladdr only looks the address up.
    let name = unsafe {
        let mut found: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address, &raw mut found) == 0 || found.dli_fname.is_null() {
            return false;
        }
        CStr::from_ptr(found.dli_fname)
    };
    name.to_bytes().windows(13).any(|part| part == b"mod_callvault")
}
