//! What a thread of the module's own plays to a leg: the thread is there, what came of its playing is in the trace. Both go
//! through it together.
use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use callvault_stand_in::bindings as host;
use callvault_stand_in::names::{STATUSES, value_of};

use crate::leg::Leg;
use crate::world::locked;

/// How often a thread that waits looks whether its leg is still there.
const LOOK: Duration = Duration::from_millis(10);

/// The trace does not wait longer for a module that plays nothing.
const LATEST: Duration = Duration::from_millis(300);

/// Of one leg.
#[derive(Default)]
pub struct OwnPlay {
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Nothing,
    /// The trace is at its beginning.
    Begins,
    /// The module's thread is in it.
    Plays,
    /// The trace is at its end.
    Ended(host::switch_status_t),
}

impl OwnPlay {
    fn go_to(&self, stage: Stage) {
        *locked(&self.stage) = stage;
        self.changed.notify_all();
    }

    /// The trace is at its beginning: what was played comes once the module's thread is in it.
    pub fn begin(&self) {
        self.go_to(Stage::Begins);
        let stage = locked(&self.stage);
        drop(self.changed.wait_timeout_while(stage, LATEST, |stage| *stage == Stage::Begins));
    }

    /// The trace is at its end.
    pub fn end(&self, status: &str) {
        self.go_to(Stage::Ended(value_of(STATUSES, status).unwrap_or(host::SWITCH_STATUS_FALSE)));
    }

    /// The module's thread plays: the status that the trace has, where it has this.
    pub fn take_part(&self, leg: &'static Leg) -> host::switch_status_t {
        if !self.wait(leg, |stage| stage == Stage::Begins) {
            return host::SWITCH_STATUS_FALSE;
        }
        self.go_to(Stage::Plays);
        self.wait(leg, |stage| matches!(stage, Stage::Ended(_)));
        match std::mem::take(&mut *locked(&self.stage)) {
            Stage::Ended(status) => status,
            _ => host::SWITCH_STATUS_BREAK,
        }
    }

    /// The module's thread comes to its leg for the first time. On the host it came when what is in the trace had
    /// happened; with ICE it came before, and saw packets go out.
    pub fn arrive(&self, leg: &'static Leg) {
        thread_local! {
            static ARRIVED: Cell<bool> = const { Cell::new(false) };
        }
        if !ARRIVED.replace(true) {
            let sees_packets = || leg.said("ice") == "1" && leg.said("answered") == "1";
            self.wait(leg, |stage| stage == Stage::Begins || sees_packets());
        }
    }

    /// False where the leg is gone, or the module breaks off.
    fn wait(&self, leg: &'static Leg, is_there: impl Fn(Stage) -> bool) -> bool {
        let mut stage = locked(&self.stage);
        while !is_there(*stage) {
            if leg.said("break") == "1" {
                leg.be("break", "0");
                return false;
            }
            if matches!(leg.said("state").as_str(), "hangup" | "reporting" | "destroy") {
                return false;
            }
            stage = self.changed.wait_timeout(stage, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
