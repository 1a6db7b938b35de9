//! What was measured of a notice on its leg (NOT-02). We can show that it was sent in full, not that it was heard.
use std::time::Duration;

use callvault_recorder::evidence::{NoticeEvidence, NoticeState};
use callvault_recorder::time::{Clock, SystemClock, UnixMillis};

use super::MeasuredPrompt;
use super::watch::Watched;
use crate::ffi::session::{Flag, Played, Session};
use crate::legs::Leg;

/// A longer time between two packets is a hole in the prompt. A host that is too busy to write for so long has not told
/// anybody either.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A notice that begins: packets written and sent by now.
pub(super) struct Begun {
    written: u64,
    sent: Option<u64>,
    at: UnixMillis,
    ptime_us: u32,
    open: bool,
}

/// What its state follows from.
#[derive(Clone, Copy)]
struct Measured {
    whole: bool,
    watched: Watched,
    open: bool,
    due: u32,
    written: u32,
    sent: Option<u32>,
}

impl Begun {
    pub(super) fn on(session: Session<'_>, leg: &Leg) -> Self {
        let begun = Self {
            written: leg.written(),
            sent: session.packets_sent(),
            at: SystemClock.now(),
            ptime_us: session.write_ptime_us(),
            open: is_open(session),
        };
        leg.watch.begin();
        begun
    }

    /// How it went. Called when playing ended: what the party says next is captured from here on, so nothing waits.
    /// `unaltered`: the file is still the one that was measured.
    pub(super) fn ended(
        self,
        session: Session<'_>,
        leg: &Leg,
        prompt: &MeasuredPrompt,
        played: Played,
        unaltered: bool,
    ) -> NoticeEvidence {
        let written = small(leg.written().saturating_sub(self.written));
        let sent = self.sent.zip(session.packets_sent()).map(|(before, after)| small(after.saturating_sub(before)));
        let whole = played == Played::Whole && unaltered;
        let open = whole && self.open && is_open(session);
        let measured =
            Measured { whole, watched: leg.watch.end(), open, due: prompt.frames(self.ptime_us), written, sent };
        let (uuid, state) = (leg.uuid(), measured.state());
        let (name, id, language) = (uuid.as_str(), &prompt.id, &prompt.language);
        match state {
            NoticeState::Informed => tracing::info!(leg = name, "notice {id} ({language}) sent whole"),
            NoticeState::Partial | NoticeState::None => {
                tracing::warn!(leg = name, "notice {id} ({language}) not sent whole: {measured}");
            }
        }
        NoticeEvidence {
            leg: uuid,
            party: leg.party(),
            prompt: prompt.id.clone(),
            version: prompt.version.clone(),
            language: prompt.language.clone(),
            sha256: prompt.sha256.clone(),
            frames_due: measured.due,
            frames_written: written,
            packets_sent: sent,
            started_at_ms: self.at,
            ended_at_ms: SystemClock.now(),
            state,
        }
    }
}

/// The leg is answered and up, nobody holds, and its media flows towards the party.
fn is_open(session: Session<'_>) -> bool {
    let held = session.flag(Flag::Holding) || session.flag(Flag::Hold);
    session.is_up() && session.flag(Flag::Answered) && !held && session.media_flows_out()
}

impl Measured {
    /// Informed: every packet due was written, in one piece and outside hold, RTP's own count rose by as many, give or
    /// take one, and the line is still open. Written is not sent: the host's write side counts before the
    /// endpoint sends. More than was due is no whole prompt either: it was paused, wound back or slowed down.
    fn state(&self) -> NoticeState {
        if self.written == 0 {
            return NoticeState::None;
        }
        // A prompt that is resampled for the leg may come out a packet longer.
        let most = self.due + 2 + self.due / 100;
        let all_written = self.due > 0 && (self.due..=most).contains(&self.written);
        // An endpoint without RTP shows nothing of what was sent.
        let all_sent = self.sent.is_some_and(|sent| sent.abs_diff(self.written) <= 1);
        let in_one_piece =
            self.watched.longest_pause <= LONGEST_PAUSE && self.watched.unsent == 0 && !self.watched.disturbed;
        if self.whole && all_written && all_sent && in_one_piece && self.open {
            NoticeState::Informed
        } else {
            NoticeState::Partial
        }
    }
}

/// Why a notice that is not whole is none, for whoever reads the log.
impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { due, written, watched, .. } = self;
        write!(f, "{due} packets due, {written} written, ")?;
        match self.sent {
            Some(sent) => write!(f, "{sent} sent")?,
            None => f.write_str("nobody knows how many sent")?,
        }
        if !self.whole {
            f.write_str("; playing was broken off, or the file is not the one that was measured")?;
        }
        if watched.longest_pause > LONGEST_PAUSE {
            write!(f, "; {} ms without a packet", watched.longest_pause.as_millis())?;
        }
        if watched.unsent > 0 {
            write!(f, "; {} written while media did not flow out", watched.unsent)?;
        }
        if watched.disturbed {
            f.write_str("; a party held in it")?;
        }
        if self.whole && !self.open {
            f.write_str("; the line was not open when it ended")?;
        }
        Ok(())
    }
}

/// The evidence of a notice that could not be played at all, by its id, version and language.
pub(super) fn nothing(leg: &Leg, [prompt, version, language]: [&str; 3]) -> NoticeEvidence {
    let now = SystemClock.now();
    NoticeEvidence {
        leg: leg.uuid(),
        party: leg.party(),
        prompt: prompt.into(),
        version: version.into(),
        language: language.into(),
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

    const HEARD: Measured = Measured {
        whole: true,
        watched: Watched { longest_pause: Duration::from_millis(40), unsent: 0, disturbed: false },
        open: true,
        due: 100,
        written: 100,
        sent: Some(100),
    };

    /// NOT-02: neither "done" nor "written" is "sent whole".
    #[test]
    fn informed_takes_every_packet_written_and_sent_in_one_piece_and_an_open_line() {
        let watched = HEARD.watched;
        let informed = [
            HEARD,
            Measured { written: 101, sent: Some(101), ..HEARD },
            Measured { sent: Some(99), ..HEARD },
            Measured { sent: Some(101), ..HEARD },
        ];
        let partial = [
            Measured { whole: false, ..HEARD },
            Measured { open: false, ..HEARD },
            Measured { due: 0, ..HEARD },
            Measured { written: 99, sent: Some(99), ..HEARD },
            Measured { written: 150, sent: Some(150), ..HEARD },
            Measured { sent: Some(98), ..HEARD },
            Measured { sent: Some(102), ..HEARD },
            Measured { sent: None, ..HEARD },
            Measured { watched: Watched { longest_pause: Duration::from_millis(501), ..watched }, ..HEARD },
            Measured { watched: Watched { unsent: 1, ..watched }, ..HEARD },
            Measured { watched: Watched { disturbed: true, ..watched }, ..HEARD },
        ];
        for (place, measured) in informed.iter().enumerate() {
            assert_eq!(measured.state(), NoticeState::Informed, "informed {place}");
        }
        for (place, measured) in partial.iter().enumerate() {
            assert_eq!(measured.state(), NoticeState::Partial, "partial {place}");
        }
        assert_eq!(Measured { written: 0, sent: Some(0), ..HEARD }.state(), NoticeState::None);
    }

    #[test]
    fn the_log_says_what_a_notice_lacks() {
        assert_eq!(HEARD.to_string(), "100 packets due, 100 written, 100 sent");
        let watched = Watched { longest_pause: Duration::from_millis(730), unsent: 2, disturbed: true };
        let said = Measured { watched, sent: None, open: false, ..HEARD }.to_string();
        for word in ["nobody knows", "730 ms", "2 written", "held", "not open"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(Measured { whole: false, ..HEARD }.to_string().contains("broken off"));
    }
}
