//! What the host's loader sees of us: the module's table, its commands and applications, its interface lock.
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicPtr, Ordering};

use super::bindings as host;
use super::entry::{enter, enter_closed};
use super::session::Session;
use super::stream::Stream;
use super::text::c_string;
use crate::{commands, notice};

/// The data symbol that the loader looks for: file name and symbol agree (`mod_callvault`).
#[unsafe(no_mangle)]
pub static mut mod_callvault_module_interface: host::switch_loadable_module_function_table =
    host::switch_loadable_module_function_table {
        switch_api_version: host::SWITCH_API_VERSION as i32,
        load: Some(load),
        shutdown: Some(shutdown),
        runtime: None,
        flags: host::SMODF_NONE as host::switch_module_flag_t,
    };

static APPLICATION: AtomicPtr<host::switch_application_interface_t> = AtomicPtr::new(std::ptr::null_mut());
static INTERFACE: AtomicPtr<host::switch_loadable_module_interface_t> = AtomicPtr::new(std::ptr::null_mut());

unsafe extern "C" fn load(
    interface: *mut *mut host::switch_loadable_module_interface_t,
    pool: *mut host::switch_memory_pool_t,
) -> host::switch_status_t {
    enter_closed(host::SWITCH_STATUS_GENERR, || {
        // SAFETY: the loader gives the module's own pool; the interface is created in it and filled before this ends.
        let created = unsafe { host::switch_loadable_module_create_module_interface(pool, c"mod_callvault".as_ptr()) };
        if created.is_null() || interface.is_null() {
            return host::SWITCH_STATUS_MEMERR;
        }
        // SAFETY: the loader's place for the interface is not null.
        unsafe { *interface = created };
        INTERFACE.store(created, Ordering::Release);
        for (name, about, syntax, function) in APIS {
            // SAFETY: `created` is alive; the strings are static.
            unsafe { add_api(created, name, about, syntax, function) };
        }
        // SAFETY: likewise.
        unsafe { add_application(created) };
        match crate::load() {
            Ok(()) => host::SWITCH_STATUS_SUCCESS,
            Err(()) => {
                INTERFACE.store(std::ptr::null_mut(), Ordering::Release);
                host::SWITCH_STATUS_GENERR
            }
        }
    })
}

/// NOUNLOAD keeps code and pool mapped: a thread may stand in front of a pointer of ours that it loaded before we took
/// it away, and a thread that ran our application still unprotects an interface of that pool (SAFETY.md 5).
unsafe extern "C" fn shutdown() -> host::switch_status_t {
    enter_closed((), crate::shutdown);
    INTERFACE.store(std::ptr::null_mut(), Ordering::Release);
    host::SWITCH_STATUS_NOUNLOAD
}

type ApiFunction = unsafe extern "C" fn(
    *const c_char,
    *mut host::switch_core_session_t,
    *mut host::switch_stream_handle_t,
) -> host::switch_status_t;

const APIS: [(&CStr, &CStr, &CStr, ApiFunction); 3] = [
    (
        c"callvault",
        c"Call recorder: status, lists, metrics; no personal data",
        commands::CALLVAULT_SYNTAX,
        api_callvault,
    ),
    (c"callvault_release", c"Call recorder: release a recording for a ticket", commands::RELEASE_SYNTAX, api_release),
    (
        c"callvault_admin",
        c"Call recorder: reload, stop, start, drain, expiry, pause",
        commands::ADMIN_SYNTAX,
        api_admin,
    ),
];

unsafe fn add_api(
    interface: *mut host::switch_loadable_module_interface_t,
    name: &'static CStr,
    about: &'static CStr,
    syntax: &'static CStr,
    function: ApiFunction,
) {
    // SAFETY: the interface is alive; what comes back is a zeroed switch_api_interface of the module's pool.
    unsafe {
        let api = host::switch_loadable_module_create_interface(interface, host::SWITCH_API_INTERFACE)
            .cast::<host::switch_api_interface_t>();
        if let Some(api) = api.as_mut() {
            api.interface_name = name.as_ptr();
            api.desc = about.as_ptr();
            api.syntax = syntax.as_ptr();
            api.function = Some(function);
        }
    }
}

unsafe fn add_application(interface: *mut host::switch_loadable_module_interface_t) {
    // SAFETY: as for `add_api`, with switch_application_interface.
    unsafe {
        let application = host::switch_loadable_module_create_interface(interface, host::SWITCH_APPLICATION_INTERFACE)
            .cast::<host::switch_application_interface_t>();
        if let Some(application) = application.as_mut() {
            application.interface_name = notice::APPLICATION.as_ptr();
            application.short_desc = c"Tell the caller that the call is recorded".as_ptr();
            application.long_desc =
                c"Answers the leg, plays the recording notice in the channel's language and opens the recording when it was heard whole."
                    .as_ptr();
            application.syntax = c"[prompt=<id>] [language=<language>]".as_ptr();
            // Without this the host would bring early media, or media that bypasses it, to the leg before it calls us, and
            // with the latter end the call (switch_core_session.c:switch_core_session_execute_application_get_flags).
            application.flags = host::SAF_SUPPORT_NOMEDIA;
            application.application_function = Some(application_notice);
            APPLICATION.store(application, Ordering::Release);
        }
    }
}

unsafe extern "C" fn application_notice(session: *mut host::switch_core_session_t, arguments: *const c_char) {
    enter((), || {
        // SAFETY: the host runs the application on a session and with arguments that live for the call.
        let (session, arguments) = unsafe { (Session::from_host(session), argument_text(arguments)) };
        if let Some(session) = session {
            notice::run(session, &arguments);
        }
    });
}

/// Arguments as text, whole: a ticket is longer than a name.
///
/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn argument_text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn answer(
    command: *const c_char,
    stream: *mut host::switch_stream_handle_t,
    run: fn(&str) -> String,
) -> host::switch_status_t {
    // SAFETY: the host's arguments live for the call.
    let (command, stream) = unsafe { (argument_text(command), Stream::from_host(stream)) };
    let text = enter(None, || Some(run(&command)));
    stream.write(text.as_deref().unwrap_or("-ERR closing the module is loading or unloading; try again\n"));
    host::SWITCH_STATUS_SUCCESS
}

unsafe extern "C" fn api_callvault(
    command: *const c_char,
    _session: *mut host::switch_core_session_t,
    stream: *mut host::switch_stream_handle_t,
) -> host::switch_status_t {
    answer(command, stream, commands::callvault)
}

unsafe extern "C" fn api_release(
    command: *const c_char,
    _session: *mut host::switch_core_session_t,
    stream: *mut host::switch_stream_handle_t,
) -> host::switch_status_t {
    answer(command, stream, commands::release)
}

unsafe extern "C" fn api_admin(
    command: *const c_char,
    _session: *mut host::switch_core_session_t,
    stream: *mut host::switch_stream_handle_t,
) -> host::switch_status_t {
    answer(command, stream, commands::admin)
}

/// Tab completion: `add callvault list`, `del callvault`.
pub fn set_completion(line: &str) {
    let line = c_string(line);
    // SAFETY: the host copies the line.
    unsafe { host::switch_console_set_complete(line.as_ptr()) };
}

/// Takes the read side of the module's interface lock: a plain `unload` then answers that the module is in use.
/// Taken and given back by one thread.
pub fn hold_interface() -> bool {
    let interface = INTERFACE.load(Ordering::Acquire);
    // SAFETY: the interface lives from load until the host frees its pool, which NOUNLOAD keeps.
    !interface.is_null() && unsafe { host::interface_lock_callvault_shim(interface) } == 0
}

/// Gives the interface lock back.
pub fn release_interface() {
    let interface = INTERFACE.load(Ordering::Acquire);
    if !interface.is_null() {
        // SAFETY: as for `hold_interface`, and that call took the lock in this thread.
        unsafe { host::interface_unlock_callvault_shim(interface) };
    }
}

/// Runs what takes long with the application's own interface lock let go. The host takes that lock for whoever is in
/// an application, and an `unload -f` waits ten seconds for it before it calls `shutdown`; so a notice could not be
/// broken in time. `shutdown` itself waits for those who are inside, and keeps code and pool mapped.
///
/// Only for the thread that the host runs the application on.
pub fn outside_application_lock<R>(long: impl FnOnce() -> R) -> R {
    let application = APPLICATION.load(Ordering::Acquire);
    if application.is_null() {
        return long();
    }
    // SAFETY: the interface lives in the module's pool, which NOUNLOAD keeps; the host took its lock in this thread
    // before it called us, and gives it back after us.
    unsafe { host::application_leave_callvault_shim(application) };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(long));
    // SAFETY: as above; taken again before the host gives it back.
    unsafe { host::application_enter_callvault_shim(application) };
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
