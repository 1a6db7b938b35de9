//! Decision 3: the media thread's work asks the kernel for nothing, whatever comes. It runs here behind a filter of
//! seccomp(2) that ends the thread at any call. (Not in its strict mode: that takes the processor's own clock away.)
use std::collections::BTreeMap;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callvault_recorder::capture::{
    FrameFormat, Gate, Generation, HostFrame, MAX_PAYLOAD, TapCounters, TapWriter, frame_ring,
};
use callvault_recorder::time::{Clock as _, Monotonic, SystemClock};
use crossbeam::channel::bounded;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

#[test]
fn taking_a_frame_makes_no_system_call() {
    let (producer, _ring) = frame_ring(16 * 1024);
    let (gate, counters) = (Arc::new(Gate::new()), Arc::new(TapCounters::new()));
    let tap = TapWriter::new(producer, Arc::clone(&gate), Arc::clone(&counters));
    gate.open(Generation(NonZeroU32::MIN));
    assert!(survives_in_the_cell(move || take_frames(tap)), "a system call was made");
    let count = counters.read();
    assert!(count.frames > 0 && count.ring_full > 0 && count.oversized > 0, "{count:?}");
}

/// Where the kernel lets no program read its clock (its clock source is not `tsc` or `kvm-clock`), each frame costs a
/// call, and this fails rightly.
#[test]
fn reading_the_clock_makes_no_system_call() {
    let before = SystemClock.monotonic();
    assert!(survives_in_the_cell(move || assert!(SystemClock.monotonic() > before)), "a system call was made");
}

/// The cell is one.
#[test]
fn the_cell_catches_a_system_call() {
    assert!(!survives_in_the_cell(|| {
        black_box(std::process::id());
    }));
}

/// Runs it on a thread that the first system call ends, and says whether it came to its end.
fn survives_in_the_cell(work: impl FnOnce() + Send + 'static) -> bool {
    let done = Arc::new(AtomicBool::new(false));
    let says_done = Arc::clone(&done);
    let (sender, name) = bounded(1);
    // Not joined: it never ends as a thread does.
    std::thread::spawn(move || {
        sender.send(std::fs::read_link("/proc/thread-self").expect("proc")).expect("somebody waits for it");
        drop(sender);
        lock_in();
        work();
        says_done.store(true, Ordering::SeqCst);
        // What a thread does at its end is no business of the cell's: this call ends it.
        black_box(std::process::id());
    });
    let thread = Path::new("/proc").join(name.recv().expect("it says so before it is locked in"));
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

fn take_frames(mut tap: TapWriter) {
    let payload = [0x55_u8; MAX_PAYLOAD + 1];
    for number in 0..1000_u32 {
        let name: &[u8] = if number % 7 < 3 { b"PCMU" } else { b"OPUS" };
        let length = [160, 33, 0, 960, MAX_PAYLOAD, MAX_PAYLOAD + 1][number as usize % 6];
        tap.take(&HostFrame {
            at: Monotonic(u64::from(number)),
            payload: &payload[..length],
            timestamp: number,
            sequence: number as u16,
            format: FrameFormat::new(name, 8000, 8000, 1, 20_000),
        });
    }
    // Freeing the ring may call the kernel; that is not the media thread's work.
    std::mem::forget(tap);
}
