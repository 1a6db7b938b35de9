//! Legs that their host resurrected after a crash: nobody is told twice, nobody has to say twice what it means.
use super::{Scene, outside};
use crate::conversation::LegInput;
use crate::evidence::Standing;

fn resurrected(standing: Standing) -> Scene {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::StoodBefore(standing)).then(&[]);
    scene
}

#[test]
fn who_was_told_before_a_crash_is_captured_from_its_answer() {
    for standing in [Standing::Informed, Standing::InformedContinued, Standing::Consented] {
        resurrected(standing).answered('A').then(&["r1 starts", "A is caller of r1", "A opens r1/1"]);
    }
}

/// NOT-05: an objection outlives the host.
#[test]
fn who_objected_before_a_crash_is_not_captured() {
    for standing in [Standing::Objected, Standing::Declined, Standing::Withdrawn, Standing::NotInformed] {
        let effects = format!("{:?}", resurrected(standing).answered('A').take_effects());
        assert!(!effects.contains("OpenGate"), "{standing:?}: {effects}");
    }
}

#[test]
fn whose_notice_was_not_over_is_told_as_if_it_were_new() {
    let mut scene = resurrected(Standing::Pending);
    scene.answered_and_told('A').then(&["r1 starts", "A is caller of r1", "A of r1 heard informed", "A opens r1/1"]);
}
