//! Keys in memory that is locked against swapping, left out of core files, and zeroised when done with.
//!
//! A [`LockedKey`] is 32 bytes in a page that `memsec` allocated between guard pages. A page holds
//! [`KEYS_PER_PAGE`] keys, because `RLIMIT_MEMLOCK` is often 8 MiB and on older systems 64 KiB: a page per key
//! would let a busy PBX run out of it. A page is given back when its last key is dropped.
//!
//! A key is filled in place ([`LockedKey::fill`]) and lent by reference ([`LockedKey::expose`]), so it need not
//! pass over a stack. What a cipher's set-up leaves there all the same goes with [`wipe_stack`].
#![deny(unsafe_op_in_unsafe_fn)]

mod limit;
mod pages;

pub use limit::{MemlockReport, memlock_limit};
pub use pages::KEYS_PER_PAGE;

use std::fmt;
use std::hint::black_box;

use zeroize::Zeroize;

/// A 32-byte secret in locked memory. Not `Clone`: share it in an `Arc`.
pub struct LockedKey(pages::Slot);

/// The operating system would not lock another page of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockFailed {
    /// What may be locked and what is.
    pub report: MemlockReport,
}

impl LockedKey {
    /// A key that `fill` writes in place; it is handed 32 zero bytes.
    pub fn fill(fill: impl FnOnce(&mut [u8; 32])) -> Result<Self, LockFailed> {
        let mut slot = pages::Slot::take().ok_or_else(|| LockFailed { report: memlock_limit() })?;
        fill(slot.bytes_mut());
        Ok(Self(slot))
    }

    /// Lends the key's bytes. What `look` copies out of them is `look`'s to wipe.
    pub fn expose<R>(&self, look: impl FnOnce(&[u8; 32]) -> R) -> R {
        look(self.0.bytes())
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(…)")
    }
}

impl fmt::Display for LockFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no memory could be locked for keys ({}); raise LimitMEMLOCK in the service's unit, or `ulimit -l`",
            self.report
        )
    }
}

impl std::error::Error for LockFailed {}

/// How much stack [`wipe_stack`] overwrites, in bytes. Measured: every copy that a ChaCha20-Poly1305 or X25519 key
/// set-up leaves lies within it.
pub const WIPED_STACK: usize = 16 * 1024;

/// Overwrites the [`WIPED_STACK`] bytes of this thread's stack below the caller: what functions that have returned
/// left there. Call it where a cipher was set up from a key, in the function that called it or above.
#[inline(never)]
pub fn wipe_stack() {
    // Words, not bytes: zeroising is one volatile store each.
    let mut leftovers = [0_u64; WIPED_STACK / 8];
    black_box(&mut leftovers).zeroize();
    black_box(&leftovers);
}

#[cfg(test)]
mod tests;
