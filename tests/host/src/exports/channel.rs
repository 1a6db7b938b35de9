//! Channels: variables, flags, state.
use std::ffi::{c_char, c_int};
use std::ptr;

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{DIRECTIONS, FLAGS, STATES, name_of, value_of};

use super::all;
use crate::leg::{Channel, Leg, leg_of};
use crate::replay;
use crate::text::text;

all! {
    switch_channel_get_name switch_channel_get_variable_dup switch_channel_set_variable_var_check
    switch_channel_direction switch_channel_test_flag switch_channel_set_flag_value switch_channel_clear_flag
    switch_channel_test_ready switch_channel_get_partner_uuid_copy switch_channel_perform_answer
    switch_channel_get_state switch_channel_get_cause switch_channel_flush_dtmf switch_channel_stop_broadcast
    switch_channel_perform_hangup switch_channel_has_dtmf switch_channel_dequeue_dtmf
}

/// # Safety
/// The caller's channel is a leg of ours.
unsafe fn of(channel: Channel) -> &'static Leg {
    // SAFETY: by this function's contract.
    unsafe { leg_of(channel) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_name(channel: Channel) -> *mut c_char {
    // SAFETY: the caller's channel is a leg of ours.
    let leg = unsafe { of(channel) };
    leg.string(&leg.said("name"))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_variable_dup(
    channel: Channel,
    name: *const c_char,
    _: host::switch_bool_t,
    _: c_int,
) -> *const c_char {
    // SAFETY: the caller's channel is a leg of ours, its string NUL-terminated.
    let (leg, name) = unsafe { (of(channel), text(name).unwrap_or_default()) };
    leg.variable(&name).map_or(ptr::null(), |value| leg.string(&value).cast_const())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_set_variable_var_check(
    channel: Channel,
    name: *const c_char,
    value: *const c_char,
    _: host::switch_bool_t,
) -> host::switch_status_t {
    // SAFETY: the caller's channel is a leg of ours, its strings are null or NUL-terminated.
    let (leg, name, value) = unsafe { (of(channel), text(name).unwrap_or_default(), text(value)) };
    leg.set_variable(&name, value.as_deref());
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_direction(channel: Channel) -> host::switch_call_direction_t {
    // SAFETY: the caller's channel is a leg of ours.
    let direction = unsafe { of(channel) }.said("direction");
    value_of(DIRECTIONS, &direction).unwrap_or(host::SWITCH_CALL_DIRECTION_INBOUND)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_test_flag(channel: Channel, flag: host::switch_channel_flag_t) -> u32 {
    // SAFETY: the caller's channel is a leg of ours.
    let leg = unsafe { of(channel) };
    u32::from(name_of(FLAGS, flag).is_some_and(|name| leg.said(name) == "1"))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_set_flag_value(channel: Channel, flag: host::switch_channel_flag_t, value: u32) {
    if let Some(name) = name_of(FLAGS, flag) {
        // SAFETY: the caller's channel is a leg of ours.
        unsafe { of(channel) }.be(name, if value == 0 { "0" } else { "1" });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_clear_flag(channel: Channel, flag: host::switch_channel_flag_t) {
    // SAFETY: the caller's channel is a leg of ours.
    unsafe { switch_channel_set_flag_value(channel, flag, 0) };
}

/// Breaks what plays.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_stop_broadcast(channel: Channel) {
    // SAFETY: the caller's channel is a leg of ours.
    unsafe { of(channel) }.be("break", "1");
}

/// What was pressed is in the trace, for the hook.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_has_dtmf(_: Channel) -> usize {
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_dequeue_dtmf(_: Channel, _: *mut host::switch_dtmf_t) -> host::switch_status_t {
    host::SWITCH_STATUS_FALSE
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_test_ready(
    channel: Channel,
    ready: host::switch_bool_t,
    media: host::switch_bool_t,
) -> c_int {
    // SAFETY: the caller's channel is a leg of ours.
    let leg = unsafe { of(channel) };
    let is_up = state(leg) < host::CS_HANGUP;
    let up = ready == host::SWITCH_FALSE || is_up;
    let has_media = media == host::SWITCH_FALSE || leg.said("media") == "1";
    c_int::from(up && has_media)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_partner_uuid_copy(
    channel: Channel,
    place: *mut c_char,
    room: usize,
) -> *const c_char {
    // SAFETY: the caller's channel is a leg of ours.
    let leg = unsafe { of(channel) };
    let partner = leg.said("partner");
    if room == 0 || place.is_null() {
        return ptr::null();
    }
    let length = partner.len().min(room - 1);
    // SAFETY: the caller's place has `room` bytes, one more than is copied.
    unsafe {
        ptr::copy_nonoverlapping(partner.as_ptr(), place.cast(), length);
        *place.add(length) = 0;
    }
    if length == 0 { ptr::null() } else { place }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_perform_answer(
    channel: Channel,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> host::switch_status_t {
    // SAFETY: the caller's channel is a leg of ours.
    replay::last("answer", unsafe { of(channel) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_state(channel: Channel) -> host::switch_channel_state_t {
    // SAFETY: the caller's channel is a leg of ours.
    state(unsafe { of(channel) })
}

fn state(leg: &Leg) -> host::switch_channel_state_t {
    value_of(STATES, &leg.said("state")).unwrap_or(host::CS_NEW)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_cause(channel: Channel) -> host::switch_call_cause_t {
    // SAFETY: the caller's channel is a leg of ours.
    unsafe { of(channel) }.said("cause").parse().unwrap_or(host::SWITCH_CAUSE_NONE)
}

/// What came of it is in the trace.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_perform_hangup(
    channel: Channel,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    _: host::switch_call_cause_t,
) -> host::switch_channel_state_t {
    // SAFETY: the caller's channel is a leg of ours.
    state(unsafe { of(channel) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_flush_dtmf(_: Channel) {}
