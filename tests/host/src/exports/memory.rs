//! Pools and locks.
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Mutex;

use callvault_stand_in::bindings as host;

use super::all;
use crate::lock::Lock;
use crate::world::locked;

all! {
    switch_core_perform_new_memory_pool switch_core_perform_destroy_memory_pool switch_core_perform_alloc
    switch_thread_rwlock_tryrdlock switch_thread_rwlock_rdlock switch_thread_rwlock_unlock
    switch_mutex_lock switch_mutex_unlock
}

type Opaque = *mut c_void;

/// Zeroed pieces, 16 bytes aligned, that live as long as their pool.
#[derive(Default)]
pub struct Pool(Mutex<Vec<Vec<u128>>>);

impl Pool {
    pub fn alloc(&self, bytes: usize) -> *mut c_void {
        let mut piece = vec![0_u128; bytes.div_ceil(16).max(1)];
        let place = piece.as_mut_ptr().cast();
        locked(&self.0).push(piece);
        place
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn switch_core_perform_new_memory_pool(
    pool: *mut Opaque,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> host::switch_status_t {
    // SAFETY: the caller's place takes a pool.
    unsafe { *pool = Box::into_raw(Box::<Pool>::default()).cast() };
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_perform_destroy_memory_pool(
    pool: *mut Opaque,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> host::switch_status_t {
    // SAFETY: the caller's pool came from `new_memory_pool` and is given back once.
    unsafe {
        drop(Box::from_raw((*pool).cast::<Pool>()));
        *pool = ptr::null_mut();
    }
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_core_perform_alloc(
    pool: Opaque,
    bytes: usize,
    _: *const c_char,
    _: *const c_char,
    _: c_int,
) -> *mut c_void {
    // SAFETY: the caller's pool is one of ours.
    unsafe { &*pool.cast::<Pool>() }.alloc(bytes)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_thread_rwlock_tryrdlock(lock: Opaque) -> host::switch_status_t {
    // SAFETY: every lock that a module sees is one of ours, never freed.
    if unsafe { &*lock.cast::<Lock>() }.try_read() { host::SWITCH_STATUS_SUCCESS } else { host::SWITCH_STATUS_FALSE }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_thread_rwlock_rdlock(lock: Opaque) -> host::switch_status_t {
    // SAFETY: as above.
    unsafe { &*lock.cast::<Lock>() }.read();
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_thread_rwlock_unlock(lock: Opaque) -> host::switch_status_t {
    // SAFETY: as above.
    unsafe { &*lock.cast::<Lock>() }.unlock();
    host::SWITCH_STATUS_SUCCESS
}

/// Guards an interface's count of users, which nobody reads here.
#[unsafe(no_mangle)]
unsafe extern "C" fn switch_mutex_lock(_: Opaque) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}

#[unsafe(no_mangle)]
unsafe extern "C" fn switch_mutex_unlock(_: Opaque) -> host::switch_status_t {
    host::SWITCH_STATUS_SUCCESS
}
