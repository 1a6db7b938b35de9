//! What lasts or is counted: playing, reading, RTP's statistics.
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{DTLS, value_of};

use super::all;
use crate::leg::{Session, leg_of};
use crate::replay;

all! {
    switch_ivr_play_file switch_ivr_read switch_core_session_read_frame switch_core_session_write_frame switch_sleep
    switch_micro_time_now switch_core_media_get_rtp_session switch_rtp_dtls_state switch_rtp_test_flag
    switch_core_media_get_stats
}

/// As long as a read may take.
const PACKET: Duration = Duration::from_millis(20);

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

/// What the module reads here the hook has read: what happens in a packet's time.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_read_frame(
    _: Session,
    _: *mut *mut host::switch_frame_t,
    _: u32,
    _: c_int,
) -> host::switch_status_t {
    replay::sleep(PACKET);
    host::SWITCH_STATUS_SUCCESS
}

/// What then went to the party is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_write_frame(
    _: Session,
    _: *mut host::switch_frame_t,
    _: u32,
    _: c_int,
) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

/// `switch_yield`.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_sleep(us: i64) {
    replay::sleep(Duration::from_micros(us.unsigned_abs()));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_micro_time_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// None where the host counts no packets of the leg.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_get_rtp_session(session: Session, _: u32) -> *mut host::switch_rtp_t {
    // SAFETY: the caller's session is a leg of ours.
    let counts = unsafe { leg_of(session) }.said("sent").parse::<u32>().is_ok();
    if counts { session.cast() } else { ptr::null_mut() }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_rtp_dtls_state(rtp: *mut host::switch_rtp_t, _: u32) -> u32 {
    // SAFETY: what is given out as a leg's RTP session is that leg.
    value_of(DTLS, &unsafe { leg_of(rtp) }.said("dtls")).unwrap_or(host::DS_OFF)
}

/// The module asks for one flag alone.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_rtp_test_flag(rtp: *mut host::switch_rtp_t, _: u32) -> u32 {
    // SAFETY: as for `switch_rtp_dtls_state`.
    u32::from(unsafe { leg_of(rtp) }.said("unsettled") == "1")
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
