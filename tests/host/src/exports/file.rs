//! Files that are measured: PCM in WAV, read as silence of their length.
use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

use callvault_stand_in::bindings as host;

use super::all;
use crate::text::text;
use crate::world::world;

all! { switch_core_perform_file_open switch_core_file_read switch_core_file_close }

/// An open one.
struct Open {
    left: u64,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_perform_file_open(
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    handle: *mut host::switch_file_handle_t,
    path: *const c_char,
    _: u32,
    rate: u32,
    _: u32,
    _: *mut host::switch_memory_pool_t,
) -> host::switch_status_t {
    // SAFETY: the caller's string is NUL-terminated.
    let path = unsafe { text(path) }.unwrap_or_default();
    // As the host has it, a relative name is one of its sounds.
    match length(&world().places.sounds.join(Path::new(&path)), rate) {
        Some(left) => {
            // SAFETY: the caller's handle is one of the host's type.
            unsafe { (*handle).private_info = Box::into_raw(Box::new(Open { left })).cast() };
            host::SWITCH_STATUS_SUCCESS
        }
        None => host::SWITCH_STATUS_NOTFOUND,
    }
}

/// In samples of this rate.
fn length(path: &Path, rate: u32) -> Option<u64> {
    let reader = hound::WavReader::open(path).ok()?;
    let own = u64::from(reader.spec().sample_rate.max(1));
    Some((u64::from(reader.duration()) * u64::from(rate)).div_ceil(own))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_file_read(
    handle: *mut host::switch_file_handle_t,
    data: *mut c_void,
    length: *mut host::switch_size_t,
) -> host::switch_status_t {
    // SAFETY: the handle was opened here; the caller's place has room for that many samples of one channel.
    unsafe {
        let open = &mut *(*handle).private_info.cast::<Open>();
        let given = open.left.min(*length as u64);
        open.left -= given;
        data.cast::<i16>().write_bytes(0, given as usize);
        *length = given as host::switch_size_t;
        if given == 0 { host::SWITCH_STATUS_FALSE } else { host::SWITCH_STATUS_SUCCESS }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_file_close(handle: *mut host::switch_file_handle_t) -> host::switch_status_t {
    // SAFETY: the handle was opened here and is closed once.
    unsafe { drop(Box::from_raw((*handle).private_info.cast::<Open>())) };
    host::SWITCH_STATUS_SUCCESS
}
