//! The read hook with a frame as the host hands it on, all of the way: border, leg, clock, cell, gate, ring.
//!
//! Each test named `cost_*` hands on [`FRAMES`] frames; `benches/run` counts the hook's instructions in them.
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use callvault_recorder::capture::{FrameConsumer, Gate, Generation, MAX_PAYLOAD, Pulled, TapCounters};
use callvault_recorder::conversation::{Direction, LegFacts, Personal, Side};
use callvault_recorder::ids::{InstanceTag, LegKey, LegUuid, RecordingId};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use super::*;
use crate::ffi::entry;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// `benches/run` divides by it.
const FRAMES: u64 = 10_000;

#[test]
fn a_frame_is_in_the_ring_as_the_host_had_it() {
    let mut party = Party::speaking(c"pcmu", 8000, 160);
    let before = SystemClock.monotonic();
    party.read();
    assert_eq!(party.pull(), Some(Pulled::Format(FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000))));
    let Some(Pulled::Frame(head)) = party.pull() else { panic!("a frame follows its format") };
    assert_eq!((head.timestamp, head.sequence), (160, 1));
    assert!((before..=SystemClock.monotonic()).contains(&head.at));
    assert_eq!(party.pulled, party.payload);
    assert_eq!(party.pull(), None);
}

#[test]
fn what_is_no_voice_is_not_taken() {
    let mut party = Party::speaking(c"PCMU", 8000, 160);
    for flag in [host::SFF_CNG, host::SFF_PLC, host::SFF_RFC2833, host::SFF_PROXY_PACKET, host::SFF_NOT_AUDIO] {
        party.frame.flags = flag;
        party.read();
    }
    party.frame.flags = 0;
    party.frame.datalen = 0;
    party.read();
    party.frame.data = std::ptr::null_mut();
    party.frame.datalen = 160;
    party.read();
    assert_eq!(party.pull(), None);
}

#[test]
fn cost_of_pcmu_20_ms() {
    Party::speaking(c"PCMU", 8000, 160).read_all_into_the_ring();
}

#[test]
fn cost_of_l16_16_khz_20_ms() {
    Party::speaking(c"L16", 16_000, 640).read_all_into_the_ring();
}

#[test]
fn cost_of_opus_20_ms() {
    Party::speaking(c"opus", 48_000, 80).read_all_into_the_ring();
}

#[test]
fn cost_with_the_gate_shut() {
    let mut party = Party::speaking(c"PCMU", 8000, 160);
    party.gate.shut();
    (0..FRAMES).for_each(|_| party.read());
    assert_eq!(party.pull(), None);
}

#[test]
fn cost_with_the_ring_full() {
    let mut party = Party::speaking(c"PCMU", 8000, 160);
    (0..FRAMES).for_each(|_| party.read());
    let count = party.counters.read();
    assert_eq!(count.frames + count.ring_full, FRAMES);
    assert!(count.ring_full > FRAMES * 9 / 10, "{count:?}");
}

/// Decision 3.
#[test]
fn the_hook_allocates_nothing() {
    let mut party = Party::speaking(c"PCMU", 8000, MAX_PAYLOAD + 1);
    assert_no_alloc(|| party.read_all_sorts());
    has_met_everything(&party.counters);
}

/// Decision 3. The clock is read too. Where the kernel lets no program read it (its clock source is not `tsc` or
/// `kvm-clock`), that is a system call, and this fails rightly.
#[test]
fn the_hook_makes_no_system_call() {
    let (sender, counters) = channel();
    let party = move || {
        let party = Party::speaking(c"PCMU", 8000, MAX_PAYLOAD + 1);
        sender.send(Arc::clone(&party.counters)).expect("somebody waits for it");
        party
    };
    // Freeing it may call the kernel; that is not the hook's work.
    let survived = survives_in_the_cell(party, |party| Box::leak(party).read_all_sorts());
    assert!(survived, "a system call was made");
    has_met_everything(&counters.recv().expect("it was sent"));
}

#[test]
fn the_cell_catches_a_system_call() {
    assert!(!survives_in_the_cell(
        || Box::new(()),
        |_| {
            black_box(std::process::id());
        }
    ));
}

/// A session with a leg, whose media thread is the test's.
struct Party {
    session: usize,
    // The host's: the frame points to the codec, that to its implementation.
    frame: host::switch_frame_t,
    _codec: Box<host::switch_codec>,
    implementation: Box<host::switch_codec_implementation>,
    payload: Vec<u8>,
    gate: Arc<Gate>,
    counters: Arc<TapCounters>,
    ring: FrameConsumer,
    pulled: Vec<u8>,
}

impl Party {
    /// Its gate is open. The payload is of so many bytes.
    fn speaking(name: &'static CStr, rate: u32, bytes: usize) -> Box<Self> {
        static SESSIONS: AtomicUsize = AtomicUsize::new(0x7f00_0000_0000);
        entry::open();
        let session = SESSIONS.fetch_add(4096, Ordering::Relaxed);
        let leg = Arc::new(Leg::new(LegKey(session as u64), session, &facts(), false));
        let mut ends = None;
        leg.read_tap().connect_to(|_, ring, gate, counters| ends = Some((ring, gate, counters)));
        assert!(LEGS.insert(session, leg));
        let (ring, gate, counters) = ends.expect("the first connection");
        gate.open(Generation(NonZeroU32::MIN));

        // SAFETY: plain structures of C, for which all zero is a value.
        let (mut implementation, mut codec, mut frame) = unsafe {
            let implementation: Box<host::switch_codec_implementation> = Box::new(std::mem::zeroed());
            let codec: Box<host::switch_codec> = Box::new(std::mem::zeroed());
            let frame: host::switch_frame_t = std::mem::zeroed();
            (implementation, codec, frame)
        };
        implementation.iananame = name.as_ptr().cast_mut();
        implementation.samples_per_second = rate;
        implementation.actual_samples_per_second = rate;
        implementation.number_of_channels = 1;
        implementation.microseconds_per_packet = 20_000;
        codec.implementation = &raw const *implementation;
        let mut payload = vec![0x55; bytes];
        frame.codec = &raw mut *codec;
        frame.data = payload.as_mut_ptr().cast();
        frame.datalen = bytes as u32;
        let pulled = Vec::new();
        Box::new(Self { session, frame, _codec: codec, implementation, payload, gate, counters, ring, pulled })
    }

    /// The host read the next frame.
    fn read(&mut self) {
        self.frame.timestamp = self.frame.timestamp.wrapping_add(160);
        self.frame.seq = self.frame.seq.wrapping_add(1);
        let mut frame = &raw mut self.frame;
        // By its address, as the host has it, so that it is a function of its own in the binary.
        let hook: ReadHook = black_box(read_frame);
        // SAFETY: the session is only looked up by its address; the frame and all it points to are alive.
        let status = unsafe { hook(self.session as *mut _, &raw mut frame, 0, 0) };
        assert_eq!(status, host::SWITCH_STATUS_SUCCESS);
    }

    fn pull(&mut self) -> Option<Pulled> {
        self.ring.pull(&mut self.pulled)
    }

    fn read_all_into_the_ring(&mut self) {
        for _ in 0..FRAMES {
            self.read();
            while self.pull().is_some() {}
        }
        assert_eq!(self.counters.read().frames, FRAMES);
    }

    /// Until the ring is full and longer: other names, other lengths, a gate that opens and shuts.
    fn read_all_sorts(&mut self) {
        for number in 0..1000 {
            match number % 50 {
                0 => self.gate.shut(),
                1 => self.gate.open(Generation(NonZeroU32::MIN)),
                _ => {}
            }
            let name = if number % 7 < 3 { c"PCMU" } else { c"a name that is far too long" };
            self.implementation.iananame = name.as_ptr().cast_mut();
            self.frame.datalen = [160, 33, 0, 960, MAX_PAYLOAD as u32, MAX_PAYLOAD as u32 + 1][number % 6];
            self.read();
        }
    }
}

fn has_met_everything(counters: &TapCounters) {
    let count = counters.read();
    assert!(count.frames > 0 && count.ring_full > 0 && count.oversized > 0, "{count:?}");
}

impl Drop for Party {
    fn drop(&mut self) {
        LEGS.remove(self.session);
    }
}

type ReadHook = unsafe extern "C" fn(
    *mut host::switch_core_session_t,
    *mut *mut host::switch_frame_t,
    host::switch_io_flag_t,
    i32,
) -> host::switch_status_t;

fn facts() -> LegFacts {
    LegFacts {
        uuid: LegUuid::from_host(b"leg"),
        recording: RecordingId::generate(InstanceTag::of("pbx")).expect("randomness"),
        direction: Direction::Inbound,
        side: Side::Outside,
        born_for: None,
        is_party: true,
        personal: Personal::default(),
        exempt: false,
        emergency: false,
    }
}

/// Does the work on a thread that the first system call ends, and says whether it came to its end.
fn survives_in_the_cell<T: 'static>(
    prepare: impl FnOnce() -> Box<T> + Send + 'static,
    work: impl FnOnce(Box<T>) + Send + 'static,
) -> bool {
    let done = Arc::new(AtomicBool::new(false));
    let says_done = Arc::clone(&done);
    let (sender, thread) = channel();
    // Not joined: it never ends as a thread does.
    std::thread::spawn(move || {
        let prepared = prepare();
        sender.send(std::fs::read_link("/proc/thread-self").expect("proc")).expect("somebody waits for it");
        drop(sender);
        lock_in();
        work(prepared);
        says_done.store(true, Ordering::SeqCst);
        // What a thread does at its end is no business of the cell's: this call ends it.
        black_box(std::process::id());
    });
    let thread = Path::new("/proc").join(thread.recv().expect("it says so before it is locked in"));
    while thread.exists() {
        std::thread::yield_now();
    }
    done.load(Ordering::SeqCst)
}

/// From here on, any system call ends the calling thread.
fn lock_in() {
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("an architecture that has seccomp");
    let (none, all_else) = (BTreeMap::new(), SeccompAction::KillThread);
    let filter = SeccompFilter::new(none, all_else, SeccompAction::Allow, arch).expect("a filter");
    let program = BpfProgram::try_from(filter).expect("a program");
    apply_filter(&program).expect("the kernel has seccomp");
}
