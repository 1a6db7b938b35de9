//! Calls of which nothing is kept, and why (REC-02, NOT-01, decision 19).
use super::scene::key;
use super::{Scene, company, outside};
use crate::conversation::{Direction, Effect, Input, Kept, LegFacts, LegInput, TimerReason};
use crate::evidence::NoticeState;
use crate::policy::{NotRecorded, Outcome};

/// NOT-01.
#[test]
fn a_caller_who_hangs_up_in_the_notice_refused_and_nothing_personal_is_handed_on() {
    for with_word_of_the_notice in [true, false] {
        let mut scene = Scene::new(&[]);
        scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).answered('A').leg('A', LegInput::NoticeStarted);
        scene.born('B', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('B').wait(1000);
        scene.then(&["r1 starts", "B is agent of r1"]);
        if with_word_of_the_notice {
            scene.notice('A', NoticeState::Partial);
        }
        scene.wait(20).hung_up('A').hung_up('B').wait(10_000).tick();
        let effects = scene.take_effects();
        assert!(effects.iter().all(|effect| !matches!(effect, Effect::OpenGate(_) | Effect::Alarm(_))));
        let outcome = effects.iter().filter(|effect| matches!(effect, Effect::Outcome { .. })).count();
        assert_eq!(outcome, 1);
        assert!(format!("{effects:?}").contains("RefusedHangup"));
    }
}

/// NOT-01: who hangs up before the line was open for a moment after the notice has refused as well, and what was
/// captured of that moment goes; a late joiner's leaving takes nothing of the others with it.
#[test]
fn a_caller_who_hangs_up_with_the_end_of_the_notice_refused() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').wait(149).done();
    scene.left_at_once('A').then(&["A shuts: Objected", "A closes r1/1"]);
    scene.closed(1, 1, Kept::Audio).then(&["r1 ends refused_hangup"]);

    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').wait(150).left_at_once('A').done();
    scene.closed(1, 1, Kept::Audio).then(&["r1 ends recorded"]);

    let mut scene = Scene::talking(&[]);
    scene.born('C', outside(3)).leg('C', LegInput::ConferenceJoined("1".into())).done();
    scene.leg('A', LegInput::ConferenceJoined("1".into())).answered_and_told('C').left_at_once('C').done();
    scene.hung_up('A').hung_up('B').done();
    for track in 1..=3 {
        scene.closed(1, track, Kept::Audio);
    }
    scene.then(&["r1 ends recorded"]);
}

/// NOT-03: a notice that could not begin is no reason to hang up.
#[test]
fn a_caller_whose_notice_could_not_be_played_was_not_informed() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).answered('A').done();
    scene.notice('A', NoticeState::None).then(&["alarm: A untold", "A is caller of r1", "A of r1 heard none"]);
    scene.hung_up('A').then(&["r1 ends not_informed"]);
}

/// NOT-02, NOT-03: a partial notice, and the leg goes on.
#[test]
fn a_caller_who_goes_on_after_a_broken_notice_is_not_captured_and_nobody_with_him() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).wait(500).done();
    scene.notice('A', NoticeState::Partial).then(&[]);
    assert_eq!(scene.next_timer(), Some((2000, TimerReason::NoticeCut(key('A')))));
    scene.wait(2000).tick().then(&["alarm: A untold", "A of r1 heard partial"]);
    scene.born('B', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('B').bridged('A', 'B');
    scene.then(&["B is agent of r1"]);
    scene.hung_up('A').hung_up('B').then(&["r1 ends not_informed"]);
}

#[test]
fn a_broken_notice_is_no_hang_up_where_the_caller_met_somebody_next() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).notice('A', NoticeState::None);
    scene.born('B', company(1)).answered('B').done();
    scene.bridged('A', 'B').then(&["alarm: A untold", "A of r1 heard none"]);
    scene.hung_up('A').hung_up('B').then(&["r1 ends not_informed"]);
}

/// The timer may be late: what decides is when he hung up.
#[test]
fn a_hang_up_long_after_a_broken_notice_is_no_refusal() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).notice('A', NoticeState::Partial);
    scene.done();
    scene.wait(5000).hung_up('A');
    scene.then(&["alarm: A untold", "A of r1 heard partial", "r1 ends not_informed"]);
}

#[test]
fn a_notice_that_is_played_again_whole_informs() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).notice('A', NoticeState::Partial);
    scene.wait(3000).tick().leg('A', LegInput::NoticeStarted).wait(2000).done();
    scene.notice('A', NoticeState::Informed).then(&["A of r1 heard informed", "A opens r1/1"]);
    scene.leg('A', LegInput::NoticeStarted).notice('A', NoticeState::Partial).then(&["A of r1 heard partial"]);
}

/// `uninformed` is `refuse`: only who was told is captured.
#[test]
fn whom_nobody_told_is_refused_where_the_policy_says_so() {
    let mut scene = Scene::new(&[("uninformed", "refuse")]);
    scene.born('A', outside(1)).answered('A').then(&["r1 starts", "A is caller of r1"]);
    scene.born('B', company(1)).answered('B').bridged('A', 'B').then(&["B is agent of r1"]);
    scene.hung_up('B').hung_up('A').then(&["alarm: A untold", "r1 ends not_informed"]);
    scene.born('A', outside(2)).answered_and_told('A');
    scene.then(&["r2 starts", "A is caller of r2", "A of r2 heard informed", "A opens r2/1"]);
}

/// Fails closed: in the default mode too, who was neither told nor is due to be is not captured.
#[test]
fn whom_the_switch_forgot_to_tell_is_not_captured() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').hung_up('A');
    scene.then(&["r1 starts", "A is caller of r1", "alarm: A untold", "r1 ends not_informed"]);
}

/// `uninformed` is `record`: told by other means; a dialplan's notice still comes first where it runs.
#[test]
fn who_is_told_by_other_means_is_captured_from_the_answer() {
    let mut scene = Scene::new(&[("uninformed", "record")]);
    scene.born('A', outside(1)).answered('A').then(&["r1 starts", "A is caller of r1", "A opens r1/1"]);
    scene.leg('A', LegInput::NoticeStarted).then(&["A shuts: Withheld"]);
    scene.notice('A', NoticeState::Partial).wait(2000).tick();
    scene.then(&["A of r1 heard partial", "A goes on after withheld r1/1"]);
}

/// NOT-06: a late joiner who is not told silences all while he is there; the rest goes on after him.
#[test]
fn a_late_joiner_who_is_not_told_withholds_the_whole_conversation() {
    let mut scene = Scene::new(&[]);
    let room = || LegInput::ConferenceJoined("1".into());
    scene.born('A', outside(1)).answered_and_told('A').leg('A', room());
    scene.wait(10).born('C', outside(3)).leg('C', LegInput::NoticeDue).answered('C').done();
    scene.leg('C', LegInput::NoticeStarted).leg('C', room()).then(&[
        "C is caller of r3",
        "C goes from r3 to r1",
        "r3 went on in r1",
    ]);
    scene.notice('C', NoticeState::Partial).then(&[]).wait(2000).tick();
    scene.then(&["alarm: C untold", "C is joined of r1", "C of r1 heard partial", "A shuts: Withheld"]);
    scene.hung_up('C').then(&["A goes on after withheld r1/1"]);
}

/// REC-03, NOT-02: whom no prompt can reach, for its media is elsewhere, is not told; that is why nothing is recorded.
#[test]
fn a_party_whose_media_is_elsewhere_cannot_be_told() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).leg('A', LegInput::MediaBypassed(true)).answered('A');
    scene.notice('A', NoticeState::None).born('B', company(1)).answered('B').bridged('A', 'B').done();
    scene.hung_up('A').hung_up('B').then(&["r1 ends no_media_path"]);
}

/// REC-10.
#[test]
fn exempt_and_emergency_calls_are_never_captured() {
    for (emergency, word) in [(true, "r1 ends emergency"), (false, "r1 ends exempt_line")] {
        let mut scene = Scene::new(&[("record-internal", "true")]);
        let facts = |facts| LegFacts { emergency, exempt: !emergency, ..facts };
        scene.born('A', facts(LegFacts { direction: Direction::Inbound, ..company(1) })).answered('A');
        let callee = LegFacts { direction: Direction::Outbound, ..outside(1) };
        scene.born('B', facts(callee)).answered('B').bridged('A', 'B').hung_up('B').hung_up('A');
        scene.then(&["r1 starts", "A is agent of r1", "B is callee of r1", word]);
    }
}

/// REC-10: a caller who is put through to an exempt line is not captured there.
#[test]
fn an_exempt_line_withholds_the_conversation_while_it_is_there() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.born('B', LegFacts { exempt: true, ..company(1) }).then(&[]);
    scene.answered('B').then(&["B is agent of r1", "A shuts: Withheld"]);
    scene.bridged('A', 'B').hung_up('B').then(&["A goes on after withheld r1/1"]);
}

/// REC-11.
#[test]
fn an_internal_call_is_captured_only_where_the_policy_says_so() {
    let mut scene = Scene::new(&[]);
    scene.born('A', company(1)).answered('A').born('B', company(1)).answered('B').bridged('A', 'B');
    scene.hung_up('A').hung_up('B').then(&["r1 starts", "A is agent of r1", "B is agent of r1", "r1 ends internal"]);
    let mut scene = Scene::new(&[("record-internal", "true")]);
    scene.born('A', company(1)).answered('A').then(&["r1 starts", "A is agent of r1"]);
    scene.born('B', company(1)).answered('B').bridged('A', 'B');
    scene.then(&["B is agent of r1", "A opens r1/1", "B opens r1/2"]);
    scene.hung_up('B').then(&["B shuts: HungUp", "B closes r1/2", "A shuts: Withheld"]);
}

/// Nor is a company's party captured alone while an outside one is rung, told, or gone again.
#[test]
fn a_company_party_alone_is_not_captured_where_internal_calls_are() {
    let mut scene = Scene::new(&[("record-internal", "true")]);
    scene.born('A', company(1)).answered('A').born('B', outside(1)).leg('B', LegInput::NoticeDue).done();
    scene.answered('B').leg('B', LegInput::NoticeStarted).wait(900).then(&[]);
    scene.hung_up('B').done();
    scene.hung_up('A').then(&["r1 ends refused_hangup"]);
    scene.born('C', company(2)).answered('C').hung_up('C').then(&["r2 starts", "C is agent of r2", "r2 ends internal"]);
}

/// Decision 16: new calls only.
#[test]
fn the_operators_stop_lets_running_calls_go_on() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.input(Input::Recording { on: false }).then(&[]);
    scene.born('B', company(1)).answered('B').then(&["B is agent of r1", "B opens r1/2"]);
    scene.born('C', outside(2)).answered('C').hung_up('C').then(&[
        "r2 starts",
        "C is caller of r2",
        "r2 ends operator_stop",
    ]);
    scene.input(Input::Recording { on: true }).born('D', outside(3)).answered_and_told('D');
    scene.then(&["r3 starts", "D is caller of r3", "D of r3 heard informed", "D opens r3/1"]);
}

/// E11: no roster, no key; the call goes on.
#[test]
fn a_recorder_that_cannot_says_so_and_alarms_nobody_for_each_call() {
    let mut scene = Scene::new(&[]);
    scene.input(Input::RecorderFault { on: true }).born('A', outside(1)).answered('A').hung_up('A');
    scene.then(&["r1 starts", "A is caller of r1", "r1 ends recorder_fault"]);
}

#[test]
fn a_track_without_a_key_is_never_opened_again() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.input(Input::KeyRefused { leg: key('A') }).then(&["A shuts: NoKey"]);
    scene.leg('A', LegInput::Held(true)).leg('A', LegInput::Held(false)).then(&[]);
    scene.hung_up('A').then(&["r1 ends recorder_fault"]);
}

#[test]
fn a_call_without_a_frame_has_no_speech_and_one_that_the_store_lost_is_a_fault() {
    for (kept, word) in [
        (Kept::Nothing, "r1 ends no_speech"),
        (Kept::Failed, "r1 ends recorder_fault"),
        (Kept::Audio, "r1 ends recorded"),
    ] {
        let mut scene = Scene::new(&[]);
        scene.born('A', outside(1)).answered_and_told('A');
        scene.born('B', company(1)).answered('B').hung_up('B').hung_up('A').done();
        scene.closed(1, 1, kept).then(&[]).closed(1, 2, Kept::Nothing).then(&[word]);
    }
}

/// REC-02: what a CDR says before the last track is closed.
#[test]
fn a_call_of_which_nothing_was_heard_looks_like_no_speech() {
    let scene = Scene::talking(&[]);
    let looks = |is_heard: bool| scene.conversations.outlook(key('A'), |_| is_heard);
    assert_eq!(looks(true), Some(Outcome::Recorded));
    assert_eq!(looks(false), Some(Outcome::NotRecorded(NotRecorded::NoSpeech)));
}

/// REC-03.
#[test]
fn media_that_never_came_by_is_no_media_path() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::MediaBypassed(true)).answered_and_told('A');
    scene.hung_up('A').then(&[
        "r1 starts",
        "A is caller of r1",
        "A of r1 heard informed",
        "alarm: A bypassed",
        "r1 ends no_media_path",
    ]);
}

/// REC-02, REC-03: a track that got nothing, because its media went elsewhere, says so.
#[test]
fn media_that_went_elsewhere_before_it_was_heard_is_no_media_path() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').born('B', company(1)).answered('B').done();
    scene.leg('A', LegInput::MediaBypassed(true)).hung_up('B').hung_up('A').done();
    scene.closed(1, 1, Kept::Nothing).done();
    scene.closed(1, 2, Kept::Nothing).then(&["r1 ends no_media_path"]);
}

#[test]
fn an_outcome_does_not_wait_for_ever_for_a_track() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A').hung_up('A').done();
    assert_eq!(scene.next_timer(), Some((615_000, TimerReason::TracksClose(super::recording(1)))));
    scene.wait(615_000).tick().then(&["r1 ends recorded"]).closed(1, 1, Kept::Nothing).then(&[]);
    assert_eq!(scene.next_timer(), None);
}
