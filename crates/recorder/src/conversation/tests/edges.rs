//! How a party may come to stand, edge by edge (NOT-04).
use std::collections::BTreeSet;
use std::time::Duration;

use crate::conversation::consent::{By, Consent, Means, Step, Terms};
use crate::evidence::Standing::{self, *};
use crate::policy::NoticeMode;
use crate::time::Monotonic;

const CONSENT: u64 = 8;
const OBJECTION: u64 = 300;

fn party(mode: NoticeMode, means: Means) -> Consent {
    let (consent_within, objection_within) = (Duration::from_secs(CONSENT), Duration::from_secs(OBJECTION));
    Consent::new(Terms { mode, means, objects_in_notice: false, consent_within, objection_within })
}

fn at(seconds: u64) -> Monotonic {
    Monotonic(seconds * 1_000_000_000)
}

const STEPS: [Step; 19] = [
    Step::Answered,
    Step::NoticeDue,
    Step::NoticeStarted,
    Step::NoticeEnded { whole: true },
    Step::NoticeEnded { whole: false },
    Step::WentOn,
    Step::Object(By::Digit),
    Step::Object(By::Agent),
    Step::Object(By::Command),
    Step::Agree,
    Step::Decline,
    Step::Attest(By::Agent),
    Step::Attest(By::Command),
    Step::AttestTooLate,
    Step::ConsentTooLate,
    Step::Exempt,
    Step::LeftAtOnce,
    Step::HungUp { met: false },
    Step::HungUp { met: true },
];

/// Every pair of words that any steps, soon or late, lead from one to the other, once the leg has answered.
fn edges(mode: NoticeMode, means: Means) -> BTreeSet<(Standing, Standing)> {
    let (answered, first) = party(mode, means).step(Step::Answered, at(0));
    let first = first.expect("an outside party stands somehow from its answer on").0;
    let mut edges = BTreeSet::new();
    let mut known = vec![(answered, first)];
    let mut next = 0;
    while let Some((consent, from)) = known.get(next).copied() {
        next += 1;
        for moment in [at(0), at(CONSENT + 1), at(10_000)] {
            for step in STEPS.into_iter().filter(|step| *step != Step::Answered) {
                let (then, change) = consent.step(step, moment);
                let to = change.map_or(from, |(standing, _)| standing);
                edges.extend(change.map(|_| (from, to)));
                if !known.contains(&(then, to)) {
                    known.push((then, to));
                }
            }
        }
    }
    edges
}

/// NOT-04: these edges, and no others.
#[test]
fn a_party_comes_to_stand_along_these_edges_alone() {
    let told = [
        (Pending, Informed),
        (Pending, NotInformed),
        (Pending, Objected),
        (Pending, RefusedHangup),
        (Informed, InformedContinued),
        (Informed, Objected),
        (Informed, RefusedHangup),
        (InformedContinued, Objected),
        (InformedContinued, RefusedHangup),
        (NotInformed, Informed),
        (NotInformed, NotInformed),
        (NotInformed, Objected),
        (NotInformed, RefusedHangup),
    ];
    let asked = [
        (Pending, Informed),
        (Pending, NotInformed),
        (Pending, Objected),
        (Pending, Declined),
        (Pending, RefusedHangup),
        (Informed, Consented),
        (Informed, Declined),
        (Informed, Objected),
        (Informed, RefusedHangup),
        (Consented, Withdrawn),
        (NotInformed, Informed),
        (NotInformed, NotInformed),
        (NotInformed, Objected),
        (NotInformed, Declined),
        (NotInformed, RefusedHangup),
    ];
    for means in [Means::Prompt, Means::Agent] {
        assert_eq!(edges(NoticeMode::Notice, means), BTreeSet::from(told), "notice, {means:?}");
        assert_eq!(edges(NoticeMode::OptOut, means), BTreeSet::from(told), "optout, {means:?}");
        assert_eq!(edges(NoticeMode::OptIn, means), BTreeSet::from(asked), "optin, {means:?}");
    }
    let elsewhere = [
        (ToldElsewhere, Informed),
        (ToldElsewhere, Objected),
        (ToldElsewhere, RefusedHangup),
        (ToldElsewhere, ToldElsewhere),
        (Informed, InformedContinued),
        (Informed, Objected),
        (Informed, RefusedHangup),
        (InformedContinued, Objected),
        (InformedContinued, RefusedHangup),
    ];
    assert_eq!(edges(NoticeMode::Notice, Means::Elsewhere), BTreeSet::from(elsewhere), "told elsewhere");
}

/// Who need not be told stands nowhere, whatever happens to it.
#[test]
fn the_companys_party_is_asked_nothing() {
    for step in STEPS.into_iter().filter(|step| *step != Step::NoticeDue) {
        let before = party(NoticeMode::Notice, Means::Nothing);
        assert_eq!(before.step(step, at(1)), (before, None), "{step:?}");
    }
}

/// A history: seconds and steps, and what came of each that changed something.
type History = (NoticeMode, Means, &'static [(u64, Step)], &'static [(Standing, By)]);

/// NOT-04, NOT-05, STF-01: by which means, and in which time.
#[test]
fn what_counts_depends_on_the_mode_and_the_moment() {
    use NoticeMode::{Notice, OptIn, OptOut};
    const STARTED: (u64, Step) = (1, Step::NoticeStarted);
    const WHOLE: (u64, Step) = (3, Step::NoticeEnded { whole: true });
    const CUT: (u64, Step) = (3, Step::NoticeEnded { whole: false });
    const NINE: Step = Step::Object(By::Digit);
    const PENDING: (Standing, By) = (Pending, By::Prompt);
    const INFORMED: (Standing, By) = (Informed, By::Prompt);
    const CONTINUED: (Standing, By) = (InformedContinued, By::Prompt);
    let histories: &[History] = &[
        (Notice, Means::Prompt, &[STARTED, WHOLE, (4, Step::WentOn)], &[INFORMED, CONTINUED]),
        (Notice, Means::Prompt, &[STARTED, (2, NINE), WHOLE, (4, NINE)], &[INFORMED]),
        (Notice, Means::Prompt, &[STARTED, WHOLE, (4, Step::Object(By::Agent))], &[INFORMED, (Objected, By::Agent)]),
        (OptOut, Means::Prompt, &[(1, NINE), STARTED, WHOLE], &[INFORMED]),
        (OptOut, Means::Prompt, &[STARTED, (2, NINE), WHOLE], &[(Objected, By::Digit)]),
        (OptOut, Means::Prompt, &[STARTED, WHOLE, (303, NINE)], &[INFORMED, (Objected, By::Digit)]),
        (OptOut, Means::Prompt, &[STARTED, WHOLE, (304, NINE)], &[INFORMED]),
        (
            OptOut,
            Means::Prompt,
            &[STARTED, WHOLE, (9_000, Step::Object(By::Agent))],
            &[INFORMED, (Objected, By::Agent)],
        ),
        (OptOut, Means::Prompt, &[STARTED, WHOLE, (4, Step::Agree), (4, Step::Decline)], &[INFORMED]),
        (OptOut, Means::Prompt, &[(1, Step::Object(By::Agent))], &[(Objected, By::Agent)]),
        (Notice, Means::Prompt, &[STARTED, CUT, (5, Step::HungUp { met: false })], &[(RefusedHangup, By::Prompt)]),
        (Notice, Means::Prompt, &[STARTED, CUT, (6, Step::HungUp { met: false })], &[(NotInformed, By::Prompt)]),
        (Notice, Means::Prompt, &[STARTED, (2, Step::HungUp { met: false })], &[(RefusedHangup, By::Prompt)]),
        (Notice, Means::Prompt, &[(1, Step::NoticeDue), (2, Step::HungUp { met: false })], &[]),
        (Notice, Means::Prompt, &[(1, Step::NoticeDue), (2, Step::HungUp { met: true })], &[(NotInformed, By::Prompt)]),
        (Notice, Means::Prompt, &[(2, Step::HungUp { met: false })], &[(NotInformed, By::Prompt)]),
        (OptIn, Means::Prompt, &[STARTED, WHOLE, (11, Step::Agree)], &[INFORMED, (Consented, By::Digit)]),
        (OptIn, Means::Prompt, &[STARTED, WHOLE, (12, Step::Agree)], &[INFORMED, (Declined, By::Prompt)]),
        (
            OptIn,
            Means::Prompt,
            &[STARTED, WHOLE, (4, Step::Decline), (5, Step::Agree)],
            &[INFORMED, (Declined, By::Digit)],
        ),
        (OptIn, Means::Prompt, &[STARTED, WHOLE, (4, Step::WentOn)], &[INFORMED]),
        (OptIn, Means::Prompt, &[STARTED, WHOLE, (11, Step::ConsentTooLate)], &[INFORMED, (Declined, By::Prompt)]),
        (
            OptIn,
            Means::Prompt,
            &[STARTED, WHOLE, (5, Step::HungUp { met: false })],
            &[INFORMED, (RefusedHangup, By::Prompt)],
        ),
        (OptIn, Means::Prompt, &[STARTED, (2, Step::Agree), (2, Step::Decline)], &[(Declined, By::Digit)]),
        (Notice, Means::Prompt, &[STARTED, WHOLE, (3, Step::LeftAtOnce)], &[INFORMED, (RefusedHangup, By::Prompt)]),
        (Notice, Means::Prompt, &[CUT, (4, Step::HungUp { met: false })], &[(NotInformed, By::Prompt)]),
        (Notice, Means::Agent, &[(1, Step::NoticeDue), CUT, (9, Step::Attest(By::Agent))], &[(Informed, By::Agent)]),
        (
            OptIn,
            Means::Prompt,
            &[STARTED, WHOLE, (4, Step::Agree), (90_000, NINE)],
            &[INFORMED, (Consented, By::Digit), (Withdrawn, By::Digit)],
        ),
        (
            Notice,
            Means::Agent,
            &[(9, Step::Attest(By::Agent)), (9, Step::WentOn)],
            &[(Informed, By::Agent), (InformedContinued, By::Agent)],
        ),
        (Notice, Means::Agent, &[(9, Step::Attest(By::Command))], &[(Informed, By::Command)]),
        (
            Notice,
            Means::Agent,
            &[(30, Step::AttestTooLate), (31, Step::Attest(By::Agent))],
            &[(NotInformed, By::Agent)],
        ),
        (Notice, Means::Agent, &[(9, Step::HungUp { met: true })], &[(NotInformed, By::Agent)]),
        (Notice, Means::Agent, &[STARTED, WHOLE, (30, Step::AttestTooLate)], &[INFORMED]),
        (
            OptIn,
            Means::Agent,
            &[(9, Step::Attest(By::Agent)), (12, Step::Agree)],
            &[(Informed, By::Agent), (Consented, By::Digit)],
        ),
        (Notice, Means::Prompt, &[(9, Step::Attest(By::Agent))], &[]),
        (OptOut, Means::Elsewhere, &[(9, NINE)], &[(Objected, By::Digit)]),
        (OptOut, Means::Elsewhere, &[STARTED, CUT, (5, Step::WentOn)], &[(ToldElsewhere, By::Elsewhere)]),
    ];
    for (mode, means, steps, expected) in histories {
        let (mut consent, first) = party(*mode, *means).step(Step::Answered, at(0));
        let first_word = match means {
            Means::Agent => (Pending, By::Agent),
            Means::Elsewhere => (ToldElsewhere, By::Elsewhere),
            Means::Prompt | Means::Nothing => PENDING,
        };
        assert_eq!(first, Some(first_word));
        let mut came = Vec::new();
        for (second, step) in *steps {
            let (next, change) = consent.step(*step, at(*second));
            consent = next;
            came.extend(change);
        }
        assert_eq!(came, *expected, "{mode:?} {means:?} {steps:?}");
    }
}

/// What its dialplan asks for makes the policy's mode stricter, never weaker.
#[test]
fn a_stricter_mode_holds_and_a_weaker_one_does_not() {
    let heard = |consent: Consent| consent.step(Step::NoticeEnded { whole: true }, at(3)).0.is_told();
    assert!(heard(party(NoticeMode::Notice, Means::Prompt)));
    assert!(!heard(party(NoticeMode::Notice, Means::Prompt).in_mode(NoticeMode::OptIn)));
    assert!(!heard(party(NoticeMode::OptIn, Means::Prompt).in_mode(NoticeMode::Notice)));
}
