//! Stretches of a call that are not captured, and what its dialplan may ask for (REC-08, REC-09, REC-10, REC-13, RET-02).
use std::time::Duration;

use super::scene::key;
use super::{Scene, company, outside, recording};
use crate::conversation::{Direction, Effect, Kept, LegFacts, LegInput, Signal, TimerReason, Wishes};
use crate::policy::NoticeMode;

/// REC-13: the agent's code pauses both of them, and hers ends it; said twice it changes nothing.
#[test]
fn a_pause_from_the_companys_side_silences_the_whole_conversation() {
    let mut scene = Scene::talking(&[]);
    scene.signal('B', Signal::Pause).then(&["r1 pauses", "A shuts: Paused", "B shuts: Paused"]);
    scene.wait(4000).signal('B', Signal::Pause).then(&[]);
    let effects = scene.signal('B', Signal::Resume).take_effects();
    assert!(matches!(
        effects.first(),
        Some(Effect::Paused { on: false, by_itself: false, lasted: Some(lasted), .. }) if *lasted == Duration::from_secs(4)
    ));
    assert_eq!(effects.len(), 3, "and both go on: {effects:?}");
    scene.signal('B', Signal::Resume).then(&[]);
}

/// REC-13: no pause without an end, and saying it again does not put that off.
#[test]
fn a_pause_ends_by_itself() {
    let mut scene = Scene::talking(&[("pause-seconds", "60")]);
    scene.leg('B', LegInput::Paused(true)).done();
    assert_eq!(scene.next_timer(), Some((60_000, TimerReason::PauseEnds(recording(1)))));
    scene.wait(59_000).leg('B', LegInput::Paused(true)).tick().then(&[]);
    scene.wait(1000).tick();
    scene.then(&["r1 goes on by itself", "A goes on after paused r1/1", "B goes on after paused r1/2"]);
}

/// REC-13: an outside party's digits never pause; an operator's command on any leg does.
#[test]
fn only_the_companys_digits_pause() {
    let mut scene = Scene::talking(&[]);
    scene.signal('A', Signal::Pause).then(&[]);
    scene.leg('A', LegInput::Paused(true)).then(&["r1 pauses", "A shuts: Paused", "B shuts: Paused"]);
    scene.signal('A', Signal::Resume).then(&[]);
    scene.leg('A', LegInput::Held(true)).leg('A', LegInput::Paused(false)).then(&["r1 goes on"]);
    scene.leg('A', LegInput::Held(false));
    scene.then(&["A goes on after paused r1/1", "B goes on after paused r1/2"]);
}

/// REC-13, REC-07: who comes into a paused conversation is not captured either, also where it goes on elsewhere.
#[test]
fn a_pause_survives_transfers() {
    let mut scene = Scene::talking(&[]);
    scene.signal('B', Signal::Pause).done();
    scene.unbridged('A', 'B').hung_up('B').done();
    scene.born('C', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('C').bridged('A', 'C');
    scene.then(&["C is agent of r1"]);
    scene.signal('C', Signal::Resume).then(&["r1 goes on", "A goes on after paused r1/1", "C opens r1/3"]);

    let mut scene = Scene::talking(&[]);
    scene.wait(10).born('D', outside(2)).answered_and_told('D').leg('D', LegInput::ConferenceJoined("1".into())).done();
    scene.born('E', company(3)).answered('E').leg('E', LegInput::Paused(true)).wait(30_000).then(&[
        "r3 starts",
        "E is agent of r3",
        "r3 pauses",
    ]);
    scene.leg('E', LegInput::ConferenceJoined("1".into())).then(&[
        "E goes from r3 to r2",
        "r3 goes on by itself",
        "r2 pauses",
        "r3 went on in r2",
        "E is agent of r2",
        "D shuts: Paused",
    ]);
    assert_eq!(scene.next_timer(), Some((90_000, TimerReason::PauseEnds(recording(2)))));
}

/// REC-13: a pause that the end of the call cuts short has its length in the books.
#[test]
fn a_pause_ends_with_its_call() {
    let mut scene = Scene::talking(&[]);
    scene.signal('B', Signal::Pause).hung_up('A').done();
    scene.wait(3000).hung_up('B').then(&["B closes r1/2", "r1 goes on by itself"]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
    assert_eq!(scene.next_timer(), None);
}

/// REC-08: a caller in a queue is not captured, and neither is whoever it is bridged to there.
#[test]
fn who_waits_in_a_queue_is_not_captured() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.leg('A', LegInput::Waiting(true)).then(&["A shuts: Waiting"]);
    scene.born('B', company(1)).answered('B').then(&["B is agent of r1", "B opens r1/2"]);
    scene.bridged('A', 'B').then(&["B shuts: Waiting"]);
    scene.leg('A', LegInput::Waiting(false));
    scene.then(&["A goes on after hold r1/1", "B goes on after hold r1/2"]);
    scene
        .leg('A', LegInput::Waiting(true))
        .leg('A', LegInput::Held(true))
        .then(&["A shuts: Waiting", "B shuts: Waiting"]);
}

/// REC-08: the whole call in a queue leaves no track.
#[test]
fn a_caller_who_only_waited_said_nothing() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::Waiting(true)).answered_and_told('A').hung_up('A');
    scene.then(&["r1 starts", "A is caller of r1", "A of r1 heard informed", "r1 ends no_speech"]);
}

/// REC-09: the company is no party to what outside parties say among themselves.
#[test]
fn capture_stops_when_no_company_party_is_left() {
    let mut scene = Scene::talking(&[]);
    let target = LegFacts { direction: Direction::Outbound, born_for: Some(key('B')), ..outside(1) };
    scene.born('C', target).leg('C', LegInput::NoticeDue).answered_and_told('C').done();
    scene.unbridged('A', 'B').bridged('A', 'C').then(&[]);
    scene.hung_up('B').then(&["B shuts: HungUp", "B closes r1/2", "A shuts: Withheld", "C shuts: Withheld"]);
    scene.born('D', company(4)).answered('D').leg('D', LegInput::ConferenceJoined("1".into())).done();
    scene.leg('A', LegInput::ConferenceJoined("1".into())).then(&[
        "D goes from r4 to r1",
        "r4 went on in r1",
        "D is agent of r1",
        "A goes on after withheld r1/1",
        "C goes on after withheld r1/3",
        "D opens r1/4",
    ]);
}

/// REC-09, REC-02.
#[test]
fn a_call_of_outside_parties_alone_has_no_company_party() {
    let mut scene = Scene::new(&[("company-numbers", "0655.*")]);
    let target = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene
        .born('A', outside(1))
        .leg('A', LegInput::NoticeDue)
        .answered('A')
        .born('C', target)
        .leg('C', LegInput::NoticeDue);
    scene.leg('A', LegInput::NoticeStarted).answered_and_told('C');
    scene.leg('C', LegInput::Held(true)).notice('A', crate::evidence::NoticeState::Informed).bridged('A', 'C').done();
    scene.leg('C', LegInput::Held(false)).hung_up('A').hung_up('C');
    let lines = scene.closed(1, 1, Kept::Nothing).closed(1, 2, Kept::Nothing).done();
    assert_eq!(lines.last().map(String::as_str), Some("r1 ends no_company_party"), "{lines:?}");
}

/// REC-09: nor while one of them is still being told.
#[test]
fn who_is_rung_for_an_outside_caller_is_not_captured_while_that_caller_is_told() {
    let mut scene = Scene::new(&[("company-numbers", "0655.*")]);
    let target = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).born('C', target).leg('C', LegInput::NoticeDue);
    scene.answered_and_told('C').answered('A').leg('A', LegInput::NoticeStarted);
    scene.notice('A', crate::evidence::NoticeState::Informed).bridged('A', 'C').hung_up('A').hung_up('C');
    let lines = scene.done();
    assert!(!lines.iter().any(|line| line.contains("opens")), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("r1 ends no_company_party"), "{lines:?}");
}

/// STF-01: the agent's own leg answers last; whom it rings is told meanwhile, and the call is the company's.
#[test]
fn outside_parties_whom_the_company_rings_at_once_are_not_among_themselves() {
    let mut scene = Scene::new(&[("company-numbers", "0655.*")]);
    let rung = || LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('A', LegFacts { direction: Direction::Inbound, ..company(1) });
    for name in ['C', 'D'] {
        scene.born(name, rung()).leg(name, LegInput::NoticeDue).answered(name).leg(name, LegInput::NoticeStarted);
    }
    scene.hung_up('C').hung_up('D').hung_up('A');
    let lines = scene.done();
    assert_eq!(lines.last().map(String::as_str), Some("r1 ends refused_hangup"), "{lines:?}");
}

/// STF-01: it may still lose the race of its ring group, and speaks to nobody.
#[test]
fn whom_the_company_rings_is_captured_once_that_leg_answers() {
    let mut scene = Scene::new(&[]);
    scene.born('A', LegFacts { direction: Direction::Inbound, ..company(1) });
    let rung = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('C', rung).leg('C', LegInput::NoticeDue).answered_and_told('C');
    let lines = scene.done();
    assert!(!lines.iter().any(|line| line.contains("opens")), "{lines:?}");
    scene.answered('A').bridged('A', 'C');
    let lines = scene.done();
    assert_eq!(lines.iter().filter(|line| line.contains("opens")).count(), 2, "{lines:?}");
}

/// REC-02: an enterprise originate rings each with a thread of its own.
#[test]
fn who_answered_and_lost_a_race_of_threads_leaves_nothing() {
    let mut scene = Scene::new(&[("company-numbers", "0655.*")]);
    scene.born('C', LegFacts { direction: Direction::Outbound, ..outside(1) }).leg('C', LegInput::NoticeDue);
    scene.answered_and_told('C').lost('C');
    let lines = scene.closed(1, 1, Kept::Audio).done();
    assert_eq!(lines.last().map(String::as_str), Some("r1 ends no_speech"), "{lines:?}");
}

/// REC-01: where nothing says who the company's are, outside parties are not taken to be without it.
#[test]
fn where_nobody_says_who_the_company_is_outside_parties_are_recorded() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    let target = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('A', outside(1)).answered('A').born('C', target).answered('C').bridged('A', 'C');
    scene.hung_up('A').hung_up('C');
    let lines = scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).done();
    assert_eq!(lines.last().map(String::as_str), Some("r1 ends recorded"), "{lines:?}");
}

fn wishes(wishes: Wishes) -> LegInput {
    LegInput::Wishes(Box::new(wishes))
}

/// RET-02: the shortest that any leg of the conversation was given.
#[test]
fn a_dialplan_shortens_how_long_its_conversation_is_kept() {
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', wishes(Wishes { retention: days(10), ..Wishes::default() }));
    scene
        .answered_and_told('A')
        .born('B', company(2))
        .leg('B', wishes(Wishes { retention: days(3), ..Wishes::default() }));
    scene.answered('B').bridged('A', 'B').hung_up('B').hung_up('A');
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio);
    let kept = scene.take_effects().into_iter().find_map(|effect| {
        let Effect::Outcome { recording: id, retention, .. } = effect else { return None };
        (id == recording(1)).then_some(retention)
    });
    assert_eq!(kept, Some(days(3)));
}

/// REC-10.
#[test]
fn a_dialplan_exempts_its_line() {
    let mut scene = Scene::new(&[]);
    scene
        .born('A', outside(1))
        .leg('A', wishes(Wishes { exempt: true, ..Wishes::default() }))
        .answered('A')
        .hung_up('A');
    scene.then(&["r1 starts", "A is caller of r1", "r1 ends exempt_line"]);
}

/// NOT-04: who is told by other means has agreed to nothing.
#[test]
fn who_is_told_elsewhere_is_not_captured_where_a_dialplan_wants_it_asked() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    let mode = Some(NoticeMode::OptIn);
    scene.born('A', outside(1)).leg('A', wishes(Wishes { mode, ..Wishes::default() })).answered('A');
    scene.then(&["r1 starts", "A is caller of r1"]);
    scene.notice('A', crate::evidence::NoticeState::Informed).done();
    scene.signal('A', Signal::Agree).then(&["A opens r1/1"]);
}

/// NOT-04: its mode is the policy's or a stricter one.
#[test]
fn a_dialplan_asks_its_caller_first() {
    let mut scene = Scene::new(&[]);
    let mode = Some(NoticeMode::OptIn);
    scene.born('A', outside(1)).leg('A', wishes(Wishes { mode, ..Wishes::default() })).answered_and_told('A');
    scene.then(&["r1 starts", "A is caller of r1", "A of r1 heard informed"]);
    scene.signal('A', Signal::Agree).then(&["A opens r1/1"]);
}

/// NOT-05, NOT-08: where its prompt names a digit, the digit counts; where it does not, it is for the call's own menus.
#[test]
fn the_objection_digit_counts_where_the_legs_own_mode_names_one() {
    let mut scene = Scene::talking(&[]);
    scene.signal('A', Signal::Object).then(&[]);
    let mut scene = Scene::new(&[]);
    let mode = Some(NoticeMode::OptOut);
    scene.born('A', outside(1)).leg('A', wishes(Wishes { mode, ..Wishes::default() })).answered_and_told('A').done();
    scene.signal('A', Signal::Object).then(&["A shuts: Objected", "A closes r1/1", "A is asked to SayStopped"]);
}
