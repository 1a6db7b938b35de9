//! Keeps this image mapped until the process ends.
//!
//! A load that fails is followed by `dlclose`, and so is `fsctl shutdown`; threads of the host may still hold
//! thread-local destructors and pointers of ours then (SAFETY.md 5).
use std::ffi::c_void;

/// Whether the image is pinned; where it is not, everything works as long as nobody unmaps it.
pub fn keep_mapped() -> bool {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    let own: fn() -> bool = keep_mapped;
    // SAFETY: the address is one of this image's, the place for the answer is ours.
    let found = unsafe { libc::dladdr(own as *const c_void, &raw mut info) };
    if found == 0 || info.dli_fname.is_null() {
        return false;
    }
    // SAFETY: the name is the loader's own and lives as long as the image. NOLOAD maps nothing anew, NODELETE marks it.
    let handle = unsafe { libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
    !handle.is_null()
}
