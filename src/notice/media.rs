//! Media that comes late: a notice that begins before its way out is open loses its first words, and nobody counts them.
use std::time::{Duration, Instant};

use crate::ffi::attend::{Digits, MediaPath, Writes};
use crate::ffi::session::{Flag, Session};

/// How long media, ICE and the DTLS handshake may take after the answer (ICE gives up its last candidate pair later than
/// any handshake ends).
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// How long the far end's packets are waited for that confirm its address, or correct it: behind a NAT the description's
/// address is nobody's, and the host goes to where ten packets came from (switch_rtp.c:rtp_common_read). A far end that
/// sends nothing is told where it said it is.
pub(super) const SETTLED_WITHIN: Duration = Duration::from_secs(1);

/// Waits until what is written to the leg goes out to its party: media is there, with ICE a packet was sent, with DTLS the
/// handshake has ended, the far end's address is confirmed. The leg is read meanwhile, which is what drives all of
/// that, and sent silence, for which a far end may wait that sends nothing first. Where all of it is so already, nothing
/// is waited for or sent. False where it does not come so far in time, or the leg goes.
pub(super) fn wait(session: Session<'_>) -> bool {
    let begun = Instant::now();
    let sent = || session.packets_sent().unwrap_or(0);
    let before = sent();
    let is_out = || match session.media_path() {
        MediaPath::Open => !session.flag(Flag::Ice) || sent() > before,
        MediaPath::Unsettled => begun.elapsed() >= SETTLED_WITHIN,
        MediaPath::Shut => false,
    };
    if !is_out() {
        let goes_on = || session.is_ready() && !is_out() && begun.elapsed() < OPEN_WITHIN;
        session.attend(Writes::Silence, Digits::Stay, goes_on);
    }
    session.is_up() && is_out()
}
