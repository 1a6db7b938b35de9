//! Replays what the fuzzers found worth keeping, and the vectors, without a fuzzer.
use std::path::Path;

use base64::Engine;

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

#[test]
fn the_segment_readers_corpus_is_read_without_a_fault() {
    replay("segment_reader", "segment", targets::segment_reader);
}

#[test]
fn the_capsule_readers_corpus_is_read_without_a_fault() {
    replay("capsule_reader", "capsule", targets::capsule_reader);
}

fn replay(target: &str, vectors: &str, run: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = files(&root.join("fuzz/corpus").join(target));
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|bytes| run(bytes));
    for file in files(&root.join("docs/vectors").join(vectors)) {
        let text = String::from_utf8(file).expect("a vector is text");
        let (_, body) = text.split_once("\n\n").expect("a head and a body");
        run(&base64::prelude::BASE64_STANDARD.decode(body.replace('\n', "")).expect("Base64"));
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("a folder");
    files.map(|file| std::fs::read(file.expect("readable").path()).expect("readable")).collect()
}
