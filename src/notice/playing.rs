//! Playing as it is without what a dialplan may have set: the proof counts on it (switch_ivr_play_say.c).
use std::ffi::CStr;

use crate::ffi::session::Session;

/// Channel variables that make one file several, pace playing by a timer of its own, end it early or change its sound.
const CHANGES: [&CStr; 4] =
    [c"playback_delimiter", c"timer_name", c"playback_timeout_sec", c"playback_timeout_sec_cumulative"];

/// Those of them that were set, until dropped.
pub(super) struct PlainPlaying<'a> {
    session: Session<'a>,
    before: Vec<(&'static CStr, String)>,
}

impl<'a> PlainPlaying<'a> {
    pub(super) fn on(session: Session<'a>) -> Self {
        let set =
            |name: &'static CStr| session.variable(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        let before: Vec<_> = CHANGES.into_iter().filter_map(set).collect();
        before.iter().for_each(|(name, _)| session.set_variable(name, ""));
        Self { session, before }
    }
}

impl Drop for PlainPlaying<'_> {
    fn drop(&mut self) {
        self.before.iter().for_each(|(name, value)| self.session.set_variable(name, value));
    }
}
