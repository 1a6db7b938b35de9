//! What the host did to the module, done again.
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{EVENTS, FRAMES, MESSAGES, value_of};
use callvault_stand_in::trace::{Codec, Frame, Message, Record, Trace, What};

use crate::leg::{Leg, Session};
use crate::text::c_string;
use crate::world::{locked, world};
use crate::{exports, loader};

/// A trace with what it needs while it is replayed.
pub(super) struct Scene {
    pub trace: Trace,
    legs: Mutex<HashMap<u32, &'static Leg>>,
    codecs: Vec<usize>,
    /// Records that are not performed yet.
    left: AtomicUsize,
    /// Records that are dealt out and under way, but for frames and what lasts.
    under_way: Mutex<usize>,
    settled: Condvar,
}

impl Scene {
    pub fn of(trace: Trace) -> Self {
        let codecs = trace.codecs.iter().map(codec).collect();
        let stays = |what: &What| !what.is_answer() && !what.is_mark();
        let left = AtomicUsize::new(trace.records.iter().filter(|record| stays(&record.what)).count());
        Self { trace, legs: Mutex::default(), codecs, left, under_way: Mutex::default(), settled: Condvar::new() }
    }

    /// Whether everything was performed that will be, but for what callers are in.
    pub fn is_over(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// A leg by its number; born with the first that is said of it.
    pub fn leg(&self, number: u32, said: Option<(&String, &String)>) -> &'static Leg {
        let mut legs = locked(&self.legs);
        legs.entry(number).or_insert_with(|| match said {
            Some((key, uuid)) if key == "uuid" => Leg::born(uuid),
            _ => Leg::born(&format!("leg {number} of no uuid")),
        })
    }

    /// A record is about to be dealt out.
    pub fn deal(&self, place: usize) {
        if is_waited_for(&self.trace.records[place].what) {
            *locked(&self.under_way) += 1;
        }
    }

    /// Waits until what was dealt out is done.
    pub fn settle(&self, within: Duration) {
        let under_way = locked(&self.under_way);
        drop(self.settled.wait_timeout_while(under_way, within, |under_way| *under_way > 0));
    }

    /// One record, in the replay's thread `thread`.
    pub fn perform(&self, place: usize, thread: u64) {
        let record = &self.trace.records[place];
        if !record.what.is_mark() {
            self.left.fetch_sub(1, Ordering::AcqRel);
        }
        self.act(record, thread);
        if is_waited_for(&record.what) {
            *locked(&self.under_way) -= 1;
            self.settled.notify_all();
        }
    }

    fn act(&self, record: &Record, thread: u64) {
        let leg = self.leg(record.leg, None);
        match &record.what {
            What::Handler(state) => handler(leg, state, thread),
            What::Change => {
                let hooks = locked(&leg.hooks).state_change.clone();
                for hook in hooks {
                    // SAFETY: the hook is a module's on this leg.
                    unsafe { hook(leg.session()) };
                }
            }
            What::Message(message) => tell(leg, message),
            What::Dtmf(key) => press(leg, key),
            What::Read(frame) => self.with_frame(frame, |frame| read(leg, frame)),
            What::Write(frame) => self.with_frame(frame, |frame| leg.written(frame)),
            What::BugClosed => drop(leg.take_bug(None)),
            What::Event(name, headers) => {
                if let Some(kind) = value_of(EVENTS, name) {
                    // A variable is what it is here: an id that the module gave is another in each replay.
                    let own = |name: &String, said: &String| {
                        name.strip_prefix("variable_")
                            .map_or_else(|| said.clone(), |name| leg.variable(name).unwrap_or_default())
                    };
                    let headers: Vec<_> = headers.iter().map(|(name, said)| (name.clone(), own(name, said))).collect();
                    exports::deliver(kind, &leg.uuid(), &headers);
                }
            }
            What::Application(name, arguments) => loader::application(name, leg, arguments),
            What::ApplicationEnded | What::Call(..) | What::Returned(..) | What::Is(..) | What::Variable(..) => {}
        }
    }

    fn with_frame(&self, frame: &Frame, hand_on: impl FnOnce(*mut host::switch_frame_t)) {
        let mut data = frame.payload.map_or_else(Vec::new, |payload| self.trace.payloads[payload as usize].clone());
        // SAFETY: all zeros is a value of this plain C structure; codec and data live for the call.
        unsafe {
            let mut own: host::switch_frame_t = std::mem::zeroed();
            own.codec = frame.codec.map_or(ptr::null_mut(), |codec| self.codecs[codec as usize] as *mut _);
            own.data = data.as_mut_ptr().cast::<c_void>();
            own.datalen = data.len() as u32;
            own.buflen = data.len() as u32;
            own.timestamp = frame.timestamp;
            own.seq = frame.sequence;
            own.flags = FRAMES.iter().filter(|(letter, _)| frame.flags.contains(letter)).map(|(_, flag)| flag).sum();
            hand_on(&raw mut own);
        }
    }
}

fn is_waited_for(what: &What) -> bool {
    !what.is_frame() && !what.is_mark() && !matches!(what, What::Application(..))
}

/// Lives as long as the process, as a codec that a module may still look at.
fn codec(own: &Codec) -> usize {
    // SAFETY: all zeros is a value of these plain C structures.
    unsafe {
        let mut implementation: host::switch_codec_implementation = std::mem::zeroed();
        implementation.iananame = c_string(&own.name).into_raw();
        implementation.samples_per_second = own.clock_rate;
        implementation.actual_samples_per_second = own.sample_rate;
        implementation.microseconds_per_packet = own.packet_us;
        implementation.number_of_channels = own.channels;
        implementation.encoded_bytes_per_packet = own.packet_bytes;
        let mut codec: host::switch_codec_t = std::mem::zeroed();
        codec.implementation = Box::into_raw(Box::new(implementation));
        Box::into_raw(Box::new(codec)) as usize
    }
}

/// `pre-STATE` for the tables that run before the endpoint's own, `STATE` for those after it.
fn handler(leg: &'static Leg, state: &str, thread: u64) {
    let (pre, state) = match state.strip_prefix("pre-") {
        Some(state) => (true, state),
        None => (false, state),
    };
    if pre && state == "init" {
        leg.own_thread.store(thread, Ordering::Release);
    }
    if pre && state == "destroy" {
        leg.leave();
    }
    let tables = locked(&world().tables).clone();
    for table in tables {
        // SAFETY: a registered table is a static of its module.
        let table = unsafe { &*table.0 };
        if pre != (table.flags & host::SSH_FLAG_PRE_EXEC.cast_signed() != 0) {
            continue;
        }
        let function = match state {
            "init" => table.on_init,
            "routing" => table.on_routing,
            "execute" => table.on_execute,
            "hangup" => table.on_hangup,
            "exchange_media" => table.on_exchange_media,
            "soft_execute" => table.on_soft_execute,
            "consume_media" => table.on_consume_media,
            "hibernate" => table.on_hibernate,
            "reset" => table.on_reset,
            "park" => table.on_park,
            "reporting" => table.on_reporting,
            "destroy" => table.on_destroy,
            _ => None,
        };
        if let Some(function) = function {
            // SAFETY: the function is the table's; the leg lives on.
            unsafe { function(leg.session()) };
        }
    }
}

fn tell(leg: &'static Leg, message: &Message) {
    let Some(id) = value_of(MESSAGES, &message.name) else { return };
    let string = |text: &Option<String>| text.as_deref().map(c_string);
    let (text, arguments) = (string(&message.text), [string(&message.arguments[0]), string(&message.arguments[1])]);
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    // SAFETY: all zeros is a value of this plain C structure; its strings live for the call.
    unsafe {
        let mut own: host::switch_core_session_message_t = std::mem::zeroed();
        own.message_id = id;
        own.numeric_arg = message.number;
        own.string_arg = pointer(&text);
        own.string_array_arg[0] = pointer(&arguments[0]);
        own.string_array_arg[1] = pointer(&arguments[1]);
        let hooks = locked(&leg.hooks).receive_message.clone();
        for hook in hooks {
            hook(leg.session(), &raw mut own);
        }
    }
}

fn press(leg: &'static Leg, key: &str) {
    let Some(key) = key.bytes().next() else { return };
    // SAFETY: all zeros is a value of this plain C structure.
    let mut digit: host::switch_dtmf_t = unsafe { std::mem::zeroed() };
    digit.digit = key.cast_signed();
    let hooks = locked(&leg.hooks).recv_dtmf.clone();
    for hook in hooks {
        // SAFETY: the hook is a module's on this leg; the digit lives for the call.
        unsafe { hook(leg.session(), &raw const digit, host::SWITCH_DTMF_RECV) };
    }
}

fn read(leg: &'static Leg, frame: *mut host::switch_frame_t) {
    let hooks = locked(&leg.hooks).read_frame.clone();
    let session: Session = leg.session();
    let mut place = frame;
    for hook in hooks {
        // SAFETY: the hook is a module's on this leg; the frame lives for the call.
        unsafe { hook(session, &raw mut place, 0, 0) };
    }
}
