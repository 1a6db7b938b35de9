//! What the fuzzers run. The recorder's ordinary tests run the same over the corpora (`tests/fuzz_corpora.rs`).
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run segment_reader -- -max_total_time=60`
use callvault_recorder::seal::{Ending, ReadFault, SegmentReader, TrackKey, X25519Identity, inspect, read_capsule};

/// Any bytes as a segment. What is read with a key agrees with what shows without it.
pub fn segment_reader(bytes: &[u8]) {
    let shown = inspect(bytes);
    let Ok(reader) = SegmentReader::new(bytes) else {
        assert!(shown.is_err());
        return;
    };
    // The key that the header names, so that the records are tried; the secret is that of docs/vectors.
    let mut plaintext: [u8; 48] = std::array::from_fn(|at| at as u8);
    plaintext[..16].copy_from_slice(&reader.header().key.0);
    let key = TrackKey::from_capsule_plaintext(&plaintext).expect("memory can be locked");
    match (reader.read_all(&key), shown) {
        (Ok((_, ending)), Ok(shown)) => assert_eq!(ending, shown.ending),
        (Ok((_, Ending::Whole)), Err(_)) => panic!("whole with the key, faulty without"),
        (Err(ReadFault::Tampered { record, .. }), Ok(shown)) => assert!(record < shown.records),
        _ => {}
    }
}

/// Any bytes as a capsule.
pub fn capsule_reader(bytes: &[u8]) {
    let identity = X25519Identity::from_secret_bytes(&[0x42; 32]).expect("memory can be locked");
    if let Ok(key) = read_capsule(bytes, &identity) {
        assert_eq!(key.id().0, std::array::from_fn(|at| at as u8), "only the vectors' capsule opens");
    }
}
