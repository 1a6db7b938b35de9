//! The host's reader-writer lock, as far as interfaces are guarded by it.
use std::sync::{Condvar, Mutex};

use crate::world::locked;

/// Readers, or one writer. Handed out as the host's opaque lock; never freed.
#[derive(Default)]
pub struct Lock {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    readers: usize,
    writing: bool,
}

impl Lock {
    /// One that lives as long as the process.
    pub fn forever() -> &'static Self {
        Box::leak(Box::default())
    }

    pub fn try_read(&self) -> bool {
        let mut state = locked(&self.state);
        if !state.writing {
            state.readers += 1;
        }
        !state.writing
    }

    pub fn read(&self) {
        while !self.try_read() {
            let state = locked(&self.state);
            drop(self.changed.wait_while(state, |state| state.writing));
        }
    }

    pub fn try_write(&self) -> bool {
        let mut state = locked(&self.state);
        if state.readers == 0 && !state.writing {
            state.writing = true;
            return true;
        }
        false
    }

    /// Whoever holds it.
    pub fn unlock(&self) {
        let mut state = locked(&self.state);
        if state.writing {
            state.writing = false;
        } else {
            state.readers = state.readers.saturating_sub(1);
        }
        self.changed.notify_all();
    }
}
