//! What is wrong is said, bounded and mended; calls go on and nothing lies in clear meanwhile.
mod recorder_support;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::access::Role;
use callvault_recorder::catalogue::{Filter, OutcomeWord, State};
use callvault_recorder::controller::{CannotRecord, Recorder, StartFault};
use callvault_recorder::ids::RecordingId;
use callvault_recorder::policy::{NotRecorded, Purpose};
use callvault_recorder::time::{Clock as _, ManualClock, UnixMillis};
use recorder_support::{Call, Heard, NOON, Person, Site, eventually};

const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(86_400);

fn clock_and_ear() -> (Arc<ManualClock>, Arc<Heard>) {
    (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()))
}

fn over(recorder: &Recorder, id: RecordingId) {
    eventually("the call has its outcome", || recorder.active().iter().all(|active| active.id != id));
}

#[test]
fn e11_a_recorder_does_not_start_on_what_it_cannot_use_and_says_what_to_do() {
    type Harm = fn(&Site);
    let harms: [(&str, Harm, &str); 7] = [
        (
            "no data directory",
            |site| std::fs::rename(site.path("data"), site.path("gone")).expect("moved"),
            "store_unusable",
        ),
        (
            "a data directory that others may read",
            |site| {
                let wider = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(site.path("data"), wider).expect("widened");
            },
            "store_unusable",
        ),
        ("no keystore", |site| std::fs::remove_dir_all(site.path("keys")).expect("removed"), "keystore_unusable"),
        ("no node key", |site| std::fs::remove_file(site.path("data/node.key")).expect("removed"), "node_key_unusable"),
        (
            "a node key that others may read",
            |site| {
                let wider = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(site.path("data/node.key"), wider).expect("widened");
            },
            "node_key_unusable",
        ),
        (
            "a catalogue that is none",
            |site| {
                std::fs::write(
                    site.path("data/catalogue.sqlite"),
                    "no database, but long enough to be one ".repeat(40),
                )
                .expect("written");
                let ours = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(site.path("data/catalogue.sqlite"), ours).expect("set");
            },
            "catalogue_fault",
        ),
        (
            "an audit log that is none",
            |site| {
                std::fs::write(site.path("data/audit.log"), "no entry\n").expect("written");
                let ours = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(site.path("data/audit.log"), ours).expect("set");
            },
            "audit_damaged",
        ),
    ];
    for (what, harm, code) in harms {
        let site = Site::new();
        harm(&site);
        let (clock, heard) = clock_and_ear();
        let fault = site.start(&clock, &heard).map(drop).expect_err(what);
        assert_eq!(fault.code(), code, "{what}: {fault}");
        assert!(fault.to_string().len() > 40, "{what}: a sentence with advice: {fault}");
    }
}

#[test]
fn e22_two_recorders_never_share_a_keystore() {
    let site = Site::new();
    let (clock, heard) = clock_and_ear();
    let first = site.start(&clock, &heard).expect("started");
    assert!(matches!(site.start(&clock, &heard).map(drop), Err(StartFault::Keystore(_) | StartFault::Audit(_))));
    assert!(first.shutdown(PATIENCE));
    drop(first);
    site.start(&clock, &heard).expect("the first one is gone");
}

#[test]
fn e11_without_a_roster_calls_go_on_unrecorded_until_one_is_there() {
    let mut site = Site::without_roster();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("it loads all the same");
    assert_eq!(recorder.can_record(), Err(CannotRecord::NoRoster));
    assert_eq!(recorder.status().state, "degraded");
    assert!(heard.alarms().contains(&"roster_refused"));

    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    let row = recorder.show(id).expect("shown").row;
    assert_eq!((row.outcome, row.reason), (Some(OutcomeWord::NotRecorded), Some(NotRecorded::RecorderFault)));
    assert!(std::fs::read_dir(site.path("data/segments")).expect("there").next().is_none(), "nothing on disk");

    site.roster.add(&site.manager.line(Role::Manager), BTreeSet::from([Purpose::Complaint])).expect("added");
    site.write_roster();
    recorder.reload(site.policy(&[])).expect("reloaded");
    assert_eq!(recorder.can_record(), Ok(()));
    eventually("keys are made for it", || recorder.status().keys.ready > 0);
    let mut call = Call::begin(&recorder, 3);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    assert_eq!(recorder.show(id).expect("shown").row.outcome, Some(OutcomeWord::Recorded));
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn an_unsigned_older_or_anothers_roster_is_refused_and_the_last_valid_one_stays_also_after_a_restart() {
    let mut site = Site::new();
    let older = std::fs::read_to_string(site.path("roster")).expect("readable");
    site.write_roster();
    let newest = std::fs::read_to_string(site.path("roster")).expect("readable");
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let version = recorder.status().roster.expect("in force").version;

    let forged = {
        let mut roster = site.roster.clone();
        let crook = Person::new("crook", 66);
        roster.add(&crook.line(Role::Manager), BTreeSet::from(Purpose::ALL)).expect("added");
        roster.sign_next(&crook.signing, NOON).expect("signed by himself")
    };
    let unsigned = serde_json::to_string(&site.roster).expect("a roster");
    let changed = newest.replace("complaint", "training");
    for (what, text, code) in [
        ("older", older, "roster_older"),
        ("signed by another", forged, "roster_another_signer"),
        ("unsigned", unsigned, "roster_unsigned"),
        ("changed", changed, "roster_changed"),
        ("empty", String::new(), "roster_malformed"),
    ] {
        std::fs::write(site.path("roster"), text).expect("written");
        assert_eq!(recorder.reload(site.policy(&[])).expect_err(what).code(), code, "{what}");
        assert_eq!(recorder.status().roster.map(|roster| roster.version), Some(version), "{what}");
        assert_eq!(recorder.can_record(), Ok(()), "{what}");
    }
    assert!(recorder.status().alarms.iter().any(|alarm| alarm.code == "roster_refused"));
    assert!(recorder.shutdown(PATIENCE));
    drop(recorder);

    let recorder = site.start(&clock, &heard).expect("started again");
    assert_eq!(recorder.status().roster.map(|roster| roster.version), Some(version));
    assert_eq!(recorder.can_record(), Ok(()));
    std::fs::write(site.path("roster"), newest).expect("written");
    recorder.reload(site.policy(&[])).expect("put right");
    assert!(recorder.status().alarms.is_empty(), "{:?}", recorder.status().alarms);
}

#[test]
fn acc_03_a_roster_of_nobody_takes_effect_at_once() {
    let mut site = Site::new();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    site.roster.remove(&"marie".parse().expect("a name")).expect("removed");
    site.write_roster();
    let ticket = site.manager.ticket(id, Purpose::Complaint, clock.now());
    assert_eq!(recorder.release(&ticket).expect_err("refused").code(), "ticket_stranger");
    assert_eq!(recorder.can_record(), Err(CannotRecord::NobodyOnRoster));
    let next = Call::begin(&recorder, 3).hang_up(&recorder);
    over(&recorder, next);
    assert_eq!(recorder.show(next).expect("shown").row.reason, Some(NotRecorded::RecorderFault));
}

#[test]
fn e03_a_locked_catalogue_holds_up_no_call_and_catches_up() {
    let site = Site::new();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let lock = rusqlite::Connection::open(site.path("data/catalogue.sqlite")).expect("opened");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let mut ids = Vec::new();
    for key in 0..10 {
        let mut call = Call::begin(&recorder, 1 + 2 * key);
        call.speak(&clock, Duration::from_millis(500));
        ids.push(call.hang_up(&recorder));
    }
    eventually("all are sealed", || recorder.active().is_empty());
    eventually("the lock is noticed", || heard.alarms().contains(&"catalogue_fault"));
    assert_eq!(recorder.status().keys.refused, 0);
    lock.execute_batch("ROLLBACK").expect("unlocked");
    eventually("rows arrive", || recorder.status().books.rows_waiting == 0);
    let rows = recorder.list(&Filter::default()).expect("listed");
    assert_eq!(rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(), ids.into_iter().collect());
    assert!(rows.iter().all(|row| row.outcome == Some(OutcomeWord::Recorded)));
    assert_eq!(recorder.status().books.rows_lost, 0);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn e09_a_jump_of_the_clock_destroys_nothing_until_it_is_undone_or_confirmed() {
    let site = Site::new();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    let state = || recorder.show(id).expect("shown").row.state;

    clock.jump_to(UnixMillis(clock.now().0 + 40 * 86_400_000));
    recorder.wake();
    eventually("it is noticed", || recorder.status().expiry.clock_jump_ms.is_some());
    assert_eq!(recorder.expire_now(true).expect("planned").due.map(|plan| plan.due.len()), Some(1));
    assert_eq!(recorder.expire_now(false).expect_err("refused").code(), "clock_doubted");
    assert_eq!(state(), State::Kept);
    clock.jump_to(UnixMillis(clock.now().0 - 40 * 86_400_000));
    recorder.wake();
    eventually("it is right again", || recorder.status().expiry.clock_jump_ms.is_none());
    assert_eq!(state(), State::Kept);

    clock.jump_to(UnixMillis(clock.now().0 + 40 * 86_400_000));
    assert_eq!(recorder.expire_now(false).expect_err("asked once").code(), "clock_doubted");
    assert_eq!(recorder.expire_now(false).expect("confirmed").destroyed, [id]);
    assert_eq!(state(), State::Destroyed);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn ret_02_a_shorter_retention_applies_to_what_is_there_and_other_directories_need_a_restart() {
    let site = Site::new();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    clock.advance(8 * DAY);
    let moved = recorder.reload(site.policy(&[("data-dir", "/elsewhere"), ("retention-days", "7")]));
    assert_eq!(moved.expect_err("refused").code(), "reload_needs_restart");
    assert!(recorder.expire_now(false).expect("ran").destroyed.is_empty());
    recorder.reload(site.policy(&[("retention-days", "7")])).expect("reloaded");
    assert_eq!(recorder.expire_now(false).expect("ran").destroyed, [id]);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn the_keys_of_a_new_day_are_there_before_it_begins() {
    let site = Site::new();
    let clock = Arc::new(ManualClock::at(UnixMillis(NOON.0.div_euclid(86_400_000) * 86_400_000 + 86_390_000)));
    let heard = Arc::new(Heard::default());
    let recorder = site.start(&clock, &heard).expect("started at 23:59:50");
    eventually("keys of both days are ready", || recorder.status().keys.ready >= 1024);
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(12));
    let mut next = Call::begin(&recorder, 3);
    next.speak(&clock, Duration::from_secs(1));
    for call in [call, next] {
        let id = call.hang_up(&recorder);
        over(&recorder, id);
        assert_eq!(recorder.show(id).expect("shown").row.outcome, Some(OutcomeWord::Recorded));
    }
    assert_eq!(recorder.status().keys.refused, 0);
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn a_keystore_that_gives_no_keys_is_said_before_any_notice_is_played_and_calls_go_on() {
    let mut site = Site::new();
    for n in 0..40 {
        let name: &'static str = Box::leak(format!("manager-{n}").into_boxed_str());
        let line = Person::new(name, 100 + n).line(Role::Manager);
        site.roster.add(&line, BTreeSet::from([Purpose::Complaint])).expect("added");
    }
    site.write_roster();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("it loads all the same");
    eventually("NOT-08: it is said", || recorder.can_record() == Err(CannotRecord::Keystore));
    assert!(heard.alarms().contains(&"keystore_fault"), "more people than a slot holds");
    let id = Call::begin(&recorder, 1).hang_up(&recorder);
    over(&recorder, id);
    assert_eq!(recorder.show(id).expect("shown").row.reason, Some(NotRecorded::RecorderFault));
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn e03_e07_leaving_while_the_catalogue_is_locked_loses_no_audio() {
    let site = Site::new();
    let (clock, heard) = clock_and_ear();
    let recorder = site.start(&clock, &heard).expect("started");
    let lock = rusqlite::Connection::open(site.path("data/catalogue.sqlite")).expect("opened");
    lock.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    let mut call = Call::begin(&recorder, 1);
    call.speak(&clock, Duration::from_secs(1));
    let id = call.hang_up(&recorder);
    over(&recorder, id);
    assert!(!recorder.shutdown(Duration::from_secs(2)), "it says that not all was done");
    drop(recorder);
    lock.execute_batch("ROLLBACK").expect("unlocked");

    let mut started = None;
    eventually("the last thread is gone", || {
        started = site.start(&clock, &heard).ok();
        started.is_some()
    });
    let recorder = started.expect("started again");
    assert_eq!(recorder.show(id).expect("found again from its segments").row.outcome, Some(OutcomeWord::Recorded));
    recorder.release(&site.manager.ticket(id, Purpose::Complaint, clock.now())).expect("released");
}
