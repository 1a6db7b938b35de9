//! What was measured of a notice on its leg (NOT-02, first form).
use callvault_recorder::evidence::{NoticeEvidence, NoticeState};
use callvault_recorder::time::{Clock, SystemClock, UnixMillis};

use super::MeasuredPrompt;
use crate::ffi::session::Session;
use crate::legs::Leg;

/// Packets written and sent when the notice began.
pub(super) struct Count {
    written: u64,
    sent: Option<u64>,
    at: UnixMillis,
    ptime_us: u32,
}

impl Count {
    pub(super) fn of(session: Session<'_>, leg: &Leg) -> Self {
        Self {
            written: leg.written(),
            sent: session.packets_sent(),
            at: SystemClock.now(),
            ptime_us: session.write_ptime_us(),
        }
    }

    /// How it went. `whole`: playing came to its end, media flowed before and after, the leg is up.
    pub(super) fn evidence(
        self,
        session: Session<'_>,
        leg: &Leg,
        prompt: &MeasuredPrompt,
        whole: bool,
    ) -> NoticeEvidence {
        let written = small(leg.written().saturating_sub(self.written));
        let sent = self.sent.zip(session.packets_sent()).map(|(before, after)| small(after.saturating_sub(before)));
        let due = prompt.frames(self.ptime_us);
        NoticeEvidence {
            leg: leg.uuid(),
            party: leg.party(),
            prompt: prompt.id.clone(),
            version: prompt.version.clone(),
            language: prompt.language.clone(),
            sha256: prompt.sha256.clone(),
            frames_due: due,
            frames_written: written,
            packets_sent: sent,
            started_at_ms: self.at,
            ended_at_ms: SystemClock.now(),
            state: state(whole, due, written, sent),
        }
    }
}

/// Informed: all packets due were written, and RTP's own count rose by as many, give or take one. Written is not sent:
/// the host's write side counts before the endpoint sends.
fn state(whole: bool, due: u32, written: u32, sent: Option<u32>) -> NoticeState {
    if written == 0 {
        return NoticeState::None;
    }
    // An endpoint without RTP shows nothing of what was sent.
    let all_sent = sent.is_some_and(|sent| sent + 1 >= due);
    if whole && due > 0 && written >= due && all_sent { NoticeState::Informed } else { NoticeState::Partial }
}

/// The evidence of a notice that could not be played at all.
pub(super) fn nothing(leg: &Leg) -> NoticeEvidence {
    let now = SystemClock.now();
    NoticeEvidence {
        leg: leg.uuid(),
        party: leg.party(),
        prompt: String::new(),
        version: String::new(),
        language: String::new(),
        sha256: String::new(),
        frames_due: 0,
        frames_written: 0,
        packets_sent: None,
        started_at_ms: now,
        ended_at_ms: now,
        state: NoticeState::None,
    }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-02: neither "done" nor "written" is "heard".
    #[test]
    fn informed_takes_every_packet_written_and_sent_to_the_end() {
        let cases = [
            (true, 100, 100, Some(100), NoticeState::Informed),
            (true, 100, 101, Some(101), NoticeState::Informed),
            (true, 100, 100, Some(99), NoticeState::Informed),
            (true, 100, 100, Some(98), NoticeState::Partial),
            (true, 100, 99, Some(100), NoticeState::Partial),
            (false, 100, 100, Some(100), NoticeState::Partial),
            (true, 100, 100, None, NoticeState::Partial),
            (true, 0, 100, Some(100), NoticeState::Partial),
            (true, 100, 0, Some(0), NoticeState::None),
        ];
        for (whole, due, written, sent, expected) in cases {
            assert_eq!(state(whole, due, written, sent), expected, "{whole} {due} {written} {sent:?}");
        }
    }
}
