//! A leg's small state: what the trace says of it, what the module put on it. Handed out as session and channel both.
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, RwLock};
use std::time::Duration;

use callvault_stand_in::bindings as host;

use crate::text::c_string;
use crate::world::{locked, world};

pub type Session = *mut host::switch_core_session_t;
pub type Channel = *mut host::switch_channel_t;
pub type ReadFrame = unsafe extern "C" fn(Session, *mut *mut host::switch_frame_t, u32, i32) -> host::switch_status_t;
pub type ReceiveMessage =
    unsafe extern "C" fn(Session, *mut host::switch_core_session_message_t) -> host::switch_status_t;
pub type StateChange = unsafe extern "C" fn(Session) -> host::switch_status_t;
pub type RecvDtmf =
    unsafe extern "C" fn(Session, *const host::switch_dtmf_t, host::switch_dtmf_direction_t) -> host::switch_status_t;

/// Lives as long as the process: a module may hold its address longer than the leg is there.
#[derive(Default)]
pub struct Leg {
    said: Mutex<HashMap<String, String>>,
    variables: Mutex<HashMap<String, String>>,
    strings: Mutex<HashMap<String, CString>>,
    pub hooks: Mutex<Hooks>,
    bug: RwLock<Option<&'static Bug>>,
    readers: Mutex<usize>,
    idle: Condvar,
    /// The replay's thread that is the session's own.
    pub own_thread: AtomicU64,
    pub stats: AtomicPtr<host::switch_rtp_stats_t>,
}

/// Hooks on it.
#[derive(Default, Clone)]
pub struct Hooks {
    pub read_frame: Vec<ReadFrame>,
    pub receive_message: Vec<ReceiveMessage>,
    pub state_change: Vec<StateChange>,
    pub recv_dtmf: Vec<RecvDtmf>,
}

/// The media bug on it; a module here has one.
pub struct Bug {
    pub callback: unsafe extern "C" fn(*mut host::switch_media_bug_t, *mut c_void, host::switch_abc_type_t) -> u32,
    pub data: AtomicPtr<c_void>,
    pub frame: AtomicPtr<host::switch_frame_t>,
}

impl Bug {
    pub fn handle(&'static self) -> *mut host::switch_media_bug_t {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Calls it back; false where it wants to be taken off.
    pub fn call(&'static self, kind: host::switch_abc_type_t) -> bool {
        // SAFETY: the callback and its data are the module's, which keeps them until CLOSE.
        unsafe { (self.callback)(self.handle(), self.data.load(Ordering::Acquire), kind) != host::SWITCH_FALSE }
    }
}

impl Leg {
    /// A new one of this uuid, to be found by it.
    pub fn born(uuid: &str) -> &'static Self {
        let leg: &'static Self = Box::leak(Box::default());
        leg.be("uuid", uuid);
        leg
    }

    pub fn session(&'static self) -> Session {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// The host says this of it from now on.
    pub fn be(&'static self, key: &str, value: &str) {
        let before = locked(&self.said).insert(key.into(), value.into());
        if key == "uuid" && before.as_deref() != Some(value) {
            let mut legs = locked(&world().legs);
            if let Some(before) = before {
                legs.remove(&before);
            }
            legs.insert(value.into(), self);
        }
    }

    /// What the host says of it; empty where it says nothing.
    pub fn said(&self, key: &str) -> String {
        locked(&self.said).get(key).cloned().unwrap_or_default()
    }

    pub fn uuid(&self) -> String {
        self.said("uuid")
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        locked(&self.variables).get(name).cloned()
    }

    pub fn set_variable(&self, name: &str, value: Option<&str>) {
        let mut variables = locked(&self.variables);
        match value.filter(|value| !value.is_empty()) {
            Some(value) => drop(variables.insert(name.into(), value.into())),
            None => drop(variables.remove(name)),
        }
    }

    /// A C string that lives as long as the leg, as the host's pools give them.
    pub fn string(&self, text: &str) -> *mut c_char {
        let mut strings = locked(&self.strings);
        strings.entry(text.into()).or_insert_with(|| c_string(text)).as_ptr().cast_mut()
    }

    /// Puts a bug on it.
    pub fn put_bug(&self, bug: &'static Bug) {
        *self.bug.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(bug);
    }

    /// Takes the bug off, once nobody is in it; its CLOSE follows.
    pub fn take_bug(&self, handle: Option<*mut host::switch_media_bug_t>) -> bool {
        let mut place = self.bug.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(bug) = place.take_if(|bug| handle.is_none_or(|handle| handle == bug.handle())) else { return false };
        drop(place);
        bug.call(host::SWITCH_ABC_TYPE_CLOSE);
        true
    }

    /// A frame on its way to the party.
    pub fn written(&self, frame: *mut host::switch_frame_t) {
        let place = self.bug.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(bug) = *place else { return };
        bug.frame.store(frame, Ordering::Release);
        let stays = bug.call(host::SWITCH_ABC_TYPE_TAP_NATIVE_WRITE);
        bug.frame.store(std::ptr::null_mut(), Ordering::Release);
        drop(place);
        if !stays {
            self.take_bug(Some(bug.handle()));
        }
    }

    /// Somebody located it.
    pub fn hold(&self) {
        *locked(&self.readers) += 1;
    }

    /// And lets go.
    pub fn let_go(&self) {
        *locked(&self.readers) -= 1;
        self.idle.notify_all();
    }

    /// Nobody finds it any more; returns when those who did have let go.
    pub fn leave(&self) {
        locked(&world().legs).remove(&self.uuid());
        let readers = locked(&self.readers);
        drop(self.idle.wait_timeout_while(readers, Duration::from_secs(10), |readers| *readers > 0));
    }
}

/// The leg that a session or a channel is.
///
/// # Safety
/// The pointer came from [`Leg::session`], as session or as channel.
pub unsafe fn leg_of<T>(pointer: *mut T) -> &'static Leg {
    // SAFETY: by this function's contract; legs are never freed.
    unsafe { &*pointer.cast::<Leg>() }
}
