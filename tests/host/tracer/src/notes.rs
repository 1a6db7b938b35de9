//! What is written down: records of one process in one file, and what the host said of each leg last.
use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int};
use std::fs::File;
use std::io::BufWriter;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{DIRECTIONS, DTLS, FLAGS, FLOWS, FRAMES, Named, STATES, name_of};
use callvault_stand_in::trace::{Codec, Frame, Record, What, Writer};

use crate::next::next;

type Session = *mut host::switch_core_session_t;
type Channel = *mut host::switch_channel_t;

struct Notes {
    began: Instant,
    writer: Writer<BufWriter<File>>,
    legs: HashMap<usize, Leg>,
    /// Numbers by uuid, also of legs that are gone: an event may come later.
    numbers: HashMap<String, u32>,
    born: u32,
}

struct Leg {
    number: u32,
    said: HashMap<String, Option<String>>,
}

thread_local! {
    static THREAD: u32 = {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
    /// How deep the thread is inside the module.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether the thread is inside the module, so that what the host is asked is the module's question.
pub fn inside() -> bool {
    INSIDE.get()
}

/// Runs with the thread inside the module, or outside of it.
pub fn with_inside<R>(inside: bool, run: impl FnOnce() -> R) -> R {
    let before = INSIDE.replace(inside);
    let result = run();
    INSIDE.set(before);
    result
}

fn with(write: impl FnOnce(&mut Notes) -> std::io::Result<()>) {
    static NOTES: OnceLock<Option<Mutex<Notes>>> = OnceLock::new();
    let Some(notes) = NOTES.get_or_init(begin) else { return };
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    // A full disk ends the trace early; the one who takes it sees that it cannot be replayed.
    let _ = write(&mut notes).and_then(|()| notes.writer.flush());
}

fn begin() -> Option<Mutex<Notes>> {
    let file = File::create(std::env::var_os("CALLVAULT_TRACE")?).ok()?;
    let (began, now) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).ok()?);
    // SAFETY: the host's function takes nothing and returns a static string.
    let version = unsafe { text(next::<unsafe extern "C" fn() -> *const c_char>(c"switch_version_full")()) };
    let writer = Writer::begin(BufWriter::new(file), &version.unwrap_or_default(), now.as_millis() as i64).ok()?;
    Some(Mutex::new(Notes { began, writer, legs: HashMap::new(), numbers: HashMap::new(), born: 0 }))
}

impl Notes {
    fn leg(&mut self, session: usize) -> &mut Leg {
        let born = &mut self.born;
        self.legs.entry(session).or_insert_with(|| {
            *born += 1;
            Leg { number: *born, said: HashMap::new() }
        })
    }

    fn record(&mut self, session: usize, what: What) -> std::io::Result<()> {
        let leg = if session == 0 { 0 } else { self.leg(session).number };
        if let What::Is(key, uuid) = &what
            && key == "uuid"
        {
            self.numbers.insert(uuid.clone(), leg);
        }
        self.record_of(leg, what)
    }

    fn record_of(&mut self, leg: u32, what: What) -> std::io::Result<()> {
        let at_us = self.began.elapsed().as_micros() as u64;
        self.writer.record(&Record { at_us, thread: THREAD.with(|own| *own), leg, what })
    }

    /// A record of it, where it is another than the last time.
    fn said(&mut self, session: usize, key: String, value: Option<String>, what: What) -> std::io::Result<()> {
        if self.leg(session).said.get(&key) == Some(&value) {
            return Ok(());
        }
        self.leg(session).said.insert(key, value);
        self.record(session, what)
    }
}

/// One record of a leg.
pub fn note(session: Session, what: What) {
    with(|notes| notes.record(session as usize, what));
}

/// One record of the leg that has this uuid, or had it.
pub fn of_uuid(uuid: &str, what: What) {
    with(|notes| {
        let Some(&leg) = notes.numbers.get(uuid) else { return Ok(()) };
        notes.record_of(leg, what)
    });
}

/// A leg is gone: its address may come again as another's.
pub fn gone(session: Session) {
    with(|notes| {
        notes.legs.remove(&(session as usize));
        Ok(())
    });
}

/// A variable as the module got it.
pub fn variable(session: Session, name: &str, value: Option<String>) {
    with(|notes| {
        let what = What::Variable(name.into(), value.clone());
        notes.said(session as usize, format!("variable {name}"), value, what)
    });
}

/// What the host says of a leg under a key.
pub fn is(session: Session, key: &str, value: String) {
    with(|notes| notes.said(session as usize, key.into(), Some(value.clone()), What::Is(key.into(), value)));
}

/// A frame.
///
/// # Safety
/// The frame, its codec and its data are alive.
pub unsafe fn frame(session: Session, frame: &host::switch_frame_t, what: fn(Frame) -> What) {
    // SAFETY: by this function's contract.
    let (implementation, payload) = unsafe {
        let implementation = frame.codec.as_ref().and_then(|codec| codec.implementation.as_ref());
        let bytes = (!frame.data.is_null() && frame.datalen > 0)
            .then(|| std::slice::from_raw_parts(frame.data.cast::<u8>(), frame.datalen as usize));
        (implementation, bytes)
    };
    // SAFETY: likewise; the name is a string of the codec's module.
    let codec = implementation.map(|own| unsafe {
        Codec {
            name: text(own.iananame).unwrap_or_default(),
            clock_rate: own.samples_per_second,
            sample_rate: own.actual_samples_per_second,
            packet_us: own.microseconds_per_packet,
            channels: own.number_of_channels,
            packet_bytes: own.encoded_bytes_per_packet,
        }
    });
    let letters = FRAMES.iter().filter(|(_, flag)| frame.flags & flag != 0).map(|(letter, _)| *letter);
    let flags: String = letters.collect();
    let is_voice = frame.flags & host::SFF_CNG == 0;
    with(|notes| {
        let codec = codec.as_ref().map(|codec| notes.writer.codec(codec)).transpose()?;
        let payload = payload.filter(|_| is_voice).map(|bytes| notes.writer.payload(bytes)).transpose()?;
        let frame = Frame { codec, flags, timestamp: frame.timestamp, sequence: frame.seq, payload };
        notes.record(session as usize, what(frame))
    });
}

/// Everything that the host says of a leg now and that it did not say last time.
///
/// # Safety
/// The session is alive.
pub unsafe fn look(session: Session) {
    type OfSession<R> = unsafe extern "C" fn(Session) -> R;
    type OfChannel<R> = unsafe extern "C" fn(Channel) -> R;
    with_inside(false, || {
        // SAFETY: the types are the host's own (switch_core.h, switch_channel.h); the session is alive.
        unsafe {
            let channel = channel(session);
            let direction = next::<OfChannel<u32>>(c"switch_channel_direction")(channel);
            let flow = next::<unsafe extern "C" fn(Session, u32) -> u32>(c"switch_core_session_media_flow");
            let ready = next::<unsafe extern "C" fn(Channel, u32, u32) -> c_int>(c"switch_channel_test_ready");
            is(
                session,
                "uuid",
                text(next::<OfSession<*mut c_char>>(c"switch_core_session_get_uuid")(session)).unwrap_or_default(),
            );
            is(
                session,
                "name",
                text(next::<OfChannel<*mut c_char>>(c"switch_channel_get_name")(channel)).unwrap_or_default(),
            );
            is(session, "direction", named(DIRECTIONS, direction));
            is(session, "partner", partner(channel).unwrap_or_default());
            state(session);
            is(session, "cause", next::<OfChannel<u32>>(c"switch_channel_get_cause")(channel).to_string());
            is(session, "media", u8::from(ready(channel, 0, 1) != 0).to_string());
            is(session, "flow", named(FLOWS, flow(session, host::SWITCH_MEDIA_TYPE_AUDIO)));
            is(session, "write_packet_us", write_packet_us(session).to_string());
            for (name, flag) in FLAGS {
                flag_of(session, channel, name, *flag);
            }
        }
    });
}

/// # Safety
/// The session is alive.
pub unsafe fn channel(session: Session) -> Channel {
    // SAFETY: by this function's contract.
    unsafe { next::<unsafe extern "C" fn(Session) -> Channel>(c"switch_core_session_get_channel")(session) }
}

/// # Safety
/// The session is alive.
pub unsafe fn state(session: Session) -> u32 {
    // SAFETY: by this function's contract.
    unsafe {
        let state = next::<unsafe extern "C" fn(Channel) -> u32>(c"switch_channel_get_state")(channel(session));
        is(session, "state", named(STATES, state));
        state
    }
}

/// # Safety
/// Both are alive and belong together.
pub unsafe fn flag_of(session: Session, channel: Channel, name: &str, flag: u32) -> u32 {
    // SAFETY: by this function's contract.
    let set = unsafe { next::<unsafe extern "C" fn(Channel, u32) -> u32>(c"switch_channel_test_flag")(channel, flag) };
    is(session, name, u8::from(set != 0).to_string());
    set
}

/// Packets that RTP counts as sent. Only from the leg's own threads: others may find its media half gone.
///
/// # Safety
/// The session is alive and this thread may touch its media.
pub unsafe fn sent(session: Session) -> *mut host::switch_rtp_stats_t {
    type Stats = unsafe extern "C" fn(Session, u32, *mut host::switch_memory_pool_t) -> *mut host::switch_rtp_stats_t;
    // SAFETY: by this function's contract.
    unsafe {
        let stats =
            next::<Stats>(c"switch_core_media_get_stats")(session, host::SWITCH_MEDIA_TYPE_AUDIO, std::ptr::null_mut());
        is(session, "sent", stats.as_ref().map_or(-1, |stats| stats.outbound.packet_count as i64).to_string());
        stats
    }
}

/// How far the way out to the party is.
///
/// # Safety
/// Both are alive and belong together.
pub unsafe fn media_path(session: Session, rtp: *mut host::switch_rtp_t) {
    type OfRtp = unsafe extern "C" fn(*mut host::switch_rtp_t, u32) -> u32;
    // SAFETY: by this function's contract.
    let (dtls, unsettled) = unsafe {
        (
            next::<OfRtp>(c"switch_rtp_dtls_state")(rtp, host::DTLS_TYPE_RTP),
            next::<OfRtp>(c"switch_rtp_test_flag")(rtp, host::SWITCH_RTP_FLAG_AUTOADJ),
        )
    };
    is(session, "dtls", named(DTLS, dtls));
    is(session, "unsettled", u8::from(unsettled != 0).to_string());
}

unsafe fn partner(channel: Channel) -> Option<String> {
    type Partner = unsafe extern "C" fn(Channel, *mut c_char, usize) -> c_int;
    let mut uuid = [0; 257];
    // SAFETY: the channel is alive; the host writes at most as much as it is told.
    unsafe {
        next::<Partner>(c"switch_channel_get_partner_uuid_copy")(channel, uuid.as_mut_ptr(), uuid.len());
        text(uuid.as_ptr()).filter(|uuid| !uuid.is_empty())
    }
}

unsafe fn write_packet_us(session: Session) -> i32 {
    type Implementation = unsafe extern "C" fn(Session, *mut host::switch_codec_implementation) -> c_int;
    // SAFETY: all zeros is a value of this plain C structure; the host copies its own into it.
    unsafe {
        let mut implementation: host::switch_codec_implementation = std::mem::zeroed();
        next::<Implementation>(c"switch_core_session_get_write_impl")(session, &raw mut implementation);
        implementation.microseconds_per_packet
    }
}

fn named(names: &[Named], value: u32) -> String {
    name_of(names, value).map_or_else(|| value.to_string(), str::to_owned)
}

/// # Safety
/// `text` is null or NUL-terminated.
pub unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: by this function's contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
