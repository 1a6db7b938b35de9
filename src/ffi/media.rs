//! What runs on the host's media threads: the read hook and the media bug. No lock, no allocation, no system call, no
//! log; a gate, a copy, a counter.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use callvault_recorder::capture::{FrameFormat, HostFrame};
use callvault_recorder::time::{Clock, SystemClock};

use super::bindings as host;
use super::entry::enter;
use super::session::{Bug, Session};
use crate::legs::{LEGS, Leg};

/// Frames that are no audio of the party: comfort noise or a timer tick without a packet, what a jitter buffer puts in
/// the place of a packet that did not come, keys, packets that pass undecoded, T.38 and the like.
const NOT_A_VOICE: u32 =
    host::SFF_CNG | host::SFF_PLC | host::SFF_RFC2833 | host::SFF_PROXY_PACKET | host::SFF_NOT_AUDIO;

/// The session's read hook: every frame that the endpoint read. Always SUCCESS: anything else ends the call's reading.
pub(super) unsafe extern "C" fn read_frame(
    session: *mut host::switch_core_session_t,
    frame: *mut *mut host::switch_frame_t,
    _flags: host::switch_io_flag_t,
    _stream: i32,
) -> host::switch_status_t {
    enter((), || {
        // SAFETY: the host runs this hook for a live session of its own.
        let Some(leg) = (unsafe { LEGS.find(session as usize) }) else { return };
        // SAFETY: the host hands a pointer to the frame it just read, or to null.
        let Some(frame) = (unsafe { frame.as_ref().and_then(|frame| frame.as_ref()) }) else { return };
        // SAFETY: the frame is the one that the host reads from now.
        unsafe {
            hear_key(leg, frame);
            take(leg.read_tap(), frame);
        }
    });
    host::SWITCH_STATUS_SUCCESS
}

/// A key that came as RTP events, where the host passes those on to the other leg and hears no digit itself
/// (`pass-rfc2833`; switch_rtp.c:handle_rfc2833).
///
/// # Safety
/// `frame` is a frame that the host is handing on at this moment: its data is alive.
unsafe fn hear_key(leg: &Leg, frame: &host::switch_frame_t) {
    if frame.flags & host::SFF_RFC2833 == 0 || frame.flags & host::SFF_PROXY_PACKET != 0 || frame.data.is_null() {
        return;
    }
    // SAFETY: the host says how many bytes of the buffer are in use.
    let payload = unsafe { std::slice::from_raw_parts(frame.data.cast::<u8>(), frame.datalen as usize) };
    leg.keys.hear(frame.timestamp, payload);
}

/// # Safety
/// `frame` is a frame that the host is handing on at this moment: codec and data are alive.
unsafe fn take(tap: &crate::legs::Tap, frame: &host::switch_frame_t) {
    if frame.flags & NOT_A_VOICE != 0 || frame.datalen == 0 || frame.data.is_null() {
        return;
    }
    // SAFETY: the frame's codec, where it has one, is the session's own and alive while the frame is handed on.
    let Some(implementation) = (unsafe { frame.codec.as_ref().and_then(|codec| codec.implementation.as_ref()) }) else {
        return;
    };
    // SAFETY: the host says how many bytes of the buffer are in use.
    let payload = unsafe { std::slice::from_raw_parts(frame.data.cast::<u8>(), frame.datalen as usize) };
    // SAFETY: the implementation is a live structure of the codec's module.
    let format = unsafe { format_of(implementation) };
    tap.take(&HostFrame {
        at: SystemClock.monotonic(),
        payload,
        timestamp: frame.timestamp,
        sequence: frame.seq,
        format,
    });
}

/// # Safety
/// `implementation.iananame` is null or a NUL-terminated string.
unsafe fn format_of(implementation: &host::switch_codec_implementation) -> FrameFormat {
    let mut name = [0_u8; 16];
    let mut from = implementation.iananame.cast_const().cast::<u8>();
    for place in &mut name {
        // SAFETY: not past the NUL, by the loop's end below.
        let byte = if from.is_null() { 0 } else { unsafe { *from } };
        if byte == 0 {
            break;
        }
        *place = byte.to_ascii_uppercase();
        // SAFETY: the byte just read was not the NUL, so the next one belongs to the string.
        from = unsafe { from.add(1) };
    }
    FrameFormat {
        name,
        clock_rate: implementation.samples_per_second,
        sample_rate: implementation.actual_samples_per_second,
        channels: implementation.number_of_channels,
        ptime_us: implementation.microseconds_per_packet.unsigned_abs(),
    }
}

/// Our media bug's callback.
unsafe extern "C" fn bug_callback(
    bug: *mut host::switch_media_bug_t,
    data: *mut c_void,
    kind: host::switch_abc_type_t,
) -> host::switch_bool_t {
    enter((), || {
        // SAFETY: `attach` gave the address of a leg that the table keeps until the session's destruction.
        let Some(leg) = (unsafe { data.cast::<Leg>().as_ref() }) else { return };
        match kind {
            host::SWITCH_ABC_TYPE_TAP_NATIVE_WRITE => {
                // SAFETY: asked within the bug's own callback, so the frame is the one being written.
                let frame = unsafe { host::switch_core_media_bug_get_native_write_frame(bug).as_ref() };
                if let Some(frame) = frame {
                    leg.count_written();
                    if leg.watch.is_on() {
                        // SAFETY: the leg's session lives for the callback of a bug of its own.
                        leg.watch.written(SystemClock.monotonic(), unsafe { flows_out(leg) });
                    }
                    if let Some(tap) = leg.write_tap() {
                        // SAFETY: as above.
                        unsafe { take(tap, frame) };
                    }
                }
            }
            // The handle is still there where it was not this module that took the bug off.
            host::SWITCH_ABC_TYPE_CLOSE if leg.bug.take().is_some() => crate::legs::tap_closed(leg),
            _ => {}
        }
    });
    host::SWITCH_TRUE
}

/// Whether what is written now is sent: one field of the leg's media, read without a lock
/// (switch_core_media.c:switch_core_session_media_flow).
///
/// # Safety
/// The leg's session is alive.
unsafe fn flows_out(leg: &Leg) -> bool {
    let session = std::ptr::with_exposed_provenance_mut(leg.address);
    // SAFETY: by this function's contract.
    unsafe { Session::from_host(session) }.is_some_and(Session::media_flows_out)
}

/// Where a leg keeps its bug's handle.
#[derive(Default)]
pub struct BugPlace(AtomicPtr<host::switch_media_bug_t>);

impl BugPlace {
    /// Whether a bug of ours is on the leg.
    pub fn is_set(&self) -> bool {
        !self.0.load(Ordering::Acquire).is_null()
    }

    /// Takes the handle, for the one who removes it.
    pub fn take(&self) -> Option<Bug> {
        std::ptr::NonNull::new(self.0.swap(std::ptr::null_mut(), Ordering::AcqRel)).map(Bug)
    }
}

/// Puts our media bug on a leg whose media is there; false where the host would not. The caller makes sure that it
/// is done once at a time.
pub fn attach_bug(session: Session<'_>, leg: &Arc<Leg>) -> bool {
    let data = Arc::as_ptr(leg).cast_mut().cast::<c_void>();
    match session.add_bug(Some(bug_callback), data) {
        Some(bug) => {
            leg.bug.0.store(bug.0.as_ptr(), Ordering::Release);
            true
        }
        None => false,
    }
}

/// A bug that nothing is done with but that it is there (see [`crate::legs::renew_tap`]).
unsafe extern "C" fn idle_callback(
    _: *mut host::switch_media_bug_t,
    _: *mut c_void,
    _: host::switch_abc_type_t,
) -> host::switch_bool_t {
    host::SWITCH_TRUE
}

/// Puts such a bug on a leg that has ours. Who takes off all bugs takes it along; the host looks its handle up later and
/// does not find it.
pub fn attach_idle_bug(session: Session<'_>, leg: &Leg) {
    if let Some(bug) = session.add_bug(Some(idle_callback), std::ptr::null_mut()) {
        leg.idle_bug.0.store(bug.0.as_ptr(), Ordering::Release);
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test may wait")]
mod tests;
