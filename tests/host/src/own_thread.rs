//! Threads of the module's own that act on legs: known by their name.

/// The module's name for a thread that tells a leg that is rung.
const NAME: &str = "callvault-tell";

/// What such a thread plays is called so in a trace.
pub const PLAY: &str = "own-play";

/// Whether the calling thread is one of them.
pub fn is_here() -> bool {
    let mut name = [0_u8; 16];
    // SAFETY: the system writes at most 16 bytes, NUL included (prctl(2), PR_GET_NAME).
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name.split(|byte| *byte == 0).next() == Some(NAME.as_bytes())
}
