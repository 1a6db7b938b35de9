//! What is changed on a leg that rings others, and only where one of those will hear a notice; it is put back as soon as the host
//! has read it.
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use callvault_recorder::conversation::Direction;
use callvault_recorder::policy::{LegSigns, NoticeDue, NoticeFacts, Rings, destinations};

use crate::ffi::session::Session;
use crate::legs::{Leg, Told};
use crate::module::Module;

/// Applications that ring whom their arguments name.
const RINGING: [&str; 2] = ["bridge", "att_xfer"];

/// With it, whoever rings hears the network's tones although nobody has won the call while a notice is waited for
/// (switch_ivr_originate.c). Read once, when originate begins.
const SHARE_EARLY_MEDIA: &CStr = c"bridge_early_media";

/// What the far end answered to whom the leg rang last; mod_sofia answers the leg's own far end with it.
const LAST_ANSWER: &CStr = c"last_bridge_proto_specific_hangup_cause";

/// What is lent to a leg for the notices of others.
#[derive(Default)]
pub struct Lent {
    early_media: AtomicBool,
    callee_left: AtomicBool,
}

/// The leg begins an application.
pub fn application_begins(module: &Module, session: Session<'_>, leg: &Leg, name: &str, arguments: &str) {
    let is_unset = |name| session.variable(name).is_none_or(|value| value.is_empty());
    if RINGING.contains(&name)
        && tells_one_of(module, leg, arguments)
        && is_unset(SHARE_EARLY_MEDIA)
        && is_unset(c"ignore_early_media")
    {
        leg.lent.early_media.store(true, Ordering::Release);
        session.set_variable(SHARE_EARLY_MEDIA, "true");
    }
}

/// It ended.
pub fn application_ended(session: Session<'_>, leg: &Leg) {
    take_back(session, leg);
}

/// A leg was born for that one: originate has read what it reads, and has given it to the new leg as well.
pub fn rings(session: Session<'_>, parent: Session<'_>, parent_leg: &Leg) {
    if take_back(parent, parent_leg) {
        session.set_variable(SHARE_EARLY_MEDIA, "");
        // What originate makes of it on the new leg.
        session.set_variable(c"originate_early_media", "true");
    }
}

/// The leg hangs up; what its far end is answered follows from its variables.
pub fn leg_ends(module: &Module, session: Session<'_>, leg: &Leg) {
    take_back(session, leg);
    if leg.rung.is_told() && leg.told() == Told::Running {
        let caller = leg.born_for.and_then(|caller| module.registry.by_key(caller));
        if let Some(caller) = caller {
            caller.lent.callee_left.store(true, Ordering::Release);
        }
    }
    // A callee that hung up in its notice had answered: mod_sofia would hand its 200 on to whoever rang, whose call never
    // stood.
    let never_stood = !leg.answered.load(Ordering::Acquire);
    let had_answered = || session.variable(LAST_ANSWER).is_some_and(|answer| answer.starts_with("sip:200"));
    if never_stood && leg.lent.callee_left.load(Ordering::Acquire) && had_answered() {
        session.set_variable(LAST_ANSWER, "");
    }
}

fn take_back(session: Session<'_>, leg: &Leg) -> bool {
    let lent = leg.lent.early_media.swap(false, Ordering::AcqRel);
    if lent {
        session.set_variable(SHARE_EARLY_MEDIA, "");
    }
    lent
}

/// Whether one of those whom a dial string names will be told by the module: by the same rule as at its birth.
fn tells_one_of(module: &Module, leg: &Leg, dial_string: &str) -> bool {
    let policy = module.recorder.policy();
    let can_record = module.recorder.can_record().is_ok();
    destinations(dial_string).any(|rung| {
        let signs = LegSigns {
            direction: Direction::Outbound,
            authenticated: false,
            dialled_as_user: rung == Rings::User,
            caller_number: "",
            dialled_number: match rung {
                Rings::Number(number) => number,
                Rings::User | Rings::Nobody => "",
            },
            born_for_exempt: leg.exempt(),
            born_for_emergency: leg.emergency,
        };
        let facts = NoticeFacts {
            side: policy.classify(&signs),
            direction: Direction::Outbound,
            is_party: rung != Rings::Nobody,
            exempt: policy.exempt(&signs),
            emergency: policy.emergency(&signs),
            can_record,
        };
        policy.notice_due(&facts) == NoticeDue::Yes
    })
}
