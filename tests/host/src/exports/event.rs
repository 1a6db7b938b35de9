//! Events: those that a module listens to, those that it fires; and console completion.
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use callvault_stand_in::bindings as host;

use super::all;
use crate::log;
use crate::text::{c_string, text};
use crate::world::{Binding, locked, world};

all! {
    switch_event_bind_removable switch_event_unbind switch_event_get_header_idx switch_event_reserve_subclass_detailed
    switch_event_free_subclass_detailed switch_event_create_subclass_detailed switch_event_add_header_string
    switch_event_fire_detailed switch_console_set_complete
}

type Node = *mut host::switch_event_node_t;
type Event = *mut host::switch_event_t;

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_bind_removable(
    _: *const c_char,
    event: host::switch_event_types_t,
    _: *const c_char,
    callback: Option<unsafe extern "C" fn(Event)>,
    _: *mut c_void,
    node: *mut Node,
) -> host::switch_status_t {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let Some(callback) = callback else { return host::SWITCH_STATUS_FALSE };
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    locked(&world().bindings).push(Binding { node: number, event, callback });
    // SAFETY: the caller's place takes a node, which nobody looks into.
    unsafe { *node = ptr::without_provenance_mut(number) };
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_unbind(node: *mut Node) -> host::switch_status_t {
    // SAFETY: the caller's place holds a node of ours.
    let number = unsafe { std::mem::replace(&mut *node, ptr::null_mut()) }.addr();
    locked(&world().bindings).retain(|binding| binding.node != number);
    host::SWITCH_STATUS_SUCCESS
}

/// Brings an event about a leg to who listens.
pub fn deliver(kind: host::switch_event_types_t, uuid: &str, headers: &[(String, String)]) {
    let bindings = locked(&world().bindings).clone();
    for binding in bindings.iter().filter(|binding| binding.event == kind) {
        let mut event = create(kind, None);
        // SAFETY: the event is ours until it is freed below; the callback is its module's.
        unsafe {
            add(event, "Unique-ID", uuid);
            headers.iter().for_each(|(name, value)| add(event, name, value));
            (binding.callback)(event);
            free(&raw mut event);
        }
    }
}

fn create(event_id: host::switch_event_types_t, subclass: Option<&str>) -> Event {
    // SAFETY: all zeros is a value of this plain C structure.
    let mut event: host::switch_event_t = unsafe { std::mem::zeroed() };
    event.event_id = event_id;
    event.subclass_name = subclass.map_or(ptr::null_mut(), |subclass| c_string(subclass).into_raw());
    Box::into_raw(Box::new(event))
}

/// # Safety
/// The event is one of ours.
unsafe fn add(event: Event, name: &str, value: &str) {
    // SAFETY: by this function's contract; all zeros is a value of this plain C structure.
    unsafe {
        let mut header: host::switch_event_header = std::mem::zeroed();
        header.name = c_string(name).into_raw();
        header.value = c_string(value).into_raw();
        header.next = (*event).headers;
        (*event).headers = Box::into_raw(Box::new(header));
    }
}

/// # Safety
/// The place holds an event of ours.
unsafe fn free(place: *mut Event) {
    // SAFETY: by this function's contract; names and values are strings of ours.
    unsafe {
        let event = Box::from_raw(std::mem::replace(&mut *place, ptr::null_mut()));
        let mut header = event.headers;
        while !header.is_null() {
            let own = Box::from_raw(header);
            drop((std::ffi::CString::from_raw(own.name), std::ffi::CString::from_raw(own.value)));
            header = own.next;
        }
        if !event.subclass_name.is_null() {
            drop(std::ffi::CString::from_raw(event.subclass_name));
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_get_header_idx(event: Event, name: *const c_char, _: c_int) -> *mut c_char {
    // SAFETY: the event is one of ours, the name NUL-terminated.
    unsafe {
        let name = text(name).unwrap_or_default();
        let mut header = (*event).headers;
        while let Some(own) = header.as_ref() {
            if text(own.name).is_some_and(|own| own.eq_ignore_ascii_case(&name)) {
                return own.value;
            }
            header = own.next;
        }
    }
    ptr::null_mut()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_reserve_subclass_detailed(
    _: *const c_char,
    subclass: *const c_char,
) -> host::switch_status_t {
    // SAFETY: the caller's string is NUL-terminated.
    let subclass = unsafe { text(subclass) }.unwrap_or_default();
    let mut subclasses = locked(&world().subclasses);
    if subclasses.contains(&subclass) {
        return host::SWITCH_STATUS_INUSE;
    }
    subclasses.push(subclass);
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_free_subclass_detailed(
    _: *const c_char,
    subclass: *const c_char,
) -> host::switch_status_t {
    // SAFETY: the caller's string is NUL-terminated.
    let subclass = unsafe { text(subclass) }.unwrap_or_default();
    locked(&world().subclasses).retain(|own| *own != subclass);
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_create_subclass_detailed(
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    place: *mut Event,
    kind: host::switch_event_types_t,
    subclass: *const c_char,
) -> host::switch_status_t {
    // SAFETY: the caller's place takes an event; its string is null or NUL-terminated.
    unsafe { *place = create(kind, text(subclass).as_deref()) };
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_add_header_string(
    event: Event,
    _: u32,
    name: *const c_char,
    value: *const c_char,
) -> host::switch_status_t {
    // SAFETY: the event is one of ours, the strings are null or NUL-terminated.
    unsafe { add(event, &text(name).unwrap_or_default(), &text(value).unwrap_or_default()) };
    host::SWITCH_STATUS_SUCCESS
}

/// Nobody listens but the log.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_event_fire_detailed(
    _: *const c_char,
    _: *const c_char,
    _: c_int,
    place: *mut Event,
    _: *mut c_void,
) -> host::switch_status_t {
    // SAFETY: the place holds an event of ours.
    unsafe {
        log::write("DEBUG", &format!("event {}", text((**place).subclass_name).unwrap_or_default()));
        free(place);
    }
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_console_set_complete(line: *const c_char) -> host::switch_status_t {
    // SAFETY: the caller's string is NUL-terminated.
    let line = unsafe { text(line) }.unwrap_or_default();
    let mut completions = locked(&world().completions);
    if let Some(added) = line.strip_prefix("add ") {
        completions.push(added.into());
    } else if let Some(gone) = line.strip_prefix("del ") {
        completions.retain(|own| own != gone && !own.starts_with(&format!("{gone} ")));
    }
    host::SWITCH_STATUS_SUCCESS
}
