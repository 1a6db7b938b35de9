//! State handlers and session hooks: how we hear of every leg (switch_core_state_machine.c:STATE_MACRO, switch_core_event_hook.h).
use std::cell::UnsafeCell;

use super::bindings as host;
use super::entry::enter;
use super::media;
use super::session::Session;
use super::text::copy;
use crate::legs;
use callvault_recorder::ids::LegUuid;

/// What a message of the host says about a leg, as far as we care.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// The leg was answered (inbound: the PBX answered it; outbound: the far end did).
    Answered,
    /// Media is there before the answer.
    EarlyMedia,
    /// Bridged to that leg; none where the host names none (conference, eavesdrop).
    Bridged(Option<LegUuid>),
    /// No longer bridged; `paused` where only a broadcast interrupts it.
    Unbridged {
        /// Whether the bridge goes on afterwards.
        paused: bool,
    },
    /// An application begins on the leg's thread.
    Application {
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: String,
    },
    /// An application ended.
    ApplicationEnded {
        /// Its name.
        name: String,
    },
    /// Hard mute is on (a conference's `mute`), or off.
    Muted(bool),
    /// The uuid changed.
    Renamed,
    /// Its media leaves this host, comes back to it, or becomes a fax's.
    MediaMoved,
}

/// A `switch_state_handler_table` that the host reads without a lock while sessions iterate: static, never moved.
struct Table(UnsafeCell<host::switch_state_handler_table>);

// SAFETY: written only in `register`, before the host knows of it; afterwards everybody reads.
unsafe impl Sync for Table {}

// SAFETY: all zeros (no callbacks, no flags) is a value of this plain C structure.
static EARLY: Table = Table(UnsafeCell::new(unsafe { std::mem::zeroed() }));
// SAFETY: as above.
static LATE: Table = Table(UnsafeCell::new(unsafe { std::mem::zeroed() }));

/// Registers both tables; false where the host has no room for them (30 in the process).
pub fn register() -> bool {
    let early = EARLY.0.get();
    let late = LATE.0.get();
    // SAFETY: neither table is registered at this moment (`unregister` ran, or it is the first load), so nobody reads.
    unsafe {
        (*early).on_init = Some(on_init);
        (*early).on_exchange_media = Some(on_moment);
        (*early).on_execute = Some(on_moment);
        (*early).on_consume_media = Some(on_moment);
        (*early).on_park = Some(on_moment);
        (*early).on_soft_execute = Some(on_moment);
        (*early).on_hangup = Some(on_hangup);
        // mod_sofia's own on_init sends the INVITE, a bridge is a channel's own handler: ours must run before both.
        (*early).flags = host::SSH_FLAG_PRE_EXEC.cast_signed();
        (*late).on_destroy = Some(on_destroy);
        if host::switch_core_add_state_handler(early) < 0 {
            return false;
        }
        if host::switch_core_add_state_handler(late) < 0 {
            host::switch_core_remove_state_handler(early);
            return false;
        }
    }
    true
}

/// Removes both tables. Threads that already loaded a pointer may still call once: wait before memory goes.
pub fn unregister() {
    // SAFETY: the tables are static; the host forgets their addresses.
    unsafe {
        host::switch_core_remove_state_handler(EARLY.0.get());
        host::switch_core_remove_state_handler(LATE.0.get());
    }
}

/// Adds the session's hooks. In its own thread at birth; on a leg that was there before us from ours, which appends
/// to a list that is never freed before the session (SAFETY.md 3).
pub fn add_session_hooks(session: Session<'_>) -> bool {
    // SAFETY: the session is alive; nodes come from its pool.
    unsafe {
        host::switch_core_event_hook_add_read_frame(session.raw(), Some(media::read_frame))
            == host::SWITCH_STATUS_SUCCESS
            && host::switch_core_event_hook_add_receive_message(session.raw(), Some(receive_message))
                == host::SWITCH_STATUS_SUCCESS
            && host::switch_core_event_hook_add_state_change(session.raw(), Some(state_change))
                == host::SWITCH_STATUS_SUCCESS
            && host::switch_core_event_hook_add_recv_dtmf(session.raw(), Some(recv_dtmf)) == host::SWITCH_STATUS_SUCCESS
    }
}

/// Takes the session's hooks away again.
pub fn remove_session_hooks(session: Session<'_>) {
    // SAFETY: the session is alive under the caller's lock; unlinking is one pointer store.
    unsafe {
        host::switch_core_event_hook_remove_read_frame(session.raw(), Some(media::read_frame));
        host::switch_core_event_hook_remove_receive_message(session.raw(), Some(receive_message));
        host::switch_core_event_hook_remove_state_change(session.raw(), Some(state_change));
        host::switch_core_event_hook_remove_recv_dtmf(session.raw(), Some(recv_dtmf));
    }
}

/// Any status but SUCCESS would stop the other handlers and the host's own.
fn with(session: *mut host::switch_core_session_t, what: impl FnOnce(Session<'_>)) -> host::switch_status_t {
    enter((), || {
        // SAFETY: the host calls its handlers with a session that lives for the call.
        if let Some(session) = unsafe { Session::from_host(session) } {
            what(session);
        }
    });
    host::SWITCH_STATUS_SUCCESS
}

unsafe extern "C" fn on_init(session: *mut host::switch_core_session_t) -> host::switch_status_t {
    with(session, legs::born)
}

unsafe extern "C" fn on_moment(session: *mut host::switch_core_session_t) -> host::switch_status_t {
    with(session, legs::look_again)
}

unsafe extern "C" fn on_hangup(session: *mut host::switch_core_session_t) -> host::switch_status_t {
    with(session, legs::hung_up)
}

unsafe extern "C" fn on_destroy(session: *mut host::switch_core_session_t) -> host::switch_status_t {
    with(session, legs::gone)
}

unsafe extern "C" fn state_change(session: *mut host::switch_core_session_t) -> host::switch_status_t {
    with(session, legs::look_again)
}

/// A digit that this leg's own party pressed: in a bridge the host hands it on to the other leg by another function.
/// Any status but SUCCESS would swallow it (switch_core_io.c:switch_core_session_recv_dtmf).
unsafe extern "C" fn recv_dtmf(
    session: *mut host::switch_core_session_t,
    digit: *const host::switch_dtmf_t,
    direction: host::switch_dtmf_direction_t,
) -> host::switch_status_t {
    with(session, |session| {
        // SAFETY: the host hands a digit that lives for the call.
        let Some(digit) = (unsafe { digit.as_ref() }) else { return };
        if direction == host::SWITCH_DTMF_RECV {
            legs::pressed(session, char::from(digit.digit.cast_unsigned()));
        }
    })
}

unsafe extern "C" fn receive_message(
    session: *mut host::switch_core_session_t,
    message: *mut host::switch_core_session_message_t,
) -> host::switch_status_t {
    with(session, |session| {
        // SAFETY: the host hands a message that lives for the call.
        let Some(message) = (unsafe { message.as_ref() }) else { return };
        // SAFETY: as above; its strings are alive likewise.
        if let Some(message) = unsafe { understand(message) } {
            legs::message(session, message);
        }
    })
}

/// # Safety
/// The message and its strings are alive.
unsafe fn understand(message: &host::switch_core_session_message_t) -> Option<Message> {
    // SAFETY: by this function's contract, each place is null or a NUL-terminated string.
    let argument =
        |place: usize| unsafe { copy(message.string_array_arg[place]) }.map(|text| super::text::readable(&text));
    Some(match message.message_id {
        host::SWITCH_MESSAGE_INDICATE_ANSWER | host::SWITCH_MESSAGE_ANSWER_EVENT => Message::Answered,
        host::SWITCH_MESSAGE_PROGRESS_EVENT | host::SWITCH_MESSAGE_INDICATE_PROGRESS => Message::EarlyMedia,
        host::SWITCH_MESSAGE_INDICATE_BRIDGE => {
            // SAFETY: as above.
            Message::Bridged(unsafe { copy(message.string_arg) }.map(|uuid| LegUuid::from_host(&uuid)))
        }
        // 42: the bridge only pauses for a broadcast (switch_ivr_bridge.c).
        host::SWITCH_MESSAGE_INDICATE_UNBRIDGE => Message::Unbridged { paused: message.numeric_arg == 42 },
        host::SWITCH_MESSAGE_INDICATE_APPLICATION_EXEC => {
            Message::Application { name: argument(0)?, arguments: argument(1).unwrap_or_default() }
        }
        host::SWITCH_MESSAGE_INDICATE_APPLICATION_EXEC_COMPLETE => Message::ApplicationEnded { name: argument(0)? },
        host::SWITCH_MESSAGE_INDICATE_HARD_MUTE => Message::Muted(message.numeric_arg != 0),
        host::SWITCH_MESSAGE_INDICATE_UUID_CHANGE => Message::Renamed,
        host::SWITCH_MESSAGE_INDICATE_MEDIA
        | host::SWITCH_MESSAGE_INDICATE_NOMEDIA
        | host::SWITCH_MESSAGE_INDICATE_3P_MEDIA
        | host::SWITCH_MESSAGE_INDICATE_3P_NOMEDIA
        | host::SWITCH_MESSAGE_INDICATE_REQUEST_IMAGE_MEDIA => Message::MediaMoved,
        _ => return None,
    })
}
