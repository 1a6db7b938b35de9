//! The host's functions as the module finds them: registrations get our callbacks, questions are written down with
//! their answers, calls that last are written down with their ends.
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{FLAGS, STATUSES, name_of};
use callvault_stand_in::trace::What;

use crate::callbacks::{self, Bug};
use crate::next::next;
use crate::notes::{self, inside, note, text, with_inside};

type Session = *mut host::switch_core_session_t;
type Channel = *mut host::switch_channel_t;
type Status = host::switch_status_t;
type Table = *const host::switch_state_handler_table;

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_add_state_handler(table: Table) -> c_int {
    // SAFETY: forwarded with what the caller gave, or with a table of ours that is never freed.
    unsafe {
        let forward = next::<unsafe extern "C" fn(Table) -> c_int>(c"switch_core_add_state_handler");
        if !callbacks::of_module(table.cast()) {
            return forward(table);
        }
        wrap_application();
        forward(callbacks::table_for(table))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_remove_state_handler(table: Table) {
    // SAFETY: as for adding.
    unsafe {
        let forward = next::<unsafe extern "C" fn(Table)>(c"switch_core_remove_state_handler");
        forward(if callbacks::of_module(table.cast()) { callbacks::table_for(table) } else { table });
    }
}

macro_rules! hooks {
    ($($add:ident $remove:ident $kind:ident $kept:ident $ours:ident)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $add(session: Session, hook: Option<callbacks::$kind>) -> Status {
            // SAFETY: forwarded with what the caller gave, or with a hook of ours.
            unsafe { forward_hook(stringify_c!($add), session, hook, |hook| {
                callbacks::$kept.keep(hook);
                callbacks::$ours
            }) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $remove(session: Session, hook: Option<callbacks::$kind>) -> Status {
            // SAFETY: as for adding.
            unsafe { forward_hook(stringify_c!($remove), session, hook, |_| callbacks::$ours) }
        }
    )*};
}

macro_rules! stringify_c {
    ($name:ident) => {
        CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()).unwrap_or_default()
    };
}

hooks! {
    switch_core_event_hook_add_read_frame switch_core_event_hook_remove_read_frame ReadFrame READ_FRAME read_frame
    switch_core_event_hook_add_receive_message switch_core_event_hook_remove_receive_message ReceiveMessage RECEIVE_MESSAGE receive_message
    switch_core_event_hook_add_state_change switch_core_event_hook_remove_state_change StateChange STATE_CHANGE state_change
    switch_core_event_hook_add_recv_dtmf switch_core_event_hook_remove_recv_dtmf RecvDtmf RECV_DTMF recv_dtmf
}

/// # Safety
/// `name` is a hook function of the host that takes hooks of type `F`, and `F` is a function pointer.
unsafe fn forward_hook<F: Copy>(name: &CStr, session: Session, hook: Option<F>, ours: impl FnOnce(F) -> F) -> Status {
    // SAFETY: by this function's contract.
    unsafe {
        let forward = next::<unsafe extern "C" fn(Session, Option<F>) -> Status>(name);
        let hook = hook.map(|hook| {
            let address = std::mem::transmute_copy::<F, *const c_void>(&hook);
            if callbacks::of_module(address) { ours(hook) } else { hook }
        });
        forward(session, hook)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_bug_add(
    session: Session,
    function: *const c_char,
    target: *const c_char,
    callback: host::switch_media_bug_callback_t,
    data: *mut c_void,
    stop: i64,
    flags: u32,
    bug: *mut *mut host::switch_media_bug_t,
) -> Status {
    type Add = unsafe extern "C" fn(
        Session,
        *const c_char,
        *const c_char,
        host::switch_media_bug_callback_t,
        *mut c_void,
        i64,
        u32,
        *mut *mut host::switch_media_bug_t,
    ) -> Status;
    // SAFETY: forwarded with what the caller gave, or with our callback and data that is never freed.
    unsafe {
        let forward = next::<Add>(c"switch_core_media_bug_add");
        let ours = !data.is_null() && callback.is_some_and(|callback| callbacks::of_module(callback as *const c_void));
        if !ours {
            return forward(session, function, target, callback, data, stop, flags, bug);
        }
        let wrapped = Box::into_raw(Box::new(Bug { callback, data, session })).cast();
        with_inside(false, || forward(session, function, target, Some(callbacks::bug), wrapped, stop, flags, bug))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_bind_removable(
    id: *const c_char,
    event: host::switch_event_types_t,
    subclass: *const c_char,
    callback: Option<callbacks::EventCallback>,
    data: *mut c_void,
    node: *mut *mut host::switch_event_node_t,
) -> Status {
    type Bind = unsafe extern "C" fn(
        *const c_char,
        host::switch_event_types_t,
        *const c_char,
        Option<callbacks::EventCallback>,
        *mut c_void,
        *mut *mut host::switch_event_node_t,
    ) -> Status;
    let callback = callback.map(|callback| {
        if callbacks::of_module(callback as *const c_void) {
            callbacks::EVENT.keep(callback);
            callbacks::event
        } else {
            callback
        }
    });
    // SAFETY: forwarded with what the caller gave, or with our callback.
    unsafe { next::<Bind>(c"switch_event_bind_removable")(id, event, subclass, callback, data, node) }
}

static INTERFACE: AtomicPtr<host::switch_application_interface_t> = AtomicPtr::new(std::ptr::null_mut());

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_loadable_module_create_interface(
    module: *mut host::switch_loadable_module_interface_t,
    kind: host::switch_module_interface_name_t,
) -> *mut c_void {
    type Create = unsafe extern "C" fn(
        *mut host::switch_loadable_module_interface_t,
        host::switch_module_interface_name_t,
    ) -> *mut c_void;
    // SAFETY: forwarded with what the caller gave; a module has its name before it has interfaces.
    unsafe {
        let created = next::<Create>(c"switch_loadable_module_create_interface")(module, kind);
        let of_ours = text((*module).module_name).is_some_and(|name| name == "mod_callvault");
        if of_ours && kind == host::SWITCH_APPLICATION_INTERFACE {
            INTERFACE.store(created.cast(), Ordering::Release);
        }
        created
    }
}

/// The module fills its application in after it made it; by the time it registers handlers, it has.
unsafe fn wrap_application() {
    // SAFETY: the interface lives from its creation to the module's end, and the module is in its load.
    let Some(interface) = (unsafe { INTERFACE.swap(std::ptr::null_mut(), Ordering::AcqRel).as_mut() }) else { return };
    if let Some(theirs) = interface.application_function {
        callbacks::APPLICATION.keep(theirs);
        // SAFETY: the name is the module's static string.
        let name = unsafe { text(interface.interface_name) };
        *callbacks::NAME.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = name.unwrap_or_default();
        interface.application_function = Some(callbacks::application);
    }
}

// The module's questions.

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_variable_dup(
    channel: Channel,
    name: *const c_char,
    dup: host::switch_bool_t,
    index: c_int,
) -> *const c_char {
    type Get = unsafe extern "C" fn(Channel, *const c_char, host::switch_bool_t, c_int) -> *const c_char;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        let value = next::<Get>(c"switch_channel_get_variable_dup")(channel, name, dup, index);
        if inside() {
            notes::variable(session(channel), &text(name).unwrap_or_default(), text(value));
        }
        value
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_test_flag(channel: Channel, flag: host::switch_channel_flag_t) -> u32 {
    type Test = unsafe extern "C" fn(Channel, host::switch_channel_flag_t) -> u32;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        match name_of(FLAGS, flag) {
            Some(name) if inside() => notes::flag_of(session(channel), channel, name, flag),
            _ => next::<Test>(c"switch_channel_test_flag")(channel, flag),
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_get_state(channel: Channel) -> host::switch_channel_state_t {
    type Get = unsafe extern "C" fn(Channel) -> host::switch_channel_state_t;
    // SAFETY: forwarded with what the caller gave.
    unsafe { if inside() { notes::state(session(channel)) } else { next::<Get>(c"switch_channel_get_state")(channel) } }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_get_stats(
    session: Session,
    kind: host::switch_media_type_t,
    pool: *mut host::switch_memory_pool_t,
) -> *mut host::switch_rtp_stats_t {
    type Get = unsafe extern "C" fn(
        Session,
        host::switch_media_type_t,
        *mut host::switch_memory_pool_t,
    ) -> *mut host::switch_rtp_stats_t;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        if inside() { notes::sent(session) } else { next::<Get>(c"switch_core_media_get_stats")(session, kind, pool) }
    }
}

// The module's calls that last.

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_play_file(
    session: Session,
    handle: *mut host::switch_file_handle_t,
    file: *const c_char,
    arguments: *mut host::switch_input_args_t,
) -> Status {
    type Play = unsafe extern "C" fn(
        Session,
        *mut host::switch_file_handle_t,
        *const c_char,
        *mut host::switch_input_args_t,
    ) -> Status;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        let forward = next::<Play>(c"switch_ivr_play_file");
        if !inside() {
            return forward(session, handle, file, arguments);
        }
        lasting(session, "play", &text(file).unwrap_or_default(), || forward(session, handle, file, arguments))
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_channel_perform_answer(
    channel: Channel,
    file: *const c_char,
    function: *const c_char,
    line: c_int,
) -> Status {
    type Answer = unsafe extern "C" fn(Channel, *const c_char, *const c_char, c_int) -> Status;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        let forward = next::<Answer>(c"switch_channel_perform_answer");
        if !inside() {
            return forward(channel, file, function, line);
        }
        lasting(session(channel), "answer", "", || forward(channel, file, function, line))
    }
}

// What is read, written and told to the leg meanwhile comes by itself.

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_read_frame(
    session: Session,
    frame: *mut *mut host::switch_frame_t,
    flags: u32,
    stream: c_int,
) -> Status {
    type Read = unsafe extern "C" fn(Session, *mut *mut host::switch_frame_t, u32, c_int) -> Status;
    // SAFETY: forwarded with what the caller gave.
    with_inside(false, || unsafe { next::<Read>(c"switch_core_session_read_frame")(session, frame, flags, stream) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_session_write_frame(
    session: Session,
    frame: *mut host::switch_frame_t,
    flags: u32,
    stream: c_int,
) -> Status {
    type Write = unsafe extern "C" fn(Session, *mut host::switch_frame_t, u32, c_int) -> Status;
    // SAFETY: forwarded with what the caller gave.
    with_inside(false, || unsafe { next::<Write>(c"switch_core_session_write_frame")(session, frame, flags, stream) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_ivr_parse_all_messages(session: Session) -> Status {
    type Parse = unsafe extern "C" fn(Session) -> Status;
    // SAFETY: forwarded with what the caller gave.
    with_inside(false, || unsafe { next::<Parse>(c"switch_ivr_parse_all_messages")(session) })
}

/// The module asks for it to see how far the way out is: DTLS's state and whether the far end's address is confirmed.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_get_rtp_session(session: Session, kind: u32) -> *mut host::switch_rtp_t {
    type Get = unsafe extern "C" fn(Session, u32) -> *mut host::switch_rtp_t;
    // SAFETY: forwarded with what the caller gave.
    unsafe {
        let rtp = next::<Get>(c"switch_core_media_get_rtp_session")(session, kind);
        if inside() && !rtp.is_null() {
            notes::media_path(session, rtp);
        }
        rtp
    }
}

/// # Safety
/// The session is alive and this thread may touch its media.
unsafe fn lasting(session: Session, name: &str, argument: &str, call: impl FnOnce() -> Status) -> Status {
    note(session, What::Call(name.into(), argument.into()));
    let status = with_inside(false, call);
    // SAFETY: by this function's contract.
    unsafe {
        notes::look(session);
        notes::sent(session);
    }
    let name_of_status = name_of(STATUSES, status).unwrap_or("general");
    note(session, What::Returned(name.into(), name_of_status.into()));
    status
}

unsafe fn session(channel: Channel) -> Session {
    // SAFETY: the caller's channel is alive and has a session.
    unsafe { next::<unsafe extern "C" fn(Channel) -> Session>(c"switch_channel_get_session")(channel) }
}
