//! A machine that loses power while keys are made, bound or destroyed must neither lose a recording that was running
//! nor keep one that was to be gone. Here the power goes after every single write of a keystore's day, in three ways:
//! nothing unflushed is lost (kill -9), all of it is, or some sectors of it are; and once, every operation fails.
//! Requirements DES-01, E07, E11.
mod keystore_support;

use std::ops::Range;

use callvault_recorder::ids::{InstanceTag, RecordingId, TrackNumber};
use callvault_recorder::keystore::{
    Binding, CapsuleFault, Folder, Keystore, KeystoreFault, ReadyKey, Recipients, RosterMark, RosterMarkFault,
};
use callvault_recorder::seal::{X25519Identity, read_capsule};
use callvault_recorder::time::EpochDay;
use ed25519_dalek::SigningKey;
use keystore_support::{Loss, MemoryVolume};

const TODAY: EpochDay = EpochDay(20_781);
/// Where in a sector the looked-for bytes of a body lie.
const BODY_PLACE: usize = 300;
const TOMORROW: EpochDay = EpochDay(20_782);

/// The people and ids of a day, and what is known of it at which operation.
struct Day {
    manager: X25519Identity,
    to: Recipients,
    recording: RecordingId,
    created_at: usize,
    keys: Vec<Known>,
    rosters: Vec<(u64, usize)>,
    epoch_destroyed: (usize, usize, Vec<u8>),
    /// Many slots written one after the other: crashes between them are all alike.
    monotony: Range<usize>,
}

/// A prepared key; each moment is the number of operations when the call began or returned.
struct Known {
    ready: ReadyKey,
    prepared: usize,
    bound: Option<usize>,
    destroying: Option<(usize, usize)>,
    body: Vec<u8>,
}

impl Known {
    fn binding(&self, recording: RecordingId) -> Binding {
        Binding { slot: self.ready.slot, key: self.ready.key.id(), recording, track: TrackNumber::FIRST }
    }
}

fn officer() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn mark(version: u64) -> RosterMark {
    RosterMark { version, sha256: [u8::try_from(version).expect("small"); 32] }
}

/// Some bytes of a slot's body that occur nowhere else.
fn body_of(volume: &MemoryVolume, ready: &ReadyKey) -> Vec<u8> {
    let slots = volume.bytes(Folder::Slots, "slots").expect("there");
    let at = 4 * 4096 + ready.slot.0 as usize * 8192 + 512 + BODY_PLACE;
    slots[at..at + 64].to_vec()
}

/// `attempt` again where it failed: a fault of the medium is told and the bookkeeper comes back.
fn insist<T, E: std::fmt::Display>(mut attempt: impl FnMut() -> Result<T, E>) -> T {
    attempt().or_else(|_| attempt()).unwrap_or_else(|fault| panic!("also the second time: {fault}"))
}

fn a_day(volume: &MemoryVolume, fail_after: Option<usize>) -> Day {
    let manager = X25519Identity::generate().expect("a key");
    let recovery = X25519Identity::generate().expect("a key");
    let to = Recipients { roster: 1, keys: vec![manager.to_public(), recovery.to_public()] };
    let recording = RecordingId::generate(InstanceTag::of("pbx-1")).expect("an id");
    let keystore = Keystore::create_on(Box::new(volume.clone()), &officer().verifying_key()).expect("made");
    let created_at = volume.operations();
    if let Some(n) = fail_after {
        volume.fail_after(n);
    }
    let now = || volume.operations();
    let (keys, rosters) = (Vec::new(), Vec::new());
    let mut day =
        Day { manager, to, recording, created_at, keys, rosters, epoch_destroyed: (0, 0, Vec::new()), monotony: 0..0 };

    insist(|| keystore.provision(TODAY, 1));
    insist(|| keystore.accept_roster(mark(1)));
    day.rosters.push((1, now()));
    let prepare = |day: &mut Day, count, epoch| {
        for ready in insist(|| keystore.prepare(count, epoch, &day.to)) {
            let body = body_of(volume, &ready);
            day.keys.push(Known { ready, prepared: now(), bound: None, destroying: None, body });
        }
    };
    let bind = |day: &mut Day, which: &[usize]| {
        let bindings: Vec<_> = which.iter().map(|&key| day.keys[key].binding(day.recording)).collect();
        insist(|| keystore.bind(&bindings));
        which.iter().for_each(|&key| day.keys[key].bound = Some(now()));
    };
    let destroy = |day: &mut Day, which: &[usize]| {
        let began = now();
        let slots: Vec<_> = which.iter().map(|&key| day.keys[key].ready.slot_key()).collect();
        let destroyed = insist(|| keystore.destroy(&slots));
        assert!(destroyed.iter().all(|slot| slot.reread_sha256.is_some()));
        which.iter().for_each(|&key| day.keys[key].destroying = Some((began, now())));
    };
    prepare(&mut day, 4, TODAY);
    bind(&mut day, &[0, 1]);
    destroy(&mut day, &[0]);
    prepare(&mut day, 2, TOMORROW);
    bind(&mut day, &[2, 4]);
    insist(|| keystore.accept_roster(mark(2)));
    day.rosters.push((2, now()));
    destroy(&mut day, &[1, 2, 3]);
    let epoch = volume.bytes(Folder::Epochs, &format!("{TODAY}.epoch")).expect("there")[16..48].to_vec();
    let began = now();
    insist(|| keystore.destroy_epoch(TODAY));
    day.epoch_destroyed = (began, now(), epoch);
    // Slots are used again, so that a late destruction of the old key must not hit the new one.
    let from = now() + 2;
    prepare(&mut day, 61, TOMORROW);
    day.monotony = from..now() - 3;
    bind(&mut day, &[6]);
    insist(|| keystore.accept_roster(mark(3)));
    day.rosters.push((3, now()));
    day
}

/// Opens what the crash left and holds it against what had been promised by then.
fn check(day: &Day, disk: &MemoryVolume, at: usize, claim: bool, when: &str) {
    let keystore = match Keystore::open_on(Box::new(disk.clone())) {
        Ok(keystore) => keystore,
        Err(KeystoreFault::NotAKeystore(_)) if at < day.created_at => return,
        Err(fault) => panic!("{when}: {fault}"),
    };
    let living = |known: &&Known| known.destroying.is_none_or(|(began, _)| began > at);
    let promised: Vec<&Known> = day
        .keys
        .iter()
        .filter(living)
        .filter(|known| if claim { known.prepared <= at } else { known.bound.is_some_and(|bound| bound <= at) })
        .collect();
    let claims: Vec<Binding> =
        if claim { promised.iter().map(|known| known.binding(day.recording)).collect() } else { Vec::new() };
    keystore.settle(&claims).unwrap_or_else(|fault| panic!("{when}: {fault}"));
    for known in &promised {
        let key = known.ready.key.id();
        let capsule = keystore
            .capsule_for(known.ready.slot, key, &day.manager.to_public())
            .unwrap_or_else(|fault| panic!("{when}: a running recording was lost: {fault}"));
        assert_eq!(read_capsule(&capsule, &day.manager).expect("the manager's").id(), key, "{when}");
    }
    for known in &day.keys {
        // The retention that a crash interrupted begins again, whatever it had reached.
        if let Some((began, done)) = known.destroying.filter(|(began, _)| *began <= at) {
            if done > at {
                keystore.destroy(&[known.ready.slot_key()]).unwrap_or_else(|fault| panic!("{when}: {fault}"));
            }
            let gone = keystore.capsule_for(known.ready.slot, known.ready.key.id(), &day.manager.to_public());
            assert!(matches!(gone, Err(CapsuleFault::Gone(_))), "{when}: destroyed from {began}: {gone:?}");
            assert!(!disk.holds(BODY_PLACE, &known.body), "{when}: the capsule's bytes are still on the disk");
        }
    }
    let stats = keystore.stats();
    assert_eq!((stats.ready, stats.torn), (0, 0), "{when}: nothing of the former life is left over");
    for known in &promised {
        assert!(
            keystore.capsule_for(known.ready.slot, known.ready.key.id(), &day.manager.to_public()).is_ok(),
            "{when}: a destruction hit another's key"
        );
    }
    let accepted = keystore.accepted_roster().map_or(0, |mark| mark.version);
    let least = day.rosters.iter().filter(|(_, done)| *done <= at).map(|(version, _)| *version).max().unwrap_or(0);
    assert!(accepted >= least, "{when}: version {accepted} after {least} was accepted");
    if least > 1 {
        assert!(matches!(keystore.accept_roster(mark(least - 1)), Err(RosterMarkFault::Older { .. })), "{when}");
    }
    let (began, done, secret) = &day.epoch_destroyed;
    if *began < at {
        if at < *done {
            keystore.destroy_epoch(TODAY).unwrap_or_else(|fault| panic!("{when}: {fault}"));
        }
        assert!(!disk.holds(16, secret), "{when}: the epoch's secret is still on the disk");
        assert!(!keystore.epochs().contains(&TODAY), "{when}");
    }
    keystore.provision(TODAY, 1).unwrap_or_else(|fault| panic!("{when}: {fault}"));
    let next = keystore.prepare(3, TOMORROW, &day.to).unwrap_or_else(|fault| panic!("{when}: {fault}"));
    let binding =
        Binding { slot: next[0].slot, key: next[0].key.id(), recording: day.recording, track: TrackNumber::FIRST };
    keystore.bind(&[binding]).unwrap_or_else(|fault| panic!("{when}: {fault}"));
}

#[test]
fn des_01_e07_after_a_crash_at_any_write_no_running_recording_is_lost_and_no_destroyed_one_is_back() {
    let volume = MemoryVolume::default();
    let day = a_day(&volume, None);
    for at in (0..=volume.operations()).filter(|at| !day.monotony.contains(at) || at % 20 == 0) {
        let seed = at as u64;
        for (loss, claim) in [
            (Loss::Nothing, false),
            (Loss::Nothing, true),
            (Loss::AllUnflushed, true),
            (Loss::SomeUnflushed(seed), false),
            (Loss::SomeUnflushed(!seed), true),
        ] {
            let disk = volume.crashed_after(at, loss);
            check(&day, &disk, at, claim, &format!("crash after operation {at}, {loss:?}, claims {claim}"));
        }
    }
}

#[test]
fn e07_a_second_crash_while_the_first_is_mended_loses_no_more() {
    let volume = MemoryVolume::default();
    let day = a_day(&volume, None);
    let at = volume.operations();
    for seed in 0..3 {
        let once = volume.crashed_after(at - 2, Loss::SomeUnflushed(seed));
        let keystore = Keystore::open_on(Box::new(once.clone())).expect("open");
        keystore.settle(&[]).expect("settled");
        drop(keystore);
        let operations = once.operations();
        for second in 0..=operations {
            let twice = once.crashed_after(second, Loss::SomeUnflushed(seed));
            check(&day, &twice, at - 4, false, &format!("second crash after {second} of {operations}"));
        }
    }
}

/// Whoever has an old roster, with a manager on it who has left, must not get it accepted by pulling the plug.
#[test]
fn e07_a_roster_that_was_accepted_survives_a_torn_write_of_the_next() {
    let volume = MemoryVolume::default();
    let keystore = Keystore::create_on(Box::new(volume.clone()), &officer().verifying_key()).expect("made");
    for version in 1..=4 {
        keystore.accept_roster(mark(version)).expect("accepted");
        let before = volume.operations();
        keystore.accept_roster(mark(version + 1)).expect("accepted");
        for seed in (0..64).map(|seed| seed * 2) {
            let disk = volume.crashed_after(before + 1, Loss::SomeUnflushed(seed));
            let keystore = Keystore::open_on(Box::new(disk)).expect("open");
            let accepted = keystore.accepted_roster().expect("one was accepted").version;
            assert!((version..=version + 1).contains(&accepted), "{accepted} after {version}");
        }
    }
}

#[test]
fn e11_whatever_operation_fails_once_the_second_attempt_puts_it_right() {
    let volume = MemoryVolume::default();
    a_day(&volume, None);
    for n in 0.. {
        let volume = MemoryVolume::default();
        let day = a_day(&volume, Some(n));
        if day.monotony.contains(&(n + day.created_at)) && n % 20 != 0 {
            continue;
        }
        if !volume.has_failed() {
            assert!(n > 100, "the day has more operations than {n}");
            return;
        }
        let at = volume.operations();
        let disk = volume.crashed_after(at, Loss::AllUnflushed);
        check(&day, &disk, at, false, &format!("operation {n} failed once"));
    }
}
