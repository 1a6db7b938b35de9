//! Locked pages, cut into slots of 32 bytes. All the crate's `unsafe` is here.
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroize;

/// Keys in one locked page of 4096 bytes: 127 of 32 bytes, and memsec's canary of 16 in front of them.
pub const KEYS_PER_PAGE: usize = 127;

type Keys = [[u8; 32]; KEYS_PER_PAGE];

/// One key's place. Whoever holds the `Slot` alone reads and writes its bytes.
pub(crate) struct Slot {
    page: NonNull<Keys>,
    index: usize,
}

/// A page and which of its slots are taken, one bit each.
struct Page {
    keys: NonNull<Keys>,
    taken: u128,
}

static PAGES: Mutex<Vec<Page>> = Mutex::new(Vec::new());

// SAFETY: a slot's 32 bytes are reached through that one `Slot` alone (its bit in `taken` keeps others off), mutably
// only through `&mut`, and `u8`s have no tie to a thread.
unsafe impl Send for Slot {}
// SAFETY: as above; through `&Slot` the bytes are only read.
unsafe impl Sync for Slot {}
// SAFETY: the pointer is only used under the lock of `PAGES`; the memory belongs to no thread.
unsafe impl Send for Page {}

impl Slot {
    /// A zeroed slot; `None` where the operating system locks no further page.
    pub(crate) fn take() -> Option<Self> {
        let mut pages = pages();
        let page = match pages.iter_mut().position(|page| page.taken != Page::FULL) {
            Some(found) => &mut pages[found],
            None => {
                let fresh = Page::lock_one()?;
                pages.push(fresh);
                pages.last_mut()?
            }
        };
        let index = page.taken.trailing_ones() as usize;
        page.taken |= 1 << index;
        Some(Self { page: page.keys, index })
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        // SAFETY: `page` lives while one of its bits is set, `index` < KEYS_PER_PAGE, the bytes were initialised when
        // the page was made, and nobody else writes them (see `Sync`).
        unsafe { &*self.place() }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; 32] {
        // SAFETY: as in `bytes`, and `&mut self` makes this the only reference.
        unsafe { &mut *self.place() }
    }

    fn place(&self) -> *mut [u8; 32] {
        // SAFETY: `index` < KEYS_PER_PAGE, so the result stays within the page's array.
        unsafe { self.page.as_ptr().cast::<[u8; 32]>().add(self.index) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        let mut pages = pages();
        let Some(at) = pages.iter().position(|page| page.keys == self.page) else { return };
        pages[at].taken &= !(1 << self.index);
        if pages[at].taken == 0 {
            pages.swap_remove(at).release();
        }
    }
}

impl Page {
    const FULL: u128 = (1 << KEYS_PER_PAGE) - 1;

    fn lock_one() -> Option<Self> {
        // SAFETY: `malloc` has no precondition; it gives memory for one `Keys`, or none.
        let keys = unsafe { memsec::malloc::<Keys>() }?;
        // memsec does not say whether its own mlock succeeded. Locking a locked page again changes nothing and tells.
        // SAFETY: the range is the allocation just made.
        let locked = unsafe { memsec::mlock(keys.as_ptr().cast(), size_of::<Keys>()) };
        let page = Self { keys, taken: 0 };
        if !locked {
            page.release();
            return None;
        }
        // SAFETY: the allocation is writable and of this size; `Keys` is bytes, for which zero is valid.
        unsafe { keys.write([[0; 32]; KEYS_PER_PAGE]) };
        Some(page)
    }

    /// Zeroises, unlocks and frees; no slot of it may be in use.
    fn release(self) {
        // SAFETY: `keys` came from `memsec::malloc`, is freed once (`self` is consumed), and no slot points into it:
        // `taken` is 0.
        unsafe { memsec::free(self.keys) };
    }
}

/// A panic while the lock was held leaves at worst a slot unused, so a poisoned lock is taken as it is.
fn pages() -> MutexGuard<'static, Vec<Page>> {
    PAGES.lock().unwrap_or_else(PoisonError::into_inner)
}
