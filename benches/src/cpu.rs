//! Processor time: what was worked, whatever else the machine did meanwhile.
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Of all threads of this process.
pub fn of_process() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Of the calling thread.
pub fn of_thread() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// Of all threads but the calling one.
pub fn of_others() -> Duration {
    of_process().saturating_sub(of_thread())
}

/// What came out, the process's processor time and the time on the wall that it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration, Duration) {
    let (cpu, wall) = (of_process(), Instant::now());
    let made = work();
    (made, of_process() - cpu, wall.elapsed())
}

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
