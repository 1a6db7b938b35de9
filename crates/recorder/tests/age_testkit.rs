//! Our reader of age files against age's own vectors (C2SP CCTV, folder `age/testdata`), where `AGE_TESTKIT` names a
//! copy of that folder. Armoured, passphrase and compressed vectors are not for this reader.
use std::io::Write;

use callvault_recorder::seal::{UnwrapFault, X25519Identity, unwrap_age};
use sha2::{Digest, Sha256};

#[test]
fn our_reader_agrees_with_ages_own_vectors() {
    let Some(folder) = std::env::var_os("AGE_TESTKIT") else {
        let _ = writeln!(std::io::stderr(), "skipped: AGE_TESTKIT names no copy of CCTV's age/testdata");
        return;
    };
    let mut run = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("readable").path();
        let bytes = std::fs::read(&path).expect("readable");
        let at = bytes.windows(2).position(|pair| pair == b"\n\n").expect("a head");
        let head = String::from_utf8(bytes[..at].to_vec()).expect("text");
        let field = |name| head.lines().filter_map(|line| line.split_once(": ")).find(|&(field, _)| field == name);
        let value = |name| field(name).map(|(_, value)| value).unwrap_or_default();
        let for_others = ["armored", "compressed", "passphrase"].into_iter().any(|name| field(name).is_some());
        if for_others || !value("identity").starts_with("AGE-SECRET-KEY-1") {
            continue;
        }
        run += 1;
        let identity = X25519Identity::parse(value("identity")).expect("an identity");
        let name = path.display();
        match unwrap_age(&bytes[at + 2..], &identity) {
            Ok(plain) => {
                let hash: String = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!((value("expect"), value("payload")), ("success", hash.as_str()), "{name}");
            }
            Err(UnwrapFault::NotForThisIdentity) => assert_eq!(value("expect"), "no match", "{name}"),
            Err(fault) => assert!(value("expect").ends_with(" failure"), "{name}: {fault}"),
        }
    }
    assert!(run > 40, "{run} vectors in the folder are for this reader");
}
