//! Whoever is rung is told after the answer and before the conversation, by a thread of the module's own. Meanwhile
//! originate passes the leg by: it does not look at one that is tagged (switch_ivr_originate.c:check_channel_status), so
//! the leg has neither answered for whoever rings nor won its ring group. Then the tag is taken off, and originate goes on as
//! without us: it asks for a key of whoever rings, where one is wanted, and connects.
use std::ffi::CStr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callvault_recorder::conversation::Direction;
use callvault_recorder::ids::LegKey;

use super::{Arguments, At};
use crate::ffi::entry::enter;
use crate::ffi::session::{Flag, Located, Session};
use crate::legs::{Leg, Registry, Told};
use crate::module::{Module, module};

/// How far the telling of a leg that is rung is.
#[derive(Default)]
pub struct Rung {
    stage: Mutex<Stage>,
    over: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It rings, or nothing is to be told.
    #[default]
    Rings,
    /// It has answered and is being told.
    Told,
    /// Over, or let go.
    Over,
}

impl Rung {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_to(&self, stage: Stage) {
        *self.stage() = stage;
        self.over.notify_all();
    }

    /// Before its answer, a leg that is to be told is passed by.
    pub fn hold_back(&self, session: Session<'_>, leg: &Leg) {
        let is_due = leg.direction == Direction::Outbound && leg.told() == Told::Due;
        if is_due && !session.flag(Flag::Answered) && *self.stage() == Stage::Rings {
            session.set_flag(Flag::Tagged);
        }
    }

    /// It is told no more: whoever rings may have it as it is.
    pub fn let_go(&self, session: Session<'_>) {
        if std::mem::replace(&mut *self.stage(), Stage::Over) != Stage::Over {
            session.clear_flag(Flag::Tagged);
        }
        self.over.notify_all();
    }

    /// Whether its party is hearing its notice now.
    pub(super) fn is_told(&self) -> bool {
        *self.stage() == Stage::Told
    }

    /// Whoever talks to a leg in its notice waits until that has ended. Its end is the leg's own at the latest.
    pub fn let_finish(&self) {
        let stage = self.stage();
        drop(self.over.wait_while(stage, |stage| *stage == Stage::Told).unwrap_or_else(PoisonError::into_inner));
    }
}

/// The leg that was rung has answered: from now on a thread of ours tells it.
pub(super) fn begin(module: &Module, session: Session<'_>, leg: &Arc<Leg>) {
    if leg.told() != Told::Due || std::mem::replace(&mut *leg.rung.stage(), Stage::Told) != Stage::Rings {
        return;
    }
    be_patient(module, session, leg);
    let own = Arc::clone(leg);
    // Within the border: unloading waits for it.
    let tell = move || enter((), || tell(&own));
    if let Err(error) = std::thread::Builder::new().name("callvault-tell".into()).spawn(tell) {
        tracing::error!(leg = leg.uuid().as_str(), "no notice is played, no thread could be started: {error}");
        leg.rung.let_go(session);
    }
}

/// Whoever shared the leg's early media with its caller reads it for some packets more after its answer
/// (switch_ivr_originate.c:early_thread_run).
const SHARED_UNTIL: Duration = Duration::from_millis(100);

fn tell(leg: &Arc<Leg>) {
    let Some(session) = Located::by_uuid(&leg.uuid()) else { return leg.rung.go_to(Stage::Over) };
    let _goes_on = GoesOn { session: *session, leg };
    let Some(module) = module() else { return };
    if session.flag(Flag::EarlyMedia) {
        std::thread::sleep(SHARED_UNTIL);
    }
    if session.is_up() && leg.rung.is_told() {
        super::tell(&module, *session, leg, At::Ringing, &Arguments::default());
    }
}

/// Lets the leg go on however its thread ends.
struct GoesOn<'a> {
    session: Session<'a>,
    leg: &'a Leg,
}

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.leg.rung.let_go(self.session);
    }
}

/// How long originate waits where nothing is said (switch_types.h:SWITCH_DEFAULT_TIMEOUT), in seconds.
const USUAL_PATIENCE: u64 = 60;

/// Originate counts whole seconds, so it may be up to one earlier; and its rounds take some ms.
const EARLIER: Duration = Duration::from_millis(1_100);

/// Originate's clock runs on while a party is told that answered in time: when it ends, the party is connected, and the
/// conversation waits for the notice (`let_finish`).
fn be_patient(module: &Module, session: Session<'_>, leg: &Leg) {
    let caller = session.partner().and_then(|uuid| Located::by_uuid(&uuid));
    let said = |of: Session<'_>, name: &CStr| of.variable(name).filter(|value| !value.is_empty());
    let seconds = |of: Session<'_>, name: &CStr| {
        said(of, name).and_then(|value| value.trim().parse::<u64>().ok()).filter(|&seconds| seconds > 0)
    };
    // Who wants a key of his own asks for it within his own time.
    let asks = |of: Session<'_>| said(of, c"group_confirm_key").is_some();
    if asks(session) || caller.as_deref().is_some_and(|caller| asks(*caller)) {
        return;
    }
    let of_all = seconds(session, c"originate_timeout")
        .or_else(|| caller.as_deref().and_then(|caller| seconds(*caller, c"call_timeout")))
        .unwrap_or(USUAL_PATIENCE);
    let of_progress = if session.flag(Flag::RingReady) || session.flag(Flag::EarlyMedia) {
        None
    } else {
        seconds(session, c"progress_timeout")
    };
    let limits = [Some(of_all), seconds(session, c"leg_timeout"), of_progress];
    if let Some(least) = limits.into_iter().flatten().min() {
        module.herald.connect_at(leg.key, leg.born + Duration::from_secs(least).saturating_sub(EARLIER));
    }
}

/// Legs that are connected in their notice, because originate waits no longer; on the herald's thread.
#[derive(Default)]
pub struct Connections(Vec<(LegKey, Instant)>);

impl Connections {
    /// That leg at that moment.
    pub fn at(&mut self, leg: LegKey, at: Instant) {
        self.0.push((leg, at));
    }

    /// How long until the first.
    pub fn next_in(&self) -> Option<Duration> {
        self.0.iter().map(|(_, at)| at.saturating_duration_since(Instant::now())).min()
    }

    /// Connects those that are due and still hear their notice.
    pub fn carry_out(&mut self, registry: &Registry) {
        let now = Instant::now();
        self.0.retain(|&(leg, at)| {
            let leg = registry.by_key(leg).filter(|leg| leg.rung.is_told());
            let Some(leg) = leg else { return false };
            if at <= now
                && let Some(session) = Located::by_uuid(&leg.uuid())
            {
                session.clear_flag(Flag::Tagged);
            }
            at > now
        });
    }
}
