//! Whoever rings may ask for a key of his own before a leg counts as answered (`group_confirm_key`). The notice takes that
//! place on the leg (decision 17), so it asks for him, after it has ended.
use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use crate::ffi::session::Session;

/// What originate reads on the leg, and where it is kept for [`ask`]: originate forgets its own when it begins to ask.
const KEPT: [(&CStr, &CStr); 5] = [
    (c"group_confirm_key", c"callvault_confirm_key"),
    (c"group_confirm_file", c"callvault_confirm_file"),
    (c"group_confirm_error_file", c"callvault_confirm_error_file"),
    (c"group_confirm_read_timeout", c"callvault_confirm_read_timeout"),
    (c"group_confirm_timeout", c"callvault_confirm_timeout"),
];

/// The key that means an application in place of a key.
const APPLICATION: &str = "exec";
/// How long originate waits for the key each time, where nothing else was said, in ms.
const USUAL_READ: u32 = 5_000;

/// Before the notice is hung on the leg.
pub fn keep(session: Session<'_>) {
    let wanted = session.variable(KEPT[0].0).is_some_and(|key| !key.is_empty());
    for (theirs, ours) in KEPT.iter().filter(|_| wanted) {
        if let Some(value) = session.variable(theirs).filter(|value| !value.is_empty()) {
            session.set_variable(ours, &value);
        }
    }
}

/// After the notice, as originate would have: until the key was pressed, the leg hung up, or its time is over.
pub(super) fn ask(session: Session<'_>) {
    let kept = |place: usize| session.variable(KEPT[place].1).filter(|value| !value.is_empty());
    let Some(key) = kept(0) else { return };
    let file = kept(1);
    if key.eq_ignore_ascii_case(APPLICATION) {
        let Some(file) = file else { return };
        let (name, arguments) = file.split_once(' ').unwrap_or((&file, ""));
        return session.run_application(name, arguments);
    }
    let error = kept(2);
    let each = kept(3).and_then(|ms| ms.parse().ok()).unwrap_or(USUAL_READ);
    let until = kept(4).and_then(|seconds| seconds.parse().ok()).filter(|&seconds| seconds > 0);
    let until = until.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let sound = CString::new(file.unwrap_or_else(|| "silence".into())).unwrap_or_default();
    while session.is_up() {
        if until.is_some_and(|until| Instant::now() >= until) {
            return session.give_up();
        }
        if session.read_keys(&sound, key.len(), each).as_deref() == Some(key.as_str()) {
            return;
        }
        if let Some(error) = &error {
            session.play(error);
        }
    }
}
