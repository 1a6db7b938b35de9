//! A released copy is written for one ticket, whole or not at all.
mod disclosure_support;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use callvault_recorder::access::{CopyContent, ReleaseFault};
use callvault_recorder::disclosure::CopyReader;
use callvault_recorder::evidence::Party;
use callvault_recorder::store::StoreFault;
use callvault_recorder::time::UnixMillis;
use disclosure_support::{EXPIRES, NOW, Sound, Vault};

fn call() -> Vault {
    let mut vault = Vault::new();
    vault.track(Party::Caller, &Sound::PCMU, &[Sound::PCMU.tone(0, 300, 440.0), Sound::PCMU.tone(300, 300, 440.0)]);
    vault.track(Party::Agent, &Sound::opus(8000), &[Sound::opus(8000).tone(0, 500, 1000.0)]);
    vault
}

fn release_names(vault: &Vault) -> Vec<String> {
    vault.store.list_releases().expect("listed")
}

#[test]
fn a_copy_is_private_named_after_its_ticket_and_says_what_it_is() {
    let vault = call();
    let copy = vault.release(&vault.anna).expect("released");
    let ticket = copy.manifest.ticket_sha256.to_string();
    assert_eq!(copy.name, format!("{}-{}.callvault", vault.recording, &ticket[..8]));
    assert_eq!(std::fs::metadata(&copy.path).expect("there").mode() & 0o7777, 0o600);

    let read = CopyReader::open(&copy.path).expect("read");
    assert_eq!(read.manifest(), &copy.manifest);
    let manifest = read.manifest();
    assert_eq!((manifest.recording, manifest.node), (vault.recording, vault.node.public()));
    assert_eq!((manifest.holder.name.as_str(), manifest.holder.age), ("anna", vault.anna.line.age));
    assert_eq!((manifest.released_at_ms, manifest.expires_at_ms), (NOW, EXPIRES));
    assert_eq!(manifest.tracks.iter().map(|track| track.segments.len()).collect::<Vec<_>>(), [2, 1]);
    read.check_parts(&mut |_| {}).expect("whole");
    read.check_node(&vault.node.public()).expect("of this node");
}

/// Nothing in a copy is in clear but what the manifest says (SEC-01).
#[test]
fn a_copy_holds_no_audio_in_clear() {
    let vault = call();
    let copy = std::fs::read(vault.release(&vault.anna).expect("released").path).expect("read");
    for clear in [b"OggS".as_slice(), b"RIFF", b"OpusHead"] {
        assert!(!copy.windows(clear.len()).any(|window| window == clear));
    }
}

#[test]
fn the_same_ticket_never_replaces_a_copy() {
    let vault = call();
    let granted = vault.grant(&vault.anna).audited(|_| Ok::<(), ()>(())).expect("audited");
    let content = vault.content_for(&vault.anna);
    let write = || callvault_recorder::access::write_copy(&vault.store, &granted, &content, &vault.node, NOW);
    let first = write().expect("released");
    let before = std::fs::read(&first.path).expect("read");
    assert!(matches!(write(), Err(ReleaseFault::Store(StoreFault::Exists { .. }))));
    assert_eq!(std::fs::read(&first.path).expect("still there"), before);
}

/// Each of these leaves the release directory as it was.
#[test]
fn what_cannot_be_released_leaves_nothing() {
    let vault = call();
    let content = vault.content_for(&vault.anna);
    let refused = |content: &CopyContent, now| {
        let fault = vault.release_content(&vault.anna, content, now).expect_err("refused");
        assert_eq!(release_names(&vault), Vec::<String>::new(), "{fault}");
        fault.code()
    };
    assert_eq!(refused(&content, EXPIRES), "release_expired");

    let mut silent = content.clone();
    silent.tracks.iter_mut().for_each(|track| track.segments.clear());
    assert_eq!(refused(&silent, NOW), "release_nothing_kept");

    let mut other_digest = content.clone();
    other_digest.tracks[1].segments[0].sha256[0] ^= 1;
    assert_eq!(refused(&other_digest, NOW), "release_segment_changed");
    let mut other_length = content.clone();
    other_length.tracks[0].segments[1].bytes += 1;
    assert_eq!(refused(&other_length, NOW), "release_segment_changed");
    let mut missing = content.clone();
    missing.tracks[0].segments[1].index = 7;
    assert_eq!(refused(&missing, NOW), "release_store");

    assert!(vault.release_content(&vault.anna, &content, UnixMillis(EXPIRES.0 - 1)).is_ok());
}

#[test]
fn a_release_directory_that_is_gone_is_told() {
    let vault = call();
    let releases = vault.directory.path().join("data/releases");
    std::fs::remove_dir(&releases).expect("removed");
    assert_eq!(vault.release(&vault.anna).expect_err("refused").code(), "release_store");
    std::fs::create_dir(&releases).expect("made");
    std::fs::set_permissions(&releases, std::fs::Permissions::from_mode(0o700)).expect("set");
}
