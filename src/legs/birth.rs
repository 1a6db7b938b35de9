//! A leg's birth: what it is, whose party is on it, which recording it belongs to, whether it must be told.
use std::sync::Arc;

use callvault_recorder::conversation::{Direction, LegFacts, LegInput, Personal, Side};
use callvault_recorder::ids::{InstanceTag, LegUuid, RecordingId};
use callvault_recorder::policy::{LegSigns, NoticeDue, NoticeFacts};

use super::{LEGS, Leg, look_again, read_wishes};
use crate::ffi::hooks;
use crate::ffi::session::{Flag, Located, Session};
use crate::module::{Module, module};
use crate::notice;

/// A session is in its first state: in its own thread, before its endpoint does anything.
pub fn born(session: Session<'_>) {
    if let Some(module) = module() {
        enter(&module, session);
    }
}

/// A session that was there before us. Where it has answered, nobody can tell its party any more before it speaks.
pub fn adopt(session: Session<'_>) {
    if let Some(module) = module() {
        enter(&module, session);
        look_again(session);
    }
}

fn enter(module: &Arc<Module>, session: Session<'_>) {
    let policy = module.recorder.policy();
    let is_party = !session.name().starts_with(b"loopback/");
    let born_for = parent_of(session).and_then(|uuid| module.registry.by_uuid(&uuid));
    let recording = match &born_for {
        Some(parent) => parent.recording(),
        None => match RecordingId::generate(InstanceTag::of(&policy.instance)) {
            Some(id) => id,
            // Without randomness there is no key either: the call goes on, unrecorded, and its absence is counted.
            None => return tracing::error!("the operating system gives no randomness: a leg is not recorded"),
        },
    };
    let variable = |name| session.variable(name).unwrap_or_default();
    let personal = Personal {
        caller_number: variable(c"caller_id_number"),
        caller_name: variable(c"caller_id_name"),
        dialled_number: variable(c"destination_number"),
    };
    let signs = LegSigns {
        direction: session.direction(),
        authenticated: variable(c"sip_authorized") == "true",
        dialled_as_user: !variable(c"dialed_user").is_empty(),
        caller_number: &personal.caller_number,
        dialled_number: &personal.dialled_number,
        born_for_exempt: born_for.as_ref().is_some_and(|leg| leg.exempt()),
        born_for_emergency: born_for.as_ref().is_some_and(|leg| leg.emergency),
    };
    let facts = LegFacts {
        uuid: session.uuid(),
        recording,
        direction: signs.direction,
        side: policy.classify(&signs),
        born_for: born_for.as_ref().map(|parent| parent.key),
        is_party,
        exempt: policy.exempt(&signs),
        emergency: policy.emergency(&signs),
        personal: personal.clone(),
    };
    let leg = Arc::new(Leg::new(module.registry.new_key(), session.address(), &facts, policy.system_track));
    if !module.registry.insert(&leg) {
        return;
    }
    if !LEGS.insert(leg.address, Arc::clone(&leg)) {
        module.registry.remove(&leg);
        return tracing::error!(
            leg = facts.uuid.as_str(),
            "more legs than the table has places: this one is not recorded"
        );
    }
    session.set_variable(c"callvault_id", &recording.to_string());
    let emergency = facts.emergency;
    module.recorder.tell(leg.key, LegInput::Born(Box::new(facts)));
    if leg.direction == Direction::Outbound {
        read_wishes(module, session, &leg);
    }
    let exempt = leg.exempt();
    let can_record = module.recorder.can_record().is_ok();
    let due = policy.notice_due(&NoticeFacts {
        side: leg.side,
        direction: leg.direction,
        is_party,
        exempt,
        emergency,
        can_record,
    });
    if due == NoticeDue::Yes {
        leg.set_due();
        module.recorder.tell(leg.key, LegInput::NoticeDue);
        hang_notice(session, leg.direction, born_for.as_deref());
    }
    if is_party && leg.side == Side::Company && notice::tells_whom_it_rings(&policy) {
        session.set_variable(c"execute_on_pre_originate_callvault", notice::AT_RINGING);
    }
    if !hooks::add_session_hooks(session) {
        tracing::error!(leg = leg.uuid().as_str(), "the host took no hooks: this leg is not recorded");
    }
    module.herald.legs_changed(module.registry.count());
}

/// Hangs the notice on the leg, for the host itself to run before the conversation (decision 17).
fn hang_notice(session: Session<'_>, direction: Direction, born_for: Option<&Leg>) {
    if session.flag(Flag::Answered) {
        return;
    }
    match direction {
        Direction::Inbound => session.set_variable(c"execute_on_answer_callvault", notice::AT_ANSWER),
        Direction::Outbound => {
            notice::keep_own_confirmation(session);
            session.set_variable(c"group_confirm_key", "exec");
            session.set_variable(c"group_confirm_file", notice::AT_CONFIRM);
            notice::keep_own_limit(session);
            // Else a callee who hangs up in the notice makes the caller's side see 200: mod_sofia hands the callee's on.
            if let Some(caller) = born_for.and_then(|leg| Located::by_uuid(&leg.uuid())) {
                caller.set_variable(c"sip_ignore_remote_cause", "true");
            }
        }
    }
}

/// The leg that this one was born for: the A-leg of a bridge, or a loopback's other half.
fn parent_of(session: Session<'_>) -> Option<LegUuid> {
    let other_half = session.variable(c"other_loopback_leg_uuid").filter(|uuid| !uuid.is_empty());
    match other_half {
        Some(uuid) if session.name().starts_with(b"loopback/") && session.name().ends_with(b"-b") => {
            Some(LegUuid::from_host(uuid.as_bytes()))
        }
        _ => session.partner(),
    }
}
