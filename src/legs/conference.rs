//! A member of a conference, and whether the room hears it.
//!
//! The level is the conference's own: `Speak` and `Hold` of its events (mod_conference,
//! conference_member_add_event_data). A hard mute is only its first word: the host takes it away with every media bug
//! that anyone puts on the leg (switch_core_media_bug.c) while the room goes on not hearing it, and a member that is
//! listened to for speech while muted (`mute-detect`) gets none.
use std::sync::PoisonError;

use callvault_recorder::conversation::LegInput;
use callvault_recorder::ids::LegUuid;

use super::Leg;
use crate::ffi::session::Session;
use crate::module::{Module, module};

/// The leg enters the room that the application's arguments name. Where its flags say so, it enters unheard.
pub fn joined(module: &Module, session: Session<'_>, leg: &Leg, arguments: &str) {
    let own_flags = session.variable(c"conference_member_flags").unwrap_or_default();
    module.recorder.tell(leg.key, LegInput::ConferenceJoined(name(arguments).into()));
    heard(module, leg, Some(!enters_muted(arguments, &own_flags)));
}

/// It left the room.
pub fn left(module: &Module, leg: &Leg) {
    heard(module, leg, None);
    module.recorder.tell(leg.key, LegInput::ConferenceLeft);
}

/// The host hard-mutes the leg, or no longer does: the latter says nothing of a room.
pub fn hard_muted(module: &Module, leg: &Leg, muted: bool) {
    let in_room = leg.room.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    match (in_room, muted) {
        (true, true) => heard(module, leg, Some(false)),
        (true, false) => {}
        (false, muted) => module.recorder.tell(leg.key, LegInput::Muted(muted)),
    }
}

/// A conference says of a member whether it may speak and whether it is held; one of the host's event threads.
pub fn member_changed(uuid: &LegUuid, speaks: bool, held: bool) {
    let Some(module) = module() else { return };
    let Some(leg) = module.registry.by_uuid(uuid) else { return };
    if leg.room.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        heard(&module, &leg, Some(speaks && !held));
    }
}

fn heard(module: &Module, leg: &Leg, heard: Option<bool>) {
    let mut room = leg.room.lock().unwrap_or_else(PoisonError::into_inner);
    let was_unheard = *room == Some(false);
    *room = heard;
    let is_unheard = heard == Some(false);
    if was_unheard != is_unheard {
        // Told under the lock: two threads' words keep the order of their levels.
        module.recorder.tell(leg.key, LegInput::Muted(is_unheard));
    }
}

/// The name in a conference application's argument: `[bridge:]name[@profile][+pin][+flags{…}]`.
fn name(arguments: &str) -> &str {
    let arguments = arguments.trim();
    let rest = arguments.strip_prefix("bridge:").unwrap_or(arguments);
    let end = rest.find(['@', '+', ':']).unwrap_or(rest.len());
    &rest[..end]
}

/// Whether the flags of the application or of the variable `conference_member_flags` have `mute` among them
/// (conference_utils.c:conference_utils_set_mflags).
fn enters_muted(arguments: &str, variable: &str) -> bool {
    let flags = arguments.split_once("+flags{").map_or("", |(_, flags)| flags.split('}').next().unwrap_or_default());
    [flags, variable].into_iter().flat_map(|flags| flags.split(['|', ' ', ','])).any(|flag| flag.trim() == "mute")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conference_is_known_by_its_name_alone() {
        for argument in [
            "sales",
            "sales@default",
            " sales@default+1234+flags{mute}",
            "sales+1234",
            "bridge:sales@default:user/1000",
        ] {
            assert_eq!(name(argument), "sales", "{argument}");
        }
    }

    #[test]
    fn who_enters_muted_says_so_in_its_flags() {
        for (arguments, variable) in
            [("sales@default+flags{mute}", ""), ("sales+1234+flags{moderator|mute}", ""), ("sales", "endconf|mute")]
        {
            assert!(enters_muted(arguments, variable), "{arguments}, {variable}");
        }
        for (arguments, variable) in
            [("sales", ""), ("mute", ""), ("sales+flags{mute-detect}", "vmute"), ("sales+mute", "")]
        {
            assert!(!enters_muted(arguments, variable), "{arguments}, {variable}");
        }
    }
}
