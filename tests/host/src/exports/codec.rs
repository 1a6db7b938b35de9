//! Decoders that the host would have loaded: G.722, by the tests' own.
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use callvault_stand_in::bindings as host;
use callvault_test_support::codec::{Codec, Decoder};

use super::all;
use crate::text::text;

all! { switch_core_codec_init_with_bitrate switch_core_codec_decode switch_core_codec_destroy }

struct Open {
    decoder: Box<dyn Decoder>,
    implementation: host::switch_codec_implementation,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_codec_init_with_bitrate(
    codec: *mut host::switch_codec_t,
    name: *const c_char,
    _: *const c_char,
    _: *const c_char,
    rate: u32,
    ms: c_int,
    _: c_int,
    _: u32,
    _: u32,
    _: *const c_void,
    _: *mut host::switch_memory_pool_t,
) -> host::switch_status_t {
    // SAFETY: the caller's name is NUL-terminated.
    let name = unsafe { text(name) }.unwrap_or_default();
    let found = Codec::from_rtpmap(&format!("{name}/{rate}"));
    let Some((codec_found, Ok(decoder))) = found.map(|found| (found, found.decoder())) else {
        return host::SWITCH_STATUS_GENERR;
    };
    // SAFETY: all zeros is a value of this plain C structure; the caller's handle is one of the host's type.
    unsafe {
        let mut open = Box::new(Open { decoder, implementation: std::mem::zeroed() });
        open.implementation.samples_per_second = rate;
        open.implementation.actual_samples_per_second = codec_found.sample_rate();
        open.implementation.microseconds_per_packet = ms * 1_000;
        (*codec).implementation = &raw const open.implementation;
        (*codec).private_info = Box::into_raw(open).cast();
    }
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_codec_decode(
    codec: *mut host::switch_codec_t,
    _: *mut host::switch_codec_t,
    encoded: *mut c_void,
    encoded_length: u32,
    _: u32,
    decoded: *mut c_void,
    decoded_length: *mut u32,
    rate: *mut u32,
    _: *mut u32,
) -> host::switch_status_t {
    // SAFETY: the codec was opened here; the caller's places are as long as it says.
    unsafe {
        let open = &mut *(*codec).private_info.cast::<Open>();
        let payload = std::slice::from_raw_parts(encoded.cast::<u8>(), encoded_length as usize);
        let Ok(samples) = open.decoder.decode(payload) else { return host::SWITCH_STATUS_FALSE };
        let bytes = samples.len() * size_of::<i16>();
        if bytes > *decoded_length as usize {
            return host::SWITCH_STATUS_FALSE;
        }
        ptr::copy_nonoverlapping(samples.as_ptr(), decoded.cast(), samples.len());
        *decoded_length = bytes as u32;
        *rate = open.implementation.actual_samples_per_second;
    }
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_codec_destroy(codec: *mut host::switch_codec_t) -> host::switch_status_t {
    // SAFETY: the codec was opened here and is closed once.
    unsafe {
        drop(Box::from_raw((*codec).private_info.cast::<Open>()));
        (*codec).private_info = ptr::null_mut();
        (*codec).implementation = ptr::null();
    }
    host::SWITCH_STATUS_SUCCESS
}
