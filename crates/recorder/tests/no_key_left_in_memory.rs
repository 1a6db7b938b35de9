//! SEC-01: once a track is closed, nothing in the process holds its key. The process's whole memory is read and
//! searched. This file has one test, so that no other runs beside it.
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use callvault_recorder::evidence::Party;
use callvault_recorder::ids::{LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::seal::{
    Entry, SegmentHeader, SegmentReader, SegmentWriter, StoredCodec, TrackKey, X25519Identity, read_capsule,
    write_capsule,
};
use callvault_recorder::store::{SegmentName, Store, StoreReader};
use callvault_recorder::time::UnixMillis;
use callvault_secretmem::wipe_stack;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroize;

#[test]
fn no_key_is_left_in_memory_once_it_is_dropped() {
    let secret = Masked::random();
    let identity_secret = Masked::random();
    let (key, identity) = secret.reveal(|secret| {
        identity_secret.reveal(|identity| {
            let mut plaintext = [9; 48];
            plaintext[16..].copy_from_slice(secret);
            let key = TrackKey::from_capsule_plaintext(&plaintext).expect("memory can be locked");
            plaintext.zeroize();
            (key, X25519Identity::from_secret_bytes(identity).expect("memory can be locked"))
        })
    });
    wipe_stack();
    assert_eq!(copies_of(&secret), 1, "the track's key, in its locked place");
    assert_eq!(copies_of(&identity_secret), 1, "the identity's secret, in its locked place");

    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::create(&folder.path().join("data")).expect("a store");
    let header = header(&key);
    let (name, file) = store.create_segment(header.recording, header.track, header.segment).expect("a file");
    let entry = [Entry::Packet { offset_us: 0, duration_us: 20_000, data: vec![0xD5; 160] }];
    let mut writer = SegmentWriter::create(file, &header, &key).expect("created");
    assert_eq!(copies_of(&secret), 1, "the track's key, having made a segment's key");
    let segment_secret = secret.derived(read_salt(&store, &name));
    writer.append(&entry).expect("appended");
    assert_eq!(copies_of(&segment_secret), 1, "the segment's key, having sealed a record");
    writer.finish(&entry).expect("finished");
    assert_eq!(copies_of(&segment_secret), 0, "the segment's key, its writer gone");

    let reader = StoreReader::from(store.open_segment(&name).expect("the segment"));
    let mut records = SegmentReader::new(reader).expect("read").open(&key).expect("opened");
    records.next_record().expect("authentic");
    assert_eq!(copies_of(&segment_secret), 1, "the segment's key, having opened a record");
    drop(records);

    let personal = key.seal_personal(header.recording, b"+31201234567").expect("sealed");
    key.open_personal(header.recording, &personal).expect("opened");
    assert_eq!(copies_of(&secret), 1, "the track's key, having sealed personal fields");

    let capsule = write_capsule(&key, &identity.to_public()).expect("a capsule");
    assert_eq!(copies_of(&secret), 1, "the track's key, handed out in a capsule");
    drop(read_capsule(&capsule, &identity).expect("opened"));
    assert_eq!(copies_of(&identity_secret), 1, "the identity's secret, having opened a capsule");
    assert_eq!(copies_of(&secret), 1, "the track's key, taken out of a capsule and dropped");

    drop((key, identity));
    assert_eq!(copies_of(&identity_secret), 0, "the identity's secret, dropped");
    assert_eq!(copies_of(&secret), 0, "the track's key, dropped");
    assert_eq!(copies_of(&segment_secret), 0, "the segment's key, its reader dropped");
}

fn read_salt(store: &Store, name: &SegmentName) -> [u8; 16] {
    let mut reader = StoreReader::from(store.open_segment(name).expect("the segment"));
    let mut prologue = [0; 32];
    reader.read_exact(&mut prologue).expect("magic and salt");
    *prologue.last_chunk().expect("sixteen bytes")
}

fn header(key: &TrackKey) -> SegmentHeader {
    SegmentHeader {
        recording: RecordingId::from_bytes([1; 16]),
        track: TrackNumber::FIRST,
        segment: 0,
        key: key.id(),
        slot: SlotNumber(0),
        instance: "pbx-1".into(),
        party: Party::Agent,
        leg: LegUuid::from_host(b"leg"),
        codec: StoredCodec::Pcma,
        sample_rate: 8000,
        channels: 1,
        pre_skip_us: 0,
        recording_started_at: UnixMillis(0),
        notices: Vec::new(),
        standings: Vec::new(),
    }
}

/// Thirty-two bytes that lie in memory only behind a mask, so that searching for them does not find the search.
struct Masked([u8; 32]);

impl Masked {
    const MASK: u8 = 0x5A;

    fn random() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("randomness");
        Self(bytes)
    }

    fn reveal<R>(&self, look: impl FnOnce(&[u8; 32]) -> R) -> R {
        let mut clear = self.0.map(|byte| byte ^ Self::MASK);
        let result = look(&clear);
        clear.zeroize();
        result
    }

    /// The key of the segment with this salt, masked (docs/format.md).
    fn derived(&self, salt: [u8; 16]) -> Self {
        let mut derived = [0; 32];
        self.reveal(|clear| {
            Hkdf::<Sha256>::new(Some(&salt), clear).expand(b"callvault/1 segment", &mut derived).expect("one block")
        });
        derived.iter_mut().for_each(|byte| *byte ^= Self::MASK);
        wipe_stack();
        Self(derived)
    }

    /// Whether `memory` has either half of the bytes here.
    fn is_at(&self, memory: &[u8]) -> bool {
        let same =
            |half: Range<usize>| self.0[half].iter().zip(memory).all(|(masked, byte)| masked ^ Self::MASK == *byte);
        same(0..16) || same(16..32)
    }
}

/// How many places in the process's memory hold the bytes, or half of them alone. Another thread looks, so that
/// this one's stack stays as it is.
fn copies_of(secret: &Masked) -> usize {
    std::thread::scope(|threads| threads.spawn(|| search(secret)).join().expect("the search ends"))
}

fn search(secret: &Masked) -> usize {
    let memory = File::open("/proc/self/mem").expect("our own memory");
    let maps: Vec<Range<u64>> = BufReader::new(File::open("/proc/self/maps").expect("our own mappings"))
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| writable(&line))
        .collect();
    let mut block = vec![0; BLOCK + 32];
    let mut found = 0;
    for range in maps {
        let mut at = range.start;
        while at < range.end {
            let length = usize::try_from(range.end - at).map_or(block.len(), |left| left.min(block.len()));
            let Ok(got) = memory.read_at(&mut block[..length], at) else { break };
            // A place in the overlap belongs to the next block.
            let starts = got.min(BLOCK);
            found += (0..starts).filter(|&start| start + 16 <= got && secret.is_at(&block[start..got])).count();
            block.fill(0);
            at += BLOCK as u64;
        }
    }
    // The two halves of a whole copy are two places.
    found.div_ceil(2)
}

const BLOCK: usize = 1 << 16;

fn writable(line: &str) -> Option<Range<u64>> {
    let mut fields = line.split_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let writable = fields.next()?.starts_with("rw");
    let number = |text| u64::from_str_radix(text, 16).ok();
    if writable { Some(number(from)?..number(to)?) } else { None }
}
