//! The keystore on a real file system: whose it is (SEC-04), who may have it open, what is left of a destroyed key
//! in the raw file (DES-01), and that the capsule in a slot is everybody's own and nobody else's (decision 6).
use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use callvault_recorder::ids::{InstanceTag, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::keystore::{
    BindFault, Binding, CapsuleFault, DestroyFault, EPOCHS_AHEAD, Keystore, KeystoreFault, PrepareFault, ReadyKey,
    Recipients, RosterMark, RosterMarkFault, SlotKey, epoch_of,
};
use callvault_recorder::seal::{CapsuleFault as NoKey, X25519Identity, read_capsule};
use callvault_recorder::store::DirectoryFault;
use callvault_recorder::time::{EpochDay, UnixMillis};
use ed25519_dalek::SigningKey;
use sha2::{Digest, Sha256};

const TODAY: EpochDay = EpochDay(20_781);
const SLOT: usize = 8192;
const FIRST_SLOT: usize = 16_384;

struct Site {
    _scratch: tempfile::TempDir,
    directory: PathBuf,
    manager: X25519Identity,
    recovery: X25519Identity,
}

impl Site {
    fn new() -> (Self, Keystore) {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let directory = scratch.path().join("keys");
        let keystore = Keystore::create(&directory, &officer().verifying_key()).expect("made");
        keystore.provision(TODAY, 1).expect("epochs");
        let identity = || X25519Identity::generate().expect("a key");
        (Self { _scratch: scratch, directory, manager: identity(), recovery: identity() }, keystore)
    }

    fn people(&self) -> Recipients {
        Recipients { roster: 1, keys: vec![self.manager.to_public(), self.recovery.to_public()] }
    }

    fn prepare(&self, keystore: &Keystore, count: usize) -> Vec<ReadyKey> {
        keystore.prepare(count, TODAY, &self.people()).expect("prepared")
    }

    fn slots(&self) -> Vec<u8> {
        fs::read(self.directory.join("slots")).expect("there")
    }

    fn slot(&self, slot: SlotNumber) -> Vec<u8> {
        let at = FIRST_SLOT + slot.0 as usize * SLOT;
        self.slots()[at..at + SLOT].to_vec()
    }
}

fn officer() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn recording() -> RecordingId {
    RecordingId::generate(InstanceTag::of("pbx-1")).expect("an id")
}

fn bound(key: &ReadyKey) -> Binding {
    Binding { slot: key.slot, key: key.key.id(), recording: recording(), track: TrackNumber::FIRST }
}

/// What is written between a slot's two headers, without the zeros behind it.
fn body(slot: &[u8]) -> &[u8] {
    let room = &slot[512..SLOT - 512];
    &room[..room.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn decision_6_each_person_on_the_roster_opens_their_own_capsule_only() {
    let (site, keystore) = Site::new();
    let key = site.prepare(&keystore, 1).remove(0);
    keystore.bind(&[bound(&key)]).expect("bound");
    let capsule = |of: &X25519Identity| keystore.capsule_for(key.slot, key.key.id(), &of.to_public());
    let managers = capsule(&site.manager).expect("the manager's");
    assert_eq!(read_capsule(&managers, &site.manager).expect("opens").id(), key.key.id());
    assert!(matches!(read_capsule(&managers, &site.recovery), Err(NoKey::Unwrap(_))));
    let recovery = capsule(&site.recovery).expect("recovery's");
    assert_eq!(read_capsule(&recovery, &site.recovery).expect("opens").id(), key.key.id());
    let stranger = X25519Identity::generate().expect("a key");
    assert!(matches!(capsule(&stranger), Err(CapsuleFault::NotForThisPerson)));
}

/// The stock age opens what the keystore hands out: no need of this program to get at a recording.
#[test]
fn decision_6_the_capsule_in_a_slot_is_a_standard_age_file() {
    let (_site, keystore) = Site::new();
    let manager = age::x25519::Identity::generate();
    let person = manager.to_public().to_string().parse().expect("an age recipient");
    let key = keystore.prepare(1, TODAY, &Recipients { roster: 1, keys: vec![person] }).expect("prepared").remove(0);
    let capsule = keystore.capsule_for(key.slot, key.key.id(), &person).expect("handed out");
    let plain = age::decrypt(&manager, &capsule).expect("age opens it");
    assert_eq!((plain.len(), &plain[..16]), (48, &key.key.id().0[..]));
}

#[test]
fn des_01_of_a_destroyed_key_nothing_is_left_in_the_raw_file_and_its_neighbours_are_untouched() {
    let (site, keystore) = Site::new();
    let keys = site.prepare(&keystore, 3);
    keystore.bind(&keys.iter().map(bound).collect::<Vec<_>>()).expect("bound");
    let before: Vec<_> = keys.iter().map(|key| site.slot(key.slot)).collect();
    let destroyed = keystore.destroy(&[keys[1].slot_key()]).expect("destroyed");
    // No 16 bytes of the wrapped capsules are anywhere in the file, from behind age's version line to the last tag.
    let raw = site.slots();
    let pieces: HashSet<&[u8]> = body(&before[1])[22..].chunks_exact(16).collect();
    let others: HashSet<&[u8]> = before[0].windows(16).chain(before[2].windows(16)).collect();
    for piece in raw.windows(16) {
        assert!(!pieces.contains(piece) || others.contains(piece), "a piece of the capsule is still there");
    }
    assert_eq!(site.slot(keys[0].slot), before[0]);
    assert_eq!(site.slot(keys[2].slot), before[2]);
    let hash: [u8; 32] = Sha256::digest(site.slot(keys[1].slot)).into();
    assert_eq!(destroyed[0].reread_sha256, Some(hash));
    let gone = keystore.capsule_for(keys[1].slot, keys[1].key.id(), &site.manager.to_public());
    assert!(matches!(gone, Err(CapsuleFault::Gone(_))));
    let kept = keystore.capsule_for(keys[2].slot, keys[2].key.id(), &site.manager.to_public()).expect("kept");
    read_capsule(&kept, &site.manager).expect("opens");
}

#[test]
fn des_01_destroying_again_says_the_same_and_never_hits_the_slots_next_key() {
    let (site, keystore) = Site::new();
    let old = site.prepare(&keystore, 1).remove(0);
    let once = keystore.destroy(&[old.slot_key()]).expect("destroyed");
    assert_eq!(keystore.destroy(&[old.slot_key()]).expect("again"), once);
    let next = site.prepare(&keystore, 64);
    let reused = next.iter().find(|key| key.slot == old.slot).expect("all 64 are used");
    keystore.bind(&[bound(reused)]).expect("bound");
    let again = keystore.destroy(&[old.slot_key()]).expect("nothing to do");
    assert_eq!(again[0].reread_sha256, None);
    keystore.capsule_for(reused.slot, reused.key.id(), &site.manager.to_public()).expect("untouched");
    let nowhere = SlotKey { slot: SlotNumber(1_000_000), key: old.key.id() };
    assert_eq!(keystore.destroy(&[nowhere]).expect("nothing to do")[0].reread_sha256, None);
}

#[test]
fn des_01_an_epoch_goes_when_its_last_slot_is_gone_and_its_secret_with_it() {
    let (site, keystore) = Site::new();
    let keys = site.prepare(&keystore, 2);
    keystore.bind(&[bound(&keys[0])]).expect("bound");
    assert!(matches!(keystore.destroy_epoch(TODAY), Err(DestroyFault::EpochInUse { slots: 2, .. })));
    let file = site.directory.join("epochs").join(format!("{TODAY}.epoch"));
    let secret = fs::read(&file).expect("there")[16..48].to_vec();
    // A second name keeps the file's blocks reachable after the unlink.
    fs::hard_link(&file, site.directory.join("witness")).expect("linked");
    assert_eq!(keystore.slots_of_epoch(TODAY).len(), 2);
    keystore.destroy(&keystore.slots_of_epoch(TODAY)).expect("destroyed");
    let destroyed = keystore.destroy_epoch(TODAY).expect("destroyed").expect("it was there");
    let left = fs::read(site.directory.join("witness")).expect("there");
    assert!(!left.windows(32).any(|window| window == secret));
    assert_eq!(destroyed.reread_sha256, <[u8; 32]>::from(Sha256::digest(&left)));
    assert!(!file.exists());
    assert_eq!(keystore.destroy_epoch(TODAY).expect("nothing to do"), None);
    assert!(matches!(keystore.prepare(1, TODAY, &site.people()), Err(PrepareFault::NoEpoch(TODAY))));
}

/// HLD-05 and the thief of a copy: without the epoch's key a slot's copy opens for nobody, roster or not.
#[test]
fn decision_6_a_copied_slot_is_dead_without_its_epoch() {
    let (site, keystore) = Site::new();
    let key = site.prepare(&keystore, 1).remove(0);
    let slot = site.slot(key.slot);
    let body = body(&slot);
    assert!(body.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    assert!(read_capsule(body, &site.manager).is_err());
    assert!(!body[22..].windows(22).any(|w| w == b"age-encryption.org/v1\n"), "the inner capsules are not in clear");
}

#[test]
fn what_a_former_life_left_ready_is_destroyed_unless_a_segment_claims_it() {
    let (site, keystore) = Site::new();
    let keys = site.prepare(&keystore, 3);
    keystore.bind(&[bound(&keys[0])]).expect("bound");
    drop(keystore);
    let keystore = Keystore::open(&site.directory).expect("open");
    assert_eq!(keystore.found().unsettled, 2);
    let settled = keystore.settle(&[bound(&keys[1])]).expect("settled");
    assert_eq!((settled.bound, settled.destroyed), (1, 1));
    let capsule = |key: &ReadyKey| keystore.capsule_for(key.slot, key.key.id(), &site.manager.to_public());
    capsule(&keys[0]).expect("bound before");
    capsule(&keys[1]).expect("claimed");
    assert!(matches!(capsule(&keys[2]), Err(CapsuleFault::Gone(_))));
    assert_eq!(keystore.bindings().expect("read").len(), 2);
}

#[test]
fn binding_is_repeatable_and_refuses_what_holds_no_fresh_key_without_harming_the_rest() {
    let (site, keystore) = Site::new();
    let keys = site.prepare(&keystore, 2);
    let first = bound(&keys[0]);
    keystore.bind(&[first]).expect("bound");
    keystore.bind(&[first]).expect("bound already");
    let other = Binding { recording: recording(), ..first };
    let wrong_key = Binding { slot: keys[1].slot, ..other };
    let nowhere = Binding { slot: SlotNumber(9999), ..other };
    match keystore.bind(&[other, wrong_key, nowhere, bound(&keys[1])]) {
        Err(BindFault::NotReady(slots)) => assert_eq!(slots, [other.slot, wrong_key.slot, nowhere.slot]),
        outcome => panic!("{outcome:?}"),
    }
    let bindings = keystore.bindings().expect("read");
    assert_eq!(bindings.len(), 2);
    assert!(bindings.contains(&first));
}

#[test]
fn e22_a_second_process_is_told_who_has_the_keystore() {
    let (site, keystore) = Site::new();
    match Keystore::open(&site.directory) {
        Err(KeystoreFault::InUse { holder, .. }) => {
            assert!(holder.contains(&format!("process {}", std::process::id())), "{holder}");
        }
        outcome => panic!("{outcome:?}"),
    }
    drop(keystore);
    Keystore::open(&site.directory).expect("free again");
}

#[test]
fn sec_04_directories_are_0700_files_0600_and_anything_wider_is_refused() {
    let (site, keystore) = Site::new();
    drop(keystore);
    let inside = |name: &str| site.directory.join(name);
    assert_eq!(mode_of(&site.directory), 0o700);
    assert_eq!(mode_of(&inside("epochs")), 0o700);
    let epoch = format!("epochs/{TODAY}.epoch");
    for name in ["slots", "lock", epoch.as_str()] {
        assert_eq!(mode_of(&inside(name)), 0o600, "{name}");
        fs::set_permissions(inside(name), Permissions::from_mode(0o640)).expect("ours");
        let fault = Keystore::open(&site.directory).expect_err("refused").to_string();
        assert!(fault.contains("chmod 0600"), "{fault}");
        fs::set_permissions(inside(name), Permissions::from_mode(0o600)).expect("ours");
    }
    fs::set_permissions(inside("epochs"), Permissions::from_mode(0o755)).expect("ours");
    let fault = Keystore::open(&site.directory).expect_err("refused");
    assert!(matches!(fault, KeystoreFault::Directory(DirectoryFault::TooOpen { mode: 0o755, .. })), "{fault}");
    fs::set_permissions(inside("epochs"), Permissions::from_mode(0o700)).expect("ours");
    Keystore::open(&site.directory).expect("mended");
    fs::rename(inside("slots"), inside("elsewhere")).expect("moved");
    symlink(inside("elsewhere"), inside("slots")).expect("a link");
    let fault = Keystore::open(&site.directory).expect_err("refused").to_string();
    assert!(fault.contains("not a plain file"), "{fault}");
}

#[test]
fn a_keystore_whose_epochs_are_not_mounted_does_not_start() {
    let (site, keystore) = Site::new();
    let key = site.prepare(&keystore, 1).remove(0);
    keystore.bind(&[bound(&key)]).expect("bound");
    drop(keystore);
    fs::rename(site.directory.join("epochs"), site.directory.join("unmounted")).expect("moved");
    assert!(matches!(Keystore::open(&site.directory), Err(KeystoreFault::Directory(DirectoryFault::Missing(_)))));
    fs::create_dir(site.directory.join("epochs")).expect("a bare mount point");
    fs::set_permissions(site.directory.join("epochs"), Permissions::from_mode(0o700)).expect("ours");
    assert!(matches!(Keystore::open(&site.directory), Err(KeystoreFault::NoEpochs(1))));
}

#[test]
fn an_older_roster_is_refused_also_after_a_restart() {
    let (site, keystore) = Site::new();
    let mark = |version, byte| RosterMark { version, sha256: [byte; 32] };
    for version in 1..=5 {
        keystore.accept_roster(mark(version, 7)).expect("newer");
    }
    drop(keystore);
    let keystore = Keystore::open(&site.directory).expect("open");
    assert_eq!(keystore.accepted_roster(), Some(mark(5, 7)));
    keystore.accept_roster(mark(5, 7)).expect("the same");
    assert!(matches!(keystore.accept_roster(mark(5, 8)), Err(RosterMarkFault::Another(5))));
    assert!(matches!(keystore.accept_roster(mark(4, 7)), Err(RosterMarkFault::Older { version: 4, accepted: 5 })));
    assert_eq!(keystore.officer(), &officer().verifying_key());
}

#[test]
fn nobody_and_too_many_people_are_refused_before_a_slot_is_written() {
    let (site, keystore) = Site::new();
    let nobody = Recipients { roster: 1, keys: Vec::new() };
    assert!(matches!(keystore.prepare(1, TODAY, &nobody), Err(PrepareFault::NoRecipients)));
    let fit = keystore.stats().people_that_fit;
    assert_eq!(fit, 24);
    let everybody = |count| Recipients { roster: 1, keys: vec![site.manager.to_public(); count] };
    assert!(matches!(
        keystore.prepare(1, TODAY, &everybody(fit + 1)),
        Err(PrepareFault::TooManyRecipients { given: 25, fit: 24 })
    ));
    keystore.prepare(1, TODAY, &everybody(fit)).expect("they fit");
    assert_eq!(keystore.stats().ready, 1);
}

#[test]
fn the_file_grows_by_whole_chunks_that_are_written_out() {
    let (site, keystore) = Site::new();
    site.prepare(&keystore, 100);
    let stats = keystore.stats();
    assert_eq!((stats.ready, stats.free), (100, 28));
    let len = site.slots().len();
    assert_eq!(len, FIRST_SLOT + 128 * SLOT);
    use std::os::unix::fs::MetadataExt;
    let blocks = fs::metadata(site.directory.join("slots")).expect("there").blocks();
    assert!(blocks * 512 >= len as u64, "no holes: overwriting must not need room");
}

#[test]
fn a_rotten_slot_is_told_at_open_and_when_it_is_asked_for_and_never_handed_out() {
    let (site, keystore) = Site::new();
    let key = site.prepare(&keystore, 1).remove(0);
    keystore.bind(&[bound(&key)]).expect("bound");
    drop(keystore);
    let mut slots = site.slots();
    slots[FIRST_SLOT + key.slot.0 as usize * SLOT + 512 + 250] ^= 1;
    fs::write(site.directory.join("slots"), slots).expect("written");
    let keystore = Keystore::open(&site.directory).expect("open");
    assert_eq!(keystore.found().damaged, [key.slot]);
    let capsule = keystore.capsule_for(key.slot, key.key.id(), &site.manager.to_public());
    assert!(matches!(capsule, Err(CapsuleFault::Damaged(slot)) if slot == key.slot));
    keystore.destroy(&[key.slot_key()]).expect("can still be destroyed");
}

/// Its retention could not find it by its key any more, so what is in it must not wait for its slot's next use.
#[test]
fn des_01_a_slot_whose_two_headers_are_lost_is_overwritten_at_the_next_start() {
    let (site, keystore) = Site::new();
    let key = site.prepare(&keystore, 1).remove(0);
    keystore.bind(&[bound(&key)]).expect("bound");
    drop(keystore);
    let mut slots = site.slots();
    let at = FIRST_SLOT + key.slot.0 as usize * SLOT;
    let piece = slots[at + 800..at + 832].to_vec();
    for copy in [at, at + SLOT - 512] {
        slots[copy + 20] ^= 1;
    }
    fs::write(site.directory.join("slots"), slots).expect("written");
    let keystore = Keystore::open(&site.directory).expect("open");
    assert_eq!(keystore.stats().torn, 1);
    assert_eq!(keystore.settle(&[]).expect("settled").destroyed, 1);
    assert!(!site.slots().windows(32).any(|window| window == piece));
}

#[test]
fn what_is_no_keystore_is_said_to_be_none() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let directory = scratch.path().join("keys");
    assert!(matches!(Keystore::open(&directory), Err(KeystoreFault::Directory(DirectoryFault::Missing(_)))));
    drop(Keystore::create(&directory, &officer().verifying_key()).expect("made"));
    assert!(matches!(
        Keystore::create(&directory, &officer().verifying_key()),
        Err(KeystoreFault::Directory(DirectoryFault::NotEmpty(_)))
    ));
    let slots = directory.join("slots");
    let whole = fs::read(&slots).expect("there");
    let damaged = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        fs::write(&slots, bytes).expect("written");
        Keystore::open(&directory).expect_err("refused")
    };
    assert!(matches!(damaged(0, b'X'), KeystoreFault::NotAKeystore(_)));
    assert!(matches!(damaged(7, 2), KeystoreFault::UnknownFormat(2)));
    assert!(matches!(damaged(40, !whole[40]), KeystoreFault::NotAKeystore(_)));
    fs::write(&slots, b"").expect("written");
    assert!(matches!(Keystore::open(&directory), Err(KeystoreFault::NotAKeystore(_))));
}

#[test]
fn epochs_are_made_far_enough_ahead_and_a_call_is_of_the_day_after_its_expiry() {
    let (site, keystore) = Site::new();
    assert_eq!(keystore.provision(TODAY, EPOCHS_AHEAD).expect("made"), 36);
    assert_eq!(keystore.provision(TODAY, EPOCHS_AHEAD).expect("there"), 0);
    assert_eq!(keystore.provision(EpochDay(TODAY.0 + 1), EPOCHS_AHEAD).expect("one more day"), 1);
    let evening = UnixMillis(i64::from(TODAY.0) * 86_400_000 + 86_399_999);
    let epoch = epoch_of(evening, Duration::from_secs(30 * 86_400));
    assert_eq!(epoch, EpochDay(TODAY.0 + 31));
    keystore.prepare(1, epoch, &site.people()).expect("there is an epoch for it");
    drop(keystore);
    let keystore = Keystore::open(&site.directory).expect("open");
    assert_eq!(keystore.epochs().len(), 39);
    assert_eq!(keystore.stats().last_epoch, Some(EpochDay(TODAY.0 + 38)));
}
