//! Destruction with everything real: a sealed segment, its slot, its released copy, its rows. What is left is read from
//! the raw files (DES-01, DES-03).
mod catalogue_support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use callvault_recorder::audit::{AuditLog, BootId, verify};
use callvault_recorder::catalogue::{Catalogue, CatalogueReader, Change, State};
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::{RecordingId, SlotNumber};
use callvault_recorder::keystore::{Binding, EPOCHS_AHEAD, Keystore, ReadyKey, Recipients, epoch_of};
use callvault_recorder::policy::Outcome;
use callvault_recorder::retention::{Batch, ClockState, Hands, Terms, run};
use callvault_recorder::seal::{Entry, SegmentHeader, SegmentWriter, StoredCodec, X25519Identity, read_capsule};
use callvault_recorder::store::{AppendFile, Store};
use callvault_recorder::time::UnixMillis;
use catalogue_support::{RETENTION, T0, leg, recording, started, track};
use ed25519_dalek::SigningKey;

const SPEECH: &[u8] = b"what the party said, a second of it, in no file in clear";
const DAY: Duration = Duration::from_secs(86_400);
const SLOT: usize = 8192;
const FIRST_SLOT: usize = 2 * SLOT;

struct Site {
    scratch: tempfile::TempDir,
    store: Store,
    keystore: Keystore,
    manager: X25519Identity,
    people: Recipients,
}

impl Site {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a directory");
        let store = Store::create(&scratch.path().join("data")).expect("made");
        let keystore = Keystore::create(&scratch.path().join("keys"), &node().verifying_key()).expect("made");
        keystore.provision(T0.day(), EPOCHS_AHEAD).expect("epochs");
        keystore.provision(T0.plus(31 * DAY).day(), EPOCHS_AHEAD).expect("a month later");
        let manager = X25519Identity::generate().expect("a key");
        let people = Recipients { roster: 1, keys: vec![manager.to_public()] };
        Self { scratch, store, keystore, manager, people }
    }

    fn catalogue_path(&self) -> PathBuf {
        self.scratch.path().join("data/catalogue.sqlite")
    }

    fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.catalogue_path()).expect("opened")
    }

    fn log(&self, now: UnixMillis) -> AuditLog {
        AuditLog::open(self.store.directory(), node(), BootId::of_this_machine(), now).expect("opened")
    }

    /// A call of a minute, captured, sealed and released once.
    fn record(&self, id: RecordingId, at: UnixMillis) -> SlotNumber {
        let ready = self.keystore.prepare(1, epoch_of(at, RETENTION), &self.people).expect("prepared");
        let [ReadyKey { key, slot, .. }] = ready.as_slice() else { panic!("one key") };
        let binding = Binding { slot: *slot, key: key.id(), recording: id, track: track(1) };
        self.keystore.bind(&[binding]).expect("bound");
        let (name, file) = self.store.create_segment(id, track(1), 0).expect("made");
        let header = SegmentHeader {
            recording: id,
            track: track(1),
            segment: 0,
            key: key.id(),
            slot: *slot,
            instance: "pbx-1".into(),
            party: Party::Caller,
            leg: leg("leg-a"),
            codec: StoredCodec::Pcmu,
            sample_rate: 8_000,
            channels: 1,
            pre_skip_us: 0,
            recording_started_at: at,
            notices: Vec::new(),
            standings: Vec::new(),
        };
        let said = Entry::Packet { offset_us: 0, duration_us: 1_000_000, data: SPEECH.to_vec() };
        let sealed = SegmentWriter::create(file, &header, key).expect("made").finish(&[said]).expect("sealed");
        let copy = format!("{id}-12345678.callvault");
        let (_, mut released) = self.store.create_release(&copy).expect("made");
        released.append(&copied(id)).expect("written");
        let personal_sealed = key.seal_personal(id, b"+31612345678").expect("sealed");
        let end = at.plus(Duration::from_secs(60));
        self.catalogue()
            .apply(&[
                started(id, at),
                Change::RecordingAnswered { id, at },
                Change::TrackOpened {
                    recording: id,
                    number: track(1),
                    party: Party::Caller,
                    leg: leg("leg-a"),
                    slot: *slot,
                    key: key.id(),
                    personal_sealed,
                    offset_ms: 0,
                },
                Change::SegmentOpened {
                    recording: id,
                    track: track(1),
                    segment: 0,
                    name: name.to_string(),
                    codec: "pcmu".into(),
                    sample_rate: 8_000,
                    channels: 1,
                },
                Change::SegmentClosed {
                    recording: id,
                    track: track(1),
                    segment: 0,
                    records: sealed.records,
                    bytes: sealed.bytes,
                    sha256: sealed.sha256,
                },
                Change::RecordingEnded {
                    id,
                    ended_at: end,
                    outcome: Outcome::Recorded,
                    expires_at: end.plus(RETENTION),
                },
                Change::Released {
                    recording: id,
                    path: copy,
                    holder_key_hash: [1; 32],
                    ticket_sha256: [2; 32],
                    at: end,
                    expires_at: end.plus(RETENTION),
                    left: false,
                },
            ])
            .expect("written");
        *slot
    }

    fn expire(&self, now: UnixMillis) -> Batch {
        let mut log = self.log(now);
        let (mut keys, mut segments, mut copies) = (&self.keystore, &self.store, &self.store);
        let clock = ClockState { jump_ms: None, last_entry_at: log.last_entry_at() };
        let batch = run(
            now,
            Terms::of(RETENTION),
            clock,
            &mut Hands {
                log: &mut log,
                ledger: &mut self.catalogue(),
                keys: &mut keys,
                segments: &mut segments,
                copies: &mut copies,
            },
        )
        .expect("nothing stands in the way");
        log.close(now).expect("closed");
        batch
    }

    fn capsule(&self, id: RecordingId) -> Option<Vec<u8>> {
        let material = self.catalogue().material(id).expect("asked")?;
        let of = material.tracks.first().expect("a track");
        self.keystore.capsule_for(of.slot, of.key, &self.manager.to_public()).ok()
    }

    fn slot_bytes(&self, slot: SlotNumber) -> Vec<u8> {
        let slots = std::fs::read(self.scratch.path().join("keys/slots")).expect("there");
        slots[FIRST_SLOT + slot.0 as usize * SLOT..][..SLOT].to_vec()
    }

    fn contains(&self, mark: &[u8]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        search(self.scratch.path(), mark, &mut found);
        found
    }
}

fn search(directory: &Path, mark: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("read").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            search(&entry, mark, found);
        } else if std::fs::read(&entry).expect("read").windows(mark.len()).any(|window| window == mark) {
            found.push(entry);
        }
    }
}

/// What stands for the content of a released copy.
fn copied(id: RecordingId) -> Vec<u8> {
    format!("capsules and segments of {id}").into_bytes()
}

fn node() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

#[test]
fn des_01_of_an_expired_recording_no_byte_that_opens_it_is_left_and_its_neighbour_opens() {
    let site = Site::new();
    let (gone, kept) = (recording(1), recording(2));
    let slot = site.record(gone, T0);
    site.record(kept, T0.plus(DAY));
    assert!(site.contains(SPEECH).is_empty(), "sealed before it touches the disk");
    let capsule = site.capsule(gone).expect("it opens while it is kept");
    read_capsule(&capsule, &site.manager).expect("for the manager");
    let wrapped = site.slot_bytes(slot)[700..764].to_vec();
    assert_eq!(site.contains(&wrapped).len(), 1, "the test would see it");
    let personal = site.catalogue().material(gone).expect("asked").expect("known").tracks[0].personal_sealed.clone();

    let now = T0.plus(30 * DAY + Duration::from_secs(3600));
    assert_eq!(site.expire(now).destroyed, [gone]);
    let copy = copied(gone);
    for (what, mark) in [("capsule", wrapped), ("personal fields", personal), ("released copy", copy)] {
        let left: Vec<PathBuf> = site.contains(&mark).into_iter().filter(|path| !path.ends_with("audit.log")).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{what}");
    }
    assert!(site.capsule(kept).is_some());
    let names =
        |names: Vec<String>, id: RecordingId| names.iter().filter(|name| name.starts_with(&id.to_string())).count();
    let segments: Vec<String> = site.store.list_segments().expect("listed").iter().map(ToString::to_string).collect();
    assert_eq!((names(segments.clone(), gone), names(segments, kept)), (0, 1));
    let copies = site.store.list_releases().expect("listed");
    assert_eq!((names(copies.clone(), gone), names(copies, kept)), (0, 1));
    let view = CatalogueReader::open(&site.catalogue_path()).expect("opened").show(gone, now).expect("shown");
    let view = view.expect("a tombstone");
    assert_eq!(view.row.state, State::Destroyed);
    assert!(
        view.destroyed.is_some_and(|stone| stone.copies.iter().all(|copy| !copy.left) && stone.segments.len() == 1)
    );
}

/// Decision 8, (c) 4: each act has its entry before it and its proof after it, the day's key included.
#[test]
fn the_log_tells_the_whole_destruction_and_verifies() {
    let site = Site::new();
    site.record(recording(1), T0);
    let now = T0.plus(31 * DAY);
    let batch = site.expire(now);
    let spent = epoch_of(T0, RETENTION);
    assert!(batch.epochs.contains(&spent), "{:?}", batch.epochs);
    assert!(!site.keystore.epochs().contains(&spent));
    let path = site.scratch.path().join("data/audit.log");
    let log = std::fs::read(&path).expect("there");
    assert!(verify(log.as_slice(), &node().verifying_key()).expect("intact").is_complete());
    let text = String::from_utf8(log).expect("text");
    let order: Vec<usize> = [
        r#""action":"destroy""#.to_owned(),
        r#""action":"destroy.proof""#.to_owned(),
        format!(r#""object":"epoch:{spent}""#),
    ]
    .iter()
    .map(|mark| text.find(mark).unwrap_or_else(|| panic!("{mark} is in the log")))
    .collect();
    assert!(order.is_sorted());
    assert!(text.contains(r#""slots_overwritten":"1""#), "{text}");
}

/// A kill right after the slots: the second run finds them gone, says so, and finishes.
#[test]
fn what_was_killed_after_its_slots_is_finished_and_says_they_were_gone_before() {
    let site = Site::new();
    site.record(recording(1), T0);
    let now = T0.plus(31 * DAY);
    let mut catalogue = site.catalogue();
    let of = catalogue.material(recording(1)).expect("asked").expect("known").tracks.remove(0);
    let reason = callvault_recorder::catalogue::DestructionReason::Expired;
    catalogue.apply(&[Change::Destroying { id: recording(1), at: now, reason }]).expect("begun");
    let slot = callvault_recorder::keystore::SlotKey { slot: of.slot, key: of.key };
    site.keystore.destroy(&[slot]).expect("destroyed");
    drop(catalogue);
    // The slot goes to another call before the next run.
    let next = site.record(recording(2), now);
    assert_eq!(site.expire(now.plus(Duration::from_secs(60))).destroyed, [recording(1)]);
    assert!(site.capsule(recording(2)).is_some(), "slot {} is another's by now", next.0);
}
