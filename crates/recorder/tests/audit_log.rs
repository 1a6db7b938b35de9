//! The log is written before the act, hangs together, and says where it does not.
use std::io;
use std::sync::{Arc, Mutex};

use callvault_recorder::audit::{
    Action, Actor, AuditFault, AuditLog, BootId, CHECKPOINT_EVERY, Entry, Object, Verdict, Verified, VerifyFault,
    verify,
};
use callvault_recorder::ids::RecordingId;
use callvault_recorder::store::{AppendFile, PrivateDirectory};
use callvault_recorder::time::UnixMillis;
use ed25519_dalek::SigningKey;

const NOW: UnixMillis = UnixMillis(1_795_518_000_000);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn entry(n: u8) -> Entry {
    let object = Object::Recording(RecordingId::from_bytes([n; 16]));
    Entry::new(NOW, Actor::Operator, Action::Release, object, Verdict::Refused)
        .because("ticket_expired")
        .with("reference", format!("case {n}"))
}

/// A file in memory: what is written, what of it is on the medium, and how many operations are left to it.
#[derive(Clone, Default)]
struct Medium(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    live: Vec<u8>,
    durable: Vec<u8>,
    left: Option<u32>,
}

impl Medium {
    fn of(bytes: &[u8]) -> Self {
        let medium = Self::default();
        medium.0.lock().expect("one thread").live = bytes.to_vec();
        medium
    }

    fn fail_after(&self, operations: u32) {
        self.0.lock().expect("one thread").left = Some(operations);
    }

    fn mend(&self) {
        self.0.lock().expect("one thread").left = None;
    }

    fn live(&self) -> Vec<u8> {
        self.0.lock().expect("one thread").live.clone()
    }

    fn durable(&self) -> Vec<u8> {
        self.0.lock().expect("one thread").durable.clone()
    }

    fn spend(state: &mut State) -> io::Result<()> {
        match &mut state.left {
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl AppendFile for Medium {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().expect("one thread");
        if let Err(fault) = Self::spend(&mut state) {
            state.live.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(fault);
        }
        state.live.extend_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut state = self.0.lock().expect("one thread");
        Self::spend(&mut state)?;
        state.durable = state.live.clone();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.live().len() as u64)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.lock().expect("one thread").live.truncate(len as usize);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.copy_from_slice(&self.live()[offset as usize..][..buffer.len()]);
        Ok(())
    }

    fn close(self) -> io::Result<()> {
        Ok(())
    }
}

fn open(medium: &Medium) -> AuditLog<Medium> {
    AuditLog::over(medium.clone(), key(), BootId::of_this_machine(), NOW).expect("the log opens")
}

fn check(bytes: &[u8]) -> Result<Verified, VerifyFault> {
    verify(bytes, &key().verifying_key())
}

/// A closed log of this many entries.
fn log_of(entries: u32) -> Vec<u8> {
    let medium = Medium::default();
    let mut log = open(&medium);
    for n in 0..entries {
        log.append(entry(n as u8)).expect("appended");
    }
    log.close(NOW).expect("closed");
    medium.live()
}

#[test]
fn an_entry_is_one_canonical_line_and_on_the_medium_before_append_returns() {
    let medium = Medium::default();
    let mut log = open(&medium);
    let appended = log.append(entry(1)).expect("appended");
    assert_eq!(appended.seq, 1);
    let durable = medium.durable();
    let line = std::str::from_utf8(&durable).expect("text").strip_suffix('\n').expect("a whole line");
    assert!(line.starts_with(r#"{"action":"release","actor":"operator","at_ms":1795518000000,"boot":""#), "{line}");
    let rest = format!(
        r#""details":{{"reference":"case 1"}},"object":"recording:{}","outcome":"refused","prev":"{}","reason":"ticket_expired","seq":1}}"#,
        "01".repeat(16),
        "00".repeat(32)
    );
    assert!(line.ends_with(&rest), "{line}");
}

#[test]
fn a_log_verifies_with_the_public_key_alone_and_is_signed_to_its_end_when_closed() {
    let verified = check(&log_of(3 * CHECKPOINT_EVERY + 5)).expect("intact");
    assert_eq!((verified.entries, verified.checkpoints), (u64::from(3 * CHECKPOINT_EVERY + 5), 4));
    assert!(verified.is_complete());
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
    assert!(matches!(verify(log_of(1).as_slice(), &other), Err(VerifyFault::Tampered { seq: 2, .. })));
}

#[test]
fn a_group_has_one_flush_and_dense_numbers() {
    let medium = Medium::default();
    let mut log = open(&medium);
    medium.fail_after(2);
    let appended = log.append_all(&[entry(1), entry(2), entry(3)]).expect("one append, one flush");
    assert_eq!(appended.iter().map(|appended| appended.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(check(&medium.durable()).expect("intact").entries, 3);
}

/// (d): flip, insert, delete, swap, duplicate one entry, cut anywhere but after a checkpoint: all found.
#[test]
fn no_change_at_a_thousand_places_goes_unseen() {
    let medium = Medium::default();
    let mut log = open(&medium);
    for n in 0..40 {
        log.append(entry(n)).expect("appended");
        if n == 19 {
            log.checkpoint(NOW).expect("signed");
        }
    }
    log.close(NOW).expect("closed");
    let log = medium.live();
    let lines: Vec<&[u8]> = log.split_inclusive(|&b| b == b'\n').collect();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % bound as u64) as usize
    };
    for round in 0..1000 {
        let at = below(lines.len());
        let other = (at + 1 + below(lines.len() - 1)) % lines.len();
        let mut changed = lines.clone();
        let (what, bytes) = match round % 6 {
            0 => {
                let mut bytes = log.clone();
                let place = below(bytes.len());
                bytes[place] ^= 1 << below(8);
                ("flipped", bytes)
            }
            1 => {
                changed.insert(at, lines[other]);
                ("inserted", changed.concat())
            }
            2 => {
                changed.remove(at);
                ("deleted", changed.concat())
            }
            3 => {
                changed.swap(at, other);
                ("swapped", changed.concat())
            }
            4 => {
                changed.insert(at, lines[at]);
                ("duplicated", changed.concat())
            }
            _ => ("cut", log[..below(log.len())].to_vec()),
        };
        let seen = check(&bytes).map_or(true, |verified| !verified.is_complete());
        // Without another machine's copy, a log that ends with a checkpoint is a whole log.
        let ends_signed = ["cut", "deleted"].contains(&what)
            && (bytes.is_empty() || log.starts_with(&bytes) && bytes.ends_with(lines[20]));
        assert!(seen || ends_signed, "{what} at {at}");
    }
}

#[test]
fn the_first_bad_line_is_named() {
    let log = log_of(20);
    let mut changed = log.clone();
    let tenth = log.split_inclusive(|&b| b == b'\n').take(9).map(<[u8]>::len).sum::<usize>();
    let place = tenth + log[tenth..].windows(7).position(|bytes| bytes == b"refused").expect("the tenth was refused");
    changed[place..place + 7].copy_from_slice(b"allowed");
    // The line itself is well-formed; the one after it no longer follows.
    assert!(matches!(check(&changed), Err(VerifyFault::Tampered { seq: 11, .. })));
}

/// A kill at any byte: the log opens again, says what was torn, and verifies.
#[test]
fn a_log_torn_at_any_byte_goes_on_and_says_so() {
    let whole = log_of(3);
    for cut in 0..whole.len() {
        let medium = Medium::of(&whole[..cut]);
        let mut log = open(&medium);
        log.append(entry(9)).expect("goes on");
        log.close(NOW).expect("closed");
        let bytes = medium.live();
        assert!(check(&bytes).expect("intact").is_complete(), "cut at {cut}");
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text.contains(r#""action":"log.repair""#), torn, "cut at {cut}");
    }
}

#[test]
fn a_log_that_does_not_end_with_an_entry_of_ours_is_not_written_on() {
    for tail in ["{}\n", "\n", "x\n"] {
        let bytes = [log_of(2).as_slice(), tail.as_bytes()].concat();
        let opened = AuditLog::over(Medium::of(&bytes), key(), BootId::of_this_machine(), NOW);
        assert!(matches!(opened, Err(AuditFault::Damaged)), "{tail:?}");
    }
}

/// E24: nothing of an entry that could not be flushed is left, and the next one takes its number.
#[test]
fn a_full_disk_refuses_the_entry_and_leaves_the_chain_whole() {
    for operations in 0..2 {
        let medium = Medium::default();
        let mut log = open(&medium);
        log.append(entry(1)).expect("appended");
        medium.fail_after(operations);
        assert!(matches!(log.append(entry(2)), Err(AuditFault::Io { .. })), "after {operations}");
        medium.mend();
        assert_eq!(log.append(entry(3)).expect("goes on").seq, 2);
        log.close(NOW).expect("closed");
        let verified = check(&medium.live()).expect("intact");
        assert!(verified.is_complete() && verified.entries == 2, "after {operations}");
    }
}

#[test]
fn a_log_that_was_not_closed_is_signed_with_its_next_entry() {
    let medium = Medium::default();
    open(&medium).append(entry(1)).expect("appended");
    assert!(!check(&medium.live()).expect("intact").is_complete());
    open(&medium).append(entry(2)).expect("appended");
    assert!(check(&medium.live()).expect("intact").is_complete());
}

#[test]
fn one_process_writes_a_log() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = PrivateDirectory::create(&parent.path().join("data")).expect("ours");
    let open = || AuditLog::open(&directory, key(), BootId::of_this_machine(), NOW);
    let mut first = open().expect("made");
    first.append(entry(1)).expect("appended");
    assert!(matches!(open(), Err(AuditFault::InUse)));
    first.close(NOW).expect("closed");
    assert_eq!(open().expect("opened again").last_entry_at(), Some(NOW));
    let file = std::fs::File::open(parent.path().join("data/audit.log")).expect("there");
    assert!(verify(io::BufReader::new(file), &key().verifying_key()).expect("intact").is_complete());
}

proptest::proptest! {
    /// E16, E17: whatever stands in the file, it is read or refused.
    #[test]
    fn no_file_makes_a_reader_stumble(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), keep in 0..600_usize) {
        let log = log_of(1);
        let _ = check(&bytes);
        let _ = check(&[&log[..keep.min(log.len())], &bytes].concat());
        let _ = AuditLog::over(Medium::of(&bytes), key(), BootId::of_this_machine(), NOW);
    }

    /// E16: whatever is said of an entry, it stays one line that verifies.
    #[test]
    fn no_text_breaks_out_of_its_line(text in ".{0,400}", reason in ".{0,40}") {
        let medium = Medium::default();
        let mut log = open(&medium);
        log.append(entry(1).because(reason).with("reference", text)).expect("appended");
        log.close(NOW).expect("closed");
        let verified = check(&medium.live()).expect("intact");
        proptest::prop_assert_eq!((verified.entries, verified.is_complete()), (1, true));
    }
}
