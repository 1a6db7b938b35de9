//! The evidence as a person reads it, the same in `callvault show` and `callvault inspect`.
use crate::evidence::{NoticeEvidence, NoticeState, Party, Standing, StandingChange, Stood};
use crate::ids::LegUuid;
use crate::time::UnixMillis;

impl Party {
    /// Who it is, in a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Caller => "the caller",
            Self::Callee => "the callee",
            Self::Agent => "the company's party",
            Self::Joined => "who joined later",
            Self::System => "the PBX itself",
        }
    }
}

impl NoticeEvidence {
    /// "told in Dutch by prompt notice version 1: 718 of 718 packets written, 718 sent".
    pub fn in_words(&self) -> String {
        let how = match self.state {
            NoticeState::Informed => "told",
            NoticeState::Partial => "told in part",
            NoticeState::None => "not told",
        };
        let sent = self.packets_sent.map_or_else(|| "sending not counted".to_owned(), |sent| format!("{sent} sent"));
        format!(
            "{how} in {} by prompt {} version {}: {} of {} packets written, {sent}",
            language(&self.language),
            self.prompt,
            self.version,
            self.frames_written,
            self.frames_due,
        )
    }
}

impl Stood {
    /// "objected by digit 2.1 s after the beginning". `beginning` is the recording's first answer.
    pub fn in_words(&self, beginning: Option<UnixMillis>) -> String {
        let when = when(self.at_ms, beginning);
        let by = match self.by.as_str() {
            "agent" => "the agent's word",
            means => means,
        };
        match self.standing {
            Standing::InformedContinued => "went on".to_owned(),
            Standing::RefusedHangup => "hung up in the notice".to_owned(),
            Standing::Pending | Standing::NotInformed => doing(self.standing).to_owned(),
            Standing::Declined if self.by == "prompt" => format!("gave no answer, so did not agree {when}"),
            Standing::Informed
            | Standing::Consented
            | Standing::Declined
            | Standing::Objected
            | Standing::Withdrawn
            | Standing::ToldElsewhere => format!("{} by {by} {when}", doing(self.standing)),
        }
    }
}

/// Everything that is known of one leg's party, in the order in which it happened: its notices, and how it stood.
/// `None` where nothing is.
pub fn party_in_words(
    leg: &LegUuid,
    notices: &[NoticeEvidence],
    standings: &[Stood],
    beginning: Option<UnixMillis>,
) -> Option<String> {
    let notices: Vec<&NoticeEvidence> = notices.iter().filter(|notice| notice.leg == *leg).collect();
    let mut told: Vec<(UnixMillis, String)> =
        notices.iter().map(|notice| (notice.ended_at_ms, notice.in_words())).collect();
    let last = standings.len().saturating_sub(1);
    for (n, stood) in standings.iter().enumerate() {
        // What the notice says of itself is not said twice, and who was told later no longer waits.
        let said = match stood.standing {
            Standing::Pending => n < last || !notices.is_empty(),
            Standing::Informed => stood.by == "prompt" && !notices.is_empty(),
            Standing::InformedContinued
            | Standing::Consented
            | Standing::Declined
            | Standing::Objected
            | Standing::Withdrawn
            | Standing::RefusedHangup
            | Standing::NotInformed
            | Standing::ToldElsewhere => false,
        };
        if !said {
            told.push((stood.at_ms, stood.in_words(beginning)));
        }
    }
    // Stable: what a notice led to at its last moment stands behind it.
    told.sort_by_key(|(at, _)| *at);
    let told: Vec<String> = told.into_iter().map(|(_, words)| words).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The standings of one leg, as they are shown.
pub fn of_leg(leg: &LegUuid, changes: &[StandingChange]) -> Vec<Stood> {
    changes.iter().filter(|change| change.leg == *leg).map(Stood::from).collect()
}

fn doing(standing: Standing) -> &'static str {
    match standing {
        Standing::Pending => "was to be told",
        Standing::Informed | Standing::ToldElsewhere => "told",
        Standing::InformedContinued => "went on",
        Standing::Consented => "agreed",
        Standing::Declined => "did not agree",
        Standing::Objected => "objected",
        Standing::Withdrawn => "took that back",
        Standing::RefusedHangup => "hung up in the notice",
        Standing::NotInformed => "went on without having been told in full",
    }
}

fn when(at: UnixMillis, beginning: Option<UnixMillis>) -> String {
    let Some(beginning) = beginning else { return format!("at {at}") };
    let tenths = (at.0 - beginning.0) / 100;
    let length = format!("{}.{} s", tenths.abs() / 10, tenths.abs() % 10);
    if tenths < 0 { format!("{length} before the beginning") } else { format!("{length} after the beginning") }
}

/// The language's English name where it is one of the usual ones, else its tag.
fn language(tag: &str) -> &str {
    match tag {
        "nl" => "Dutch",
        "en" => "English",
        "de" => "German",
        "fr" => "French",
        "es" => "Spanish",
        "it" => "Italian",
        "pl" => "Polish",
        "pt" => "Portuguese",
        "tr" => "Turkish",
        "ar" => "Arabic",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: UnixMillis = UnixMillis(1_795_516_800_000);

    fn leg() -> LegUuid {
        LegUuid::from_host(b"leg-a")
    }

    fn stood(standing: Standing, at_ms: i64, by: &str) -> Stood {
        Stood { standing, at_ms: UnixMillis(ZERO.0 + at_ms), by: by.into() }
    }

    fn notice(state: NoticeState, frames_written: u32, packets_sent: Option<u32>) -> NoticeEvidence {
        NoticeEvidence {
            leg: leg(),
            party: Party::Caller,
            prompt: "notice".into(),
            version: "1".into(),
            language: "nl".into(),
            sha256: "00".repeat(32),
            frames_due: 718,
            frames_written,
            packets_sent,
            started_at_ms: ZERO,
            ended_at_ms: UnixMillis(ZERO.0 + 14_360),
            state,
        }
    }

    fn words(notices: &[NoticeEvidence], standings: &[Stood]) -> String {
        party_in_words(&leg(), notices, standings, Some(ZERO)).unwrap_or_default()
    }

    /// NOT-02, NOT-04: what show and inspect say.
    #[test]
    fn a_party_that_heard_the_notice_and_went_on() {
        let standings = [
            stood(Standing::Pending, 0, "prompt"),
            stood(Standing::Informed, 14_360, "prompt"),
            stood(Standing::InformedContinued, 14_500, "prompt"),
        ];
        assert_eq!(
            words(&[notice(NoticeState::Informed, 718, Some(718))], &standings),
            "told in Dutch by prompt notice version 1: 718 of 718 packets written, 718 sent; went on"
        );
    }

    #[test]
    fn what_a_party_did_is_said_with_when_and_by_which_means() {
        let objected = [stood(Standing::Pending, 0, "prompt"), stood(Standing::Objected, 2_140, "digit")];
        assert_eq!(words(&[], &objected), "objected by digit 2.1 s after the beginning");
        assert_eq!(
            words(&[], &[stood(Standing::Withdrawn, 60_000, "agent")]),
            "took that back by the agent's word 60.0 s after the beginning"
        );
        assert_eq!(
            words(&[], &[stood(Standing::Informed, 6_200, "command")]),
            "told by command 6.2 s after the beginning"
        );
        assert_eq!(
            words(&[], &[stood(Standing::ToldElsewhere, -300, "the contract")]),
            "told by the contract 0.3 s before the beginning"
        );
        assert_eq!(words(&[], &[stood(Standing::Pending, 0, "prompt")]), "was to be told");
        assert_eq!(
            words(&[notice(NoticeState::Partial, 359, None)], &[stood(Standing::RefusedHangup, 14_360, "prompt")]),
            "told in part in Dutch by prompt notice version 1: 359 of 718 packets written, sending not counted; hung up in the notice"
        );
        assert_eq!(party_in_words(&leg(), &[], &[], None), None);
    }
}
