//! A copy that is not as it was released, or not for who tries: each kind is told apart, and nothing is opened.
mod disclosure_support;

use std::path::PathBuf;

use callvault_recorder::access::{COPY_MAGIC, NodeKey, ReleasedCopy};
use callvault_recorder::disclosure::{CopyFault, CopyReader, PartName};
use callvault_recorder::evidence::Party;
use callvault_recorder::time::UnixMillis;
use disclosure_support::{EXPIRES, NOW, Sound, Vault, unlock};

struct Copy {
    vault: Vault,
    released: ReleasedCopy,
    bytes: Vec<u8>,
}

/// Two tracks; the first has two segments of one length, so that swapping them moves nothing else.
fn copy() -> Copy {
    let mut vault = Vault::new();
    let sound = Sound::PCMU;
    vault.track(Party::Caller, &sound, &[sound.tone(0, 300, 440.0), sound.tone(1000, 300, 440.0)]);
    vault.track(Party::Agent, &sound, &[sound.tone(0, 500, 1000.0)]);
    let released = vault.release(&vault.anna).expect("released");
    let bytes = std::fs::read(&released.path).expect("read");
    Copy { vault, released, bytes }
}

impl Copy {
    fn with(&self, bytes: &[u8]) -> PathBuf {
        let path = self.vault.directory.path().join("altered.callvault");
        std::fs::write(&path, bytes).expect("written");
        path
    }

    fn refusal(&self, bytes: &[u8]) -> CopyFault {
        unlock(&self.with(bytes), &self.vault.anna).expect_err("refused")
    }

    /// Where the manifest's JSON lies.
    fn manifest(&self) -> std::ops::Range<usize> {
        let length = u32::from_be_bytes(self.bytes[16..20].try_into().expect("four bytes")) as usize;
        20..20 + length
    }

    fn capsule(&self, track: usize) -> std::ops::Range<usize> {
        let tracks = &self.released.manifest.tracks;
        let begin = self.manifest().end + 64;
        let before: u64 = tracks[..track].iter().map(|track| track.capsule.bytes).sum();
        let begin = begin + before as usize;
        begin..begin + tracks[track].capsule.bytes as usize
    }

    fn segment(&self, track: usize, segment: usize) -> std::ops::Range<usize> {
        let tracks = &self.released.manifest.tracks;
        let mut begin = self.capsule(tracks.len() - 1).end;
        for (index, other) in tracks.iter().enumerate() {
            for (place, part) in other.segments.iter().enumerate() {
                let end = begin + part.bytes as usize;
                if (index, place) == (track, segment) {
                    return begin..end;
                }
                begin = end;
            }
        }
        panic!("no such segment");
    }

    fn swapped(&self, one: std::ops::Range<usize>, other: std::ops::Range<usize>) -> Vec<u8> {
        assert!(one.end <= other.start);
        let bytes = &self.bytes;
        [&bytes[..one.start], &bytes[other.clone()], &bytes[one.end..other.start], &bytes[one], &bytes[other.end..]]
            .concat()
    }
}

#[test]
fn a_whole_copy_opens_for_its_holder() {
    let copy = copy();
    let opened = unlock(&copy.released.path, &copy.vault.anna).expect("opened");
    assert_eq!(opened.manifest(), &copy.released.manifest);
}

/// SEC-02: not one byte of it may differ.
#[test]
fn every_changed_byte_is_found() {
    let copy = copy();
    let step = 7;
    for at in (0..copy.bytes.len()).step_by(step).chain(copy.manifest().end..copy.capsule(0).start) {
        let mut bytes = copy.bytes.clone();
        bytes[at] ^= 0x20;
        copy.refusal(&bytes);
    }
}

#[test]
fn every_kind_of_change_has_its_own_error() {
    let copy = copy();
    let flipped = |at: usize| {
        let mut bytes = copy.bytes.clone();
        bytes[at] ^= 1;
        copy.refusal(&bytes)
    };
    assert_eq!(flipped(0).code(), "copy_not_a_copy");
    assert_eq!(flipped(14).code(), "copy_unknown_form");
    assert_eq!(flipped(copy.manifest().start).code(), "copy_manifest_changed");
    assert_eq!(flipped(copy.manifest().end).code(), "copy_signature_wrong");
    let caller = copy.released.manifest.tracks[0].number;
    assert!(
        matches!(flipped(copy.capsule(0).start + 100), CopyFault::Changed(PartName::Capsule(track)) if track == caller)
    );
    assert!(matches!(
        flipped(copy.segment(0, 1).end - 1),
        CopyFault::Changed(PartName::Segment(track, 1)) if track == caller
    ));
}

#[test]
fn a_manifest_that_says_something_else_is_not_the_nodes() {
    let copy = copy();
    let json = String::from_utf8(copy.bytes[copy.manifest()].to_vec()).expect("JSON");
    let rest = &copy.bytes[copy.manifest().end..];
    let later = json.replace(&EXPIRES.0.to_string(), &(EXPIRES.0 + 1).to_string());
    assert_ne!(later, json);
    let head = |json: &str| [&COPY_MAGIC[..], &(json.len() as u32).to_be_bytes(), json.as_bytes()].concat();
    assert_eq!(copy.refusal(&[&head(&later), rest].concat()).code(), "copy_signature_wrong");

    let own = NodeKey::from_seed(&[5; 32]).public();
    let anothers = json.replace(&copy.vault.node.public().to_string(), &own.to_string());
    assert_eq!(copy.refusal(&[&head(&anothers), rest].concat()).code(), "copy_signature_wrong");

    let spaced = json.replacen(':', ": ", 1);
    assert_eq!(copy.refusal(&[&head(&spaced), rest].concat()).code(), "copy_manifest_changed");
    let unknown = json.replacen('{', "{\"a\":1,", 1);
    assert_eq!(copy.refusal(&[&head(&unknown), rest].concat()).code(), "copy_manifest_changed");
}

#[test]
fn a_cut_copy_is_told_as_cut_wherever_it_was_cut() {
    let copy = copy();
    let length = copy.bytes.len();
    for at in [1, 15, 16, 19, 20, 100, copy.manifest().end, copy.capsule(0).start, copy.segment(1, 0).start, length - 1]
    {
        assert_eq!(copy.refusal(&copy.bytes[..at]).code(), "copy_cut", "at {at}");
    }
    assert_eq!(copy.refusal(&[]).code(), "copy_not_a_copy");
    assert_eq!(copy.refusal(&[&copy.bytes[..], b"more"].concat()).code(), "copy_extended");
}

#[test]
fn swapped_parts_are_told_as_swapped() {
    let copy = copy();
    let capsules = copy.refusal(&copy.swapped(copy.capsule(0), copy.capsule(1)));
    assert!(matches!(capsules, CopyFault::Swapped { found: PartName::Capsule(_), .. }), "{capsules}");

    let segments = copy.refusal(&copy.swapped(copy.segment(0, 0), copy.segment(0, 1)));
    assert!(
        matches!(segments, CopyFault::Swapped { expected: PartName::Segment(_, 0), found: PartName::Segment(_, 1) }),
        "{segments}"
    );
    let tracks = copy.refusal(&copy.swapped(copy.segment(0, 0), copy.segment(1, 0)));
    assert!(matches!(tracks, CopyFault::Swapped { .. }), "{tracks}");
}

#[test]
fn parts_of_another_recordings_copy_are_told_as_such() {
    let (mine, other) = (copy(), copy());
    let body = mine.segment(0, 0).start;
    let mut bytes = mine.bytes.clone();
    let theirs = &other.bytes[other.segment(0, 0).start..];
    assert_eq!(bytes.len() - body, theirs.len());
    bytes[body..].copy_from_slice(theirs);
    let fault = mine.refusal(&bytes);
    assert!(
        matches!(fault, CopyFault::Swapped { found: PartName::OfAnother(id, ..), .. } if id == other.vault.recording),
        "{fault}"
    );
}

#[test]
fn past_its_expiry_nobody_opens_it_and_anybody_still_verifies_it() {
    let copy = copy();
    let read = || CopyReader::open(&copy.released.path).expect("read");
    let at = |now| read().unlock(&copy.vault.anna.age, now, &mut |_| {}).map(|_| ());
    assert!(at(UnixMillis(EXPIRES.0 - 1)).is_ok());
    assert_eq!(at(EXPIRES).expect_err("refused").code(), "copy_expired");
    read().check_parts(&mut |_| {}).expect("still whole");
    assert!(read().check_expiry(EXPIRES).is_err());
}

#[test]
fn another_manager_is_told_for_whom_it_is() {
    let copy = copy();
    let fault = unlock(&copy.released.path, &copy.vault.bert).expect_err("refused");
    assert_eq!(fault.code(), "copy_anothers");
    assert!(fault.to_string().contains("anna"), "{fault}");
}

#[test]
fn a_copy_of_another_node_is_told_where_a_node_is_expected() {
    let copy = copy();
    let read = CopyReader::open(&copy.released.path).expect("read");
    let expected = NodeKey::from_seed(&[5; 32]).public();
    assert_eq!(read.check_node(&expected).expect_err("refused").code(), "copy_another_node");
    assert!(read.check_node(&copy.vault.node.public()).is_ok());
}

/// A catalogue that hands out the wrong capsule is found when the holder opens it.
#[test]
fn a_capsule_of_another_key_opens_nothing() {
    let copy = copy();
    let mut content = copy.vault.content_for(&copy.vault.anna);
    content.tracks[0].capsule = content.tracks[1].capsule.clone();
    let wrong = copy.vault.release_content(&copy.vault.anna, &content, NOW).expect("released");
    let opened = unlock(&wrong.path, &copy.vault.anna).expect("the capsules open");
    let outputs =
        opened.outputs(callvault_recorder::disclosure::Format::Wav, callvault_recorder::disclosure::Layout::Channels);
    let fault = opened.write(&outputs[0], std::io::Cursor::new(Vec::new()), &mut |_| {}).expect_err("refused");
    assert_eq!(fault.code(), "open_segment");
}

/// No file makes the reader panic.
#[test]
fn noise_is_no_copy() {
    let copy = copy();
    for seed in 0..200_u32 {
        let noise: Vec<u8> = (0..300_u32).map(|n| (n.wrapping_mul(seed).wrapping_add(seed) >> 3) as u8).collect();
        copy.refusal(&noise);
        copy.refusal(&[&COPY_MAGIC[..], &noise].concat());
        copy.refusal(&[&COPY_MAGIC[..], &[0, 0, 0, 200], &noise].concat());
    }
}
