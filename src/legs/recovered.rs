//! A leg that the host resurrected after a crash (`sofia recover`): its variables are those from before, and its party has
//! heard what it heard, and means what it meant.
use callvault_recorder::evidence::Standing;
use callvault_recorder::ids::RecordingId;

use crate::ffi::session::{Flag, Session};

/// What it was before.
pub struct Before {
    /// The recording that it belonged to.
    pub recording: RecordingId,
    /// How its party stood, where that was settled.
    pub standing: Option<Standing>,
}

/// Of a leg just born: none where it is new.
pub fn before(session: Session<'_>) -> Option<Before> {
    if !session.flag(Flag::Recovering) && !session.flag(Flag::RecoveringBridge) {
        return None;
    }
    let recording = session.variable(c"callvault_id")?.parse().ok()?;
    let said = session.variable(c"callvault_state").unwrap_or_default();
    let standing = Standing::ALL.into_iter().find(|standing| standing.as_str() == said);
    Some(Before { recording, standing: standing.filter(|&standing| standing != Standing::Pending) })
}

/// The leg left that recording.
pub fn add_former(session: Session<'_>, former: RecordingId) {
    let before = session.variable(c"callvault_former_ids").unwrap_or_default();
    let all = if before.is_empty() { former.to_string() } else { format!("{before},{former}") };
    session.set_variable(c"callvault_former_ids", &all);
}
