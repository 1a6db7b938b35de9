//! Replaying a trace: every record at its time, in the thread that it happened in, inside the call that it happened in.
//!
//! One thread walks the trace and deals out: what the host says of a leg it sets itself, what the host did to the
//! module it leaves to the replay's thread of that number ([`acts`]). Where the module calls a function that lasts,
//! the thread goes on with what happened inside it until the trace says that it returned ([`last`]).
mod acts;
mod edit;
mod queue;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use callvault_stand_in::trace::{Trace, What};

use acts::Scene;
pub use edit::Edits;
pub use queue::{last, sleep, thread};

/// On the host, what came later may have come of what was earlier, in another thread: it waits for that, this long at
/// most. Frames keep their time.
const SETTLES_WITHIN: Duration = Duration::from_millis(100);

/// Replays to the end; `began` is told offset 0 in Unix milliseconds.
pub fn run(trace: Trace, edits: &Edits, began: impl FnOnce(i64)) -> std::io::Result<()> {
    let mut trace = edits.apply(trace);
    trace.answers_first();
    let scene = Arc::new(Scene::of(trace));
    let mut threads: HashMap<u32, Actor> = HashMap::new();
    let zero = Instant::now();
    began(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64);
    for (place, record) in scene.trace.records.iter().enumerate() {
        let due = zero + Duration::from_micros(record.at_us);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if !record.what.is_frame() && !record.what.is_answer() {
            scene.settle(SETTLES_WITHIN);
        }
        match &record.what {
            What::Is(key, value) => scene.leg(record.leg, Some((key, value))).be(key, value),
            What::Variable(name, value) => scene.leg(record.leg, None).set_variable(name, value.as_deref()),
            _ => {
                let actor = match threads.entry(record.thread) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(Actor::start(record.thread, &scene)?),
                };
                scene.deal(place);
                // A thread that is gone has panicked, which its module's test sees by what is missing.
                let _ = actor.queue.send(place);
            }
        }
    }
    for actor in threads.into_values() {
        drop(actor.queue);
        let _ = actor.thread.join();
    }
    Ok(())
}

struct Actor {
    queue: Sender<usize>,
    thread: JoinHandle<()>,
}

impl Actor {
    fn start(number: u32, scene: &Arc<Scene>) -> std::io::Result<Self> {
        let (queue, due) = channel();
        let scene = Arc::clone(scene);
        let name = format!("replay-{number}");
        let thread = std::thread::Builder::new().name(name).spawn(move || queue::act(&scene, due))?;
        Ok(Self { queue, thread })
    }
}
