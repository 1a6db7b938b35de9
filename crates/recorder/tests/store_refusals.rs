//! SEC-04: where recordings lie is a place of the recorder's own, or it does not start; each refusal says what to do.
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use callvault_recorder::ids::{InstanceTag, RecordingId, TrackNumber};
use callvault_recorder::store::{AppendFile, DirectoryFault, Store, StoreFault, StoreReader};

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let data = scratch.path().join("data");
    (scratch, data)
}

fn refusal(data: &std::path::Path) -> DirectoryFault {
    match Store::open(data) {
        Err(StoreFault::Directory(fault)) => fault,
        Err(other) => panic!("another fault: {other}"),
        Ok(_) => panic!("the store opened"),
    }
}

fn mode_of(path: &std::path::Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn recording() -> RecordingId {
    RecordingId::generate(InstanceTag::of("pbx-1")).expect("randomness")
}

#[test]
fn sec_04_directories_are_0700_and_files_0600() {
    let (_scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    let (name, mut file) = store.create_segment(recording(), TrackNumber::FIRST, 0).expect("made");
    file.append(b"sealed").expect("written");
    let (release, _file) = store.create_release("copy.callvault").expect("made");
    assert_eq!(mode_of(&data), 0o700);
    assert_eq!(mode_of(&data.join("segments")), 0o700);
    assert_eq!(mode_of(&data.join("releases")), 0o700);
    assert_eq!(mode_of(&data.join("segments").join(name.to_string())), 0o600);
    assert_eq!(mode_of(&release), 0o600);
}

#[test]
fn sec_04_a_missing_directory_is_not_made_by_opening_it() {
    let (_scratch, data) = scratch();
    let fault = refusal(&data);
    assert!(matches!(fault, DirectoryFault::Missing(_)));
    assert!(fault.to_string().contains("callvault init"), "{fault}");
    assert!(!data.exists());
}

#[test]
fn sec_04_a_symbolic_link_is_refused_also_with_a_slash_behind_it() {
    let (scratch, data) = scratch();
    drop(Store::create(&scratch.path().join("elsewhere")).expect("made"));
    symlink(scratch.path().join("elsewhere"), &data).expect("a link");
    assert!(matches!(refusal(&data), DirectoryFault::SymbolicLink(_)));
    let slashed = PathBuf::from(format!("{}/", data.display()));
    assert!(matches!(refusal(&slashed), DirectoryFault::SymbolicLink(_)));
}

#[test]
fn sec_04_a_link_in_place_of_the_segments_is_refused() {
    let (scratch, data) = scratch();
    drop(Store::create(&data).expect("made"));
    fs::remove_dir(data.join("segments")).expect("empty");
    symlink(scratch.path(), data.join("segments")).expect("a link");
    assert!(matches!(refusal(&data), DirectoryFault::SymbolicLink(_)));
}

#[test]
fn sec_04_wider_modes_are_refused_with_the_mode_and_the_command() {
    let (_scratch, data) = scratch();
    drop(Store::create(&data).expect("made"));
    for (path, mode) in [(data.clone(), 0o750), (data.join("segments"), 0o701), (data.join("releases"), 0o777)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
        let fault = refusal(&data);
        assert!(matches!(fault, DirectoryFault::TooOpen { mode: found, .. } if found == mode), "{fault}");
        assert!(fault.to_string().contains("chmod 0700"), "{fault}");
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("ours");
    }
    Store::open(&data).expect("mended");
}

#[test]
fn sec_04_a_directory_without_the_right_to_write_is_read_only() {
    let (_scratch, data) = scratch();
    drop(Store::create(&data).expect("made"));
    fs::set_permissions(&data, Permissions::from_mode(0o500)).expect("ours");
    assert!(matches!(refusal(&data), DirectoryFault::ReadOnly(_)));
    fs::set_permissions(&data, Permissions::from_mode(0o700)).expect("ours");
}

#[test]
fn sec_04_another_users_directory_is_refused() {
    let (_scratch, data) = scratch();
    drop(Store::create(&data).expect("made"));
    if std::os::unix::fs::chown(&data, Some(4711), None).is_err() {
        return; // only root can give a directory away
    }
    let fault = refusal(&data);
    assert!(matches!(fault, DirectoryFault::ForeignOwner { owner: 4711, .. }), "{fault}");
}

#[test]
fn sec_04_a_file_is_not_a_directory() {
    let (_scratch, data) = scratch();
    fs::write(&data, b"").expect("written");
    assert!(matches!(refusal(&data), DirectoryFault::NotADirectory(_)));
}

#[test]
fn a_directory_with_something_in_it_is_not_taken_for_a_new_store() {
    let (_scratch, data) = scratch();
    drop(Store::create(&data).expect("made"));
    assert!(matches!(Store::create(&data), Err(StoreFault::Directory(DirectoryFault::NotEmpty(_)))));
}

#[test]
fn e15_a_name_is_never_used_twice() {
    let (_scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    let id = recording();
    let (name, mut file) = store.create_segment(id, TrackNumber::FIRST, 3).expect("made");
    file.append(b"first").expect("written");
    assert!(matches!(store.create_segment(id, TrackNumber::FIRST, 3), Err(StoreFault::Exists { .. })));
    let kept = std::io::read_to_string(StoreReader::from(store.open_segment(&name).expect("there"))).expect("read");
    assert_eq!(kept, "first");
}

#[test]
fn sec_04_a_link_planted_under_a_segments_name_is_not_followed() {
    let (scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    let victim = scratch.path().join("victim");
    fs::write(&victim, b"untouched").expect("written");
    let id = recording();
    let (name, _file) = store.create_segment(id, TrackNumber::FIRST, 0).expect("made");
    let path = data.join("segments").join(name.to_string());
    fs::remove_file(&path).expect("there");
    symlink(&victim, &path).expect("a link");
    assert!(store.create_segment(id, TrackNumber::FIRST, 0).is_err());
    assert!(store.open_segment(&name).is_err());
    assert_eq!(fs::read(&victim).expect("there"), b"untouched");
}

#[test]
fn e16_no_release_name_leaves_its_directory() {
    let (_scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    for name in ["", ".", "..", "../node.key", "a/b", ".hidden", "a\0b", "naïve", &"x".repeat(201)] {
        assert!(matches!(store.create_release(name), Err(StoreFault::BadName { .. })), "{name}");
    }
}

#[test]
fn segments_are_listed_in_order_removed_for_good_and_removing_again_is_no_error() {
    let (_scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    let id = recording();
    let mut names: Vec<_> =
        [2, 0, 10].map(|index| store.create_segment(id, TrackNumber::FIRST, index).expect("made").0).into();
    names.sort_unstable();
    fs::write(data.join("segments/notes.txt"), b"not ours").expect("written");
    assert_eq!(store.list_segments().expect("listed"), names);
    store.sync_all().expect("flushed");
    store.remove_segments(&names).expect("removed");
    store.remove_segment(&names[0]).expect("gone already");
    assert!(matches!(store.open_segment(&names[0]), Err(StoreFault::NoSuchFile { .. })));
    assert_eq!(store.list_segments().expect("listed"), []);
    assert!(store.free_space().expect("measured").bytes > 0);
}

#[test]
fn a_torn_tail_is_cut_and_the_file_goes_on() {
    let (_scratch, data) = scratch();
    let store = Store::create(&data).expect("made");
    let (name, mut file) = store.create_segment(recording(), TrackNumber::FIRST, 0).expect("made");
    file.append(b"whole-torn").expect("written");
    file.close().expect("closed");
    let mut file = store.open_segment(&name).expect("there");
    file.set_len(5).expect("cut");
    file.append(b"!").expect("written");
    let mut kept = [0; 6];
    file.read_at(0, &mut kept).expect("read");
    assert_eq!((&kept, file.len().expect("known")), (b"whole!", 6));
    assert!(file.read_at(1, &mut kept).is_err());
}
