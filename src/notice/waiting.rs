//! What the other side hears while a party is told: a callee who has picked up, and whose caller hears the notice first.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use callvault_recorder::policy::Policy;

use crate::ffi::attend::{Digits, Writes};
use crate::ffi::entry::enter;
use crate::ffi::session::{Flag, Located};
use crate::legs::Leg;
use crate::module::Module;

/// Legs that hear the waiting sound, until dropped.
pub(super) struct Entertained {
    over: Arc<AtomicBool>,
    waiting: Vec<(Arc<Leg>, JoinHandle<()>)>,
}

/// Plays the policy's waiting sound to those who were rung for this leg and have answered, each on a thread of its own:
/// the host lets them lie idle until the bridge begins, for which it waits until the leg's notice has ended.
pub(super) fn entertain(module: &Module, policy: &Policy, told: &Leg) -> Entertained {
    let over = Arc::new(AtomicBool::new(false));
    let Some(sound) = &policy.waiting_sound else { return Entertained { over, waiting: Vec::new() } };
    let rung = module.registry.all().into_iter().filter(|leg| leg.born_for == Some(told.key) && leg.is_party);
    let waiting = rung.filter_map(|leg| Some((Arc::clone(&leg), play_to(leg, sound.clone(), Arc::clone(&over))?)));
    Entertained { waiting: waiting.collect(), over }
}

fn play_to(leg: Arc<Leg>, sound: String, over: Arc<AtomicBool>) -> Option<JoinHandle<()>> {
    let waits = Located::by_uuid(&leg.uuid()).filter(|session| {
        session.is_up() && session.flag(Flag::Answered) && !session.flag(Flag::Bridged) && session.has_media()
    });
    waits.is_some().then(|| {
        let play = move || {
            // Within the border: unloading waits for it.
            enter((), || {
                let Some(session) = Located::by_uuid(&leg.uuid()) else { return };
                // A level, asked before each packet: of what somebody sets once, the host clears more than one kind
                // (with `ignore_early_media=consume` the leg's own thread clears CF_BREAK a hundred times a second).
                session.attend(Writes::Sound(&sound), Digits::Stay, || {
                    !over.load(Ordering::Acquire) && session.is_only_rung() && !session.flag(Flag::Bridged)
                });
            });
        };
        std::thread::Builder::new().name("callvault-waiting".into()).spawn(play).ok()
    })?
}

impl Drop for Entertained {
    /// Ends it within a packet: nobody plays to the legs any more when the bridge begins.
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        for (leg, thread) in self.waiting.drain(..) {
            if let Some(session) = Located::by_uuid(&leg.uuid()) {
                session.wake_reader();
            }
            // The thread catches its own panics.
            let _ = thread.join();
        }
    }
}
