//! Parties that are rung and told by the agent, who attests it (STF-01, STF-02, STF-03, STF-04).
use super::scene::key;
use super::{Scene, company, outside, recording};
use crate::conversation::{Direction, Kept, LegFacts, LegInput, Signal, TimerReason};
use crate::evidence::NoticeState;

const ATTEST: &[(&str, &str)] = &[("outbound-notice", "attest")];

fn callee() -> LegFacts {
    LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) }
}

/// An agent A whose call to B was answered.
fn rung() -> Scene {
    let mut scene = Scene::new(ATTEST);
    scene.born('A', company(1)).answered('A').then(&["r1 starts", "A is agent of r1"]);
    scene.wait(5000).born('B', callee()).answered('B').bridged('A', 'B');
    scene.then(&["B is callee of r1", "A opens r1/1"]);
    scene
}

/// STF-01, STF-03: the agent's own words are the proof, so she is captured from the answer; the callee after her word.
#[test]
fn a_callee_is_captured_once_the_agent_attests() {
    let mut scene = rung();
    scene.wait(6000).signal('A', Signal::Attest).then(&["B opens r1/2"]);
    assert_eq!(scene.next_timer().map(|(_, reason)| reason), Some(TimerReason::RollOver(recording(1))));
    scene.wait(60_000).tick().hung_up('A').hung_up('B').done();
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
}

/// STF-01: how the callee stands says by whom it was told.
#[test]
fn an_attestation_is_in_the_books_as_the_agents() {
    let mut scene = Scene::new(ATTEST);
    scene.born('A', company(1)).answered('A').born('B', callee()).answered('B').bridged('A', 'B');
    assert_eq!(scene.stood(), ["B of r1 is pending by agent"]);
    scene.signal('A', Signal::Attest);
    assert_eq!(scene.stood(), ["B of r1 is informed by agent", "B of r1 is informed_continued by agent"]);
    let mut scene = rung();
    scene.signal('B', Signal::Attest);
    assert_eq!(scene.stood(), ["B of r1 is informed by command", "B of r1 is informed_continued by command"]);
}

/// STF-02: a reminder for the agent alone, then nothing of the call is kept, and an operator knows whose task it was.
#[test]
fn without_an_attestation_nothing_is_kept() {
    let mut scene = rung();
    assert_eq!(scene.next_timer(), Some((15_000, TimerReason::AttestBeep(key('B')))));
    scene.wait(15_000).tick().then(&["A is asked to Beep"]);
    assert_eq!(scene.next_timer(), Some((15_000, TimerReason::Attest(key('B')))));
    scene.wait(15_000).tick().then(&["alarm: A did not attest", "A shuts: Objected", "A closes r1/1"]);
    scene.closed(1, 1, Kept::Audio).then(&["r1 ends not_informed"]);
    scene.signal('A', Signal::Attest).hung_up('A').hung_up('B').then(&[]);
}

/// STF-02: a callee who hangs up before leaves nothing either.
#[test]
fn a_callee_who_hangs_up_before_the_attestation_leaves_nothing() {
    let mut scene = rung();
    scene.wait(9000).hung_up('B').then(&["alarm: A did not attest", "A shuts: Objected", "A closes r1/1"]);
    scene.hung_up('A').closed(1, 1, Kept::Audio).then(&["r1 ends not_informed"]);
    assert_eq!(scene.next_timer(), None);
}

/// STF-01: a notice on the leg does as well, and nobody needs attest then.
#[test]
fn a_prompt_on_a_rung_leg_makes_attesting_needless() {
    let mut scene = Scene::new(ATTEST);
    scene.born('A', company(1)).answered('A').born('B', callee()).answered_and_told('B').bridged('A', 'B').done();
    scene.wait(40_000).tick().then(&[]);
    scene.leg('B', LegInput::NoticeStarted).notice('B', NoticeState::Partial).done();
    scene.hung_up('A').hung_up('B').closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio);
    assert!(scene.done().contains(&"r1 ends recorded".to_owned()));
}

/// STF-01: who rings the company is told by prompt in this setting too.
#[test]
fn an_attestation_says_nothing_for_a_caller() {
    let mut scene = Scene::new(ATTEST);
    scene.born('A', outside(1)).answered('A').born('B', company(1)).answered('B').bridged('A', 'B').done();
    scene.signal('B', Signal::Attest).then(&[]);
}

/// NOT-05, STF-01: the callee objects before the agent has attested anything: what she said is not kept.
#[test]
fn a_callees_objection_before_the_attestation_takes_the_agents_words_with_it() {
    let mut scene = rung();
    scene.signal('B', Signal::Object).then(&[]);
    scene.signal('A', Signal::Object).then(&["A shuts: Objected", "A closes r1/1", "B is asked to SayStopped"]);
    scene.closed(1, 1, Kept::Audio).then(&["r1 ends objected"]);
}

/// STF-01, REC-07: who is put through to another call before anybody attested takes the words said to it along.
#[test]
fn a_callee_who_is_put_through_unattested_leaves_nothing_behind() {
    let mut scene = Scene::talking(ATTEST);
    scene.wait(10).born('D', LegFacts { direction: Direction::Inbound, ..company(2) }).answered('D');
    scene.born('C', LegFacts { direction: Direction::Outbound, born_for: Some(key('D')), ..outside(2) });
    scene.answered('C').bridged('C', 'D').done();
    scene.unbridged('A', 'B').unbridged('C', 'D').bridged('C', 'A').done();
    scene.hung_up('D').closed(2, 1, Kept::Audio).then(&["r2 ends not_informed"]);
}

/// STF-02: the time to attest runs from when the agent is there to do it.
#[test]
fn the_time_to_attest_begins_when_both_are_there() {
    let mut scene = Scene::new(ATTEST);
    scene.born('B', LegFacts { direction: Direction::Outbound, ..outside(1) }).answered('B').wait(20_000).tick();
    scene.then(&["r1 starts", "B is callee of r1"]);
    scene.born('A', company(1)).answered('A').bridged('A', 'B').then(&["A is agent of r1", "A opens r1/2"]);
    assert_eq!(scene.next_timer(), Some((15_000, TimerReason::AttestBeep(key('B')))));
}

/// STF-04.
#[test]
fn staff_hear_a_beep_when_capture_begins_where_the_policy_says_so() {
    let mut scene = Scene::new(&[("staff-beep", "true")]);
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.born('B', company(1)).answered('B').then(&["B is agent of r1", "B opens r1/2", "B is asked to Beep"]);
    scene.bridged('A', 'B').then(&[]);
    scene.leg('B', LegInput::Held(true)).leg('B', LegInput::Held(false)).then(&[
        "A shuts: Hold",
        "B shuts: Hold",
        "A goes on after hold r1/1",
        "B goes on after hold r1/2",
    ]);
}
