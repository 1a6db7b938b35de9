//! A short tone that one party hears and nobody else, in a call that goes on.
//!
//! It is mixed into what is written to that leg (`displace`): a broadcast would stop the bridge and the agent's voice
//! with it. While it sounds the host decodes the leg; before and after it our bug is put on anew ([`renew_tap`]).
use std::ffi::CStr;
use std::time::{Duration, Instant};

use callvault_recorder::ids::LegKey;

use super::{Registry, renew_tap};
use crate::ffi::session::Located;

/// A quarter of a second of 1400 Hz, not loud.
pub const SOUND: &CStr = c"tone_stream://v=-13;%(250,0,1400)";
/// When the sound has ended and the host has taken its bug off.
const OVER: Duration = Duration::from_millis(900);
/// The host's name of the bug that mixes the sound in.
const DISPLACE: &CStr = c"displace";

/// Legs that beep, on the herald's thread.
#[derive(Default)]
pub struct Beeps {
    sounding: Vec<(Instant, LegKey)>,
    renewed: u64,
}

impl Beeps {
    /// The leg's party hears it now.
    pub fn sound(&mut self, registry: &Registry, key: LegKey, source: &CStr) {
        let Some(leg) = registry.by_key(key) else { return };
        let Some(session) = Located::by_uuid(&leg.uuid()).filter(|session| session.is_up() && session.has_media())
        else {
            return;
        };
        if session.mix_in(source) {
            renew_tap(*session, &leg);
            self.sounding.push((Instant::now() + OVER, key));
        } else {
            tracing::warn!(leg = leg.uuid().as_str(), "the host played {source:?} to nobody");
        }
    }

    /// How long until the next is over.
    pub fn next_in(&self) -> Option<Duration> {
        self.sounding.iter().map(|(over, _)| over.saturating_duration_since(Instant::now())).min()
    }

    /// Gives those legs whose sound is over back to the host as tapped only.
    pub fn carry_out(&mut self, registry: &Registry) {
        let now = Instant::now();
        let (over, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sounding).into_iter().partition(|(over, _)| *over <= now);
        self.sounding = later;
        for (_, key) in over {
            let Some(leg) = registry.by_key(key) else { continue };
            let Some(session) = Located::by_uuid(&leg.uuid()).filter(|session| session.is_up()) else { continue };
            if session.bugs_of(DISPLACE) > 0 {
                self.sounding.push((now + OVER, key));
            } else {
                renew_tap(*session, &leg);
                self.renewed += 1;
                tracing::debug!(leg = leg.uuid().as_str(), "tap put on anew after a sound, {} so far", self.renewed);
            }
        }
    }
}
