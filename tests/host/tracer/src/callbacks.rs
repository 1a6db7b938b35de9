//! What the host calls in place of the module's own functions: writes down, then calls those.
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{EVENTS, MESSAGES, name_of};
use callvault_stand_in::trace::{Message, What};

use crate::next::next;
use crate::notes::{look, note, sent, text, with_inside};
use crate::{next, notes};

type Session = *mut host::switch_core_session_t;
type Handler = Option<unsafe extern "C" fn(Session) -> host::switch_status_t>;

/// A function of the module's that the host calls through us.
pub struct Kept<F>(Mutex<Option<F>>);

impl<F: Copy> Kept<F> {
    const fn none() -> Self {
        Self(Mutex::new(None))
    }

    pub fn keep(&self, function: F) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(function);
    }

    fn function(&self) -> Option<F> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

const TABLES: usize = 4;
const STATES: [&str; 12] = [
    "init",
    "routing",
    "execute",
    "hangup",
    "exchange_media",
    "soft_execute",
    "consume_media",
    "hibernate",
    "reset",
    "park",
    "reporting",
    "destroy",
];

/// The module's tables, and ours in their place with every handler set, so that a trace has all of a leg's states.
static THEIRS: [AtomicPtr<host::switch_state_handler_table>; TABLES] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; TABLES];
static OURS: [AtomicUsize; TABLES] = [const { AtomicUsize::new(0) }; TABLES];

/// Our table for one of the module's; the same one for the same one.
pub fn table_for(theirs: *const host::switch_state_handler_table) -> *const host::switch_state_handler_table {
    let theirs = theirs.cast_mut();
    for (place, (kept, ours)) in THEIRS.iter().zip(&OURS).enumerate() {
        if kept.load(Ordering::Acquire) == theirs {
            return ours.load(Ordering::Acquire) as *const _;
        }
        if kept.load(Ordering::Acquire).is_null() {
            // SAFETY: all zeros is a value of this plain C structure; the module's table is alive and static.
            let table = unsafe {
                let mut table: host::switch_state_handler_table = std::mem::zeroed();
                table.flags = (*theirs).flags;
                match place {
                    0 => fill::<0>(&mut table),
                    1 => fill::<1>(&mut table),
                    2 => fill::<2>(&mut table),
                    _ => fill::<3>(&mut table),
                }
                table
            };
            let table = Box::into_raw(Box::new(table));
            ours.store(table as usize, Ordering::Release);
            kept.store(theirs, Ordering::Release);
            return table;
        }
    }
    theirs
}

fn fill<const TABLE: usize>(table: &mut host::switch_state_handler_table) {
    table.on_init = Some(run::<TABLE, 0>);
    table.on_routing = Some(run::<TABLE, 1>);
    table.on_execute = Some(run::<TABLE, 2>);
    table.on_hangup = Some(run::<TABLE, 3>);
    table.on_exchange_media = Some(run::<TABLE, 4>);
    table.on_soft_execute = Some(run::<TABLE, 5>);
    table.on_consume_media = Some(run::<TABLE, 6>);
    table.on_hibernate = Some(run::<TABLE, 7>);
    table.on_reset = Some(run::<TABLE, 8>);
    table.on_park = Some(run::<TABLE, 9>);
    table.on_reporting = Some(run::<TABLE, 10>);
    table.on_destroy = Some(run::<TABLE, 11>);
}

unsafe extern "C" fn run<const TABLE: usize, const STATE: usize>(session: Session) -> host::switch_status_t {
    let theirs = THEIRS[TABLE].load(Ordering::Acquire);
    // SAFETY: the module's table is static; the host calls with a living session.
    unsafe {
        let table = &*theirs;
        let before = if table.flags & host::SSH_FLAG_PRE_EXEC.cast_signed() != 0 { "pre-" } else { "" };
        look(session);
        note(session, What::Handler(format!("{before}{}", STATES[STATE])));
        let handlers: [Handler; 12] = [
            table.on_init,
            table.on_routing,
            table.on_execute,
            table.on_hangup,
            table.on_exchange_media,
            table.on_soft_execute,
            table.on_consume_media,
            table.on_hibernate,
            table.on_reset,
            table.on_park,
            table.on_reporting,
            table.on_destroy,
        ];
        let status = match handlers[STATE] {
            Some(theirs) => with_inside(true, || theirs(session)),
            None => host::SWITCH_STATUS_SUCCESS,
        };
        if STATES[STATE] == "destroy" && before.is_empty() {
            notes::gone(session);
        }
        status
    }
}

pub type ReadFrame = unsafe extern "C" fn(Session, *mut *mut host::switch_frame_t, u32, c_int) -> host::switch_status_t;
pub type ReceiveMessage =
    unsafe extern "C" fn(Session, *mut host::switch_core_session_message_t) -> host::switch_status_t;
pub type StateChange = unsafe extern "C" fn(Session) -> host::switch_status_t;

pub type RecvDtmf =
    unsafe extern "C" fn(Session, *const host::switch_dtmf_t, host::switch_dtmf_direction_t) -> host::switch_status_t;

pub static READ_FRAME: Kept<ReadFrame> = Kept::none();
pub static RECEIVE_MESSAGE: Kept<ReceiveMessage> = Kept::none();
pub static STATE_CHANGE: Kept<StateChange> = Kept::none();
pub static RECV_DTMF: Kept<RecvDtmf> = Kept::none();

pub unsafe extern "C" fn read_frame(
    session: Session,
    frame: *mut *mut host::switch_frame_t,
    flags: u32,
    stream: c_int,
) -> host::switch_status_t {
    // SAFETY: the host hands what it just read, or null.
    unsafe {
        if let Some(frame) = frame.as_ref().and_then(|frame| frame.as_ref()) {
            notes::frame(session, frame, What::Read);
        }
        match READ_FRAME.function() {
            Some(theirs) => with_inside(true, || theirs(session, frame, flags, stream)),
            None => host::SWITCH_STATUS_SUCCESS,
        }
    }
}

pub unsafe extern "C" fn receive_message(
    session: Session,
    message: *mut host::switch_core_session_message_t,
) -> host::switch_status_t {
    // SAFETY: the host hands a living session and message.
    unsafe {
        if let Some(message) = message.as_ref()
            && let Some(name) = name_of(MESSAGES, message.message_id)
        {
            look(session);
            let arguments = [0, 1].map(|place: usize| text(message.string_array_arg[place]));
            let (number, text) = (message.numeric_arg, text(message.string_arg));
            note(session, What::Message(Message { name: name.into(), number, text, arguments }));
        }
        match RECEIVE_MESSAGE.function() {
            Some(theirs) => with_inside(true, || theirs(session, message)),
            None => host::SWITCH_STATUS_SUCCESS,
        }
    }
}

pub unsafe extern "C" fn state_change(session: Session) -> host::switch_status_t {
    // SAFETY: the host hands a living session.
    unsafe {
        look(session);
        note(session, What::Change);
        match STATE_CHANGE.function() {
            Some(theirs) => with_inside(true, || theirs(session)),
            None => host::SWITCH_STATUS_SUCCESS,
        }
    }
}

pub unsafe extern "C" fn recv_dtmf(
    session: Session,
    digit: *const host::switch_dtmf_t,
    direction: host::switch_dtmf_direction_t,
) -> host::switch_status_t {
    // SAFETY: the host hands a living session and digit.
    unsafe {
        if let Some(digit) = digit.as_ref()
            && direction == host::SWITCH_DTMF_RECV
        {
            note(session, What::Dtmf(char::from(digit.digit.cast_unsigned()).to_string()));
        }
        match RECV_DTMF.function() {
            Some(theirs) => with_inside(true, || theirs(session, digit, direction)),
            None => host::SWITCH_STATUS_SUCCESS,
        }
    }
}

/// A media bug of the module's: what it is to be called back with.
pub struct Bug {
    pub callback: host::switch_media_bug_callback_t,
    pub data: *mut c_void,
    pub session: Session,
}

pub unsafe extern "C" fn bug(
    handle: *mut host::switch_media_bug_t,
    data: *mut c_void,
    kind: host::switch_abc_type_t,
) -> host::switch_bool_t {
    type WriteFrame = unsafe extern "C" fn(*mut host::switch_media_bug_t) -> *mut host::switch_frame_t;
    // SAFETY: `data` is what `interposed` gave: a Bug that is never freed; the frame is asked for within its callback.
    unsafe {
        let bug = &*data.cast::<Bug>();
        if kind == host::SWITCH_ABC_TYPE_TAP_NATIVE_WRITE {
            let frame = next::<WriteFrame>(c"switch_core_media_bug_get_native_write_frame")(handle);
            if let Some(frame) = frame.as_ref() {
                notes::frame(bug.session, frame, What::Write);
            }
        } else if kind == host::SWITCH_ABC_TYPE_CLOSE {
            note(bug.session, What::BugClosed);
        }
        match bug.callback {
            Some(theirs) => with_inside(true, || theirs(handle, bug.data, kind)),
            None => host::SWITCH_TRUE,
        }
    }
}

/// What the module asks of an event, besides whose it is.
const HEADERS: [&CStr; 8] = [
    c"Media-Bug-Function",
    c"Media-Bug-Target",
    c"Channel-Name",
    c"variable_callvault_id",
    c"Caller-Channel-Answered-Time",
    c"Hangup-Cause",
    c"Speak",
    c"Hold",
];

pub type EventCallback = unsafe extern "C" fn(*mut host::switch_event_t);
pub static EVENT: Kept<EventCallback> = Kept::none();

pub unsafe extern "C" fn event(event: *mut host::switch_event_t) {
    type Header = unsafe extern "C" fn(*mut host::switch_event_t, *const c_char, c_int) -> *mut c_char;
    type Locate = unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, c_int) -> Session;
    type Unlock = unsafe extern "C" fn(Session);
    // SAFETY: the host hands a living event; a session that is located is held until it is unlocked.
    unsafe {
        let header = |name: &CStr| next::<Header>(c"switch_event_get_header_idx")(event, name.as_ptr(), -1);
        let uuid = header(c"Unique-ID");
        if let (Some(of), Some(name)) = (text(uuid), name_of(EVENTS, (*event).event_id)) {
            let here = c"tracer".as_ptr();
            let headers = HEADERS
                .iter()
                .filter_map(|own| Some((own.to_string_lossy().into_owned(), text(header(own))?)))
                .collect();
            let session = next::<Locate>(c"switch_core_session_perform_locate")(uuid, here, here, 0);
            if !session.is_null() {
                look(session);
                next::<Unlock>(c"switch_core_session_rwunlock")(session);
            }
            notes::of_uuid(&of, What::Event(name.into(), headers));
        }
        if let Some(theirs) = EVENT.function() {
            with_inside(true, || theirs(event));
        }
    }
}

pub type ApplicationFunction = unsafe extern "C" fn(Session, *const c_char);
pub static APPLICATION: Kept<ApplicationFunction> = Kept::none();
/// The module has one application; its name.
pub static NAME: Mutex<String> = Mutex::new(String::new());

pub unsafe extern "C" fn application(session: Session, arguments: *const c_char) {
    let name = NAME.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    // SAFETY: the host hands a living session and arguments, in a thread that may touch its media.
    unsafe {
        look(session);
        sent(session);
        note(session, What::Application(name, text(arguments).unwrap_or_default()));
        if let Some(theirs) = APPLICATION.function() {
            with_inside(true, || theirs(session, arguments));
        }
        note(session, What::ApplicationEnded);
    }
}

/// Whether a function is the module's, so that it is to be wrapped.
pub fn of_module(function: *const c_void) -> bool {
    next::is_ours(function)
}
