//! Destruction is finished whatever it is interrupted by, and in an order that never leaves audio that opens (DES-01).
mod catalogue_support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use callvault_recorder::audit::{AuditFault, Entry};
use callvault_recorder::catalogue::{Catalogue, CatalogueFault, Change, DueRow, Filter, Material, State};
use callvault_recorder::ids::{KeyId, RecordingId, SlotNumber};
use callvault_recorder::retention::{
    Batch, ClockDoubted, ClockState, Copies, HandFault, Hands, Keys, Ledger, Log, RetentionFault, Segments, SlotProof,
    Step, Terms, run,
};
use callvault_recorder::time::{EpochDay, UnixMillis};
use catalogue_support::*;

const DAY_MS: i64 = 86_400_000;
/// The last of the expired calls has been due for a minute; its epoch's day is not over.
const DUE: UnixMillis = UnixMillis(T0.0 + 65_000 + 30 * DAY_MS + 60_000);
/// The day of their epoch.
const EPOCH: EpochDay = EpochDay((T0.0 / DAY_MS) as i32 + 31);

/// What lies on the media: it survives a kill.
#[derive(Default)]
struct Media {
    slots: BTreeMap<SlotNumber, KeyId>,
    segments: BTreeSet<String>,
    copies: BTreeSet<String>,
    epochs: BTreeSet<EpochDay>,
    log: Vec<String>,
    /// Faults that stay: a slot that cannot be overwritten, a segment that cannot be removed.
    bad_slot: Option<SlotNumber>,
    bad_segment: Option<String>,
    /// How many acts are left until the kill, whether the last one still takes effect, and whether it has come.
    left: Option<u32>,
    takes_effect: bool,
    killed: bool,
    acts: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("killed")]
struct Killed;

type Shared = Rc<RefCell<Media>>;

/// Before each act: dies here, or lets it be. `Ok(true)`: the act happens, and then comes the kill.
fn act(media: &Shared) -> Result<bool, Killed> {
    let mut media = media.borrow_mut();
    media.acts += 1;
    if media.killed {
        return Err(Killed);
    }
    match media.left {
        Some(0) => {
            media.killed = true;
            if media.takes_effect { Ok(true) } else { Err(Killed) }
        }
        Some(left) => {
            media.left = Some(left - 1);
            Ok(false)
        }
        None => Ok(false),
    }
}

fn then<T>(dies: bool, result: T) -> Result<T, Killed> {
    if dies { Err(Killed) } else { Ok(result) }
}

struct FakeLog(Shared);
struct FakeKeys(Shared);
struct FakeSegments(Shared);
struct FakeCopies(Shared);
/// The real catalogue, which a kill takes away.
struct Rows(Catalogue, Shared);

fn gone(_: Killed) -> AuditFault {
    AuditFault::Broken
}

fn lost(_: Killed) -> CatalogueFault {
    CatalogueFault::Damaged("row: killed")
}

impl Log for FakeLog {
    fn append(&mut self, entries: &[Entry]) -> Result<(), AuditFault> {
        let dies = act(&self.0).map_err(gone)?;
        let lines = entries.iter().map(|entry| format!("{} {:?}", entry.action.as_str(), entry.object));
        self.0.borrow_mut().log.extend(lines);
        then(dies, ()).map_err(gone)
    }
}

impl Ledger for Rows {
    fn due(&mut self, now: UnixMillis, retention: Duration, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::due(&self.0, now, retention, limit)?).map_err(lost)
    }

    fn not_to_be_kept(&mut self, limit: u32) -> Result<Vec<DueRow>, CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::not_to_be_kept(&self.0, limit)?).map_err(lost)
    }

    fn material(&mut self, id: RecordingId) -> Result<Option<Material>, CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::material(&self.0, id)?).map_err(lost)
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::apply(&mut self.0, changes)?).map_err(lost)
    }

    fn checkpoint(&mut self) -> Result<(), CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::checkpoint(&mut self.0)?).map_err(lost)
    }

    fn epoch_in_use(&mut self, day: EpochDay) -> Result<bool, CatalogueFault> {
        let dies = act(&self.1).map_err(lost)?;
        then(dies, Catalogue::epoch_in_use(&self.0, day)?).map_err(lost)
    }
}

impl Keys for FakeKeys {
    fn destroy(&mut self, slots: &[(SlotNumber, KeyId)]) -> Result<Vec<SlotProof>, HandFault> {
        let dies = act(&self.0)?;
        let mut media = self.0.borrow_mut();
        let mut proofs = Vec::new();
        for (slot, key) in slots {
            if media.bad_slot == Some(*slot) {
                return Err("the slot cannot be written".into());
            }
            let held = media.slots.get(slot) == Some(key);
            if held {
                media.slots.remove(slot);
            }
            proofs.push(SlotProof { slot: *slot, reread_sha256: held.then_some([0; 32]) });
        }
        Ok(then(dies, proofs)?)
    }

    fn epochs(&mut self) -> Vec<EpochDay> {
        self.0.borrow().epochs.iter().copied().collect()
    }

    fn is_needed(&mut self, day: EpochDay) -> bool {
        day == EPOCH && !self.0.borrow().slots.is_empty()
    }

    fn destroy_epoch(&mut self, day: EpochDay) -> Result<Option<[u8; 32]>, HandFault> {
        let dies = act(&self.0)?;
        let there = self.0.borrow_mut().epochs.remove(&day);
        Ok(then(dies, there.then_some([1; 32]))?)
    }
}

impl Segments for FakeSegments {
    fn remove(&mut self, names: &[String]) -> Result<(), HandFault> {
        let dies = act(&self.0)?;
        let mut media = self.0.borrow_mut();
        for name in names {
            if media.bad_segment.as_ref() == Some(name) {
                return Err("the directory is read-only".into());
            }
            media.segments.remove(name);
        }
        Ok(then(dies, ())?)
    }
}

impl Copies for FakeCopies {
    fn remove(&mut self, path: &str) -> Result<bool, HandFault> {
        let dies = act(&self.0)?;
        let there = self.0.borrow_mut().copies.remove(path);
        Ok(then(dies, there)?)
    }
}

/// Recordings 1 and 2 are due, 3 is not; 1 was released twice, and one of the copies was carried away.
struct World {
    place: Place,
    media: Shared,
}

impl World {
    fn new() -> Self {
        let world = Self { place: Place::new(), media: Shared::default() };
        let mut catalogue = world.place.catalogue();
        for (n, at) in [(1, T0), (2, T0), (3, UnixMillis(T0.0 + DAY_MS))] {
            let id = recording(n);
            catalogue.apply(&whole_call(id, at)).expect("written");
            let material = catalogue.material(id).expect("asked").expect("known");
            let mut media = world.media.borrow_mut();
            for track in material.tracks {
                media.slots.insert(track.slot, track.key);
                media.segments.extend(track.segments.into_iter().map(|segment| segment.name));
            }
        }
        catalogue
            .apply(&[released(recording(1), "/releases/here"), released(recording(1), "/releases/away")])
            .expect("released");
        world.media.borrow_mut().copies.insert("/releases/here".into());
        world.media.borrow_mut().epochs.extend([EPOCH, EpochDay(EPOCH.0 + 1)]);
        world
    }

    fn run_at(&self, now: UnixMillis, clock: ClockState) -> Result<Batch, RetentionFault> {
        let media = &self.media;
        run(
            now,
            Terms { retention: RETENTION, batch: 2, batches: 8 },
            clock,
            &mut Hands {
                log: &mut FakeLog(media.clone()),
                ledger: &mut Rows(self.place.catalogue(), media.clone()),
                keys: &mut FakeKeys(media.clone()),
                segments: &mut FakeSegments(media.clone()),
                copies: &mut FakeCopies(media.clone()),
            },
        )
    }

    fn run(&self) -> Result<Batch, RetentionFault> {
        self.run_at(DUE, ClockState::default())
    }

    fn state(&self, n: u8) -> State {
        self.place.reader().show(recording(n), DUE).expect("shown").expect("known").row.state
    }

    fn opens(&self, n: u8) -> bool {
        let media = self.media.borrow();
        (1..=2).any(|track| {
            let (slot, key) = slot_of(recording(n), track);
            media.slots.get(&slot) == Some(&key)
        })
    }

    fn has_segments(&self, n: u8) -> bool {
        let prefix = recording(n).to_string();
        self.media.borrow().segments.iter().any(|name| name.starts_with(&prefix))
    }

    /// What holds at every moment, killed or not.
    fn assert_order(&self, when: &str) {
        for n in [1, 2] {
            let media = self.media.borrow();
            let named = |action: &str| {
                let line = format!("{action} Recording({})", recording(n));
                media.log.contains(&line)
            };
            if !self.opens(n) {
                assert!(named("destroy"), "{when}: {n}'s key is gone without an entry before it");
                assert_ne!(self.state(n), State::Kept, "{when}: {n}'s key is gone while it looks kept");
            }
            if !self.has_segments(n) {
                assert!(!self.opens(n), "{when}: {n}'s segments went before its key");
            }
            if self.state(n) == State::Destroyed {
                assert!(!self.opens(n) && !self.has_segments(n), "{when}: {n} is said to be destroyed and is not");
                assert!(named("destroy.proof"), "{when}: {n} has a tombstone without a proof");
            }
            if !media.epochs.contains(&EPOCH) {
                assert_eq!(self.state(n), State::Destroyed, "{when}: the epoch's key went first");
            }
        }
        assert_eq!((self.state(3), self.opens(3), self.has_segments(3)), (State::Kept, true, true), "{when}");
    }

    fn assert_finished(&self, when: &str) {
        self.assert_order(when);
        assert_eq!((self.state(1), self.state(2)), (State::Destroyed, State::Destroyed), "{when}");
        assert!(self.media.borrow().copies.is_empty(), "{when}: the copy that was here is gone");
        let stone = self.place.reader().show(recording(1), DUE).expect("shown").expect("known");
        let copies: Vec<(String, bool)> =
            stone.destroyed.expect("a tombstone").copies.into_iter().map(|copy| (copy.name, copy.left)).collect();
        assert!(copies.contains(&("away".into(), true)), "{when}: {copies:?}");
    }
}

#[test]
fn what_is_due_is_destroyed_and_what_is_not_is_left() {
    let world = World::new();
    let done = world.run().expect("nothing stands in the way");
    assert_eq!(done.destroyed, [recording(1), recording(2)]);
    assert_eq!((done.unfinished, done.more), (vec![], false));
    world.assert_finished("without a kill");
    assert_eq!(world.run().expect("again").destroyed, [], "once is enough");
}

/// DES-01: a kill before or right after each act, then a start; and a second kill during what the start does.
#[test]
fn a_kill_at_any_step_leaves_nothing_that_opens_and_the_next_start_finishes_it() {
    let undisturbed = World::new();
    undisturbed.run().expect("nothing stands in the way");
    let acts = undisturbed.media.borrow().acts;
    assert!(acts >= 14, "each step is an act: {acts}");
    for step in 0..acts {
        for takes_effect in [false, true] {
            for second in [None, Some(step % 7)] {
                let when = format!("killed at {step}, {takes_effect}, then {second:?}");
                let world = World::new();
                let kill = |left| {
                    let mut media = world.media.borrow_mut();
                    (media.left, media.takes_effect, media.killed) = (left, takes_effect, false);
                };
                kill(Some(step));
                let _ = world.run();
                assert!(world.media.borrow().killed, "{when}");
                world.assert_order(&when);
                // A slot that was destroyed takes another call's key before the next start finishes the first one.
                let reused = slot_of(recording(1), 1).0;
                let taken = {
                    let mut media = world.media.borrow_mut();
                    let free = !media.slots.contains_key(&reused);
                    if free {
                        media.slots.insert(reused, KeyId([0xEE; 16]));
                    }
                    free
                };
                if let Some(second) = second {
                    kill(Some(second));
                    let _ = world.run();
                    world.assert_order(&when);
                }
                kill(None);
                world.run().expect("nothing stands in the way any more");
                world.assert_finished(&when);
                if taken {
                    let media = world.media.borrow();
                    assert_eq!(media.slots.get(&reused), Some(&KeyId([0xEE; 16])), "{when}: another call's key died");
                }
            }
        }
    }
}

/// One bad sector, one stuck file: they hold up what they belong to, and nothing else.
#[test]
fn a_part_that_fails_holds_up_its_own_recording_only() {
    let world = World::new();
    world.media.borrow_mut().bad_slot = Some(slot_of(recording(1), 2).0);
    let done = world.run().expect("the run goes on");
    assert_eq!(done.destroyed, [recording(2)]);
    assert_eq!(done.unfinished.iter().map(|left| left.step).collect::<Vec<_>>(), [Step::Keys]);
    assert_eq!(world.state(1), State::Destroying, "it is released to nobody");

    let world = World::new();
    world.media.borrow_mut().bad_segment = Some(format!("{}-1-0", recording(2)));
    let done = world.run().expect("the run goes on");
    assert_eq!(done.destroyed, [recording(1)]);
    assert_eq!(done.unfinished[0].step, Step::Segments);
    assert!(!world.opens(2), "its key went first");
    world.media.borrow_mut().bad_segment = None;
    assert_eq!(world.run().expect("mended").destroyed, [recording(2)]);
}

/// E09: forty days ahead, or before what the log has seen: nothing is destroyed, and the fault says why.
#[test]
fn a_clock_that_is_not_believed_destroys_nothing() {
    let world = World::new();
    let jumped = ClockState { jump_ms: Some(40 * DAY_MS), last_entry_at: Some(T0) };
    let refused = world.run_at(UnixMillis(DUE.0 + 40 * DAY_MS), jumped);
    assert!(matches!(refused, Err(RetentionFault::Clock(ClockDoubted::Jumped { .. }))));
    let behind = ClockState { jump_ms: None, last_entry_at: Some(UnixMillis(DUE.0 + 1)) };
    assert!(matches!(world.run_at(DUE, behind), Err(RetentionFault::Clock(ClockDoubted::BehindLog { .. }))));
    assert!(world.opens(1) && world.opens(2) && world.state(1) == State::Kept);
    assert!(world.media.borrow().log.is_empty());
}

/// (c) 4: the day's key goes when the last slot that it wrapped is gone, not before, and not before its day.
#[test]
fn an_epochs_key_goes_with_the_last_thing_that_needs_it() {
    let world = World::new();
    world.run().expect("the first two are destroyed");
    assert!(world.media.borrow().epochs.contains(&EPOCH), "slots are left in the fake keystore");
    let next_day = UnixMillis(DUE.0 + DAY_MS);
    let done = world.run_at(next_day, ClockState::default()).expect("the third is destroyed");
    assert_eq!((done.destroyed, done.epochs), (vec![recording(3)], vec![EPOCH]));
    assert!(world.media.borrow().epochs.contains(&EpochDay(EPOCH.0 + 1)), "its day has not come");
}

/// E20: many at once, oldest first, a batch at a time, and the rest in the next run.
#[test]
fn a_backlog_is_destroyed_in_batches_the_oldest_first() {
    let place = Place::new();
    let mut catalogue = place.catalogue();
    for n in 1..=20 {
        catalogue.apply(&whole_call(recording(n), UnixMillis(T0.0 - i64::from(n) * 1_000))).expect("written");
    }
    drop(catalogue);
    let world = World { place, media: Shared::default() };
    let first = world.run().expect("the first sixteen");
    let order: Vec<u8> = first.destroyed.iter().map(|id| id.bytes()[15]).collect();
    assert_eq!(order, (5..=20).rev().collect::<Vec<u8>>());
    assert!(first.more);
    let second = world.run().expect("the rest");
    assert_eq!((second.destroyed.len(), second.more), (4, false));
    let left = world.place.reader().list(&Filter::default(), DUE).expect("listed");
    assert!(left.len() == 20 && left.iter().all(|row| row.state == State::Destroyed));
}
