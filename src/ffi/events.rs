//! The host's events: those we listen to (late, on dispatch threads, with copies), and those we fire.
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::bindings as host;
use super::entry::enter;
use super::text::{c_string, copy, readable};
use crate::legs;
use callvault_recorder::ids::LegUuid;

/// The CUSTOM subclasses that we fire.
pub const SUBCLASSES: [&CStr; 8] = [
    c"callvault::started",
    c"callvault::stopped",
    c"callvault::notice",
    c"callvault::objected",
    c"callvault::paused",
    c"callvault::outcome",
    c"callvault::switched",
    c"callvault::alarm",
];

const OWNER: &CStr = c"mod_callvault";

/// A far end has described its media anew (mod_sofia's MY_EVENT_REINVITE).
const RENEGOTIATED: &CStr = c"sofia::reinvite";

/// What a conference says of its members (mod_conference's CONF_EVENT_MAINT).
const CONFERENCE: &CStr = c"conference::maintenance";

/// Hold is a level: most only say when to read it again (mod_sofia clears the flag without an event in an attended
/// transfer). Of CUSTOM events two subclasses alone.
const LISTENED: [(host::switch_event_types_t, Option<&CStr>); 8] = [
    (host::SWITCH_EVENT_CHANNEL_HOLD, None),
    (host::SWITCH_EVENT_CHANNEL_UNHOLD, None),
    (host::SWITCH_EVENT_CHANNEL_CALLSTATE, None),
    (host::SWITCH_EVENT_CHANNEL_UUID, None),
    (host::SWITCH_EVENT_CHANNEL_HANGUP_COMPLETE, None),
    (host::SWITCH_EVENT_MEDIA_BUG_START, None),
    (host::SWITCH_EVENT_CUSTOM, Some(RENEGOTIATED)),
    (host::SWITCH_EVENT_CUSTOM, Some(CONFERENCE)),
];

static BOUND: [AtomicPtr<host::switch_event_node_t>; LISTENED.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; LISTENED.len()];

/// What a CDR says of a leg that the host wrote off (`CHANNEL_HANGUP_COMPLETE`).
pub struct WrittenOff {
    /// Its uuid.
    pub uuid: LegUuid,
    /// The channel's name.
    pub channel: String,
    /// Its variable `callvault_id`; empty where it has none.
    pub callvault_id: String,
    /// When it was answered, microseconds UTC; `0` where it never was.
    pub answered_at: String,
    /// The cause by which it hung up.
    pub cause: String,
}

/// Binds to what we listen to and reserves what we fire; false where the host refuses.
pub fn bind() -> bool {
    for subclass in SUBCLASSES {
        // SAFETY: both strings are static.
        let status = unsafe { host::switch_event_reserve_subclass_detailed(OWNER.as_ptr(), subclass.as_ptr()) };
        if !matches!(status, host::SWITCH_STATUS_SUCCESS | host::SWITCH_STATUS_INUSE) {
            return false;
        }
    }
    LISTENED.iter().zip(&BOUND).all(|(&(kind, subclass), place)| {
        let mut node = ptr::null_mut();
        // SAFETY: strings are static, the callback is ours; the node is kept until `unbind`.
        let status = unsafe {
            host::switch_event_bind_removable(
                OWNER.as_ptr(),
                kind,
                subclass.map_or(ptr::null(), CStr::as_ptr),
                Some(on_event),
                ptr::null_mut(),
                &raw mut node,
            )
        };
        place.store(node, Ordering::Release);
        status == host::SWITCH_STATUS_SUCCESS
    })
}

/// Undoes [`bind`]; the next load fails where a subclass is still reserved.
pub fn unbind() {
    for place in &BOUND {
        let mut node = place.swap(ptr::null_mut(), Ordering::AcqRel);
        if !node.is_null() {
            // SAFETY: the node came from `bind` and is given back once. The host waits for its dispatchers here.
            unsafe { host::switch_event_unbind(&raw mut node) };
        }
    }
    for subclass in SUBCLASSES {
        // SAFETY: both strings are static.
        unsafe { host::switch_event_free_subclass_detailed(OWNER.as_ptr(), subclass.as_ptr()) };
    }
}

unsafe extern "C" fn on_event(event: *mut host::switch_event_t) {
    enter((), || {
        // SAFETY: the host hands a live event; a header's value lives as long.
        let header = |name: &CStr| unsafe { copy(host::switch_event_get_header_idx(event, name.as_ptr(), -1)) };
        let Some(uuid) = header(c"Unique-ID").map(|uuid| LegUuid::from_host(&uuid)) else { return };
        let text = |name| header(name).map(|value| readable(&value)).unwrap_or_default();
        // SAFETY: as above.
        match unsafe { (*event).event_id } {
            host::SWITCH_EVENT_MEDIA_BUG_START => {
                legs::tapped_by_others(&uuid, &text(c"Media-Bug-Function"), &text(c"Media-Bug-Target"));
            }
            host::SWITCH_EVENT_CHANNEL_HANGUP_COMPLETE => legs::written_off(&WrittenOff {
                uuid,
                channel: text(c"Channel-Name"),
                callvault_id: text(c"variable_callvault_id"),
                answered_at: text(c"Caller-Channel-Answered-Time"),
                cause: text(c"Hangup-Cause"),
            }),
            host::SWITCH_EVENT_CUSTOM => match header(c"Speak") {
                Some(speaks) => legs::member_changed(&uuid, speaks == b"true", text(c"Hold") == "true"),
                None => legs::renegotiated(&uuid),
            },
            _ => legs::look_again_by_uuid(&uuid),
        }
    });
}

/// Fires a CUSTOM event of ours with these headers.
pub fn fire(subclass: &CStr, headers: &[(&CStr, &str)]) {
    // SAFETY: the event is ours between its creation and its firing; the host copies names and values.
    unsafe {
        let event = host::event_custom_callvault_shim(subclass.as_ptr());
        if event.is_null() {
            return;
        }
        for (name, value) in headers {
            host::event_header_callvault_shim(event, name.as_ptr(), c_string(value).as_ptr());
        }
        host::event_fire_callvault_shim(event);
    }
}
