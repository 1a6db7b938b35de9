//! What a leg's CDR says of its recording, and whether every CDR is accounted for (REC-02).
use callvault_recorder::ids::RecordingId;

use crate::ffi::events::WrittenOff;
use crate::module::module;

/// A leg that hung up because another of its ring group answered is no party.
const LOST_RACE: &str = "LOSE_RACE";

/// The host wrote a leg off, on one of its event threads. A leg that our hooks never saw has no id, and an answered one
/// of that kind is a call that nobody can account for.
pub fn written_off(leg: &WrittenOff) {
    let Some(module) = module() else { return };
    let is_party = !leg.channel.starts_with("loopback/") && leg.cause != LOST_RACE;
    let answered = !matches!(leg.answered_at.as_str(), "" | "0");
    let recording = leg.callvault_id.parse::<RecordingId>().ok();
    module.recorder.reconcile(leg.uuid.clone(), recording, answered, is_party);
}
