//! What parties press: each key becomes what it means at once, and is forgotten (REC-12).
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use callvault_recorder::conversation::{LegInput, Side};
use callvault_recorder::time::{Clock, SystemClock};

use super::{Leg, Registry, keys, known, renew_tap};
use crate::ffi::session::Session;
use crate::module::{Module, module};

/// The leg's own party pressed a key, by RFC 4733, INFO or in the audio. The host keeps the digit for whoever reads it
/// next; here it is neither logged nor kept. It may come on the thread that reads the leg's media, where the host
/// itself locks, allocates and logs for a digit.
pub fn pressed(session: Session<'_>, key: char) {
    if let Some((module, leg)) = known(session) {
        means(&module, &leg, key);
    }
}

/// How often the herald looks for keys that media threads heard.
pub const LOOK: Duration = Duration::from_millis(100);

/// The same of all keys that media threads heard themselves ([`super::keys`]), on the herald's thread.
pub fn take_heard(registry: &Registry) {
    if !keys::posted() {
        return;
    }
    let Some(module) = module() else { return };
    for leg in registry.all() {
        leg.keys.take().for_each(|key| means(&module, &leg, key));
    }
}

fn means(module: &Module, leg: &Leg, key: char) {
    if !leg.is_party {
        return;
    }
    let at = SystemClock.monotonic();
    let policy = module.recorder.policy();
    if let Some(signal) = leg.with_digits(|memory| policy.signal(leg.side, memory, key, at)) {
        module.recorder.tell(leg.key, LegInput::Signalled(signal));
    }
}

/// Lets the host listen for digits in an outside party's audio, where the policy wants it; once, after its answer.
pub fn listen_inband(module: &Module, session: Session<'_>, leg: &Arc<Leg>) {
    let wanted = leg.side == Side::Outside && module.recorder.policy().inband_digits && session.has_media();
    // While our tap is being put on, the host asks for the leg's levels in between (it clears a hard mute): not yet.
    if !wanted || !leg.bug.is_set() || leg.listens_inband.swap(true, Ordering::AcqRel) {
        return;
    }
    if session.listen_for_inband_digits() {
        renew_tap(session, leg);
    } else {
        leg.listens_inband.store(false, Ordering::Release);
        tracing::warn!(leg = leg.uuid().as_str(), "the host does not listen for digits in this leg's audio");
    }
}
