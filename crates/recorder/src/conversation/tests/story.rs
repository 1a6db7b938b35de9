//! Calls as they go well.
use super::scene::key;
use super::{Scene, company, outside, recording};
use crate::conversation::{Direction, Effect, Input, Kept, LegFacts, LegInput, Opening, TimerReason};
use crate::evidence::NoticeState;
use crate::ids::LegUuid;

fn talking() -> Scene {
    Scene::talking(&[])
}

/// REC-01, NOT-01: an inbound call into an IVR, then to an agent.
#[test]
fn a_caller_is_captured_from_the_end_of_his_notice_and_the_agent_from_her_answer() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).then(&[]);
    scene.answered('A').then(&["r1 starts"]);
    scene.leg('A', LegInput::NoticeStarted).wait(2000).then(&[]);
    scene.notice('A', NoticeState::Informed).then(&["A is caller of r1", "A of r1 heard informed", "A opens r1/1"]);
    scene.wait(500).born('B', LegFacts { born_for: Some(key('A')), ..company(1) }).then(&[]);
    scene.answered('B').then(&["B is agent of r1", "B opens r1/2"]);
    scene.bridged('A', 'B').then(&[]);
    scene.wait(10_000).hung_up('B').then(&["B shuts: HungUp", "B closes r1/2"]);
    scene.hung_up('A').then(&["A shuts: HungUp", "A closes r1/1"]);
    scene.closed(1, 2, Kept::Audio).then(&[]);
    scene.closed(1, 1, Kept::Audio).then(&["r1 ends recorded"]);
    assert_eq!(scene.next_timer(), None);
}

/// The zero of all tracks is the first answer; what a track's header needs comes with its opening alone.
#[test]
fn a_new_track_carries_the_recordings_zero_the_notices_and_the_personal_fields() {
    let mut scene = Scene::new(&[]);
    scene.wait(700).born('A', outside(1)).wait(4000);
    let zero = scene.moment();
    scene.answered_and_told('A').wait(60_000);
    let opened = scene
        .take_effects()
        .into_iter()
        .find_map(|effect| if let Effect::OpenGate(open) = effect { Some(open) } else { None });
    let open = opened.expect("the gate opened");
    let Opening::First(new) = open.opening else { panic!("a new track") };
    assert_eq!((new.started, new.started_at), zero);
    assert_eq!(open.at.since(new.started).as_millis(), 2000);
    assert_eq!(new.personal.caller_number, "0612345678");
    assert_eq!(new.notices.len(), 1);
    assert_eq!(new.notices[0].party, crate::evidence::Party::Caller);
    let ended = scene.hung_up('A').moment().1;
    let at = scene
        .closed(1, 1, Kept::Audio)
        .take_effects()
        .into_iter()
        .find_map(|effect| if let Effect::Outcome { ended_at, .. } = effect { Some(ended_at) } else { None });
    assert_eq!(at, Some(ended));
}

/// REC-01: click-to-call, the agent first.
#[test]
fn an_originated_call_is_captured_once_its_outside_party_was_told() {
    let mut scene = Scene::new(&[]);
    scene.born('A', company(1)).answered('A').then(&["r1 starts", "A is agent of r1"]);
    let callee = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('B', callee).leg('B', LegInput::NoticeDue).then(&[]);
    scene.answered_and_told('B').then(&["B is callee of r1", "B of r1 heard informed", "A opens r1/1", "B opens r1/2"]);
    scene.bridged('A', 'B').hung_up('A').hung_up('B').then(&[
        "A shuts: HungUp",
        "A closes r1/1",
        "B shuts: HungUp",
        "B closes r1/2",
    ]);
}

/// Early media is no answer.
#[test]
fn early_media_captures_nobody() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).leg('A', LegInput::Tapped).then(&[]);
    scene.born('B', LegFacts { born_for: Some(key('A')), ..company(1) }).leg('B', LegInput::Tapped);
    scene.bridged('A', 'B').then(&[]);
    scene.answered('B').then(&["r1 starts", "B is agent of r1"]);
    scene.answered_and_told('A').then(&["A is caller of r1", "A of r1 heard informed", "A opens r1/1", "B opens r1/2"]);
}

/// REC-07.
#[test]
fn a_blind_transfer_goes_on_in_the_same_recording() {
    let mut scene = talking();
    scene.unbridged('A', 'B').hung_up('B').then(&["B shuts: HungUp", "B closes r1/2"]);
    scene.born('C', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('C').bridged('A', 'C');
    scene.then(&["C is agent of r1", "C opens r1/3"]);
}

/// REC-07, REC-11: the consultation between colleagues is internal; then the third joins the caller's recording.
#[test]
fn an_attended_transfer_brings_the_third_into_the_callers_recording() {
    let mut scene = talking();
    scene.leg('B', LegInput::Held(true)).then(&["A shuts: Hold", "B shuts: Hold"]);
    scene.born('D', LegFacts { direction: Direction::Inbound, ..company(2) }).answered('D');
    scene.born('C', LegFacts { born_for: Some(key('D')), ..company(2) }).answered('C').bridged('C', 'D');
    scene.then(&["r2 starts", "D is agent of r2", "C is agent of r2"]);
    scene.unbridged('A', 'B').then(&["A goes on after hold r1/1"]);
    scene.unbridged('C', 'D').bridged('A', 'C').then(&["C goes from r2 to r1", "C is agent of r1", "C opens r1/3"]);
    scene.hung_up('B').then(&["B closes r1/2"]);
    scene.hung_up('D').then(&["r2 ends internal"]);
}

/// REC-07: both calls have an outside party; the younger recording's legs join the older, with a track each.
#[test]
fn two_recorded_calls_that_become_one_go_on_in_the_older_recording() {
    let mut scene = talking();
    scene.wait(5000).born('D', LegFacts { direction: Direction::Inbound, ..company(2) }).answered('D');
    scene.born('C', LegFacts { direction: Direction::Outbound, born_for: Some(key('D')), ..outside(2) });
    scene.answered_and_told('C').bridged('C', 'D').done();
    scene.unbridged('A', 'B').unbridged('C', 'D').bridged('C', 'A').then(&[
        "C shuts: Moved",
        "C closes r2/2",
        "C goes from r2 to r1",
        "D shuts: Withheld",
        "C is joined of r1",
        "C of r1 heard informed",
        "C opens r1/3",
    ]);
    scene.closed(2, 2, Kept::Audio).hung_up('D').closed(2, 1, Kept::Audio).then(&["D closes r2/1", "r2 ends recorded"]);
}

/// REC-06, NOT-06: three in a conference; the muted one is not captured, the late one from the end of his notice.
#[test]
fn a_conference_has_a_track_each_and_none_of_the_muted() {
    let mut scene = Scene::new(&[]);
    let room = || LegInput::ConferenceJoined("3000@default".into());
    scene.born('A', outside(1)).answered_and_told('A').leg('A', room());
    scene.then(&["r1 starts", "A is caller of r1", "A of r1 heard informed", "A opens r1/1"]);
    scene.wait(10).born('B', company(2)).answered('B').leg('B', room());
    scene.then(&[
        "r2 starts",
        "B is agent of r2",
        "B goes from r2 to r1",
        "r2 went on in r1",
        "B is agent of r1",
        "B opens r1/2",
    ]);
    scene.wait(10).born('C', outside(3)).leg('C', LegInput::NoticeDue).answered('C').then(&["r3 starts"]);
    scene.leg('C', LegInput::NoticeStarted).wait(2000).notice('C', NoticeState::Informed).leg('C', room());
    scene.then(&[
        "C is caller of r3",
        "C of r3 heard informed",
        "C opens r3/1",
        "C shuts: Moved",
        "C closes r3/1",
        "C goes from r3 to r1",
        "C is joined of r1",
        "C of r1 heard informed",
        "C opens r1/3",
    ]);
    scene.leg('B', LegInput::Muted(true)).then(&["B shuts: Muted"]).leg('B', LegInput::Muted(true)).then(&[]);
    scene.leg('C', LegInput::Held(true)).then(&["C shuts: Hold"]);
    scene.leg('C', LegInput::Held(false)).then(&["C goes on after hold r1/3"]);
    scene.leg('B', LegInput::Muted(false)).then(&["B goes on after muted r1/2"]);
    scene.leg('A', LegInput::ConferenceLeft).hung_up('A').then(&["A shuts: HungUp", "A closes r1/1"]);
}

/// REC-08: hold is a level; both sides are silent while either holds.
#[test]
fn nobody_of_a_pair_is_captured_while_either_holds() {
    let mut scene = talking();
    scene.leg('A', LegInput::Held(true)).then(&["A shuts: Hold", "B shuts: Hold"]);
    scene.leg('A', LegInput::Held(true)).leg('B', LegInput::Held(false)).then(&[]);
    scene.leg('B', LegInput::Held(true)).leg('A', LegInput::Held(false)).then(&[]);
    scene.leg('B', LegInput::Held(false)).then(&["A goes on after hold r1/1", "B goes on after hold r1/2"]);
}

/// Losers of a ring group are no party, also where they answered and were in the middle of their notice.
#[test]
fn a_ring_groups_losers_leave_no_trace() {
    let mut scene = Scene::new(&[]);
    scene.born('A', company(1)).answered('A').then(&["r1 starts", "A is agent of r1"]);
    for name in ['B', 'C', 'D'] {
        let callee = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
        scene.born(name, callee).leg(name, LegInput::NoticeDue);
    }
    scene.answered('B').leg('B', LegInput::NoticeStarted).wait(100).answered_and_told('C');
    scene.then(&["C is callee of r1", "C of r1 heard informed", "A opens r1/1", "C opens r1/2"]);
    scene.notice('B', NoticeState::Partial).lost('B').lost('D').then(&[]);
    scene.bridged('A', 'C').hung_up('C').hung_up('A').done();
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
}

#[test]
fn the_first_of_an_originates_legs_to_stay_has_track_1() {
    let mut scene = Scene::new(&[]);
    for name in ['B', 'C'] {
        scene.born(name, LegFacts { direction: Direction::Outbound, ..outside(1) }).leg(name, LegInput::NoticeDue);
    }
    scene.lost('B').answered_and_told('C');
    scene.then(&["r1 starts", "C is callee of r1", "C of r1 heard informed", "C opens r1/1"]);
}

/// A call that nobody answered leaves nothing.
#[test]
fn an_unanswered_call_has_no_row_and_no_outcome() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).born('B', LegFacts { born_for: Some(key('A')), ..company(1) });
    scene.hung_up('A').hung_up('B').then(&[]);
    assert_eq!(scene.next_timer(), None);
}

/// Loopback legs carry the recording on and are no parties; hold reaches through them.
#[test]
fn a_loopback_between_two_parties_is_nobody() {
    let mut scene = Scene::new(&[]);
    let half = |born_for| LegFacts { is_party: false, born_for: Some(key(born_for)), ..company(1) };
    scene.born('A', outside(1)).answered_and_told('A').done();
    scene.born('L', half('A')).answered('L').born('M', half('L')).answered('M').then(&[]);
    scene
        .born('B', LegFacts { born_for: Some(key('M')), ..company(1) })
        .answered('B')
        .then(&["B is agent of r1", "B opens r1/2"]);
    scene.bridged('A', 'L').bridged('M', 'B').then(&[]);
    scene.leg('B', LegInput::Held(true)).then(&["A shuts: Hold", "B shuts: Hold"]);
    scene.leg('B', LegInput::Held(false)).done();
    scene.bridged('A', 'B').hung_up('L').hung_up('M').then(&[]);
}

/// A recording waits for loopback legs that may still bring a party, and ends when its last party did.
#[test]
fn a_recording_ends_when_its_last_party_left() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered_and_told('A');
    scene.born('L', LegFacts { is_party: false, ..company(1) }).done();
    let ended = scene.wait(100).hung_up('A').closed(1, 1, Kept::Audio).moment().1;
    scene.wait(5000).done();
    let effects = scene.hung_up('L').take_effects();
    assert!(
        matches!(effects.as_slice(), [Effect::Ended { .. }, Effect::Outcome { ended_at, .. }] if *ended_at == ended)
    );
}

/// Freeswitch.md, trap 9.
#[test]
fn a_renamed_leg_is_the_same_leg() {
    let mut scene = talking();
    scene.leg('B', LegInput::Renamed(LegUuid::from_host(b"X"))).then(&[]);
    scene.leg('B', LegInput::MediaBypassed(true)).then(&["B shuts: NoMedia", "alarm: X bypassed"]);
    scene.leg('B', LegInput::MediaBypassed(false)).then(&["B goes on after no_media r1/2"]);
}

/// A colleague's standing line goes to each caller's recording in turn, and is not captured while nobody is there.
#[test]
fn a_standing_line_takes_each_callers_recording() {
    let mut scene = Scene::new(&[]);
    scene.born('S', company(9)).answered('S').then(&["r9 starts", "S is agent of r9"]);
    scene.wait(10).born('A', outside(1)).answered_and_told('A').done();
    scene.bridged('A', 'S').then(&["S goes from r9 to r1", "r9 went on in r1", "S is agent of r1", "S opens r1/2"]);
    scene.hung_up('A').then(&["A shuts: HungUp", "A closes r1/1", "S shuts: Withheld"]);
    scene.wait(10).born('B', outside(2)).answered_and_told('B').done();
    scene.bridged('S', 'B').then(&["S closes r1/2", "S goes from r1 to r2", "S is agent of r2", "S opens r2/2"]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
}

/// What one leg said of a bridge is over when the other says otherwise.
#[test]
fn a_stale_word_of_a_bridge_holds_nobody() {
    let mut scene = talking();
    scene.born('C', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('C').bridged('A', 'C').done();
    scene.leg('B', LegInput::Held(true)).then(&["B shuts: Hold"]);
}

/// Decision 6: an epoch is known at a recording's start, so one that lasts a day goes on in another.
#[test]
fn a_recording_rolls_over_after_a_day() {
    let mut scene = talking();
    assert_eq!(scene.next_timer().map(|(_, reason)| reason), Some(TimerReason::RollOver(recording(1))));
    scene.wait(24 * 3_600_000).tick().then(&["r1 is too long"]);
    let (at, now) = scene.moment();
    scene.input(Input::RolledOver { recording: recording(1), into: recording(2), at, now }).then(&[
        "A shuts: Moved",
        "A closes r1/1",
        "A goes from r1 to r2",
        "B shuts: Moved",
        "B closes r1/2",
        "B goes from r1 to r2",
        "r2 starts",
        "A is caller of r2",
        "A of r2 heard informed",
        "B is agent of r2",
        "A opens r2/1",
        "B opens r2/2",
    ]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
}

/// The host may say anything twice, late, or of a leg that is gone.
#[test]
fn what_is_said_twice_or_too_late_changes_nothing() {
    let mut scene = talking();
    scene.born('A', outside(7)).answered('A').bridged('A', 'B').leg('Z', LegInput::Answered).then(&[]);
    scene.leg('B', LegInput::HungUp).then(&["B shuts: HungUp", "B closes r1/2"]);
    scene.leg('B', LegInput::HungUp).leg('B', LegInput::Answered).leg('B', LegInput::Held(true)).then(&[]);
    scene.leg('B', LegInput::Gone).leg('B', LegInput::Gone).leg('B', LegInput::Unbridged).then(&[]);
    scene.hung_up('A').closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).closed(1, 2, Kept::Nothing);
    scene.then(&["A shuts: HungUp", "A closes r1/1", "r1 ends recorded"]);
}

/// A leg that is born with the id of a recording that is over begins another.
#[test]
fn an_id_is_never_used_for_two_conversations() {
    let mut scene = talking();
    scene.hung_up('A').hung_up('B').closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).done();
    let effects = scene.born('C', company(1)).answered('C').take_effects();
    let Some(Effect::SetRecording { recording: fresh, former, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!((*former, fresh.instance()), (recording(1), recording(1).instance()));
    assert_ne!(*fresh, recording(1));
    assert!(matches!(&effects[1], Effect::Started(started) if started.recording == *fresh));
}
