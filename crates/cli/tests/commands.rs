//! The program from end to end, as people use it: enrol, roster, init, ticket, open, inspect, verify.
#[path = "../../recorder/tests/disclosure_support/mod.rs"]
mod disclosure_support;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use callvault_recorder::access::{PublicLine, PublicSigningKey, ReleasedCopy, Roster, verify_ticket, write_copy};
use callvault_recorder::evidence::Party;
use callvault_recorder::ids::InstanceTag;
use callvault_recorder::policy::Purpose;
use callvault_recorder::time::{Clock as _, SystemClock, UnixMillis};
use disclosure_support::{INSTANCE, Sound, Vault, audible, wav};

const PASSPHRASE: &str = "the fixtures' passphrase";

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn callvault(within: &Path, arguments: &[&str]) -> Output {
    with_passphrase(within, arguments, PASSPHRASE)
}

fn with_passphrase(within: &Path, arguments: &[&str], passphrase: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callvault"))
        .args(arguments)
        .current_dir(within)
        .env("CALLVAULT_PASSPHRASE", passphrase)
        .output()
        .expect("the program runs")
}

fn done(within: &Path, arguments: &[&str]) -> String {
    let output = callvault(within, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Its code, as told on standard error; nothing may be on standard output.
fn refused(output: &Output, exit: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let code = said.strip_prefix("callvault: ").and_then(|said| said.split(": ").next()).unwrap_or_default();
    code.to_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A call of two parties in a store, released by a ticket that anna's program made.
struct Released {
    vault: Vault,
    copy: ReleasedCopy,
    here: tempfile::TempDir,
}

impl Released {
    fn new() -> Self {
        Self::expiring(SystemClock.now().plus(Duration::from_secs(86_400)))
    }

    fn expiring(expires_at: UnixMillis) -> Self {
        let here = tempfile::tempdir().expect("a directory");
        let mut vault = Vault::new();
        vault.track(Party::Caller, &Sound::opus(8000), &[Sound::opus(8000).tone(0, 1000, 440.0)]);
        vault.track(Party::Agent, &Sound::PCMU, &[Sound::PCMU.tone(500, 1500, 1000.0)]);
        let id = vault.recording.to_string();
        let anna = fixture("anna.identity");
        let ticket =
            done(here.path(), &["ticket", &id, "--purpose", "complaint", "--reference", "K-7", "--identity", &anna]);
        let line = public_line("olga.identity");
        let roster = std::fs::read_to_string(fixture("roster.json")).expect("read");
        let roster = Roster::verify(&roster, &line.ed25519, 0).expect("olga's");
        let now = SystemClock.now();
        let validity = Duration::from_secs(900);
        let grant = verify_ticket(&ticket, &roster, InstanceTag::of(INSTANCE), now, validity, |_| false);
        let grant = grant.expect("granted");
        assert_eq!((grant.purpose(), grant.person().name.as_str()), (Purpose::Complaint, "anna"));
        let content = vault.content_for_key(&grant.person().age, expires_at);
        let granted = grant.audited(|_| Ok::<(), ()>(())).expect("audited");
        // Released in time, whatever the clock says when it is opened.
        let released_at = UnixMillis(now.0.min(expires_at.0 - 1));
        let copy = write_copy(&vault.store, &granted, &content, &vault.node, released_at).expect("released");
        Self { vault, copy, here }
    }

    fn path(&self) -> &str {
        self.copy.path.to_str().expect("text")
    }

    fn open(&self, more: &[&str]) -> Output {
        self.open_as("anna.identity", more)
    }

    fn open_as(&self, identity: &str, more: &[&str]) -> Output {
        let identity = fixture(identity);
        callvault(self.here.path(), &[&["open", self.path(), "--identity", &identity], more].concat())
    }
}

fn public_line(identity: &str) -> PublicLine {
    let text = std::fs::read_to_string(fixture(identity)).expect("read");
    let line = text.lines().find_map(|line| line.strip_prefix("# public: ")).expect("a public line");
    line.parse().expect("a line")
}

#[test]
fn a_copy_opens_to_one_wav_with_a_channel_per_track() {
    let released = Released::new();
    let output = released.open(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    let path = released.here.path().canonicalize().expect("there").join(format!("{}.wav", released.vault.recording));
    assert_eq!(said, format!("{}  0:00:02.000\n", path.display()));
    assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
    let (rate, channels) = wav(&path);
    assert_eq!((rate, channels.len()), (8000, 2));
    assert!(!audible(&channels[0], rate, 440.0).is_empty() && audible(&channels[0], rate, 1000.0).is_empty());
    assert!(!audible(&channels[1], rate, 1000.0).is_empty() && audible(&channels[1], rate, 440.0).is_empty());
}

#[test]
fn a_copy_opens_split_mixed_and_as_opus() {
    let released = Released::new();
    let id = released.vault.recording;
    for (arguments, files) in [
        (&["--split"][..], vec![format!("{id}-1-caller.wav"), format!("{id}-2-agent.wav")]),
        (&["--mix"], vec![format!("{id}.wav")]),
        (&["--format", "opus"], vec![format!("{id}.opus")]),
        (&["--format", "opus", "--split"], vec![format!("{id}-1-caller.opus"), format!("{id}-2-agent.opus")]),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let output = directory.path().to_str().expect("text");
        let opened = released.open(&[arguments, &["--output", output, "--json"]].concat());
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        assert_eq!(names(directory.path()), files);
        let said: serde_json::Value = serde_json::from_slice(&opened.stdout).expect("JSON");
        assert_eq!(said.as_array().expect("a list").len(), files.len());
        assert_eq!(said[0]["channels"], 1);
    }
}

#[test]
fn nothing_is_overwritten_and_a_refusal_leaves_no_part_of_a_file() {
    let released = Released::new();
    let id = released.vault.recording;
    let taken = released.here.path().join(format!("{id}-2-agent.wav"));
    std::fs::write(&taken, b"mine").expect("written");
    assert_eq!(refused(&released.open(&["--split"]), 1), "open_exists");
    assert_eq!(std::fs::read(&taken).expect("read"), b"mine");
    assert_eq!(names(released.here.path()), [format!("{id}-2-agent.wav")]);

    let bytes = std::fs::read(&released.copy.path).expect("read");
    let mut changed = bytes.clone();
    *changed.last_mut().expect("not empty") ^= 1;
    for (bytes, code) in [(&changed[..], "copy_changed"), (&bytes[..bytes.len() - 1], "copy_cut")] {
        std::fs::write(&released.copy.path, bytes).expect("written");
        assert_eq!(refused(&released.open(&[]), 3), code);
    }
    std::fs::write(&released.copy.path, &bytes).expect("written");
    assert_eq!(refused(&released.open(&["--output", "nowhere/at/all"]), 1), "open_no_directory");
    let identity = fixture("anna.identity");
    let wrong = with_passphrase(released.here.path(), &["open", released.path(), "--identity", &identity], "wrong");
    assert_eq!(refused(&wrong, 4), "wrong_passphrase");
    let empty = with_passphrase(released.here.path(), &["open", released.path(), "--identity", &identity], " ");
    assert_eq!(refused(&empty, 4), "passphrase_empty");
    assert_eq!(names(released.here.path()), [format!("{id}-2-agent.wav")]);
}

#[test]
fn another_manager_is_told_for_whom_the_copy_is() {
    let released = Released::new();
    let output = released.open_as("bert.identity", &[]);
    assert_eq!(refused(&output, 4), "copy_anothers");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the copy is for anna"));
}

#[test]
fn past_its_expiry_open_refuses_and_verify_says_so() {
    let released = Released::expiring(UnixMillis(SystemClock.now().0 - 60_000));
    assert_eq!(refused(&released.open(&[]), 4), "copy_expired");
    let said = done(released.here.path(), &["verify", released.path()]);
    assert!(said.contains("whole, as it was released") && said.contains("it is not opened any more"), "{said}");
    let said = done(released.here.path(), &["verify", released.path(), "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["whole"], &said["expired"]), (&true.into(), &true.into()));
}

#[test]
fn inspect_and_verify_need_no_secret() {
    let released = Released::new();
    let here = released.here.path();
    let said = done(here, &["inspect", released.path()]);
    let id = released.vault.recording.to_string();
    for word in [id.as_str(), "anna", "complaint", "K-7", "caller", "agent", "opus", "informed continued"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // NOT-04: what the party was told and did, in words.
    let party = "party      the caller on leg leg-caller: informed continued; told by announcement 0.0 s after the beginning; went on";
    assert!(said.contains(party), "{said}");
    assert!(done(here, &["verify", released.path()]).contains(party));
    let said: serde_json::Value =
        serde_json::from_str(&done(here, &["inspect", released.path(), "--json"])).expect("JSON");
    assert_eq!(said["recording"], id);

    let node = released.vault.node.public().to_string();
    assert!(done(here, &["verify", released.path(), "--node", &node]).contains("as expected"));
    let other = PublicSigningKey::of(&ed25519_dalek::SigningKey::from_bytes(&[4; 32])).to_string();
    assert_eq!(refused(&callvault(here, &["verify", released.path(), "--node", &other]), 3), "copy_another_node");
}

#[test]
fn a_single_segment_is_inspected_and_verified_too() {
    let released = Released::new();
    let here = released.here.path();
    let segments = released.vault.directory.path().join("data/segments");
    let segment: PathBuf = segments.join(&names(&segments)[0]);
    let path = segment.to_str().expect("text");
    let said = done(here, &["inspect", path]);
    assert!(said.contains("caller") && said.contains("8000 Hz") && said.contains("whole"), "{said}");
    let told = "stood      told by announcement 0.0 s after the beginning";
    assert!(said.contains(told), "NOT-04: {said}");
    let said = done(here, &["verify", path]);
    assert!(said.contains("the last one among them") && said.contains(told), "{said}");
    let said: serde_json::Value = serde_json::from_str(&done(here, &["inspect", path, "--json"])).expect("JSON");
    assert_eq!((&said["kind"], &said["whole"]), (&"segment".into(), &true.into()));

    let bytes = std::fs::read(&segment).expect("read");
    std::fs::write(&segment, &bytes[..bytes.len() - 1]).expect("written");
    assert_eq!(refused(&callvault(here, &["verify", path]), 3), "segment_torn");
    assert!(done(here, &["inspect", path]).contains("without its last record"));
}

#[test]
fn people_enrol_and_the_officer_keeps_the_roster() {
    let here = tempfile::tempdir().expect("a directory");
    let here = here.path();
    let line = done(here, &["enrol", "--role", "manager", "--name", "carla", "--identity", "carla.identity"]);
    let line = line.trim_end();
    assert!(!line.contains(char::is_whitespace));
    assert_eq!(std::fs::metadata(here.join("carla.identity")).expect("there").mode() & 0o7777, 0o600);
    let file = std::fs::read_to_string(here.join("carla.identity")).expect("read");
    assert!(file.contains(line) && !file.contains("AGE-SECRET-KEY"));

    let olga = fixture("olga.identity");
    let files = ["--roster", "roster.json", "--identity", &olga];
    let roster = |arguments: &[&str]| callvault(here, &[&["roster"], arguments, &files[..]].concat());
    assert_eq!(refused(&roster(&["add", line]), 3), "roster_purposes");
    assert_eq!(names(here), ["carla.identity"], "a roster that was refused is not begun");
    assert!(roster(&["add", line, "--purposes", "complaint,spotcheck"]).status.success());
    let before = std::fs::read(here.join("roster.json")).expect("read");
    assert_eq!(refused(&roster(&["add", line, "--purposes", "training"]), 3), "roster_name_taken");
    assert_eq!(refused(&roster(&["remove", "bert"]), 3), "roster_not_on_it");
    let otto = fixture("otto.identity");
    let by_otto = ["roster", "remove", "carla", "--roster", "roster.json", "--identity", &otto];
    assert_eq!(refused(&callvault(here, &by_otto), 3), "roster_another_signer");
    assert_eq!(std::fs::read(here.join("roster.json")).expect("read"), before);

    let text = String::from_utf8(before).expect("text");
    let taken = Roster::verify(&text, &public_line("olga.identity").ed25519, 0).expect("olga's");
    assert_eq!((taken.version, taken.people.len()), (1, 1));
    assert!(roster(&["remove", "carla"]).status.success());
    assert_eq!(names(here), ["carla.identity", "roster.json"]);
}

#[test]
fn an_altered_identity_is_noticed() {
    let here = tempfile::tempdir().expect("a directory");
    let anna = std::fs::read_to_string(fixture("anna.identity")).expect("read");
    let bert = public_line("bert.identity").to_string();
    let altered = anna.replace(&public_line("anna.identity").to_string(), &bert);
    std::fs::write(here.path().join("altered"), altered).expect("written");
    let id = "00112233445566778899aabbccddeeff";
    let ticket = ["ticket", id, "--purpose", "complaint", "--reference", "K-7", "--identity", "altered"];
    assert_eq!(refused(&callvault(here.path(), &ticket), 3), "identity_altered");
}

#[test]
fn init_makes_a_recorders_directory_or_leaves_nothing() {
    let here = tempfile::tempdir().expect("a directory");
    let here = here.path();
    let (olga, rita) = (public_line("olga.identity").to_string(), public_line("rita.identity").to_string());
    let wrong = callvault(here, &["init", "vault", "--officer", &rita, "--recovery", &olga]);
    assert_eq!(refused(&wrong, 3), "init_wrong_role");
    assert_eq!(names(here), Vec::<String>::new());

    let said = done(here, &["init", "vault", "--officer", &olga, "--recovery", &rita]);
    assert!(said.contains(&format!("callvault roster add {rita} --roster")), "{said}");
    assert_eq!(names(&here.join("vault")), ["callvault.conf.xml", "data", "keystore", "node.pub", "prompts"]);
    let configuration = std::fs::read_to_string(here.join("vault/callvault.conf.xml")).expect("read");
    let node = std::fs::read_to_string(here.join("vault/node.pub")).expect("read");
    assert!(said.contains(node.trim()) && node.trim().parse::<PublicSigningKey>().is_ok());
    let data = here.canonicalize().expect("there").join("vault/data");
    assert!(configuration.contains(&format!("<param name=\"data-dir\" value=\"{}\"/>", data.display())));
    assert_eq!(std::fs::metadata(here.join("vault/data/node.key")).expect("there").mode() & 0o7777, 0o600);
    assert_eq!(
        refused(&callvault(here, &["init", "vault", "--officer", &olga, "--recovery", &rita]), 1),
        "init_not_empty"
    );

    std::fs::create_dir(here.join("taken")).expect("made");
    std::fs::write(here.join("taken/note"), b"mine").expect("written");
    assert_eq!(refused(&callvault(here, &["init", "taken", "--starter", "keys"]), 1), "init_not_empty");
    assert_eq!(refused(&callvault(here, &["init", "other", "--starter", "taken"]), 1), "init_not_empty");
    assert_eq!(refused(&callvault(here, &["init", "other", "--starter", "other/keys"]), 4), "init_keys_inside");
    assert_eq!(refused(&with_passphrase(here, &["init", "other", "--starter", "keys"], ""), 4), "passphrase_empty");
    assert_eq!(names(here), ["taken", "vault"]);
}

#[test]
fn the_starter_is_ready_for_a_first_try() {
    let here = tempfile::tempdir().expect("a directory");
    let here = here.path();
    let said = done(here, &["init", "vault", "--starter", "keys"]);
    assert!(said.contains("off this machine"), "{said}");
    assert_eq!(names(&here.join("keys")), ["manager.identity", "officer.identity", "recovery.identity"]);
    let keystore = callvault_recorder::keystore::Keystore::open(&here.join("vault/keystore")).expect("opened");
    let text = std::fs::read_to_string(here.join("vault/roster.json")).expect("read");
    let roster = Roster::verify(&text, &PublicSigningKey::from(*keystore.officer()), 0).expect("of the pinned officer");
    assert_eq!(roster.capsule_holders().count(), 2);
    assert_eq!(roster.people[0].purposes.len(), 5);
}

#[test]
fn the_shell_completes() {
    let here = tempfile::tempdir().expect("a directory");
    assert!(done(here.path(), &["completions", "bash"]).contains("complete -F _callvault"));
}
