//! That the bindings and the running host agree.
//!
//! bindgen asserts size, alignment and every offset of each bound type at compile time against the headers it read
//! (`layout_tests`). What is left is whether the host that loads us is the one those headers belong to: API version 5
//! is both 1.10 and 1.11 although layouts and enumerations differ.
use std::ffi::c_char;

use super::bindings as host;
use super::text::{copy, readable};

/// The values that callbacks compare with, pinned: a host that renumbers them is another host.
const _: () = {
    assert!(host::SWITCH_API_VERSION == 5);
    assert!(host::SWITCH_STATUS_SUCCESS == 0);
    assert!(host::SWITCH_ABC_TYPE_TAP_NATIVE_WRITE == 7 && host::SWITCH_ABC_TYPE_CLOSE == 8);
    assert!(host::SMBF_TAP_NATIVE_WRITE == 1 << 14 && host::SMBF_NO_PAUSE == 1 << 10);
    assert!(host::SFF_CNG == 1);
    assert!(size_of::<host::switch_status_t>() == 4 && size_of::<host::switch_bool_t>() == 4);
    assert!(size_of::<host::switch_size_t>() == size_of::<usize>());
};

/// The host is not the one that this module was built for.
#[derive(Debug, thiserror::Error)]
#[error(
    "this FreeSWITCH is {running}, mod_callvault was built with the headers of {built}: rebuild it with \
     FREESWITCH_PREFIX or pkg-config pointing at this FreeSWITCH, copy the new mod_callvault.so and restart"
)]
pub struct HostMismatch {
    running: String,
    built: &'static str,
}

/// Compares the running host's version with that of the headers; its own version where they agree.
pub fn check_host() -> Result<String, HostMismatch> {
    // SAFETY: these return static strings of the host.
    let [major, minor, micro] = unsafe {
        [host::switch_version_major(), host::switch_version_minor(), host::switch_version_micro()]
            .map(|text| part(text))
    };
    let running = format!("{major}.{minor}.{micro}");
    if major == env!("CALLVAULT_HOST_MAJOR") && minor == env!("CALLVAULT_HOST_MINOR") {
        Ok(running)
    } else {
        Err(HostMismatch { running, built: env!("CALLVAULT_HOST_HEADERS") })
    }
}

/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn part(text: *const c_char) -> String {
    // SAFETY: by this function's contract.
    readable(&unsafe { copy(text) }.unwrap_or_default())
}
