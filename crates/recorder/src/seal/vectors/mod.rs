//! The vectors of docs/vectors: files with an `expect:` head, whose names are the attacks. Any implementation can
//! run them; ours does here. Segments are made anew on each run and compared, so that the format cannot drift.
//!
//! `CALLVAULT_WRITE_VECTORS=1 cargo test -p callvault-recorder vectors` writes them; the base capsule, which is
//! random by nature, only where it is missing.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::entry::write_entries;
use super::*;

mod capsule;
mod segment;

#[test]
fn the_segment_vectors_are_what_this_code_makes() {
    if writing() {
        return;
    }
    for vector in segment::vectors() {
        vector.check_or_write("segment");
    }
    let names: Vec<_> = segment::vectors().iter().map(|vector| vector.name).collect();
    for (path, _) in read_all("segment") {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(names.contains(&name), "{} is made by nothing", path.display());
    }
}

#[test]
fn every_segment_vector_reads_as_its_head_expects() {
    if writing() {
        segment::vectors().iter().for_each(|vector| vector.check_or_write("segment"));
    }
    let vectors = read_all("segment");
    assert!(vectors.len() > 20);
    for (path, vector) in vectors {
        let name = path.display();
        let key = TrackKey::from_capsule_plaintext(&unhex(&vector.head["key"]).try_into().expect("48 bytes"));
        let key = key.expect("memory can be locked");
        let result = SegmentReader::new(vector.body.as_slice()).and_then(|reader| reader.read_all(&key));
        assert_eq!(outcome(result.as_ref().map(|(_, ending)| *ending)), vector.head["expect"], "{name}");
        assert_eq!(
            outcome(inspect(vector.body.as_slice()).as_ref().map(|shown| shown.ending)),
            vector.head["without-key"],
            "{name}"
        );
        match result {
            Err(ReadFault::Tampered { record, .. } | ReadFault::Content { record }) => {
                assert_eq!(record.to_string(), vector.head["at-record"], "{name}");
            }
            Err(_) => {}
            Ok((entries, _)) => assert_eq!(entries_text(&entries), vector.head["entries"], "{name}"),
        }
    }
}

#[test]
fn every_capsule_vector_opens_as_its_head_expects() {
    if writing() {
        capsule::vectors().iter().for_each(|vector| vector.check_or_write("capsule"));
    }
    let vectors = read_all("capsule");
    assert!(vectors.len() > 10);
    for (path, vector) in vectors {
        let name = path.display();
        let identity = X25519Identity::parse(&vector.head["identity"]).expect("an identity");
        let result = read_capsule(&vector.body, &identity);
        assert_eq!(result.as_ref().map_or_else(CapsuleFault::code, |_| "opens"), vector.head["expect"], "{name}");
        if let Ok(key) = result {
            let mut plaintext = [0; 48];
            key.write_capsule_plaintext(&mut plaintext);
            assert_eq!(hex(&plaintext), vector.head["key"], "{name}");
        }
        // The stock age agrees on which files open. What it opens and we do not is no capsule inside.
        let stock: ::age::x25519::Identity = vector.head["identity"].parse().expect("an identity");
        let opens = ::age::decrypt(&stock, &vector.body).is_ok();
        assert_eq!(opens, matches!(vector.head["expect"].as_str(), "opens" | "content"), "{name} with the stock age");
    }
}

fn outcome(ending: Result<Ending, &ReadFault>) -> &'static str {
    match ending {
        Ok(Ending::Whole) => "whole",
        Ok(Ending::Torn { .. }) => "torn",
        Err(fault) => fault.code(),
    }
}

/// How many entries, and SHA-256 of them in the form of a single record.
fn entries_text(entries: &[Entry]) -> String {
    let mut record = Vec::new();
    write_entries(entries, &mut record);
    format!("{} sha256 {}", entries.len(), hex(&Sha256::digest(record)))
}

struct Vector {
    name: &'static str,
    head: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

const KEY: [u8; 48] = {
    let mut bytes = [0; 48];
    let mut at = 0;
    while at < 48 {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};
fn track_key(bytes: &[u8; 48]) -> TrackKey {
    TrackKey::from_capsule_plaintext(bytes).expect("memory can be locked")
}

impl Vector {
    fn check_or_write(&self, kind: &str) {
        let path = folder(kind).join(format!("{}.vector", self.name));
        if writing() {
            std::fs::create_dir_all(folder(kind)).expect("a folder");
            std::fs::write(&path, self.to_text()).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        assert!(found == self.to_text(), "{} differs from what this code makes", path.display());
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for (field, value) in &self.head {
            writeln!(text, "{field}: {value}").expect("a String takes it");
        }
        text.push('\n');
        for line in BASE64.encode(&self.body).as_bytes().chunks(76) {
            writeln!(text, "{}", std::str::from_utf8(line).expect("ASCII")).expect("a String takes it");
        }
        text
    }
}

struct Parsed {
    head: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn parse(file: &[u8]) -> Parsed {
    let text = std::str::from_utf8(file).expect("a vector is text");
    let (head, body) = text.split_once("\n\n").expect("an empty line after the head");
    let head = head
        .lines()
        .map(|line| line.split_once(": ").expect("a field"))
        .map(|(field, value)| (field.into(), value.into()));
    Parsed { head: head.collect(), body: BASE64.decode(body.replace('\n', "")).expect("Base64") }
}

fn read_all(kind: &str) -> Vec<(PathBuf, Parsed)> {
    let files = std::fs::read_dir(folder(kind)).expect("the vectors' folder");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), parse(&std::fs::read(path).expect("readable")))).collect()
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors").join(kind)
}

fn writing() -> bool {
    std::env::var_os("CALLVAULT_WRITE_VECTORS").is_some()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}
