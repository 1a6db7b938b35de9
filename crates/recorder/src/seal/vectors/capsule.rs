//! Capsules, sound and attacked.
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;

use super::super::*;
use super::{KEY, Vector, folder, hex, parse, track_key};

pub(super) fn vectors() -> Vec<Vector> {
    let identity = X25519Identity::from_secret_bytes(&[0x42; 32]).expect("memory can be locked");
    let other = X25519Identity::from_secret_bytes(&[0x43; 32]).expect("memory can be locked");
    let made = |name: &str, make: &dyn Fn() -> Vec<u8>| match std::fs::read(
        folder("capsule").join(format!("{name}.vector")),
    ) {
        Ok(file) => parse(&file).body,
        Err(_) => make(),
    };
    let to = identity.to_public();
    let opens = made("opens", &|| write_capsule(&track_key(&KEY), &to).expect("a capsule"));
    let short =
        made("no_key_inside", &|| wrap(b"forty-seven bytes are one too few for any key..", &to).expect("wrapped"));
    let text = String::from_utf8_lossy(&opens[..200]).into_owned();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let payload = &opens[lines[..4].concat().len()..];
    let edit = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = opens.clone();
        change(&mut bytes);
        bytes
    };
    let relined = |lines: &[&str]| [lines.concat().as_bytes(), payload].concat();
    let vector = |name, comment: &str, expect: &str, identity: &X25519Identity, body: Vec<u8>| Vector {
        name,
        head: vec![
            ("expect", expect.to_owned()),
            ("identity", identity.to_text().to_string()),
            ("key", hex(&KEY)),
            ("comment", comment.to_owned()),
        ],
        body,
    };
    let foreign = "-> callvault-test argument\nAAAA\n";
    vec![
        vector("opens", "a capsule as it is written", "opens", &identity, opens.clone()),
        vector("no_key_inside", "a sound age file that holds 47 bytes", "content", &identity, short),
        vector("wrong_identity", "for somebody else", "not_for_this_identity", &other, opens.clone()),
        vector(
            "flip_in_payload",
            "one bit of the sealed key",
            "not_authentic",
            &identity,
            edit(&|bytes| *bytes.last_mut().expect("not empty") ^= 1),
        ),
        vector(
            "flip_in_nonce",
            "one bit of the payload's nonce",
            "not_authentic",
            &identity,
            edit(&|bytes| {
                let at = bytes.len() - 80;
                bytes[at] ^= 1;
            }),
        ),
        vector(
            "cut_in_payload",
            "one byte short",
            "not_authentic",
            &identity,
            edit(&|bytes| bytes.truncate(bytes.len() - 1)),
        ),
        vector(
            "cut_in_nonce",
            "no payload",
            "not_authentic",
            &identity,
            edit(&|bytes| bytes.truncate(bytes.len() - 70)),
        ),
        vector("byte_after", "one byte more", "not_authentic", &identity, edit(&|bytes| bytes.push(0))),
        vector(
            "stanza_added",
            "a stanza that the MAC does not cover",
            "not_authentic",
            &identity,
            relined(&[lines[0], foreign, lines[1], lines[2], lines[3]]),
        ),
        vector(
            "stanza_twice",
            "the same stanza again",
            "not_authentic",
            &identity,
            relined(&[lines[0], lines[1], lines[2], lines[1], lines[2], lines[3]]),
        ),
        vector("stanza_gone", "no stanza at all", "form", &identity, relined(&[lines[0], lines[3]])),
        vector(
            "mac_of_zeros",
            "a MAC of zeros",
            "not_authentic",
            &identity,
            relined(&[lines[0], lines[1], lines[2], "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"]),
        ),
        vector(
            "mac_with_padding",
            "Base64 of the MAC is padded",
            "form",
            &identity,
            relined(&[lines[0], lines[1], lines[2], &lines[3].replace('\n', "=\n")]),
        ),
        vector("mac_gone", "the dashes alone", "form", &identity, relined(&[lines[0], lines[1], lines[2], "---\n"])),
        vector(
            "other_version",
            "age v2",
            "form",
            &identity,
            relined(&["age-encryption.org/v2\n", lines[1], lines[2], lines[3]]),
        ),
        vector(
            "carriage_returns",
            "lines end as they do on Windows",
            "form",
            &identity,
            relined(&[&lines[..4].concat().replace('\n', "\r\n")]),
        ),
        vector(
            "share_too_short",
            "31 bytes of ephemeral share",
            "form",
            &identity,
            relined(&[
                lines[0],
                &format!("-> X25519 {}\n", BASE64.encode([9; 31]).trim_end_matches('=')),
                lines[2],
                lines[3],
            ]),
        ),
        vector(
            "share_of_low_order",
            "an ephemeral share of zeros",
            "form",
            &identity,
            relined(&[
                lines[0],
                &format!("-> X25519 {}\n", BASE64.encode([0; 32]).trim_end_matches('=')),
                lines[2],
                lines[3],
            ]),
        ),
        vector(
            "argument_added",
            "an X25519 stanza with a second argument",
            "form",
            &identity,
            relined(&[lines[0], &lines[1].replace('\n', " x\n"), lines[2], lines[3]]),
        ),
        vector(
            "body_too_long",
            "33 bytes of sealed file key",
            "form",
            &identity,
            relined(&[lines[0], lines[1], &format!("{}\n", BASE64.encode([1; 33])), lines[3]]),
        ),
    ]
}
