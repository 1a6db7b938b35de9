//! Decision 19: who can hear each other is one conversation; when they part, each circle that is one goes on by itself.
use super::scene::key;
use super::{Scene, company, outside};
use crate::conversation::{Direction, Kept, LegFacts, LegInput, Signal};

fn rung_for(name: char, facts: LegFacts) -> LegFacts {
    LegFacts { born_for: Some(key(name)), ..facts }
}

/// REC-07, NOT-05: a standing line's first customer is handed to a colleague; its next one objects.
#[test]
fn a_standing_lines_next_customer_has_a_recording_of_its_own() {
    let mut scene = Scene::new(&[("notice-mode", "optout")]);
    scene.born('S', company(9)).answered('S').wait(10);
    scene.born('A', outside(1)).answered_and_told('A').bridged('A', 'S').done();
    scene.unbridged('A', 'S').then(&["S shuts: Alone"]);
    scene.born('B', rung_for('A', company(1))).answered('B').bridged('A', 'B').done();
    scene.wait(10).born('C', outside(2)).answered_and_told('C').done();
    scene.bridged('S', 'C').then(&["S goes from r1 to r2", "S is agent of r2", "S opens r2/2"]);
    scene.signal('C', Signal::Object).then(&[
        "C shuts: Objected",
        "S shuts: Objected",
        "C closes r2/1",
        "S closes r2/2",
        "C is asked to SayStopped",
    ]);
    scene.hung_up('C').hung_up('A').closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).closed(1, 3, Kept::Audio);
    assert!(scene.done().contains(&"r1 ends recorded".to_owned()));
}

/// NOT-05: a company's leg rings one after the other.
#[test]
fn who_is_rung_next_does_not_belong_to_the_call_before() {
    let mut scene = Scene::new(&[]);
    let callee = || rung_for('A', LegFacts { direction: Direction::Outbound, ..outside(1) });
    scene.born('A', LegFacts { direction: Direction::Inbound, ..company(1) }).answered('A');
    scene.born('B', callee()).answered_and_told('B').bridged('A', 'B').done();
    scene.unbridged('A', 'B').hung_up('B');
    scene.then(&["A shuts: Alone", "B shuts: HungUp", "B closes r1/2", "A closes r1/1"]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
    scene.born('C', callee()).answered_and_told('C').bridged('A', 'C');
    scene.signal('A', Signal::Object);
    assert!(scene.done().iter().all(|line| !line.contains(" r1/")));
}

/// REC-07, REC-11: both ends of a call are sent elsewhere.
#[test]
fn two_ends_that_are_transferred_are_two_calls() {
    let mut scene = Scene::talking(&[]);
    scene.unbridged('A', 'B').then(&["B shuts: Alone"]);
    scene.born('D', rung_for('B', company(1))).answered('D').bridged('B', 'D');
    let done = scene.done();
    assert!(
        done.iter().any(|line| line.starts_with("B goes from r1")) && !done.iter().any(|line| line.contains("opens"))
    );
    scene.born('C', rung_for('A', company(1))).answered('C').bridged('A', 'C');
    scene.then(&["C is agent of r1", "C opens r1/3"]);
}

/// REC-08, REC-11: an attended transfer by digits. The caller hears music, the colleagues speak for themselves, then all
/// is as before in the same tracks.
#[test]
fn a_consultation_is_not_the_customers_call() {
    let mut scene = Scene::talking(&[]);
    scene.leg('B', LegInput::BridgePaused).wait(150).tick().then(&["A shuts: Waiting", "B shuts: Waiting"]);
    scene.born('C', rung_for('B', company(1))).answered('C').then(&[]);
    scene.bridged('B', 'C');
    let done = scene.done();
    assert!(
        done.iter().any(|line| line.starts_with("B goes from r1")) && !done.iter().any(|line| line.contains("open"))
    );
    scene.unbridged('B', 'C').hung_up('C').done();
    scene.bridged('B', 'A');
    let done = scene.done();
    assert_eq!(done.last().map(String::as_str), Some("B goes on after hold r1/2"));
    assert!(done.contains(&"A goes on after hold r1/1".to_owned()));
}

/// What takes no time interrupts nothing.
#[test]
fn a_bridge_that_goes_on_at_once_was_not_paused() {
    let mut scene = Scene::talking(&[]);
    scene.leg('B', LegInput::BridgePaused).wait(140).tick().leg('B', LegInput::Bridged(key('A'))).then(&[]);
    scene.wait(500).tick().then(&[]);
}

/// REC-09, REC-11: staff who stay in a conference are colleagues among themselves.
#[test]
fn the_recording_ends_when_its_last_outside_party_leaves() {
    let room = || LegInput::ConferenceJoined("1".into());
    for internal in ["false", "true"] {
        let mut scene = Scene::new(&[("record-internal", internal)]);
        scene.born('A', outside(1)).answered_and_told('A').leg('A', room()).wait(10);
        scene.born('B', company(2)).answered('B').leg('B', room()).wait(10);
        scene.born('C', company(3)).answered('C').leg('C', room()).done();
        scene.hung_up('A');
        for track in 1..=3 {
            scene.closed(1, track, Kept::Audio);
        }
        let done = scene.done();
        assert!(done.contains(&"r1 ends recorded".to_owned()), "{done:?}");
        assert_eq!(done.iter().any(|line| line.contains(" opens ")), internal == "true", "{done:?}");
    }
}

/// REC-02: a standing line that idles for hours does not keep what was waiting.
#[test]
fn a_companys_leg_that_idles_keeps_nothing_open() {
    let mut scene = Scene::new(&[]);
    scene.born('S', company(1)).answered('S').done();
    scene.wait(60_000).tick().then(&["r1 ends internal"]);
    scene.born('A', outside(2)).answered_and_told('A').done();
    scene.bridged('A', 'S').then(&["S goes from r1 to r2", "S is agent of r2", "S opens r2/2"]);
}

/// NOT-05: what an outside party took part in is at stake where it objects, also from elsewhere.
#[test]
fn who_walked_out_of_a_conference_takes_nobody_along() {
    let room = || LegInput::ConferenceJoined("1".into());
    let mut scene = Scene::new(&[("notice-mode", "optout")]);
    scene.born('A', outside(1)).answered_and_told('A').leg('A', room()).wait(10);
    scene.born('B', company(2)).answered('B').leg('B', room()).wait(10);
    scene.born('C', outside(3)).answered_and_told('C').leg('C', room()).done();
    scene.leg('A', LegInput::ConferenceLeft).then(&["A shuts: Alone"]);
    scene.born('D', rung_for('A', company(1))).answered('D').bridged('A', 'D');
    let done = scene.done();
    assert!(done.iter().any(|line| line.starts_with("A goes from r1")), "{done:?}");
    assert!(!done.iter().any(|line| line.starts_with('B') || line.starts_with('C')), "{done:?}");
}
