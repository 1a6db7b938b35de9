//! How one party stands towards being recorded (NOT-04), as a machine of consumed steps: what a notice, a digit, an
//! agent's word or time makes of how it stood.
//!
//! ```text
//! pending ─► informed ─► informed_continued | consented | declined | objected      consented ─► withdrawn
//!    │           └─────────┴─► refused_hangup
//!    └─► refused_hangup | not_informed | objected
//! ```
use std::time::Duration;

use crate::conversation::timers::{LINE_OPEN, NOTICE_CUT};
use crate::evidence::Standing;
use crate::policy::NoticeMode;
use crate::time::Monotonic;

/// A party between its leg's birth and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Consent {
    terms: Terms,
    state: State,
    /// By whom it was told last, and since when its objection digit counts from there.
    told: Option<(By, Monotonic)>,
    /// It agreed while it was still being told: that counts when it has been told whole.
    agreed_early: bool,
}

/// What the policy says of a party when its leg is born.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) mode: NoticeMode,
    pub(super) means: Means,
    /// The policy gives the objection digit its meaning in the mode `notice` too, whose prompts name none.
    pub(super) objects_in_notice: bool,
    pub(super) consent_within: Duration,
    pub(super) objection_within: Duration,
}

/// How a party is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// It need not be: the company's, or a line that is never recorded.
    Nothing,
    /// By a notice on its leg.
    Prompt,
    /// By the agent, who attests it (STF-01); a notice on its leg does as well.
    Agent,
    /// By what the policy names (`told-by`).
    Elsewhere,
}

/// What makes it stand otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Its leg answered.
    Answered,
    /// A notice will come before anything else.
    NoticeDue,
    /// A notice began.
    NoticeStarted,
    /// It ended; sent whole, or not.
    NoticeEnded { whole: bool },
    /// The party was bridged or in a conference, is captured, or did not hang up when its notice was cut short.
    WentOn,
    /// It objects.
    Object(By),
    /// It pressed the digit that agrees.
    Agree,
    /// It pressed the digit that does not.
    Decline,
    /// The company's party has told it.
    Attest(By),
    /// Nobody attested in time.
    AttestTooLate,
    /// It did not answer the question in time.
    ConsentTooLate,
    /// Its line is exempt after all.
    Exempt,
    /// Its leg hung up as soon as its prompt had ended.
    LeftAtOnce,
    /// Its leg hung up; whether it had met somebody.
    HungUp { met: bool },
}

/// By which means a party came to stand so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Prompt,
    Digit,
    Agent,
    Command,
    /// Its own, by its session description.
    Device,
    /// The policy's `told-by`.
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Needless,
    Elsewhere,
    /// Somebody should have told it, and has not.
    Untold,
    /// It waits for the agent's word.
    Unattested,
    /// A notice will come before anything else.
    Due,
    Playing,
    /// Its notice ended early at that moment; the leg hangs up next, or goes on untold.
    Cut(Monotonic),
    Informed,
    /// `optin`: it was informed and has until then to agree.
    Asked(Monotonic),
    Continued,
    Consented,
    Declined,
    Objected,
    Withdrawn,
    NotInformed,
    /// The agent did not attest in time.
    NotAttested,
    Refused,
    /// It hung up as soon as it could be captured.
    LeftAtOnce,
}

impl Consent {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, state: untold_by(terms.means), told: None, agreed_early: false }
    }

    /// A stricter mode than the policy's, asked for before the notice; never a weaker one. Who is told elsewhere has
    /// agreed to nothing: where agreement is wanted, it is asked for here.
    pub(super) fn in_mode(mut self, mode: NoticeMode) -> Self {
        self.terms.mode = self.terms.mode.max(mode);
        if self.terms.mode == NoticeMode::OptIn && self.terms.means == Means::Elsewhere {
            self.terms.means = Means::Prompt;
            self.state = if self.state == State::Elsewhere { State::Untold } else { self.state };
        }
        self
    }

    /// How it stands after this, and the word for it where that changed.
    pub(super) fn step(mut self, step: Step, at: Monotonic) -> (Self, Option<(Standing, By)>) {
        use State as S;
        let stays = self.state;
        let (state, change) = match (step, stays) {
            (Step::Answered, S::Untold | S::Due | S::Playing) => (stays, Some((Standing::Pending, By::Prompt))),
            (Step::Answered, S::Unattested) => (stays, Some((Standing::Pending, By::Agent))),
            (Step::Answered, S::Elsewhere) => {
                self.told = Some((By::Elsewhere, at));
                (stays, Some((Standing::ToldElsewhere, By::Elsewhere)))
            }
            (Step::NoticeDue, S::Needless | S::Elsewhere | S::Untold | S::Unattested) => (S::Due, None),
            (Step::NoticeStarted, S::Elsewhere | S::Untold | S::Unattested | S::Due | S::Cut(_) | S::NotInformed) => {
                self.told = Some((By::Prompt, at));
                self.agreed_early = false;
                (S::Playing, None)
            }
            (
                Step::NoticeEnded { whole: true },
                S::Elsewhere | S::Untold | S::Unattested | S::Due | S::Playing | S::Cut(_) | S::NotInformed,
            ) => self.informed(By::Prompt, at),
            (Step::NoticeEnded { whole: false }, S::Playing) => {
                self.told = Some((By::Prompt, at));
                (S::Cut(at), None)
            }
            // It never began: nobody can have hung up because of it. An agent may still tell.
            (Step::NoticeEnded { whole: false }, S::Due) if self.terms.means == Means::Agent => (S::Unattested, None),
            (Step::NoticeEnded { whole: false }, S::Untold | S::Due) => self.untold(),
            (Step::WentOn, S::Informed) => (S::Continued, Some((Standing::InformedContinued, self.told_by()))),
            (Step::WentOn, S::Untold | S::Cut(_)) => self.untold(),
            (Step::Object(by), S::Consented) => (S::Withdrawn, Some((Standing::Withdrawn, by))),
            (Step::Object(by), _) if self.may_object(by, at) => (S::Objected, Some((Standing::Objected, by))),
            (Step::Agree, S::Playing) if self.terms.mode == NoticeMode::OptIn => {
                self.agreed_early = true;
                (stays, None)
            }
            (Step::Agree, S::Asked(until)) if at <= until => (S::Consented, Some((Standing::Consented, By::Digit))),
            (Step::Decline, S::Asked(until)) if at <= until => (S::Declined, Some((Standing::Declined, By::Digit))),
            (Step::Decline, S::Playing) if self.terms.mode == NoticeMode::OptIn => {
                (S::Declined, Some((Standing::Declined, By::Digit)))
            }
            (Step::Agree | Step::Decline | Step::ConsentTooLate | Step::HungUp { .. }, S::Asked(until))
                if at > until || step == Step::ConsentTooLate =>
            {
                (S::Declined, Some((Standing::Declined, By::Prompt)))
            }
            (Step::Attest(by), S::Unattested) => self.informed(by, at),
            (Step::Attest(by), S::Cut(_) | S::NotInformed) if self.terms.means == Means::Agent => self.informed(by, at),
            (Step::AttestTooLate, S::Unattested) => (S::NotAttested, Some((Standing::NotInformed, By::Agent))),
            (Step::Exempt, S::Elsewhere | S::Untold | S::Unattested | S::Due) => (S::Needless, None),
            (Step::HungUp { .. }, S::Playing | S::Asked(_)) => refused(),
            (Step::LeftAtOnce, S::Informed | S::Continued) => {
                (S::LeftAtOnce, Some((Standing::RefusedHangup, By::Prompt)))
            }
            (Step::HungUp { .. }, S::Cut(since)) if at.since(since) <= NOTICE_CUT => refused(),
            (Step::HungUp { .. }, S::Cut(_) | S::Untold) | (Step::HungUp { met: true }, S::Due) => self.untold(),
            (Step::HungUp { .. }, S::Unattested) => (S::NotAttested, Some((Standing::NotInformed, By::Agent))),
            _ => (stays, None),
        };
        self.state = state;
        (self, change)
    }

    fn informed(&mut self, by: By, at: Monotonic) -> (State, Option<(Standing, By)>) {
        self.told = Some((by, at));
        let state = match self.terms.mode {
            NoticeMode::Notice | NoticeMode::OptOut => State::Informed,
            NoticeMode::OptIn => State::Asked(at.plus(self.terms.consent_within)),
        };
        (state, Some((Standing::Informed, by)))
    }

    /// Whether its prompt ended so recently that whoever leaves now did not go on after it.
    pub(super) fn is_just_told(&self, at: Monotonic) -> bool {
        let just = self.told.is_some_and(|(by, since)| by == By::Prompt && at.since(since) < LINE_OPEN);
        just && self.terms.means != Means::Nothing && matches!(self.state, State::Informed | State::Continued)
    }

    /// It went on without a whole notice.
    fn untold(&self) -> (State, Option<(Standing, By)>) {
        match self.terms.means {
            Means::Nothing => (State::Needless, None),
            Means::Elsewhere => (State::Elsewhere, Some((Standing::ToldElsewhere, By::Elsewhere))),
            Means::Prompt | Means::Agent => (State::NotInformed, Some((Standing::NotInformed, By::Prompt))),
        }
    }

    /// What others say for it always counts; its own digit from the beginning of what told it until the policy's time
    /// after that ended: before, digits are for the menus of whoever answers the call, and later for those again.
    fn may_object(&self, by: By, at: Monotonic) -> bool {
        use State as S;
        let can = match self.state {
            S::Elsewhere
            | S::Untold
            | S::Unattested
            | S::Due
            | S::Playing
            | S::Cut(_)
            | S::Informed
            | S::Asked(_)
            | S::Continued
            | S::NotInformed => true,
            S::LeftAtOnce
            | S::Needless
            | S::Consented
            | S::Declined
            | S::Objected
            | S::Withdrawn
            | S::NotAttested
            | S::Refused => false,
        };
        let in_time = self.told.is_some_and(|(_, since)| {
            matches!(self.state, S::Playing | S::Asked(_)) || at.since(since) <= self.terms.objection_within
        });
        let has_begun = !matches!(self.state, S::Untold | S::Unattested | S::Due);
        let has_digit = self.terms.objects_in_notice || self.terms.mode != NoticeMode::Notice;
        can && (by != By::Digit || (has_digit && has_begun && in_time))
    }

    fn told_by(&self) -> By {
        self.told.map_or(By::Prompt, |(by, _)| by)
    }

    /// Whether its notice is still to come or to be judged: nobody knows yet whether it becomes a party.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Due | State::Playing | State::Cut(_))
    }

    /// Whether, as far as telling goes, its voice may be captured.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.state, State::Needless | State::Elsewhere | State::Informed | State::Continued | State::Consented)
    }

    /// Whether its agent may yet attest having told it.
    pub(super) fn is_unattested(&self) -> bool {
        self.state == State::Unattested
    }

    /// Until when it may agree, where it is being asked.
    pub(super) fn asked_until(&self) -> Option<Monotonic> {
        if let State::Asked(until) = self.state { Some(until) } else { None }
    }

    /// Since when it was sent a notice that was cut short, where it is not known yet why.
    pub(super) fn cut_since(&self) -> Option<Monotonic> {
        if let State::Cut(since) = self.state { Some(since) } else { None }
    }

    /// Whether it was told whole and had agreed before the end of it.
    pub(super) fn agreed_before_asked(&self) -> bool {
        self.agreed_early && matches!(self.state, State::Asked(_))
    }

    /// Whether it was informed and it is not known yet whether it goes on.
    pub(super) fn is_only_informed(&self) -> bool {
        self.state == State::Informed
    }

    /// Whether it went on, or goes on, without having been told: nobody is captured while it is there.
    pub(super) fn is_untold(&self) -> bool {
        matches!(self.state, State::Untold | State::NotInformed)
    }

    /// Whether it does not want to be recorded: no recording goes on where it is.
    pub(super) fn objects(&self) -> bool {
        matches!(self.state, State::Objected | State::Declined | State::Withdrawn)
    }

    /// Whether nobody attested in time that it was told.
    pub(super) fn is_not_attested(&self) -> bool {
        self.state == State::NotAttested
    }

    pub(super) fn refused(&self) -> bool {
        matches!(self.state, State::Refused | State::LeftAtOnce)
    }

    /// Whether it refused when it was captured already.
    pub(super) fn left_at_once(&self) -> bool {
        self.state == State::LeftAtOnce
    }

    /// Whether it left before anybody told it whole.
    pub(super) fn left_untold(&self) -> bool {
        matches!(
            self.state,
            State::Untold
                | State::Unattested
                | State::Due
                | State::Playing
                | State::Cut(_)
                | State::Asked(_)
                | State::NotInformed
                | State::NotAttested
        )
    }
}

fn refused() -> (State, Option<(Standing, By)>) {
    (State::Refused, Some((Standing::RefusedHangup, By::Prompt)))
}

fn untold_by(means: Means) -> State {
    match means {
        Means::Nothing => State::Needless,
        Means::Prompt => State::Untold,
        Means::Agent => State::Unattested,
        Means::Elsewhere => State::Elsewhere,
    }
}
