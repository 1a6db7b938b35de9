//! What a session's thread must know at once about its leg: pure functions of the policy and the leg's signs.
use crate::conversation::{Direction, Side};
use crate::policy::{NoticeMode, OutboundNotice, Policy, Prompt, Uninformed};

/// The number that is an emergency number whatever the config lists (Directive (EU) 2018/1972, article 109).
const EMERGENCY: &str = "112";

/// The id of the prompt that a leg hears unless told otherwise.
pub const PROMPT_NOTICE: &str = "notice";

/// The id of the prompt that outbound legs hear where it is configured: short and layered.
pub const PROMPT_OUTBOUND: &str = "notice-outbound";

/// The id of the prompt that says that recording has stopped, where it is configured.
pub const PROMPT_STOPPED: &str = "stopped";

/// What the host knows of a leg at its birth.
#[derive(Clone, Copy)]
pub struct LegSigns<'a> {
    /// Which way it was set up.
    pub direction: Direction,
    /// Its party proved to be a user of this host (SIP authentication, a client certificate).
    pub authenticated: bool,
    /// It was dialled as `user/…`.
    pub dialled_as_user: bool,
    /// Caller id number, as it came.
    pub caller_number: &'a str,
    /// The number that was dialled, as it came.
    pub dialled_number: &'a str,
    /// The leg that it was born for is exempt.
    pub born_for_exempt: bool,
    /// The leg that it was born for is an emergency call.
    pub born_for_emergency: bool,
}

/// What decides whether a leg must hear a notice that no dialplan gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeFacts {
    /// Whose party is on it.
    pub side: Side,
    /// Which way it was set up.
    pub direction: Direction,
    /// Loopback and the like are no party.
    pub is_party: bool,
    /// See [`Policy::exempt`].
    pub exempt: bool,
    /// See [`Policy::emergency`].
    pub emergency: bool,
    /// Whether its conversation can be recorded now: the recorder is not stopped and has a roster, keys and a store.
    pub can_record: bool,
}

/// Whether the module itself gives a leg its notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeDue {
    /// It does, at the leg's answer, before anything else (decision 17).
    Yes,
    /// It does not.
    No(NotDue),
}

/// Why no notice is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDue {
    /// No party is on the leg.
    NoParty,
    /// Emergency calls are never told and never delayed (REC-10).
    Emergency,
    /// The line is exempt, so nothing is recorded.
    Exempt,
    /// The company's own party.
    Company,
    /// A prompt never states what is not true (NOT-08).
    CannotRecord,
    /// `uninformed` says `refuse` or `record`.
    ByPolicy,
    /// The party is rung, and its agent tells it (STF-01).
    ByAgent,
}

impl Policy {
    /// Whose party is on a leg: the company's where it authenticated as a user of this host, was dialled as `user/…`, or
    /// the number at its far end is one of `company-numbers`; anyone else is outside. A registration is no sign: the host
    /// does not say at a leg's birth whether it was dialled by one.
    pub fn classify(&self, signs: &LegSigns<'_>) -> Side {
        let far_end = match signs.direction {
            Direction::Inbound => signs.caller_number,
            Direction::Outbound => signs.dialled_number,
        };
        let ours = self.company_numbers.as_ref().is_some_and(|list| list.is_match(far_end));
        if signs.authenticated || signs.dialled_as_user || ours { Side::Company } else { Side::Outside }
    }

    /// Whether the leg is a call to or from an exempt line.
    pub fn exempt(&self, signs: &LegSigns<'_>) -> bool {
        signs.born_for_exempt
            || self.exempt_numbers.as_ref().is_some_and(|list| either(signs, |number| list.is_match(number)))
    }

    /// Whether the leg is a call to or from an emergency number: 112 always, and what the config lists.
    pub fn emergency(&self, signs: &LegSigns<'_>) -> bool {
        let listed = |number: &str| self.emergency_numbers.as_ref().is_some_and(|list| list.is_match(number));
        signs.born_for_emergency || either(signs, |number| number == EMERGENCY || listed(number))
    }

    /// Whether the module itself must give the leg its notice.
    pub fn notice_due(&self, facts: &NoticeFacts) -> NoticeDue {
        if !facts.is_party {
            return NoticeDue::No(NotDue::NoParty);
        }
        if facts.emergency {
            return NoticeDue::No(NotDue::Emergency);
        }
        if facts.exempt {
            return NoticeDue::No(NotDue::Exempt);
        }
        if facts.side == Side::Company {
            return NoticeDue::No(NotDue::Company);
        }
        if !facts.can_record {
            return NoticeDue::No(NotDue::CannotRecord);
        }
        match self.uninformed {
            Uninformed::Play if self.told_by_agent(facts.direction) => NoticeDue::No(NotDue::ByAgent),
            Uninformed::Play => NoticeDue::Yes,
            Uninformed::Refuse | Uninformed::Record => NoticeDue::No(NotDue::ByPolicy),
        }
    }

    /// Whether the agent tells such legs' outside parties, and attests it.
    pub fn told_by_agent(&self, direction: Direction) -> bool {
        direction == Direction::Outbound && self.outbound_notice == OutboundNotice::Attest
    }

    /// The prompt of this id in this language, or else in the default language.
    pub fn prompt(&self, id: &str, language: &str) -> Option<&Prompt> {
        let find = |wanted: &str| self.prompts.iter().find(|prompt| prompt.id == id && prompt.language == wanted);
        find(language).or_else(|| find(&self.default_language))
    }

    /// The prompt that a leg hears when nothing names one: outbound the short one, where there is one; each by its mode
    /// (`notice-optout`, `notice-outbound-optin` …), where there is one.
    pub fn prompt_for(&self, direction: Direction, mode: NoticeMode, language: &str) -> Option<&Prompt> {
        let ids: &[&str] = match direction {
            Direction::Outbound => &[PROMPT_OUTBOUND, PROMPT_NOTICE],
            Direction::Inbound => &[PROMPT_NOTICE],
        };
        let own = match mode {
            NoticeMode::Notice => None,
            NoticeMode::OptOut => Some("optout"),
            NoticeMode::OptIn => Some("optin"),
        };
        let of_mode = |id: &str| own.and_then(|mode| self.prompt(&format!("{id}-{mode}"), language));
        ids.iter().find_map(|id| of_mode(id).or_else(|| self.prompt(id, language)))
    }
}

fn either(signs: &LegSigns<'_>, test: impl Fn(&str) -> bool) -> bool {
    test(signs.caller_number) || test(signs.dialled_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    const NOBODY: LegSigns<'static> = LegSigns {
        direction: Direction::Inbound,
        authenticated: false,
        dialled_as_user: false,
        caller_number: "0612345678",
        dialled_number: "0201234567",
        born_for_exempt: false,
        born_for_emergency: false,
    };

    #[test]
    fn a_party_is_the_companys_by_what_it_is_not_by_whom_it_rang() {
        let policy = sample(&[("company-numbers", "06555.*|0201234567")]);
        assert_eq!(policy.classify(&NOBODY), Side::Outside);
        assert_eq!(policy.classify(&LegSigns { authenticated: true, ..NOBODY }), Side::Company);
        assert_eq!(policy.classify(&LegSigns { dialled_as_user: true, ..NOBODY }), Side::Company);
        assert_eq!(policy.classify(&LegSigns { caller_number: "0655512345", ..NOBODY }), Side::Company);
        let rung = LegSigns { direction: Direction::Outbound, caller_number: "0201234567", ..NOBODY };
        assert_eq!(policy.classify(&LegSigns { dialled_number: "0612345678", ..rung }), Side::Outside);
        assert_eq!(policy.classify(&LegSigns { dialled_number: "0655512345", ..rung }), Side::Company);
    }

    /// REC-10.
    #[test]
    fn emergency_and_exempt_lines_are_known_by_either_number_and_passed_on() {
        let policy = sample(&[("exempt-numbers", "1007"), ("emergency-numbers", "144")]);
        for number in ["112", "144"] {
            assert!(policy.emergency(&LegSigns { dialled_number: number, ..NOBODY }), "{number}");
        }
        assert!(!policy.emergency(&LegSigns { dialled_number: "1121", ..NOBODY }));
        assert!(policy.emergency(&LegSigns { born_for_emergency: true, ..NOBODY }));
        assert!(policy.exempt(&LegSigns { dialled_number: "1007", ..NOBODY }));
        assert!(policy.exempt(&LegSigns { caller_number: "1007", ..NOBODY }));
        assert!(policy.exempt(&LegSigns { born_for_exempt: true, ..NOBODY }));
        assert!(!policy.exempt(&NOBODY));
        assert!(sample(&[]).emergency(&LegSigns { dialled_number: "112", ..NOBODY }));
    }

    /// NOT-08, REC-10: every combination of facts.
    #[test]
    fn a_notice_is_due_only_to_an_outside_party_of_a_call_that_can_be_recorded() {
        let policies = [sample(&[]), sample(&[("uninformed", "refuse")]), sample(&[("uninformed", "record")])];
        for (bits, policy) in (0..32_u8).flat_map(|bits| policies.iter().map(move |policy| (bits, policy))) {
            let facts = NoticeFacts {
                side: if bits & 1 == 0 { Side::Outside } else { Side::Company },
                direction: Direction::Inbound,
                is_party: bits & 2 == 0,
                exempt: bits & 4 != 0,
                emergency: bits & 8 != 0,
                can_record: bits & 16 == 0,
            };
            let due = policy.notice_due(&facts) == NoticeDue::Yes;
            assert_eq!(due, bits == 0 && policy.uninformed == Uninformed::Play, "{facts:?}");
        }
    }

    /// STF-01: who is rung is told by its agent, who rings by the prompt.
    #[test]
    fn an_attested_call_has_no_prompt_for_the_party_that_is_rung() {
        let policy = sample(&[("outbound-notice", "attest")]);
        let due = |direction| {
            let facts = NoticeFacts {
                side: Side::Outside,
                direction,
                is_party: true,
                exempt: false,
                emergency: false,
                can_record: true,
            };
            policy.notice_due(&facts)
        };
        assert_eq!(due(Direction::Outbound), NoticeDue::No(NotDue::ByAgent));
        assert_eq!(due(Direction::Inbound), NoticeDue::Yes);
    }

    #[test]
    fn a_prompt_falls_back_to_the_default_language_and_outbound_to_the_long_one() {
        let policy = sample(&[]);
        let language = |prompt: Option<&Prompt>| prompt.map(|prompt| prompt.language.clone());
        assert_eq!(language(policy.prompt(PROMPT_NOTICE, "en")).as_deref(), Some("en"));
        assert_eq!(language(policy.prompt(PROMPT_NOTICE, "fr")).as_deref(), Some("nl"));
        assert_eq!(policy.prompt("else", "nl"), None);
        let notice = policy.prompt(PROMPT_NOTICE, "nl");
        assert_eq!(policy.prompt_for(Direction::Outbound, NoticeMode::OptIn, "nl"), notice);
    }

    #[test]
    fn each_mode_has_its_own_prompt_where_there_is_one() {
        let mut policy = sample(&[]);
        for id in ["notice-optout", "notice-outbound", "notice-outbound-optin"] {
            let (id, file) = (id.to_owned(), format!("/{id}"));
            policy.prompts.push(Prompt { id, language: "nl".into(), file, version: "1".into() });
        }
        let chosen = |direction, mode| policy.prompt_for(direction, mode, "nl").map(|prompt| prompt.id.as_str());
        let expected = [
            (Direction::Inbound, NoticeMode::Notice, "notice"),
            (Direction::Inbound, NoticeMode::OptOut, "notice-optout"),
            (Direction::Inbound, NoticeMode::OptIn, "notice"),
            (Direction::Outbound, NoticeMode::Notice, "notice-outbound"),
            (Direction::Outbound, NoticeMode::OptOut, "notice-outbound"),
            (Direction::Outbound, NoticeMode::OptIn, "notice-outbound-optin"),
        ];
        for (direction, mode, id) in expected {
            assert_eq!(chosen(direction, mode), Some(id), "{direction:?} {mode:?}");
        }
    }
}
