//! Taps that others touch: ours taken off and put back (REC-04), theirs on a leg in scope (PUR-08).
use std::collections::HashMap;
use std::time::{Duration, Instant};

use callvault_recorder::controller::Observation;
use callvault_recorder::ids::{LegKey, LegUuid};
use callvault_recorder::policy::{ForeignTaps, PROMPT_STOPPED};

use super::{Leg, Registry, beep, renew_tap, tap_writes};
use crate::ffi::session::{BUG_NAME, Flag, Located};
use crate::module::module;

/// So often in a leg's life its tap is put back at once; after that [`SLOWLY`], for somebody takes it off each time and
/// every bug costs memory of the call's pool.
const AT_ONCE: u32 = 8;
/// See [`AT_ONCE`].
const SLOWLY: Duration = Duration::from_secs(5);
/// When a tap that could not be put back is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// Bugs of the host that look for a signal and hand the audio to nobody.
const DETECTORS: [&str; 6] =
    ["inband_dtmf", "inband_dtmf_generate", "spandsp_dtmf_detect", "spandsp_tone_detect", "tone_detect", "vad"];
/// The applications that listen to another leg, whose argument names it.
const LISTENING: [&str; 2] = ["eavesdrop", "native_eavesdrop"];

/// Our bug was closed, and not by us: by who removes bugs, under the leg's bug lock, or at the leg's hang-up. Only a
/// note is left here.
pub fn tap_closed(leg: &Leg) {
    if let Some(module) = module() {
        module.herald.tap_closed(leg.key);
    }
}

/// Taps to put back, on the herald's thread.
#[derive(Default)]
pub struct Repairs {
    due: Vec<(Instant, LegKey)>,
    /// How often each leg's tap was taken off.
    removals: HashMap<LegKey, u32>,
}

impl Repairs {
    /// A tap was closed. At a leg's end that is as it should be, and where media leaves the host there is nothing to tap.
    pub fn closed(&mut self, registry: &Registry, key: LegKey) {
        let Some(leg) = registry.by_key(key) else { return };
        let Some(session) = Located::by_uuid(&leg.uuid()) else { return };
        if !session.is_up() {
            return;
        }
        if session.flag(Flag::ProxyMode) {
            return leg.end_bug();
        }
        if let Some(module) = module() {
            module.recorder.observe(key, Observation::TapRemoved);
        }
        self.removals.retain(|key, _| registry.by_key(*key).is_some());
        let removals = self.removals.entry(key).or_default();
        *removals += 1;
        let pause = if *removals > AT_ONCE { SLOWLY } else { Duration::ZERO };
        self.due.push((Instant::now() + pause, key));
        self.carry_out(registry);
    }

    /// How long until the next is due.
    pub fn next_in(&self) -> Option<Duration> {
        self.due.iter().map(|(due, _)| due.saturating_duration_since(Instant::now())).min()
    }

    /// Puts back what is due.
    pub fn carry_out(&mut self, registry: &Registry) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.due).into_iter().partition(|(due, _)| *due <= now);
        self.due = later;
        let due: Vec<(Instant, LegKey)> = due;
        for (_, key) in due {
            if put_back(registry, key) == Put::NotYet {
                self.due.push((now + AGAIN, key));
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Put {
    Back,
    NotYet,
    Gone,
}

fn put_back(registry: &Registry, key: LegKey) -> Put {
    let Some(leg) = registry.by_key(key) else { return Put::Gone };
    let Some(session) = Located::by_uuid(&leg.uuid()) else { return Put::Gone };
    let Some(module) = module().filter(|_| session.is_up()) else { return Put::Gone };
    leg.end_bug();
    tap_writes(*session, &leg);
    if !leg.bug.is_set() {
        return Put::NotYet;
    }
    module.recorder.observe(key, Observation::TapRepaired);
    Put::Back
}

/// A media bug was put on the leg of that uuid (`MEDIA_BUG_START`), on one of the host's event threads.
pub fn tapped_by_others(uuid: &LegUuid, function: &str, target: &str) {
    if function.as_bytes() == BUG_NAME.to_bytes() || target.as_bytes() == beep::SOUND.to_bytes() {
        return;
    }
    let Some(module) = module() else { return };
    if module.recorder.policy().prompts.iter().any(|prompt| prompt.id == PROMPT_STOPPED && prompt.file == target) {
        return;
    }
    let Some(leg) = module.registry.by_uuid(uuid).filter(|leg| leg.is_party) else { return };
    if let Some(session) = Located::by_uuid(uuid).filter(|session| session.is_up()) {
        renew_tap(*session, &leg);
    }
    let all = module.registry.all();
    let is_listened_to = || all.iter().any(|other| other.listens_to(uuid));
    let lets_a_party_in = function == LISTENING[0] && all.iter().any(|other| other.joins(uuid)) && !is_listened_to();
    if DETECTORS.contains(&function) || lets_a_party_in {
        return;
    }
    let seen = Observation::ForeignTap { function: function.to_owned(), target: target.to_owned() };
    module.recorder.observe(leg.key, seen);
    if module.recorder.policy().foreign_taps != ForeignTaps::HangUp {
        return;
    }
    for listener in all.iter().filter(|other| other.key != leg.key && other.listens_to(uuid)) {
        if let Some(session) = Located::by_uuid(&listener.uuid()) {
            session.hang_up();
            module.recorder.observe(leg.key, Observation::ListenerHungUp { listener: listener.uuid() });
        }
    }
}

/// An application began on the leg: it may be one that listens to another.
pub fn application_began(leg: &Leg, name: &str, arguments: &str) {
    if LISTENING.contains(&name) {
        leg.listen_to(arguments.split_whitespace().next().map(str::to_owned));
    }
}

/// It ended.
pub fn application_ended(leg: &Leg, name: &str) {
    if LISTENING.contains(&name) {
        leg.listen_to(None);
    }
}
