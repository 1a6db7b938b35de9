//! State handlers and media bugs.
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use callvault_stand_in::bindings as host;

use super::all;
use crate::leg::{Bug, Session, leg_of};
use crate::world::{Table, locked, world};

all! {
    switch_core_add_state_handler switch_core_remove_state_handler switch_core_media_bug_add
    switch_core_media_bug_remove switch_core_media_bug_get_native_write_frame
}

/// As many as the host has room for.
const MOST_TABLES: usize = 30;

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_add_state_handler(table: *const host::switch_state_handler_table) -> c_int {
    let mut tables = locked(&world().tables);
    if tables.len() >= MOST_TABLES {
        return -1;
    }
    tables.push(Table(table));
    c_int::try_from(tables.len() - 1).unwrap_or(-1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_remove_state_handler(table: *const host::switch_state_handler_table) {
    locked(&world().tables).retain(|own| *own != Table(table));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_bug_add(
    session: Session,
    _: *const c_char,
    _: *const c_char,
    callback: host::switch_media_bug_callback_t,
    data: *mut c_void,
    _: i64,
    _: u32,
    place: *mut *mut host::switch_media_bug_t,
) -> host::switch_status_t {
    let Some(callback) = callback else { return host::SWITCH_STATUS_FALSE };
    // A bug without data does nothing: others' bugs, for whose sake it is put on, are not here.
    if data.is_null() {
        // SAFETY: the caller's place takes a handle, which is given back and found on no leg.
        unsafe { *place = std::ptr::dangling_mut() };
        return host::SWITCH_STATUS_SUCCESS;
    }
    let bug: &'static Bug =
        Box::leak(Box::new(Bug { callback, data: AtomicPtr::new(data), frame: AtomicPtr::default() }));
    bug.call(host::SWITCH_ABC_TYPE_INIT);
    // SAFETY: the caller's session is a leg of ours and its place takes a handle.
    unsafe {
        *place = bug.handle();
        leg_of(session).put_bug(bug);
    }
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_bug_remove(
    session: Session,
    place: *mut *mut host::switch_media_bug_t,
) -> host::switch_status_t {
    // SAFETY: the caller's session is a leg of ours and its place holds a handle.
    let taken = unsafe {
        let handle = std::mem::replace(&mut *place, std::ptr::null_mut());
        leg_of(session).take_bug(Some(handle))
    };
    if taken { host::SWITCH_STATUS_SUCCESS } else { host::SWITCH_STATUS_FALSE }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_media_bug_get_native_write_frame(
    bug: *mut host::switch_media_bug_t,
) -> *mut host::switch_frame_t {
    // SAFETY: handles are Bugs of ours, never freed.
    unsafe { (*bug.cast::<Bug>()).frame.load(Ordering::Acquire) }
}
