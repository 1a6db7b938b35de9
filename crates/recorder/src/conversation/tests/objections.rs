//! Parties that do not want to be recorded: what stops, what goes, what begins anew (NOT-04, NOT-05, NOT-06).
use super::scene::key;
use super::{Scene, company, outside, recording};
use crate::conversation::{
    DevicePreference, Direction, Effect, Kept, LegFacts, LegInput, Opening, Request, Shown, Signal, TimerReason,
};
use crate::evidence::NoticeState;
use crate::policy::{NotRecorded, Outcome};

const OPT_OUT: &[(&str, &str)] = &[("notice-mode", "optout")];
const OPT_IN: &[(&str, &str)] = &[("notice-mode", "optin")];

fn room() -> LegInput {
    LegInput::ConferenceJoined("3000@default".into())
}

/// NOT-05: gates at once, tracks closed, one outcome while the call goes on, none more when it ends.
#[test]
fn an_objection_ends_the_recording_at_once_while_the_call_goes_on() {
    let mut scene = Scene::talking(OPT_OUT);
    let objected = scene.wait(4000).moment().1;
    scene.signal('A', Signal::Object).then(&[
        "A shuts: Objected",
        "B shuts: Objected",
        "A closes r1/1",
        "B closes r1/2",
        "A is asked to SayStopped",
    ]);
    scene.closed(1, 1, Kept::Audio).then(&[]);
    let effects = scene.wait(100).closed(1, 2, Kept::Audio).take_effects();
    let outcome = Outcome::NotRecorded(NotRecorded::Objected);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Ended { .. }, Effect::Outcome { outcome: said, ended_at, merged_into: None, .. }]
            if *said == outcome && *ended_at == objected
    ));
    assert_eq!(scene.conversations.outlook(key('A'), |_| true), Some(outcome));
    scene.leg('A', LegInput::Held(true)).leg('A', LegInput::Held(false)).signal('A', Signal::Object).then(&[]);
    scene.hung_up('A').hung_up('B').wait(90_000).tick().then(&[]);
    assert_eq!(scene.next_timer(), None);
}

/// NOT-05: the outcome does not wait for ever for a store that refuses.
#[test]
fn an_objections_outcome_comes_whatever_becomes_of_the_tracks() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.signal('A', Signal::Object).done();
    assert_eq!(scene.next_timer(), Some((75_000, TimerReason::TracksClose(recording(1)))));
    scene.wait(75_000).tick().then(&["r1 ends objected"]);
    scene.closed(1, 1, Kept::Failed).hung_up('B').hung_up('A').closed(1, 2, Kept::Audio).then(&[]);
}

/// NOT-05, NOT-04: in the prompt it counts at once, and the prompt plays on; nobody is captured afterwards.
#[test]
fn an_objection_in_the_prompt_counts_at_once() {
    let mut scene = Scene::new(OPT_OUT);
    scene.born('A', outside(1)).leg('A', LegInput::NoticeDue).answered('A').signal('A', Signal::Object);
    scene.then(&["r1 starts"]);
    scene.leg('A', LegInput::NoticeStarted).wait(1000).then(&[]);
    let effects = scene.signal('A', Signal::Object).take_effects();
    let standings: Vec<&str> = effects
        .iter()
        .filter_map(|effect| if let Effect::Standing { change, .. } = effect { Some(change.by.as_str()) } else { None })
        .collect();
    assert_eq!(standings, ["prompt", "digit"]);
    assert!(matches!(
        effects.last(),
        Some(Effect::Outcome { outcome: Outcome::NotRecorded(NotRecorded::Objected), .. })
    ));
    scene.wait(1000).notice('A', NoticeState::Informed).born('B', company(1)).answered('B').bridged('A', 'B').then(&[]);
    scene.hung_up('A').hung_up('B').then(&[]);
}

/// NOT-05: the agent's code, in every mode, for all outside parties of her conversation.
#[test]
fn an_agent_objects_for_the_parties_she_speaks_with() {
    for mode in ["notice", "optout"] {
        let mut scene = Scene::talking(&[("notice-mode", mode)]);
        scene.wait(3_600_000).signal('B', Signal::Object);
        assert_eq!(scene.stood(), ["A of r1 is objected by agent"]);
        scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends objected"]);
    }
}

/// NOT-05: an operator says it of any leg at any time; the mode and the time are for digits.
#[test]
fn an_operator_objects_for_a_party_whenever_it_asks() {
    for leg in ['A', 'B'] {
        let mut scene = Scene::talking(&[]);
        scene.wait(3_600_000).leg(leg, LegInput::Commanded(Signal::Object));
        assert_eq!(scene.stood(), ["A of r1 is objected by command"]);
    }
}

/// NOT-04: what stands in the books of a call that goes well, in each mode.
#[test]
fn how_a_caller_stands_is_told_as_it_happened() {
    let mut scene = Scene::new(OPT_OUT);
    let answered = scene.moment().1;
    scene.born('A', outside(1)).answered('A').wait(500).leg('A', LegInput::NoticeStarted).wait(2000);
    let informed = scene.moment().1;
    let effects = scene.notice('A', NoticeState::Informed).take_effects();
    let standings = |effects: &[Effect]| -> Vec<(String, i64)> {
        let changes = effects
            .iter()
            .filter_map(|effect| if let Effect::Standing { change, .. } = effect { Some(change) } else { None });
        changes.map(|change| (format!("{:?}", change.standing), change.at_ms.0)).collect()
    };
    let expected = [("Pending", answered), ("Informed", informed), ("InformedContinued", informed)];
    assert_eq!(standings(&effects), expected.map(|(word, at)| (word.to_owned(), at.0)));
    let header = effects.iter().find_map(|effect| {
        let Effect::OpenGate(open) = effect else { return None };
        let Opening::First(new) = &open.opening else { return None };
        Some(new.standings.len())
    });
    assert_eq!(header, Some(3), "the track's header knows how its party stands");
}

/// NOT-04, `optin`: who answers the question before its end is captured from that end on.
#[test]
fn who_agrees_in_the_prompt_has_agreed_at_its_end() {
    let mut scene = Scene::new(OPT_IN);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).wait(900).signal('A', Signal::Agree);
    assert_eq!(scene.stood(), ["A of r1 is pending by prompt"]);
    scene.wait(1000).notice('A', NoticeState::Informed);
    assert_eq!(scene.stood().last().map(String::as_str), Some("A of r1 is consented by digit"));
    let mut scene = Scene::new(OPT_IN);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::NoticeStarted).signal('A', Signal::Agree);
    scene.notice('A', NoticeState::Partial).wait(2000).tick().done();
    scene.leg('A', LegInput::NoticeStarted).wait(1000).notice('A', NoticeState::Informed);
    assert_eq!(scene.stood().last().map(String::as_str), Some("A of r1 is informed by prompt"), "said to another one");
}

/// NOT-06: who is let into a call of two belongs to it from then on, beside the bridge that goes on; when it objects,
/// what was there before it came is kept.
#[test]
fn who_is_let_into_a_call_is_a_late_joiner_of_it() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.born('C', outside(3)).answered_and_told('C').done();
    scene.leg('C', LegInput::LetIn(Some(key('A')))).then(&[
        "C shuts: Moved",
        "C closes r3/1",
        "C goes from r3 to r1",
        "C is joined of r1",
        "C of r1 heard informed",
        "C opens r1/3",
    ]);
    scene.leg('A', LegInput::Held(true)).then(&["A shuts: Hold", "B shuts: Hold"]);
    scene.leg('A', LegInput::Held(false)).done();
    scene.leg('C', LegInput::LetIn(None)).hung_up('C').then(&["C shuts: HungUp", "C closes r1/3"]);
    scene.hung_up('A').hung_up('B').done();
}

/// NOT-07: who takes part in the signs of recording is told of each change, others of none.
#[test]
fn a_device_that_wants_to_know_is_told_how_it_is_recorded() {
    let mut scene = Scene::new(OPT_OUT);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::RecordingAware(DevicePreference::Other));
    scene.leg('A', LegInput::NoticeStarted).done();
    let shown = |effects: Vec<Effect>| -> Vec<Request> {
        let asked = |effect| if let Effect::Ask { request, .. } = effect { Some(request) } else { None };
        effects.into_iter().filter_map(asked).filter(|request| *request != Request::SayStopped).collect()
    };
    let told = scene.notice('A', NoticeState::Informed).take_effects();
    assert_eq!(shown(told), [Request::ShowRecording(Shown::On)]);
    scene.born('B', company(1)).answered('B').bridged('A', 'B');
    scene.leg('A', LegInput::Held(true)).leg('A', LegInput::Held(false));
    assert_eq!(shown(scene.take_effects()), [], "a hold is no change");
    assert_eq!(shown(scene.signal('B', Signal::Pause).take_effects()), [Request::ShowRecording(Shown::Paused)]);
    assert_eq!(shown(scene.signal('B', Signal::Resume).take_effects()), [Request::ShowRecording(Shown::On)]);
    assert_eq!(shown(scene.signal('A', Signal::Object).take_effects()), [Request::ShowRecording(Shown::Off)]);
}

/// NOT-07: a device that prefers no recording speaks for its party, in every mode.
#[test]
fn a_device_that_prefers_no_recording_objects() {
    let mut scene = Scene::new(&[]);
    scene.born('A', outside(1)).answered('A').leg('A', LegInput::RecordingAware(DevicePreference::Off));
    assert_eq!(scene.stood().last().map(String::as_str), Some("A of r1 is objected by device"));
    scene.born('B', company(2)).answered('B').leg('B', LegInput::RecordingAware(DevicePreference::Off));
    assert_eq!(scene.stood(), [] as [&str; 0], "the company's device decides nothing");
}

/// NOT-04, `optin`: nothing in the window, then the digit decides.
#[test]
fn who_is_asked_is_captured_from_its_agreement_on() {
    let mut scene = Scene::new(OPT_IN);
    scene.born('A', outside(1)).answered_and_told('A');
    scene.born('B', company(1)).answered('B').bridged('A', 'B').then(&[
        "r1 starts",
        "A is caller of r1",
        "A of r1 heard informed",
        "B is agent of r1",
    ]);
    assert_eq!(scene.next_timer(), Some((8000, TimerReason::Consent(key('A')))));
    scene.wait(8000).signal('A', Signal::Agree).then(&["A opens r1/1", "B opens r1/2"]);
    scene.wait(1_000_000).signal('A', Signal::Object);
    assert_eq!(scene.stood(), ["A of r1 is withdrawn by digit"]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends objected"]);
}

/// NOT-04, NOT-05: silence and the other digit both mean no, and the call goes on.
#[test]
fn who_does_not_agree_is_not_recorded() {
    for silent in [true, false] {
        let mut scene = Scene::new(OPT_IN);
        scene.born('A', outside(1)).answered_and_told('A').done();
        if silent {
            scene.wait(8000).tick();
        } else {
            scene.signal('A', Signal::Decline);
        }
        let by = if silent { "prompt" } else { "digit" };
        let effects = scene.take_effects();
        let said = effects.iter().find_map(|effect| {
            if let Effect::Standing { change, .. } = effect { Some(change.by.clone()) } else { None }
        });
        assert_eq!(said.as_deref(), Some(by));
        assert!(matches!(
            effects.last(),
            Some(Effect::Outcome { outcome: Outcome::NotRecorded(NotRecorded::Objected), .. })
        ));
        scene.signal('A', Signal::Agree).born('B', company(1)).answered('B').bridged('A', 'B').then(&[]);
        scene.hung_up('A').hung_up('B').then(&[]);
    }
}

/// NOT-04: a hang-up in the window is none but a refusal.
#[test]
fn who_hangs_up_when_asked_refused() {
    let mut scene = Scene::new(OPT_IN);
    scene.born('A', outside(1)).answered_and_told('A').wait(2000).hung_up('A');
    scene.then(&["r1 starts", "A is caller of r1", "A of r1 heard informed", "r1 ends refused_hangup"]);
    assert_eq!(scene.next_timer(), None);
}

/// NOT-06, NOT-05: who comes late and objects takes nothing away of what was said before, and nothing is captured
/// while it is there; afterwards the others' call is a recording of its own.
#[test]
fn a_late_objector_leaves_what_was_captured_before() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.leg('A', room()).leg('B', room()).done();
    scene.born('C', outside(3)).answered('C').leg('C', LegInput::NoticeStarted).leg('C', room()).done();
    scene.signal('C', Signal::Object).then(&[
        "C is joined of r1",
        "A shuts: Objected",
        "B shuts: Objected",
        "A closes r1/1",
        "B closes r1/2",
    ]);
    scene.closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).then(&["r1 ends recorded"]);
    let effects = scene.hung_up('C').take_effects();
    let Some(Effect::SetRecording { recording: fresh, former, .. }) = effects.first() else { panic!("{effects:?}") };
    let fresh = *fresh;
    assert_eq!((*former, fresh.instance()), (recording(1), recording(1).instance()));
    let opened = effects.iter().filter(|effect| matches!(effect, Effect::OpenGate(open) if open.recording == fresh));
    assert_eq!(opened.count(), 2, "{effects:?}");
    let started =
        effects.iter().filter(|effect| matches!(effect, Effect::Started(started) if started.recording == fresh));
    assert_eq!(started.count(), 1);
}

/// NOT-05: who was captured takes the whole recording with it, also in a conference.
#[test]
fn a_late_joiner_who_was_captured_and_objects_takes_the_recording_with_it() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.leg('A', room()).leg('B', room()).born('C', outside(3)).answered_and_told('C').leg('C', room()).done();
    scene.signal('C', Signal::Object).done();
    for track in 1..=3 {
        scene.closed(1, track, Kept::Audio);
    }
    scene.closed(3, 1, Kept::Audio);
    let ends = scene.done();
    assert!(ends.contains(&"r1 ends objected".to_owned()), "{ends:?}");
}

/// NOT-05: an outside party that was put through and objects in its notice came late too, whatever its word is.
#[test]
fn a_transfers_target_that_objects_leaves_what_was_captured_before() {
    let mut scene = Scene::talking(OPT_OUT);
    let target = LegFacts { direction: Direction::Outbound, born_for: Some(key('A')), ..outside(1) };
    scene.born('C', target).leg('C', LegInput::NoticeDue).answered('C').leg('C', LegInput::NoticeStarted).done();
    scene.signal('C', Signal::Object).closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio);
    assert!(scene.done().contains(&"r1 ends recorded".to_owned()));
}

/// NOT-05: an objector who goes to another conversation forbids capture there; what was captured before is kept.
#[test]
fn an_objector_forbids_capture_wherever_it_goes() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.born('C', outside(3)).answered('C').leg('C', LegInput::NoticeStarted).signal('C', Signal::Object);
    scene.notice('C', NoticeState::Informed).done();
    scene.leg('A', room()).leg('B', room()).leg('C', room()).then(&[
        "C goes from r3 to r1",
        "C is joined of r1",
        "C of r1 heard informed",
        "A shuts: Objected",
        "B shuts: Objected",
        "A closes r1/1",
        "B closes r1/2",
        "C is asked to SayStopped",
    ]);
}

/// NOT-05: the company's party that stays behind alone is no conversation, and her next call is one of its own.
#[test]
fn after_an_objector_the_next_call_is_recorded_again() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.signal('A', Signal::Object).closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).hung_up('A').done();
    scene.wait(10).then(&[]).born('D', outside(4)).answered_and_told('D').done();
    scene.bridged('B', 'D').then(&["B goes from r1 to r4", "B is agent of r4", "B opens r4/2"]);
}

/// NOT-05: a colleague who is rung for the objector's conversation is not captured either.
#[test]
fn who_is_born_for_an_objectors_call_belongs_to_it() {
    let mut scene = Scene::talking(OPT_OUT);
    scene.signal('A', Signal::Object).closed(1, 1, Kept::Audio).closed(1, 2, Kept::Audio).done();
    scene.hung_up('B').born('C', LegFacts { born_for: Some(key('A')), ..company(1) }).answered('C').bridged('A', 'C');
    scene.then(&[]);
    assert_eq!(scene.conversations.outlook(key('C'), |_| true), Some(Outcome::NotRecorded(NotRecorded::Objected)));
    scene.hung_up('A').born('D', LegFacts { born_for: Some(key('C')), ..company(1) });
    let effects = scene.take_effects();
    let moved = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::SetRecording { former, .. } if *former == recording(1)));
    assert_eq!(moved.count(), 2, "she and whom she rings go on in a new one: {effects:?}");
}

/// NOT-05: an agent's standing line comes into the objector's conversation, not the objector into hers.
#[test]
fn a_standing_line_joins_an_objectors_call() {
    let mut scene = Scene::new(OPT_OUT);
    scene.born('S', company(9)).answered('S').wait(10).born('A', outside(1)).answered('A').done();
    scene.leg('A', LegInput::NoticeStarted).signal('A', Signal::Object).done();
    scene.bridged('A', 'S').then(&["S goes from r9 to r1", "r9 went on in r1"]);
}

/// Whom nobody told and whose own recording goes on in another's stands in that one's books, and nobody is captured
/// there meanwhile (REC-02, NOT-04, NOT-06).
#[test]
fn a_late_joiner_whom_nobody_told_stands_in_the_books_of_what_it_joined() {
    let mut scene = Scene::talking(&[("uninformed", "refuse")]);
    scene.leg('A', room()).leg('B', room()).born('C', outside(3)).answered('C').done();
    let effects = scene.leg('C', room()).take_effects();
    let stands: Vec<String> = effects
        .iter()
        .filter_map(|effect| {
            let Effect::Standing { recording: id, change } = effect else { return None };
            (*id == recording(1)).then(|| format!("{:?}", change.standing))
        })
        .collect();
    assert_eq!(stands, ["Pending", "NotInformed"]);
    let shut = effects.iter().filter(|effect| matches!(effect, Effect::ShutGate { .. })).count();
    assert_eq!(shut, 2);
    scene.hung_up('C').then(&["alarm: C untold", "A goes on after withheld r1/1", "B goes on after withheld r1/2"]);
}
