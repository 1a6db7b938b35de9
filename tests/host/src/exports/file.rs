//! Files that are measured: PCM in WAV of one channel.
use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

use callvault_stand_in::bindings as host;

use super::all;
use crate::text::text;
use crate::world::world;

all! { switch_core_perform_file_open switch_core_file_read switch_core_file_close }

/// An open one.
struct Open {
    samples: std::vec::IntoIter<i16>,
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
    match samples(&world().places.sounds.join(Path::new(&path)), rate) {
        Some(samples) => {
            let open = Open { samples: samples.into_iter() };
            // SAFETY: the caller's handle is one of the host's type.
            unsafe { (*handle).private_info = Box::into_raw(Box::new(open)).cast() };
            host::SWITCH_STATUS_SUCCESS
        }
        None => host::SWITCH_STATUS_NOTFOUND,
    }
}

/// At this rate, each the nearest of the file's own.
fn samples(path: &Path, rate: u32) -> Option<Vec<i16>> {
    let reader = hound::WavReader::open(path).ok()?;
    let own = u64::from(reader.spec().sample_rate.max(1));
    let read: Vec<i16> = reader.into_samples().collect::<Result<_, _>>().ok()?;
    let length = (read.len() as u64 * u64::from(rate)).div_ceil(own);
    let nearest = |place: u64| read.get((place * own / u64::from(rate)) as usize).copied().unwrap_or_default();
    Some((0..length).map(nearest).collect())
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
        let mut given = 0;
        for sample in open.samples.by_ref().take(*length) {
            data.cast::<i16>().add(given).write(sample);
            given += 1;
        }
        *length = given;
        if given == 0 { host::SWITCH_STATUS_FALSE } else { host::SWITCH_STATUS_SUCCESS }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_file_close(handle: *mut host::switch_file_handle_t) -> host::switch_status_t {
    // SAFETY: the handle was opened here and is closed once.
    unsafe { drop(Box::from_raw((*handle).private_info.cast::<Open>())) };
    host::SWITCH_STATUS_SUCCESS
}
