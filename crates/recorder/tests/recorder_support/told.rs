//! A notice as the host's side measured it.
use callvault_recorder::evidence::{NoticeEvidence, NoticeState, Party};
use callvault_recorder::ids::LegUuid;

use super::NOON;

/// Of 14.36 s in Dutch; half of it where it did not get through.
pub fn evidence(leg: &LegUuid, state: NoticeState) -> NoticeEvidence {
    let written = if state == NoticeState::Informed { 718 } else { 359 };
    NoticeEvidence {
        leg: leg.clone(),
        party: Party::Caller,
        prompt: "notice".into(),
        version: "1".into(),
        language: "nl".into(),
        sha256: "00".repeat(32),
        frames_due: 718,
        frames_written: written,
        packets_sent: Some(written),
        started_at_ms: NOON,
        ended_at_ms: NOON,
        state,
    }
}

/// A uuid that no leg has.
pub fn nobody() -> LegUuid {
    LegUuid::from_host(b"nobody")
}
