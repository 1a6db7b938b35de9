//! Whoever a leg turns out to be later is judged anew (decision 18): before it is captured, and told before it hears
//! anybody. The company's may turn out to be outside; nothing that comes later makes an outside party the company's.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use callvault_recorder::controller::Observation;
use callvault_recorder::conversation::{Direction, LegInput, Side};
use callvault_recorder::policy::{NoticeDue, NoticeFacts, Reached};

use super::uri::Uri;
use super::{Leg, birth};
use crate::ffi::session::{Located, Session};
use crate::module::Module;

/// A leg that is rung, at each word of it before its answer and at that: a far end that answers 302 makes mod_sofia ring
/// another one on the same channel.
pub fn before_answer(module: &Module, session: Session<'_>, leg: &Leg) {
    if leg.direction == Direction::Inbound || leg.answered.load(Ordering::Acquire) || !is_ours(leg) {
        return;
    }
    let redirected = session.variable(c"sip_redirected_to").filter(|contact| !contact.is_empty());
    if let Some(contact) = redirected {
        reaches(module, session, leg, &Uri::read(&contact).reached());
    }
}

/// At a leg's answer, and when its far end says that it is connected to somebody else by now (P-Asserted-Identity,
/// Remote-Party-ID): the host keeps that as the other party's id.
pub fn connected(module: &Module, session: Session<'_>, leg: &Leg) {
    if !is_ours(leg) {
        return;
    }
    let number = session.variable(leg.connected_id()).unwrap_or_default();
    if !number.is_empty() && !leg.is_known_as(&number) {
        reaches(module, session, leg, &Reached { number: &number, address: None });
    }
}

/// Two legs are about to hear each other. Who of them came later is outside to the company of the first where that is
/// another than its own.
pub fn met(module: &Module, leg: &Arc<Leg>, other: &Arc<Leg>) {
    let later = if leg.key > other.key { leg } else { other };
    if !is_ours(leg) || !is_ours(other) || module.recorder.policy().are_one_company(leg.domain(), other.domain()) {
        return;
    }
    if let Some(session) = Located::by_uuid(&later.uuid()) {
        turn_outside(module, *session, later);
    }
}

/// The leg is about to enter a room, in which others are.
pub fn met_in(module: &Module, leg: &Arc<Leg>, room: &str) {
    let there = module.registry.all().into_iter().filter(|other| other.key != leg.key && other.is_in(room));
    if let Some(first) = there.filter(|other| is_ours(other)).min_by_key(|other| other.key) {
        met(module, leg, &first);
    }
}

fn is_ours(leg: &Leg) -> bool {
    leg.is_party && leg.side() == Side::Company
}

fn reaches(module: &Module, session: Session<'_>, leg: &Leg, reached: &Reached<'_>) {
    if !module.recorder.policy().stays_company(reached) {
        turn_outside(module, session, leg);
    }
}

fn turn_outside(module: &Module, session: Session<'_>, leg: &Leg) {
    if !leg.turn_outside() {
        return;
    }
    module.recorder.observe(leg.key, Observation::TurnedOutside);
    module.recorder.tell(leg.key, LegInput::TurnedOutside);
    let due = module.recorder.policy().notice_due(&NoticeFacts {
        side: Side::Outside,
        direction: leg.direction,
        is_party: leg.is_party,
        exempt: leg.exempt(),
        emergency: leg.emergency,
        can_record: module.recorder.can_record().is_ok(),
    });
    if due == NoticeDue::Yes {
        leg.set_due();
        module.recorder.tell(leg.key, LegInput::NoticeDue);
        let born_for = leg.born_for.and_then(|parent| module.registry.by_key(parent));
        birth::hang_notice(session, leg.direction, born_for.as_deref());
    }
}
