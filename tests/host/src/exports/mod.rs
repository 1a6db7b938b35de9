//! The host's functions that the module imports. Each answers from a leg's state or keeps what the module registers.
mod bug;
mod channel;
mod codec;
mod event;
mod file;
mod media;
mod memory;
mod module;
mod session;
mod xml;

use std::ffi::c_void;

/// A pool for a module.
///
/// # Safety
/// The place takes a pool.
pub unsafe fn new_pool(place: *mut *mut c_void) {
    // SAFETY: by this function's contract.
    unsafe { memory::switch_core_perform_new_memory_pool(place, std::ptr::null(), std::ptr::null(), 0) };
}

pub use event::deliver;

unsafe extern "C" {
    fn switch_log_printf();
}

/// Keeps the linker from leaving out what only a loaded module calls.
pub fn keep() {
    #[used]
    static C_SIDE: unsafe extern "C" fn() = switch_log_printf;
    let groups: [&[*const c_void]; 10] = [
        bug::ALL,
        channel::ALL,
        codec::ALL,
        event::ALL,
        file::ALL,
        media::ALL,
        memory::ALL,
        module::ALL,
        session::ALL,
        xml::ALL,
    ];
    std::hint::black_box(groups);
}

/// A list of functions by address.
macro_rules! all {
    ($($name:ident)*) => { pub const ALL: &[*const std::ffi::c_void] = &[$($name as *const std::ffi::c_void),*]; };
}
pub(crate) use all;
