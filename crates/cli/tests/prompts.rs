//! `callvault prompt` from end to end, and the prompts that are shipped (NOT-03).
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn callvault(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callvault")).args(arguments).output().expect("the program runs")
}

fn done(arguments: &[&str]) -> String {
    let output = callvault(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Its code, as told on standard error.
fn refused(arguments: &[&str]) -> String {
    let output = callvault(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.strip_prefix("callvault: ").and_then(|said| said.split(": ").next()).unwrap_or_default().to_owned()
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../freeswitch-conf/prompts")
}

fn texts() -> Vec<(String, String)> {
    let lines = std::fs::read_to_string(shipped().join("texts.tsv")).expect("the texts");
    lines.lines().filter_map(|line| line.split_once('\t')).map(|(name, text)| (name.into(), text.into())).collect()
}

#[test]
fn every_shipped_prompt_says_what_its_manifest_and_the_list_of_texts_say() {
    let texts = texts();
    assert_eq!(texts.len(), 14);
    for (name, text) in texts {
        let file = shipped().join(format!("{name}.wav"));
        let manifest: serde_json::Value =
            serde_json::from_str(&done(&["prompt", "check", &file.to_string_lossy(), "--json"])).expect("JSON");
        assert_eq!(manifest["text"], text, "{name}");
        assert_eq!(manifest["language"], name[name.len() - 2..], "{name}");
        let purposes = &manifest["purposes"];
        let expected = match () {
            () if name.starts_with("stopped") => purposes.as_array().is_some_and(Vec::is_empty),
            () if name.contains("outbound") => purposes == "layered",
            () => purposes.as_array().is_some_and(|named| named.len() == 5),
        };
        assert!(expected, "{name}: {purposes}");
        assert!(manifest["duration_ms"].as_u64().is_some_and(|ms| ms < 17_000), "{name}: {manifest}");
    }
}

#[test]
fn a_prompt_is_added_with_a_line_to_paste_and_checked_until_its_audio_changes() {
    let here = tempfile::tempdir().expect("a directory");
    let file = here.path().join("hello.wav");
    std::fs::copy(shipped().join("notice-outbound-en.wav"), &file).expect("copied");
    let name = file.to_string_lossy().into_owned();
    let text = "This call with Example is recorded. Why, and your rights: example dot org, slash privacy.";
    let add = |purposes: &str, text: &str| {
        let known = ["prompt", "add", &name, "--language", "en", "--purposes", purposes, "--text", text];
        known
            .into_iter()
            .chain(["--id", "notice-outbound", "--version", "2024 b"])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[String]| callvault(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(refused(&["prompt", "check", &name]), "prompt_no_manifest");

    let added = run(&add("layered", text));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let canonical = std::fs::canonicalize(&file).expect("it is there");
    let line = format!(
        "<prompt id=\"notice-outbound\" language=\"en\" file=\"{}\" version=\"2024 b\"/>\n",
        canonical.display()
    );
    assert_eq!(String::from_utf8_lossy(&added.stdout), line);
    assert!(done(&["prompt", "check", &name]).contains(text));

    // Another text for the same audio takes the old one's place; one that cannot be changes nothing.
    assert!(run(&add("training", "This call is recorded for training, and nothing else, at all.")).status.success());
    let kept = std::fs::read(here.path().join("hello.wav.prompt.json")).expect("a manifest");
    for wrong in [add("layered", "This call is recorded for training, and nothing else."), add("training", "Yes.")] {
        assert_eq!(run(&wrong).status.code(), Some(3));
    }
    assert_eq!(std::fs::read(here.path().join("hello.wav.prompt.json")).expect("a manifest"), kept);

    std::fs::copy(shipped().join("notice-outbound-nl.wav"), &file).expect("swapped");
    assert_eq!(refused(&["prompt", "check", &name]), "prompt_altered");
    assert_eq!(std::fs::read_dir(here.path()).expect("listed").count(), 2, "nothing else is left behind");
}
