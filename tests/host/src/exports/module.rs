//! The loader's functions, and the host's version: that of the headers that this was built with.
use std::ffi::{c_char, c_void};

use callvault_stand_in::bindings as host;

use super::all;
use crate::loader;
use crate::text::text;

all! {
    switch_loadable_module_create_module_interface switch_loadable_module_create_interface switch_loadable_module_exists
    switch_version_major switch_version_minor switch_version_micro switch_version_full
}

type Module = *mut host::switch_loadable_module_interface_t;

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_loadable_module_create_module_interface(
    _: *mut host::switch_memory_pool_t,
    name: *const c_char,
) -> Module {
    // SAFETY: the caller's name is NUL-terminated.
    loader::module_interface(&unsafe { text(name) }.unwrap_or_default())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_loadable_module_create_interface(
    module: Module,
    kind: host::switch_module_interface_name_t,
) -> *mut c_void {
    // SAFETY: the caller's module came from `create_module_interface`.
    unsafe { loader::interface(module, kind) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_loadable_module_exists(name: *const c_char) -> host::switch_status_t {
    // SAFETY: the caller's name is NUL-terminated.
    let name = unsafe { text(name) }.unwrap_or_default();
    if loader::exists(&name) { host::SWITCH_STATUS_SUCCESS } else { host::SWITCH_STATUS_FALSE }
}

macro_rules! version {
    ($($name:ident $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name() -> *const c_char {
            concat!($value, "\0").as_ptr().cast()
        }
    )*};
}

version! {
    switch_version_major env!("CALLVAULT_HOST_MAJOR");
    switch_version_minor env!("CALLVAULT_HOST_MINOR");
    switch_version_micro env!("CALLVAULT_HOST_MICRO");
    switch_version_full concat!(env!("CALLVAULT_HOST_MAJOR"), ".", env!("CALLVAULT_HOST_MINOR"), ".", env!("CALLVAULT_HOST_MICRO"), " (stand-in)");
}
