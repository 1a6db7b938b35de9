//! What the host's side observes is audited, counted and told at once, and no call goes without an outcome unseen.
mod recorder_support;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::controller::{Observation, PromptState, PromptsState};
use callvault_recorder::ids::{LegUuid, RecordingId};
use callvault_recorder::policy::Purpose;
use callvault_recorder::time::{Clock as _, ManualClock};
use recorder_support::stage::Stage;
use recorder_support::{Call, Heard, NOON, Site, eventually};

const PATIENCE: Duration = Duration::from_secs(20);

impl Stage {
    fn stands(&self, alarm: &str) -> bool {
        self.recorder.status().alarms.iter().any(|standing| standing.code == alarm)
    }
}

/// REC-04: the attempt is in the log, the alarm stands until the tap is back.
#[test]
fn rec_04_a_tap_that_was_taken_off_is_audited_counted_and_an_alarm_until_it_is_back() {
    let stage = Stage::new(&[]);
    let call = Call::begin(&stage.recorder, 1);
    stage.recorder.observe(call.caller.key, Observation::TapRemoved);
    assert!(stage.heard.alarms().contains(&"tap_removed"), "told at once");
    assert!(stage.stands("tap_removed"));
    stage.audited(&["tap.removed", "leg:caller-1"]);
    stage.recorder.observe(call.caller.key, Observation::TapRepaired);
    assert!(!stage.stands("tap_removed"));
    stage.audited(&["tap.repair", "leg:caller-1"]);
    let watch = stage.recorder.status().tap_watch;
    assert_eq!((watch.removed, watch.repaired, watch.missing), (1, 1, 0));
    // A leg that is gone needs no tap.
    stage.recorder.observe(call.agent.key, Observation::TapRemoved);
    call.hang_up(&stage.recorder);
    assert!(!stage.stands("tap_removed"));
    assert!(stage.recorder.metrics().contains("callvault_taps_removed_total 2"));
}

/// PUR-08: function and target are in the log, and nothing of them in an event.
#[test]
fn pur_08_a_foreign_tap_is_audited_with_function_and_target_and_told_at_once() {
    let stage = Stage::new(&[]);
    let call = Call::begin(&stage.recorder, 1);
    let target = "/tmp/+31612345678.wav\r\n{\"seq\":";
    let tap = Observation::ForeignTap { function: "session_record".into(), target: target.into() };
    stage.recorder.observe(call.caller.key, tap);
    assert!(stage.heard.alarms().contains(&"foreign_tap"), "told at once");
    let line = stage.audited(&["tap.foreign", "leg:caller-1", "session_record"]);
    assert!(line.contains("%0d%0a%7b%22seq%22"), "hostile text is escaped: {line}");
    let events = format!("{:?}", stage.heard.events.lock().expect("not poisoned"));
    assert!(!events.contains("31612345678"), "{events}");
    stage.recorder.observe(call.caller.key, Observation::ListenerHungUp { listener: LegUuid::from_host(b"spy") });
    stage.audited(&["listener.hangup", "spy"]);
    assert!(stage.stands("foreign_tap"));
    call.hang_up(&stage.recorder);
    assert!(!stage.stands("foreign_tap"), "nobody can listen to a leg that is gone");
    assert_eq!(stage.recorder.status().tap_watch.foreign, 1);
}

/// REC-02: a call that was written off without an outcome here is an alarm within a minute, and one with is none.
#[test]
fn rec_02_a_call_that_the_recorder_knows_nothing_of_is_an_alarm_within_a_minute() {
    let stage = Stage::new(&[]);
    let mut call = Call::begin(&stage.recorder, 1);
    call.speak(&stage.clock, Duration::from_secs(1));
    let running = Call::begin(&stage.recorder, 11);
    let uuid = |name: &str| LegUuid::from_host(name.as_bytes());
    let known = call.hang_up(&stage.recorder);
    stage.recorder.reconcile(uuid("caller-1"), Some(known), true, true);
    stage.recorder.reconcile(uuid("agent-11"), Some(running.recording), true, true);
    stage.recorder.reconcile(uuid("unanswered"), None, false, true);
    stage.recorder.reconcile(uuid("out-of-scope"), None, true, false);
    stage.recorder.reconcile(uuid("lost-1"), None, true, true);
    let never_heard_of = RecordingId::from_bytes([9; 16]);
    stage.recorder.reconcile(uuid("lost-2"), Some(never_heard_of), true, true);
    stage.clock.advance(Duration::from_secs(30));
    stage.recorder.wake();
    eventually("both are found", || stage.recorder.status().unreconciled == 2);
    stage.audited(&["call.unreconciled", "leg:lost-1", "failed"]);
    stage.audited(&["call.unreconciled", "leg:lost-2", &never_heard_of.to_string()]);
    let status = stage.recorder.status();
    let legs: Vec<&str> = status.unreconciled_calls.iter().map(|call| call.leg.as_str()).collect();
    assert_eq!(legs, ["lost-1", "lost-2"]);
    assert!(status.to_string().contains("NO OUTCOME  leg lost-1"), "{status}");
    assert!(stage.stands("unreconciled"));

    // Nothing ends it but an operator's reading.
    stage.clock.advance(Duration::from_secs(3600));
    stage.recorder.wake();
    assert_eq!(stage.recorder.acknowledge(), Ok(2));
    assert!(!stage.stands("unreconciled"));
    assert_eq!(stage.recorder.status().unreconciled, 0);
    stage.audited(&["operator.acknowledge", "operator"]);
    running.hang_up(&stage.recorder);
}

/// REC-02: the outcome may come a moment behind the hang-up.
#[test]
fn rec_02_a_call_whose_outcome_comes_behind_its_hang_up_is_no_alarm() {
    let stage = Stage::new(&[]);
    let call = Call::begin(&stage.recorder, 1);
    let id = call.recording;
    stage.recorder.reconcile(call.caller.uuid.clone(), Some(id), true, true);
    stage.recorder.wake();
    call.hang_up(&stage.recorder);
    stage.clock.advance(Duration::from_secs(30));
    stage.recorder.wake();
    // The keeper answers this behind its round.
    stage.recorder.expire_now(true).expect("planned");
    assert_eq!(stage.recorder.status().unreconciled, 0);
    assert!(!stage.stands("unreconciled"));
}

/// NOT-03: status says which prompts count, and an alarm which do not.
#[test]
fn not_03_prompts_that_do_not_count_are_an_alarm_until_they_do() {
    let stage = Stage::new(&[]);
    let prompt = |usable, said: Option<&str>| PromptsState {
        prompts: vec![PromptState {
            id: "notice".into(),
            language: "nl".into(),
            version: "3".into(),
            usable,
            said: said.map(str::to_owned),
        }],
    };
    stage.recorder.prompts(prompt(false, Some("its file differs from its manifest")));
    assert!(stage.heard.alarms().contains(&"prompt_unusable"), "told at once");
    let status = stage.recorder.status();
    assert!(
        status
            .to_string()
            .contains("prompt      notice version 3 (nl): NOT USABLE; its file differs from its manifest"),
        "{status}"
    );
    assert!(stage.recorder.metrics().contains("callvault_prompts_unusable 1"));
    stage.recorder.prompts(prompt(true, None));
    assert!(!stage.stands("prompt_unusable"));
    assert!(stage.recorder.status().to_string().contains("notice version 3 (nl): usable"));
}

#[test]
fn lines_that_no_dialplan_tells_are_listed_with_how_to_be_kinder() {
    let stage = Stage::new(&[]);
    assert!(!stage.recorder.status().to_string().contains("told by the module alone"));
    stage.recorder.told_only_by_module("0201234567");
    stage.recorder.told_only_by_module("0201234567");
    let status = stage.recorder.status();
    assert_eq!((status.told_only_by_module[0].line.as_str(), status.told_only_by_module[0].calls), ("0201234567", 2));
    assert!(status.to_string().contains("line        0201234567: 2 calls told by the module alone"), "{status}");
}

#[test]
fn a_dialplans_variable_that_was_refused_is_audited_and_an_alarm_until_it_is_read() {
    let stage = Stage::new(&[]);
    let call = Call::begin(&stage.recorder, 1);
    stage.recorder.observe(call.caller.key, Observation::WishRefused { variable: "callvault_exempt" });
    stage.audited(&["dialplan.wish", "refused", "callvault_exempt"]);
    assert!(stage.stands("wish_refused"));
    assert_eq!(stage.recorder.acknowledge(), Ok(0));
    assert!(!stage.stands("wish_refused"));
    call.hang_up(&stage.recorder);
}

/// PUR-06: the config may disable a purpose; a roster and a ticket that name it open nothing.
#[test]
fn pur_06_a_purpose_that_the_policy_disables_opens_nothing() {
    let site = Site::new();
    let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
    let policy = site.policy(&[("purposes", "spotcheck,training")]);
    let recorder = site.start_with(policy, Arc::<ManualClock>::clone(&clock), &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    eventually("sealed", || recorder.active().is_empty());
    let ticket = site.manager.ticket(id, Purpose::Complaint, clock.now());
    let fault = recorder.release(&ticket).expect_err("refused");
    assert_eq!(fault.code(), "purpose_disabled", "{fault}");
    recorder.reload(site.policy(&[])).expect("reloaded");
    recorder.release(&ticket).expect("a refusal did not use the ticket up");
    assert!(recorder.shutdown(PATIENCE));
}
