//! Playing as it is without what a dialplan may have set: the proof counts on it (switch_ivr_play_say.c).
use std::ffi::CStr;

use crate::ffi::session::Session;

/// Channel variables that make one file several, pace playing by a timer of its own, end it early or change its sound.
const CHANGES: [&CStr; 4] =
    [c"playback_delimiter", c"timer_name", c"playback_timeout_sec", c"playback_timeout_sec_cumulative"];

/// What playing says of itself: of the dialplan's last playing, not of ours.
const SAID: [&CStr; 4] = [c"playback_last_offset_pos", c"playback_seconds", c"playback_ms", c"playback_samples"];

/// As they were before, until dropped.
pub(super) struct PlainPlaying<'a> {
    session: Session<'a>,
    changes: Vec<(&'static CStr, String)>,
    said: [Option<String>; SAID.len()],
}

impl<'a> PlainPlaying<'a> {
    pub(super) fn on(session: Session<'a>) -> Self {
        let set =
            |name: &'static CStr| session.variable(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        let changes: Vec<_> = CHANGES.into_iter().filter_map(set).collect();
        changes.iter().for_each(|(name, _)| session.set_variable(name, ""));
        Self { session, changes, said: SAID.map(|name| session.variable(name)) }
    }
}

impl Drop for PlainPlaying<'_> {
    fn drop(&mut self) {
        self.changes.iter().for_each(|(name, value)| self.session.set_variable(name, value));
        for (name, value) in SAID.iter().zip(&self.said) {
            self.session.set_variable(name, value.as_deref().unwrap_or_default());
        }
    }
}
