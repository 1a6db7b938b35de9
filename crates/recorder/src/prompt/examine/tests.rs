//! NOT-03: each way in which a prompt is not what it should be.
use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::policy::{Purpose, sample};
use crate::prompt::NamedPurposes;

const TEXT: &str = "This call is recorded, for complaints and training. Your rights: example dot org.";

/// A directory with `notice.wav`: so many seconds of a tone of that height.
struct Shelf {
    directory: tempfile::TempDir,
}

impl Shelf {
    fn with(seconds: f64, height: f64) -> Self {
        let shelf = Self { directory: tempfile::tempdir().expect("a directory") };
        shelf.record(seconds, height);
        shelf
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("notice.wav")
    }

    fn record(&self, seconds: f64, height: f64) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(self.file(), spec).expect("a WAV file");
        for index in 0..(seconds * 16_000.0) as u32 {
            let sample = height * f64::from(index % 32 * 2) - height * 31.0;
            writer.write_sample((sample * 1000.0) as i16).expect("a sample");
        }
        writer.finalize().expect("finished");
    }

    fn named(self, purposes: &str, language: &str) -> Self {
        let purposes = purposes.parse().expect("purposes");
        let manifest = Manifest::of(&self.file(), language, purposes, TEXT).expect("a manifest");
        manifest.write(&self.file()).expect("written");
        self
    }

    fn examine(&self, id: &str, params: &[(&str, &str)]) -> Result<Examined, &'static str> {
        let prompt = Prompt {
            id: id.into(),
            language: "en".into(),
            file: self.file().to_string_lossy().into_owned(),
            version: "1".into(),
        };
        examine(&prompt, &sample(params)).map_err(|fault| fault.code())
    }
}

const REQUIRED: (&str, &str) = ("prompt-manifests", "required");

#[test]
fn a_prompt_whose_manifest_is_true_may_be_played() {
    let shelf = Shelf::with(5.0, 1.0).named("complaint,spotcheck,safety_crime,legal_compliance,training", "en-GB");
    let examined = shelf.examine("notice", &[REQUIRED]).expect("good");
    assert_eq!((examined.has_manifest, examined.sha256.len()), (true, 64));
}

#[test]
fn a_prompt_without_a_manifest_is_good_only_where_none_is_required() {
    let shelf = Shelf::with(5.0, 1.0);
    assert_eq!(shelf.examine("notice", &[]).map(|examined| examined.has_manifest), Ok(false));
    assert_eq!(shelf.examine("notice", &[REQUIRED]), Err("prompt_no_manifest"));
}

#[test]
fn a_file_that_is_gone_or_altered_is_not_played() {
    let shelf = Shelf::with(5.0, 1.0).named("layered", "en");
    assert!(shelf.examine("notice", &[]).is_ok());
    shelf.record(5.0, 0.9);
    assert_eq!(shelf.examine("notice", &[]), Err("prompt_altered"));
    std::fs::remove_file(shelf.file()).expect("removed");
    assert_eq!(shelf.examine("notice", &[]), Err("prompt_unreadable"));
}

#[test]
fn a_prompt_in_another_language_is_not_played() {
    assert_eq!(Shelf::with(5.0, 1.0).named("layered", "nl").examine("notice", &[]), Err("prompt_another_language"));
}

#[test]
fn a_prompt_names_every_enabled_purpose_or_where_they_are_read() {
    let some = Shelf::with(5.0, 1.0).named("complaint,training", "en");
    assert_eq!(some.examine("notice", &[]), Err("prompt_lacks_purpose"));
    assert!(some.examine("notice", &[("purposes", "training")]).is_ok());
    assert!(some.examine("stopped", &[]).is_ok());
    assert!(Shelf::with(5.0, 1.0).named("layered", "en").examine("notice", &[]).is_ok());
}

#[test]
fn no_manifest_is_made_of_what_is_silent_or_cannot_be_that_text() {
    let layered = || NamedPurposes::Layered;
    let refused = |seconds, height, purposes, text| {
        Manifest::of(&Shelf::with(seconds, height).file(), "en", purposes, text).map_err(|fault| fault.code())
    };
    assert_eq!(refused(5.0, 0.001, layered(), TEXT), Err("prompt_silent"));
    assert_eq!(refused(0.0, 1.0, layered(), TEXT), Err("prompt_silent"));
    assert_eq!(refused(1.0, 1.0, layered(), TEXT), Err("prompt_implausible"));
    assert_eq!(refused(60.0, 1.0, layered(), TEXT), Err("prompt_implausible"));
    assert_eq!(refused(5.0, 1.0, layered(), "This call is recorded, you know why."), Err("prompt_names_no_place"));
    assert_eq!(refused(5.0, 1.0, layered(), " \n"), Err("prompt_text"));
    let named = NamedPurposes::Named(BTreeSet::from([Purpose::Training]));
    assert!(refused(2.0, 1.0, named, "This call is recorded for training.").is_ok());
}

#[test]
fn a_manifest_that_was_touched_is_none() {
    let shelf = Shelf::with(5.0, 1.0).named("layered", "en");
    let path = Manifest::path_of(&shelf.file());
    let good = std::fs::read_to_string(&path).expect("read");
    for (old, new) in [
        ("\"format\":1", "\"format\":2"),
        ("layered", "anything"),
        ("\"language\"", "\"tongue\""),
        ("example dot org", "our website"),
        ("}", ""),
    ] {
        std::fs::write(&path, good.replace(old, new)).expect("written");
        assert_eq!(shelf.examine("notice", &[]), Err("prompt_manifest_malformed"), "{new}");
    }
    std::fs::write(&path, good.replace("\"duration_ms\":5000", "\"duration_ms\":4000")).expect("written");
    assert_eq!(shelf.examine("notice", &[]), Err("prompt_altered"));
    std::fs::write(&path, good).expect("written");
    assert!(shelf.examine("notice", &[]).is_ok());
}
