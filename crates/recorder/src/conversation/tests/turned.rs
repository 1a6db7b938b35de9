//! Parties that turn out to be another's than they were taken for (decision 18).
use super::scene::key;
use super::{Scene, company, outside};
use crate::conversation::{Direction, LegFacts, LegInput};

/// A colleague A rings a user B, whose telephone is redirected before anybody answers.
fn redirected(params: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new(params);
    scene.born('A', LegFacts { direction: Direction::Inbound, ..company(1) });
    scene.born('B', LegFacts { born_for: Some(key('A')), ..company(1) });
    scene.leg('B', LegInput::TurnedOutside).leg('B', LegInput::NoticeDue);
    scene
}

/// NOT-01: it is as if it had been born so.
#[test]
fn who_is_redirected_before_its_answer_is_told_first_and_is_outside_from_the_beginning() {
    let mut scene = redirected(&[]);
    scene.answered_and_told('B').then(&["r1 starts", "B is callee of r1", "B of r1 heard informed"]);
    scene.answered('A').bridged('A', 'B');
    scene.then(&["A is agent of r1", "B opens r1/2", "A opens r1/1"]);
}

#[test]
fn who_is_redirected_and_told_by_nobody_is_not_captured_and_nobody_with_it() {
    let mut scene = redirected(&[("uninformed", "refuse"), ("record-internal", "true")]);
    scene.answered('A').answered('B').bridged('A', 'B').hung_up('B').hung_up('A');
    let done = scene.done();
    assert!(done.iter().all(|line| !line.contains("opens")), "{done:?}");
    assert_eq!(done.last().map(String::as_str), Some("r1 ends not_informed"));
}

/// What was captured of it as the company's own ends there; what follows is another recording, in which it is outside.
#[test]
fn who_turns_out_to_be_outside_in_a_call_ends_the_recording_in_which_it_was_the_companys() {
    let mut scene = Scene::talking(&[]);
    scene.leg('B', LegInput::TurnedOutside).leg('B', LegInput::NoticeDue);
    let done = scene.done();
    let at = |wanted: &str| done.iter().position(|line| line.contains(wanted));
    assert!(at("B shuts: Moved") < at("B closes r1/2") && at("B closes r1/2") < at("B goes from r1"), "{done:?}");
    assert!(done.iter().all(|line| !line.contains("opens")), "nothing while it is told: {done:?}");
    assert!(done.iter().any(|line| line.starts_with("B is") && !line.contains("agent")), "{done:?}");
    scene.closed(1, 1, crate::conversation::Kept::Audio).closed(1, 2, crate::conversation::Kept::Audio);
    scene.then(&["r1 ends recorded"]);
    scene.leg('B', LegInput::NoticeStarted).wait(2000).notice('B', crate::evidence::NoticeState::Informed);
    let done = scene.done();
    assert!(done.iter().all(|line| !line.contains("opens")), "two from outside among themselves: {done:?}");
}

#[test]
fn an_outside_party_never_turns_out_to_be_the_companys_and_what_is_said_twice_changes_nothing() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).answered_and_told('A');
    scene.done();
    scene.leg('A', LegInput::TurnedOutside).then(&[]);
}
