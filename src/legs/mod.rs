//! A leg from birth to CDR: hooks and messages of the host become inputs of a conversation.
//!
//! Everything here runs in the host's session and signalling threads: read, decide by the policy's pure functions,
//! tell the recorder, return. [`tap`] alone is for the media thread.
mod beep;
mod birth;
mod bypass;
mod cdr;
mod conference;
mod device;
mod digits;
mod keys;
mod leg;
mod queue;
mod registry;
mod tap;
mod taps;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::conversation::LegInput;
use callvault_recorder::ids::LegUuid;

use crate::ffi::hooks::Message;
use crate::ffi::session::{Flag, Located, Session, all_uuids};
use crate::ffi::table::LegTable;
use crate::ffi::{hooks, media};
use crate::module::{Module, module};

pub use beep::{Beeps, SOUND};
pub use birth::born;
pub use bypass::Returns;
pub use cdr::{outcome_text, written_off};
pub use conference::member_changed;
pub use device::show as show_recording;
pub use digits::{LOOK as KEYS_LOOK, pressed, take_heard};
pub use leg::{Leg, Telling, Told};
pub use registry::Registry;
pub use tap::Tap;
pub use taps::{Repairs, tap_closed, tapped_by_others};
pub use wishes::read_wishes;

/// Every leg by its session's address, for the media thread.
pub static LEGS: LegTable<Leg> = LegTable::new();

/// How long a session's thread waits for the controller (ARCHITECTURE.md, Who runs where).
pub const ANSWER_WITHIN: Duration = Duration::from_millis(50);

/// The application whose argument names a conference.
const CONFERENCE: &str = "conference";

/// The application whose argument names a leg of the call that its own leg joins, as a party among the others.
const THREE_WAY: &str = "three_way";

/// A message of the host about a leg.
pub fn message(session: Session<'_>, message: Message) {
    let Some((module, leg)) = known(session) else { return };
    let tell = |what| module.recorder.tell(leg.key, what);
    queue_moved(&module, &leg, &message);
    match message {
        Message::Answered => answered(&module, session, &leg),
        Message::EarlyMedia => {}
        Message::Bridged(Some(other)) => {
            bypass::about_to_bridge(&module, session, &leg);
            if let Some(other) = module.registry.by_uuid(&other) {
                tell(LegInput::Bridged(other.key));
            }
        }
        Message::Unbridged { paused: false } => tell(LegInput::Unbridged),
        Message::Bridged(None) | Message::Unbridged { paused: true } => {}
        Message::Application { name, arguments } if name == CONFERENCE => {
            conference::joined(&module, session, &leg, &arguments);
        }
        Message::ApplicationEnded { name } if name == CONFERENCE => conference::left(&module, &leg),
        Message::Application { name, arguments } if name == THREE_WAY => {
            let with = LegUuid::from_host(arguments.trim().as_bytes());
            if let Some(joined) = module.registry.by_uuid(&with) {
                tell(LegInput::LetIn(Some(joined.key)));
            }
            leg.join_call_of(Some(with));
        }
        Message::ApplicationEnded { name } if name == THREE_WAY => {
            leg.join_call_of(None);
            tell(LegInput::LetIn(None));
        }
        Message::Application { name, arguments } => taps::application_began(&leg, &name, &arguments),
        Message::ApplicationEnded { name } => taps::application_ended(&leg, &name),
        Message::Muted(muted) => conference::hard_muted(&module, &leg, muted),
        Message::Renamed | Message::MediaMoved => {}
    }
    levels(&module, session, &leg);
}

/// What a message says of queues, told before all else that it says: nobody is captured in between.
fn queue_moved(module: &Module, leg: &Leg, message: &Message) {
    let queues = |name: &String| module.recorder.policy().queue_applications.contains(name);
    leg.with_queue(|queue| match message {
        Message::Application { name, .. } => queue.begun(queues(name)),
        Message::ApplicationEnded { name } => queue.ended(queues(name)),
        Message::Bridged(Some(_)) => queue.bridged(true),
        Message::Unbridged { paused: false } => queue.bridged(false),
        Message::Answered
        | Message::EarlyMedia
        | Message::Bridged(None)
        | Message::Unbridged { paused: true }
        | Message::Muted(_)
        | Message::Renamed
        | Message::MediaMoved => {}
    });
    let waits = leg.is_party && leg.with_queue(|queue| queue.waits());
    if waits && leg.waits.changes_to(true) {
        module.recorder.tell(leg.key, LegInput::Waiting(true));
    }
}

/// One of the moments at which a leg's levels are read again.
pub fn look_again(session: Session<'_>) {
    if let Some((module, leg)) = known(session) {
        levels(&module, session, &leg);
    }
}

/// The same, by uuid, on one of the host's event threads.
pub fn look_again_by_uuid(uuid: &LegUuid) {
    if let Some(session) = Located::by_uuid(uuid) {
        look_again(*session);
    }
}

/// The leg's far end has described its media anew.
pub fn renegotiated(uuid: &LegUuid) {
    let Some(session) = Located::by_uuid(uuid) else { return };
    let Some((module, leg)) = known(*session) else { return };
    levels(&module, *session, &leg);
    if leg.is_party && leg.answered.load(std::sync::atomic::Ordering::Acquire) {
        device::listen(&module, *session, &leg);
    }
}

/// The leg hung up: its CDR is written after this.
pub fn hung_up(session: Session<'_>) {
    let Some((module, leg)) = known(session) else { return };
    if session.lost_race() {
        module.recorder.tell(leg.key, LegInput::LostRace);
    }
    module.recorder.tell_and_wait(leg.key, LegInput::HungUp, ANSWER_WITHIN);
    cdr::write(&module, session, &leg);
}

/// The session is being destroyed: nothing of it is read any more.
pub fn gone(session: Session<'_>) {
    let Some(module) = module() else { return };
    // The registry knows without a walk whether the leg is ours.
    if module.registry.by_address(session.address()).is_none() {
        return;
    }
    let Some(leg) = LEGS.remove(session.address()) else { return };
    module.registry.remove(&leg);
    module.recorder.tell(leg.key, LegInput::Gone);
    module.herald.legs_changed(module.registry.count());
}

/// Takes in the legs that exist at load.
pub fn adopt_all() {
    for uuid in all_uuids() {
        if let Some(session) = Located::by_uuid(&uuid)
            && session.is_up()
        {
            birth::adopt(*session);
        }
    }
}

/// Breaks the notices that play; their legs count as not told and their calls go on. Said again until none plays: the host
/// clears the flag in more than one place.
pub fn break_notices(module: &Module) {
    for leg in module.registry.all().iter().filter(|leg| leg.told() == Told::Running) {
        if let Some(session) = Located::by_uuid(&leg.uuid()) {
            session.set_flag(Flag::Break);
        }
    }
}

/// Lets go of every leg at unload: hooks off, bugs off, running notices broken. Called while the border is still
/// open, so that what runs can end in order.
pub fn release_all(module: &Module) {
    break_notices(module);
    for leg in module.registry.all() {
        if let Some(session) = Located::by_uuid(&leg.uuid()) {
            hooks::remove_session_hooks(*session);
            for bug in [leg.bug.take(), leg.idle_bug.take()].into_iter().flatten() {
                session.remove_bug(bug);
            }
        }
    }
}

/// Empties the table, when nobody is inside any more.
pub fn forget_all(module: &Module) {
    for leg in module.registry.all() {
        LEGS.remove(leg.address);
        module.registry.remove(&leg);
    }
}

/// The leg answered, however we hear of it; the first word counts.
pub fn answered(module: &Module, session: Session<'_>, leg: &Arc<Leg>) {
    if !leg.is_party || leg.answered.swap(true, std::sync::atomic::Ordering::AcqRel) {
        return;
    }
    read_wishes(module, session, leg);
    device::listen(module, session, leg);
    leg.read_tap().connect(&module.recorder, leg.key);
    module.recorder.tell(leg.key, LegInput::Tapped);
    module.recorder.tell(leg.key, LegInput::Answered);
    tap_writes(session, leg);
}

/// Puts the media bug on, once, when the leg's media is there.
pub fn tap_writes(session: Session<'_>, leg: &Arc<Leg>) {
    if leg.is_party && !leg.bug.is_set() && session.has_media() && leg.begin_bug() && !media::attach_bug(session, leg) {
        leg.end_bug();
    }
}

/// Has the host look anew whether there is more on the leg than taps.
///
/// Where a decoding bug is added behind ours, `switch_core_media_bug_add` looks at all bugs but the new one, finds taps
/// only, and goes on without decoding: whoever added it would hear nothing of a call whose legs have one codec. Where
/// such a bug is gone, it goes on decoding. Both are set right by an addition, of a bug that does nothing: ours, which
/// counts what is sent to the party, stays where it is, also in a notice. Once it is there, it is put on anew: a removal
/// alone has the host decode.
pub fn renew_tap(session: Session<'_>, leg: &Leg) {
    if !leg.bug.is_set() {
        return;
    }
    leg.renewing(|| {
        if let Some(bug) = leg.idle_bug.take() {
            session.remove_bug(bug);
        }
        media::attach_idle_bug(session, leg);
    });
}

/// Everything about a leg that is a level, not an edge.
fn levels(module: &Module, session: Session<'_>, leg: &Arc<Leg>) {
    if session.flag(Flag::Answered) && !leg.answered.load(std::sync::atomic::Ordering::Acquire) {
        answered(module, session, leg);
    }
    if leg.answered.load(std::sync::atomic::Ordering::Acquire) && session.is_up() {
        tap_writes(session, leg);
        digits::listen_inband(module, session, leg);
    }
    let tell = |what| module.recorder.tell(leg.key, what);
    let held = session.flag(Flag::Holding) || session.flag(Flag::Hold);
    if leg.held.changes_to(held) {
        leg.watch.disturbed();
        tell(LegInput::Held(held));
    }
    leg.stay_alone(session);
    let waits = leg.is_party && leg.with_queue(|queue| queue.waits());
    if leg.waits.changes_to(waits) {
        tell(LegInput::Waiting(waits));
    }
    let bypassed = [Flag::ProxyMode, Flag::ProxyMedia, Flag::Fax].into_iter().any(|flag| session.flag(flag));
    if leg.bypassed.changes_to(bypassed) {
        tell(LegInput::MediaBypassed(bypassed));
    }
    if bypassed {
        bypass::seen(module, session, leg);
    }
    let uuid = session.uuid();
    if uuid != leg.uuid() {
        module.registry.rename(leg, uuid.clone());
        tell(LegInput::Renamed(uuid));
    }
}

/// The leg of a session and the module that it belongs to.
pub fn known(session: Session<'_>) -> Option<(Arc<Module>, Arc<Leg>)> {
    let module = module()?;
    let leg = module.registry.by_address(session.address())?;
    Some((module, leg))
}
