//! A leg that is worked here packet by packet, for as long as the one who asks for it says (switch_ivr.c:switch_ivr_sleep and
//! switch_ivr_play_file do the like until somebody sets CF_BREAK, which whoever else works the leg may clear first).
use std::ffi::{CString, c_void};
use std::ptr;

use super::bindings as host;
use super::entry::enter;
use super::session::Session;
use super::text::c_string;

/// What is written to the leg meanwhile.
#[derive(Clone, Copy)]
pub enum Writes<'a> {
    /// Nothing.
    Nothing,
    /// Silence: what the far end may wait for before it sends anything itself.
    Silence,
    /// A file or stream of the host's, then silence.
    Sound(&'a str),
}

/// What becomes of the digits that come meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// They stay for whoever reads digits next.
    Stay,
    /// They are taken: they are an answer that was waited for.
    Taken,
}

/// How far the way of what is written to a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaPath {
    /// It goes out.
    Open,
    /// Nothing goes out: there is no media yet, or its DTLS handshake has not ended.
    Shut,
    /// It goes out to the address that the far end named, and nothing that came has confirmed that one.
    Unsettled,
}

impl Session<'_> {
    /// Works the leg until `go_on`, asked before each packet, says no; what the party says is read and dropped. No flag
    /// or command of the host's ends it, and the module's own end does.
    pub fn attend(self, writes: Writes<'_>, digits: Digits, mut go_on: impl FnMut() -> bool) {
        unsafe extern "C" fn ask<F: FnMut() -> bool>(data: *mut c_void) -> i32 {
            enter(0, || {
                // SAFETY: `attend` gave the address of its closure, which waits there with it.
                unsafe { data.cast::<F>().as_mut() }.is_some_and(|go_on| go_on()).into()
            })
        }
        fn asking<F: FnMut() -> bool>(_: &F) -> unsafe extern "C" fn(*mut c_void) -> i32 {
            ask::<F>
        }
        let source = match writes {
            Writes::Nothing => None,
            Writes::Silence => Some(CString::default()),
            Writes::Sound(source) => Some(c_string(source)),
        };
        let source = source.as_ref().map_or(ptr::null(), |source| source.as_ptr());
        let function = asking(&go_on);
        let data = (&raw mut go_on).cast();
        // SAFETY: the session is alive; string, function and closure are alive for the call, in which alone they are used.
        unsafe {
            host::attend_callvault_shim(self.raw(), source, (digits == Digits::Taken).into(), Some(function), data);
        }
    }

    /// How far the way out to the party is.
    pub fn media_path(self) -> MediaPath {
        // SAFETY: the session is alive and this is the thread that works it, so its RTP session stays.
        let path = unsafe { host::media_path_callvault_shim(self.raw()) }.cast_unsigned();
        if path == host::MEDIA_PATH_OPEN {
            MediaPath::Open
        } else if path == host::MEDIA_PATH_UNSETTLED {
            MediaPath::Unsettled
        } else {
            MediaPath::Shut
        }
    }
}
