//! Keys that a media thread heard, on their way to who makes sense of them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::sync::atomic::{AtomicBool, Ordering};

use callvault_recorder::capture::{KeyPost, TelephoneEvents};

use crate::ffi::exclusive::Exclusive;

/// Some leg's post has a key: nobody is woken from a media thread, the herald looks here.
static POSTED: AtomicBool = AtomicBool::new(false);

/// The keys of one leg.
#[derive(Default)]
pub struct Keys {
    events: Exclusive<TelephoneEvents>,
    post: KeyPost,
}

impl Keys {
    /// THE media thread: a packet of RTP events.
    pub fn hear(&self, timestamp: u32, payload: &[u8]) {
        if let Some(Some(key)) = self.events.try_use(|events| events.key(timestamp, payload))
            && self.post.put(key)
        {
            POSTED.store(true, Ordering::Release);
        }
    }

    /// What was heard since this was asked last.
    pub fn take(&self) -> impl Iterator<Item = char> {
        self.post.take()
    }
}

/// Whether any leg has keys to take; asked by one thread.
pub fn posted() -> bool {
    POSTED.swap(false, Ordering::AcqRel)
}
