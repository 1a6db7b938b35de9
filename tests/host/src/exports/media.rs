//! What lasts or is counted: playing, sleeping, RTP's statistics.
use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callvault_stand_in::bindings as host;

use super::all;
use crate::leg::{Session, leg_of};
use crate::replay;

all! { switch_ivr_play_file switch_ivr_read switch_ivr_sleep switch_core_media_get_stats }

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_play_file(
    session: Session,
    _: *mut host::switch_file_handle_t,
    _: *const c_char,
    _: *mut host::switch_input_args_t,
) -> host::switch_status_t {
    // SAFETY: the caller's session is a leg of ours.
    replay::last("play", unsafe { leg_of(session) })
}

/// Nobody presses a key that is read here: what was pressed is in the trace, for the hook.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_read(
    _: Session,
    _: u32,
    _: u32,
    _: *const c_char,
    _: *const c_char,
    _: *mut c_char,
    _: usize,
    _: u32,
    _: *const c_char,
    _: u32,
) -> host::switch_status_t {
    host::SWITCH_STATUS_FALSE
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_sleep(
    session: Session,
    ms: u32,
    _: host::switch_bool_t,
    args: *mut host::switch_input_args_t,
) -> host::switch_status_t {
    replay::sleep(Duration::from_millis(ms.into()), || {
        // SAFETY: null, or the caller's, alive for the call; its function is called as the host calls it, but that there
        // is no frame to show.
        unsafe {
            match args.as_ref().and_then(|args| Some((args.read_frame_callback?, args.user_data))) {
                Some((ask, data)) => ask(session, ptr::null_mut(), data),
                None => host::SWITCH_STATUS_SUCCESS,
            }
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_get_stats(
    session: Session,
    _: host::switch_media_type_t,
    _: *mut host::switch_memory_pool_t,
) -> *mut host::switch_rtp_stats_t {
    // SAFETY: the caller's session is a leg of ours; its statistics are made once and never freed. All zeros is a
    // value of this plain C structure.
    unsafe {
        let leg = leg_of(session);
        let Ok(sent) = leg.said("sent").parse() else { return ptr::null_mut() };
        if leg.stats.load(Ordering::Acquire).is_null() {
            leg.stats.store(Box::into_raw(Box::new(std::mem::zeroed())), Ordering::Release);
        }
        let stats = leg.stats.load(Ordering::Acquire);
        (*stats).outbound.packet_count = sent;
        stats
    }
}
