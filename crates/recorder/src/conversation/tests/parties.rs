//! Which word a party has in its conversation.
use super::scene::key;
use super::{Scene, company, outside};
use crate::conversation::{Direction, LegFacts, LegInput};

fn parties(scene: &mut Scene) -> Vec<String> {
    scene.done().into_iter().filter(|line| line.contains(" is ")).collect()
}

#[test]
fn who_rang_is_the_caller_whoever_answers_first() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    scene.born('A', outside(1));
    scene.born('B', LegFacts { direction: Direction::Outbound, ..outside(1) }).answered('B').answered('A');
    assert_eq!(parties(&mut scene), ["B is callee of r1", "A is caller of r1"]);
}

#[test]
fn the_first_who_is_rung_is_the_callee_and_later_ones_join() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    scene.born('A', company(1)).answered('A');
    for name in ['B', 'C'] {
        let callee = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
        scene.born(name, callee).answered(name).bridged('A', name);
    }
    assert_eq!(parties(&mut scene), ["A is agent of r1", "B is callee of r1", "C is joined of r1"]);
}

#[test]
fn a_caller_who_comes_into_anothers_conversation_joined_it() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    scene.born('A', outside(1)).answered('A').wait(1).born('B', outside(2)).answered('B').bridged('A', 'B');
    assert_eq!(parties(&mut scene), ["A is caller of r1", "B is caller of r2", "B is joined of r1"]);
}

#[test]
fn a_leg_that_is_no_party_has_no_word() {
    let mut scene = Scene::new(&[]);
    scene
        .born('L', LegFacts { is_party: false, ..outside(1) })
        .answered('L')
        .leg('L', LegInput::Held(true))
        .hung_up('L');
    assert!(scene.done().is_empty());
}
