//! Sessions: found, held, hooked.
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::Ordering;

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{FLOWS, value_of};

use super::all;
use crate::leg::{Channel, ReadFrame, ReceiveMessage, RecvDtmf, Session, StateChange, leg_of};
use crate::replay;
use crate::text::{c_string, text};
use crate::world::{locked, world};

all! {
    switch_core_session_get_channel switch_channel_get_session switch_core_session_get_uuid
    switch_core_session_perform_locate switch_core_session_rwunlock switch_core_session_findall
    switch_console_free_matches switch_core_session_in_thread switch_core_session_media_flow
    switch_core_session_execute_application_async switch_core_session_execute_application_get_flags switch_core_session_get_write_impl
    switch_core_event_hook_add_read_frame switch_core_event_hook_remove_read_frame
    switch_core_event_hook_add_receive_message switch_core_event_hook_remove_receive_message
    switch_core_event_hook_add_state_change switch_core_event_hook_remove_state_change
    switch_core_event_hook_add_recv_dtmf switch_core_event_hook_remove_recv_dtmf switch_ivr_inband_dtmf_session
    switch_core_session_perform_kill_channel switch_ivr_parse_all_messages
    switch_core_session_limit switch_core_sessions_per_second
    switch_core_session_perform_receive_message switch_ivr_bg_media switch_ivr_displace_session switch_core_media_bug_count
}

/// As FreeSWITCH ships: max-sessions 1000, sessions-per-second 30.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_limit(_: u32) -> u32 {
    1000
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_sessions_per_second(_: u32) -> u32 {
    30
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_get_channel(session: Session) -> Channel {
    session.cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_session(channel: Channel) -> Session {
    channel.cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_get_uuid(session: Session) -> *mut c_char {
    // SAFETY: the caller's session is a leg of ours.
    let leg = unsafe { leg_of(session) };
    leg.string(&leg.uuid())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_perform_locate(
    uuid: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> Session {
    // SAFETY: the caller's string is NUL-terminated.
    let uuid = unsafe { text(uuid) }.unwrap_or_default();
    let legs = locked(&world().legs);
    match legs.get(&uuid) {
        Some(leg) => {
            leg.hold();
            leg.session()
        }
        None => ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_rwunlock(session: Session) {
    // SAFETY: the caller located it.
    unsafe { leg_of(session) }.let_go();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_findall() -> *mut host::switch_console_callback_match {
    let mut head = ptr::null_mut();
    let mut count = 0;
    for uuid in locked(&world().legs).keys() {
        let node = host::switch_console_callback_match_node { val: c_string(uuid).into_raw(), next: head };
        head = Box::into_raw(Box::new(node));
        count += 1;
    }
    if head.is_null() {
        return ptr::null_mut();
    }
    Box::into_raw(Box::new(host::switch_console_callback_match { head, end: ptr::null_mut(), count, dynamic: 0 }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_console_free_matches(matches: *mut *mut host::switch_console_callback_match) {
    // SAFETY: what is given back came from `findall`, once.
    unsafe {
        let list = Box::from_raw(*matches);
        *matches = ptr::null_mut();
        let mut node = list.head;
        while !node.is_null() {
            let own = Box::from_raw(node);
            drop(std::ffi::CString::from_raw(own.val));
            node = own.next;
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_in_thread(session: Session) -> host::switch_bool_t {
    // SAFETY: the caller's session is a leg of ours.
    let own = unsafe { leg_of(session) }.own_thread.load(Ordering::Acquire);
    if replay::thread() == Some(own) { host::SWITCH_TRUE } else { host::SWITCH_FALSE }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_media_flow(session: Session, _: host::switch_media_type_t) -> u32 {
    // SAFETY: the caller's session is a leg of ours.
    let flow = unsafe { leg_of(session) }.said("flow");
    value_of(FLOWS, &flow).unwrap_or(host::SWITCH_MEDIA_FLOW_DISABLED)
}

/// What the host then ran is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_execute_application_async(
    _: Session,
    _: *const c_char,
    _: *const c_char,
) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

/// Applications of others are not here: what they did is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_execute_application_get_flags(
    _: Session,
    _: *const c_char,
    _: *const c_char,
    _: *mut i32,
) -> host::switch_status_t {
    host::SWITCH_STATUS_FALSE
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_get_write_impl(
    session: Session,
    implementation: *mut host::switch_codec_implementation,
) -> host::switch_status_t {
    // SAFETY: the caller's session is a leg of ours and its place is one of the host's type.
    unsafe {
        let packet = leg_of(session).said("write_packet_us").parse().unwrap_or(0);
        (*implementation).microseconds_per_packet = packet;
    }
    host::SWITCH_STATUS_SUCCESS
}

macro_rules! hooks {
    ($($add:ident $remove:ident $list:ident $kind:ty)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $add(session: Session, hook: Option<$kind>) -> host::switch_status_t {
            let Some(hook) = hook else { return host::SWITCH_STATUS_FALSE };
            // SAFETY: the caller's session is a leg of ours.
            let mut hooks = locked(&unsafe { leg_of(session) }.hooks);
            if !hooks.$list.iter().any(|own| *own as usize == hook as usize) {
                hooks.$list.push(hook);
            }
            host::SWITCH_STATUS_SUCCESS
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $remove(session: Session, hook: Option<$kind>) -> host::switch_status_t {
            // SAFETY: the caller's session is a leg of ours.
            let mut hooks = locked(&unsafe { leg_of(session) }.hooks);
            hooks.$list.retain(|own| hook.is_none_or(|hook| *own as usize != hook as usize));
            host::SWITCH_STATUS_SUCCESS
        }
    )*};
}

hooks! {
    switch_core_event_hook_add_read_frame switch_core_event_hook_remove_read_frame read_frame ReadFrame
    switch_core_event_hook_add_receive_message switch_core_event_hook_remove_receive_message receive_message ReceiveMessage
    switch_core_event_hook_add_state_change switch_core_event_hook_remove_state_change state_change StateChange
    switch_core_event_hook_add_recv_dtmf switch_core_event_hook_remove_recv_dtmf recv_dtmf RecvDtmf
}

/// What the host then did is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_bg_media(
    _: *const c_char,
    _: u32,
    _: host::switch_bool_t,
    _: host::switch_bool_t,
    _: u32,
) {
}

/// Nobody is there to hear it.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_displace_session(
    _: Session,
    _: *const c_char,
    _: u32,
    _: *const c_char,
) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

/// Bugs of others are not on the legs here.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_bug_count(_: Session, _: *const c_char) -> u32 {
    0
}

/// Nobody waits for a packet here.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_perform_kill_channel(
    _: Session,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    _: u32,
) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

/// What the host told the leg is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_parse_all_messages(_: Session) -> host::switch_status_t {
    host::SWITCH_STATUS_FALSE
}

/// What the far end then answers is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_perform_receive_message(
    _: Session,
    _: *mut host::switch_core_session_message_t,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

/// What the host then heard in the audio is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_inband_dtmf_session(_: Session) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}
