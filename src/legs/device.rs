//! Devices that take part in the signs of recording (RFC 7866): they say what they prefer, and are told how they are
//! recorded (NOT-07). To all others nothing is said, and their session descriptions are as without us.
use std::ffi::CStr;
use std::sync::atomic::Ordering;

use callvault_recorder::conversation::{DevicePreference, LegInput, Shown};
use callvault_recorder::ids::LegKey;

use super::{Leg, Registry};
use crate::ffi::session::{Located, Session};
use crate::module::Module;

/// The far end's session description.
const THEIRS: &CStr = c"switch_r_sdp";
/// What the host adds to the audio of ours (switch_core_media.c:switch_core_media_gen_local_sdp).
const ADDED: &CStr = c"rtp_append_audio_sdp";
/// The attribute that tells.
const ATTRIBUTE: &str = "a=record:";

/// The leg answered, or its far end says something else: does its device take part?
pub fn listen(module: &Module, session: Session<'_>, leg: &Leg) {
    let description = session.variable(THEIRS).unwrap_or_default();
    if let Some(preference) = preference_of(&description) {
        module.recorder.tell(leg.key, LegInput::RecordingAware(preference));
    }
}

/// Tells the leg's device, by a new description of the session.
pub fn show(registry: &Registry, leg: LegKey, shown: Shown) {
    let Some(leg) = registry.by_key(leg).filter(|leg| leg.answered.load(Ordering::Acquire)) else { return };
    let Some(session) = Located::by_uuid(&leg.uuid()).filter(|session| session.is_up()) else { return };
    let before = session.variable(ADDED).unwrap_or_default();
    session.set_variable(ADDED, &with_attribute(&before, shown));
    session.describe_media_again();
}

/// `None` where the device says nothing of it.
fn preference_of(description: &str) -> Option<DevicePreference> {
    let mut said = description.lines().filter_map(|line| line.trim_end().strip_prefix("a=recordpref:"));
    let said = said.next_back()?;
    Some(if said == "off" { DevicePreference::Off } else { DevicePreference::Other })
}

/// What the dialplan adds stays; ours takes the place of the one before.
fn with_attribute(before: &str, shown: Shown) -> String {
    let word = match shown {
        Shown::On => "on",
        Shown::Paused => "paused",
        Shown::Off => "off",
    };
    let others = before.lines().filter(|line| !line.starts_with(ATTRIBUTE) && !line.is_empty());
    others.map(|line| format!("{line}\r\n")).chain([format!("{ATTRIBUTE}{word}\r\n")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_says_what_it_prefers_takes_part() {
        assert_eq!(preference_of("v=0\r\nm=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n"), None);
        assert_eq!(preference_of("v=0\r\na=recordpref:off\r\n"), Some(DevicePreference::Off));
        for other in ["on", "pause", "nopreference", "offend"] {
            assert_eq!(preference_of(&format!("a=recordpref:{other}\n")), Some(DevicePreference::Other), "{other}");
        }
    }

    #[test]
    fn the_attribute_takes_the_place_of_the_one_before_and_leaves_others_alone() {
        assert_eq!(with_attribute("", Shown::On), "a=record:on\r\n");
        assert_eq!(with_attribute("a=x:1\r\na=record:on\r\n", Shown::Off), "a=x:1\r\na=record:off\r\n");
        assert_eq!(with_attribute("a=x:1", Shown::Paused), "a=x:1\r\na=record:paused\r\n");
    }
}
