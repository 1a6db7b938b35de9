//! Media that does not pass through this host (REC-03), and is brought back where the policy says so.
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callvault_recorder::controller::Observation;
use callvault_recorder::ids::LegKey;
use callvault_recorder::policy::BypassedMedia;

use super::{Leg, Registry};
use crate::ffi::session::{Flag, Located, Session, bring_media_back};
use crate::module::{Module, module};

/// What sent the media out is done with it by then.
const SETTLES: Duration = Duration::from_millis(300);
/// How often it is looked whether the media is back.
const LOOK: Duration = Duration::from_millis(200);
/// Both far ends have answered a re-INVITE by then, or will not (switch_ivr_media waits ten seconds for each).
const GIVE_UP: Duration = Duration::from_secs(25);

/// The leg is being bridged: where its media would leave right after that (`bypass_media_after_bridge`) and the policy
/// wants it here, it stays. The host looks at the flag when the bridge runs (switch_ivr_bridge.c:audio_bridge_thread).
pub fn about_to_bridge(module: &Module, session: Session<'_>, leg: &Leg) {
    let wanted = leg.is_party && module.recorder.policy().bypassed_media == BypassedMedia::Return;
    if wanted && session.flag(Flag::BypassAfterBridge) {
        session.clear_flag(Flag::BypassAfterBridge);
        module.recorder.observe(leg.key, Observation::MediaReturned);
    }
}

/// The leg's media was seen to bypass this host; any thread. Asked once in a leg's life: whoever sends it out again
/// means it, and the call ends `no_media_path`.
pub fn seen(module: &Module, session: Session<'_>, leg: &Arc<Leg>) {
    let wanted = leg.is_party
        && module.recorder.policy().bypassed_media == BypassedMedia::Return
        && leg.answered.load(Ordering::Acquire)
        && session.flag(Flag::ProxyMode);
    if wanted && !leg.media_asked_back.swap(true, Ordering::AcqRel) {
        // Both legs of a bridge come back by one request.
        let partner = session.partner().and_then(|uuid| module.registry.by_uuid(&uuid));
        if partner.is_none_or(|partner| !partner.media_asked_back.swap(true, Ordering::AcqRel)) {
            module.herald.media_left(leg.key);
        }
    }
}

/// Media on its way back, on the herald's thread.
#[derive(Default)]
pub struct Returns {
    under_way: Vec<Return>,
}

struct Return {
    leg: LegKey,
    look: Instant,
    give_up: Instant,
    asked: bool,
}

impl Returns {
    /// A leg's media left.
    pub fn begin(&mut self, leg: LegKey) {
        let now = Instant::now();
        self.under_way.push(Return { leg, look: now + SETTLES, give_up: now + GIVE_UP, asked: false });
    }

    /// How long until the next look.
    pub fn next_in(&self) -> Option<Duration> {
        self.under_way.iter().map(|one| one.look.saturating_duration_since(Instant::now())).min()
    }

    /// Asks for what has settled, and looks what came of what was asked.
    pub fn carry_out(&mut self, registry: &Registry) {
        let now = Instant::now();
        self.under_way.retain_mut(|one| one.look > now || one.goes_on(registry, now));
    }
}

impl Return {
    fn goes_on(&mut self, registry: &Registry, now: Instant) -> bool {
        let Some(leg) = registry.by_key(self.leg) else { return false };
        let Some(session) = Located::by_uuid(&leg.uuid()).filter(|session| session.is_up()) else { return false };
        let Some(module) = module() else { return false };
        self.look = now + LOOK;
        if session.flag(Flag::MediaMoves) && now < self.give_up {
            return true;
        }
        if !session.flag(Flag::ProxyMode) {
            super::look_again(*session);
            module.recorder.observe(self.leg, Observation::MediaReturned);
            return false;
        }
        if now >= self.give_up {
            module.recorder.observe(self.leg, Observation::MediaNotReturned);
            return false;
        }
        if !self.asked {
            self.asked = true;
            bring_media_back(&leg.uuid());
        }
        true
    }
}
