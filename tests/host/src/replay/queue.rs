//! A replay's thread: what is due in it, and what it does while the module is in a call that lasts.
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{STATUSES, value_of};
use callvault_stand_in::trace::What;

use super::acts::Scene;
use crate::leg::Leg;

/// How often somebody in a call that lasts looks whether it is broken off.
const LOOK: Duration = Duration::from_millis(10);

thread_local! {
    static OWN: RefCell<Option<Rc<Queue>>> = const { RefCell::new(None) };
}

struct Queue {
    number: u64,
    scene: Arc<Scene>,
    due: Receiver<usize>,
    /// Looked at and left for later.
    waiting: RefCell<VecDeque<usize>>,
}

/// Everything that is due in this thread, until nothing more can be.
pub(super) fn act(scene: &Arc<Scene>, due: Receiver<usize>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let queue = Rc::new(Queue { number, scene: Arc::clone(scene), due, waiting: RefCell::default() });
    OWN.set(Some(Rc::clone(&queue)));
    while let Some(place) = queue.next(None) {
        queue.perform(place);
    }
    OWN.set(None);
}

/// This thread, where it is a replay's.
pub fn thread() -> Option<u64> {
    own().map(|queue| queue.number)
}

fn own() -> Option<Rc<Queue>> {
    OWN.with_borrow(Clone::clone)
}

impl Queue {
    /// What is due next; none after `until`, or when nothing more will come.
    fn next(&self, until: Option<Instant>) -> Option<usize> {
        if let Some(place) = self.waiting.borrow_mut().pop_front() {
            return Some(place);
        }
        match until {
            None => self.due.recv().ok(),
            Some(until) => self.due.recv_timeout(until.saturating_duration_since(Instant::now())).ok(),
        }
    }

    fn leave(&self, place: usize) {
        self.waiting.borrow_mut().push_front(place);
    }

    fn what(&self, place: usize) -> &What {
        &self.scene.trace.records[place].what
    }

    fn perform(&self, place: usize) {
        self.scene.perform(place, self.number);
    }
}

/// The module called a function that lasts: what happened inside it, and the status that it returned.
///
/// A call that the trace does not have fails at once; one that is broken off ends.
pub fn last(name: &str, leg: &'static Leg) -> host::switch_status_t {
    let Some(queue) = own() else { return host::SWITCH_STATUS_FALSE };
    let mut begun = false;
    loop {
        if leg.said("break") == "1" {
            leg.be("break", "0");
            return host::SWITCH_STATUS_BREAK;
        }
        let Some(place) = queue.next(Some(Instant::now() + LOOK)) else {
            if queue.scene.is_over() {
                return host::SWITCH_STATUS_FALSE;
            }
            continue;
        };
        match queue.what(place) {
            What::Call(own, _) if own == name => begun = true,
            What::Returned(own, status) if own == name && begun => {
                return value_of(STATUSES, status).unwrap_or(host::SWITCH_STATUS_FALSE);
            }
            What::ApplicationEnded => {
                queue.leave(place);
                return host::SWITCH_STATUS_FALSE;
            }
            _ => queue.perform(place),
        }
    }
}

/// The module reads a leg, or sleeps: what happens meanwhile, up to the next call that lasts.
pub fn sleep(length: Duration) {
    let until = Instant::now() + length;
    let mut queue = own();
    while Instant::now() < until {
        let look = until.min(Instant::now() + LOOK);
        match queue.as_ref().and_then(|queue| Some((queue, queue.next(Some(look))?))) {
            Some((here, place)) if matches!(here.what(place), What::Call(..) | What::ApplicationEnded) => {
                here.leave(place);
                queue = None;
            }
            Some((here, place)) => here.perform(place),
            // Of a trace that is over nothing is waited for.
            None => std::thread::sleep(look.saturating_duration_since(Instant::now())),
        }
    }
}
