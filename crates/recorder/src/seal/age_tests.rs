use ::age as stock;

use super::*;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Lengths around a chunk's border, where readers and writers go wrong.
const LENGTHS: [usize; 8] = [0, 1, 48, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17];

#[test]
fn what_we_wrap_the_stock_age_opens_and_so_do_we() {
    let theirs = stock::x25519::Identity::generate();
    let to: RecipientKey = theirs.to_public().to_string().parse().expect("a recipient");
    let ours = X25519Identity::generate().expect("an identity");
    for length in LENGTHS {
        let plain = pattern(length);
        assert!(stock::decrypt(&theirs, &wrap(&plain, &to).expect("wrapped")).expect("age opens it") == plain);
        assert!(**unwrap_age(&wrap(&plain, &ours.to_public()).expect("wrapped"), &ours).expect("opens") == plain);
    }
}

#[test]
fn what_the_stock_age_wraps_we_open_among_other_recipients() {
    let ours = X25519Identity::generate().expect("an identity");
    let to: stock::x25519::Recipient = ours.to_public().to_string().parse().expect("a recipient");
    let other = stock::x25519::Identity::generate().to_public();
    for length in LENGTHS {
        let plain = pattern(length);
        let recipients: [&dyn stock::Recipient; 2] = [&other, &to];
        let mut file = Vec::new();
        let encryptor = stock::Encryptor::with_recipients(recipients.into_iter()).expect("two recipients");
        let mut writer = encryptor.wrap_output(&mut file).expect("a header");
        std::io::Write::write_all(&mut writer, &plain).expect("written");
        writer.finish().expect("finished");
        assert!(**unwrap_age(&file, &ours).expect("opens") == plain, "{length} bytes");
    }
}

#[test]
fn another_identity_is_told_so() {
    let ours = X25519Identity::generate().expect("an identity");
    let other = X25519Identity::generate().expect("an identity");
    let file = wrap(b"text", &ours.to_public()).expect("wrapped");
    assert_eq!(unwrap_age(&file, &other).expect_err("refused"), UnwrapFault::NotForThisIdentity);
}

/// SEC-02 for capsules: every byte counts, and every cut is noticed.
#[test]
fn a_changed_or_cut_file_does_not_open() {
    let ours = X25519Identity::generate().expect("an identity");
    let file = wrap(&pattern(48), &ours.to_public()).expect("wrapped");
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(unwrap_age(&changed, &ours).is_err(), "byte {at} changed");
        assert!(unwrap_age(&file[..at], &ours).is_err(), "cut at {at}");
    }
    assert!(unwrap_age(&[file, vec![0]].concat(), &ours).is_err(), "a byte more");
}

#[test]
fn chunks_cut_off_or_in_another_order_do_not_open() {
    let ours = X25519Identity::generate().expect("an identity");
    let file = wrap(&pattern(3 * CHUNK), &ours.to_public()).expect("wrapped");
    let payload = file.len() - 3 * (CHUNK + TAG);
    let cut = &file[..file.len() - CHUNK - TAG];
    assert_eq!(unwrap_age(cut, &ours).expect_err("cut"), UnwrapFault::NotAuthentic);
    let mut swapped = file.clone();
    swapped[payload..payload + 2 * (CHUNK + TAG)].rotate_left(CHUNK + TAG);
    assert_eq!(unwrap_age(&swapped, &ours).expect_err("swapped"), UnwrapFault::NotAuthentic);
}

#[test]
fn what_is_no_age_file_is_told_apart() {
    let ours = X25519Identity::generate().expect("an identity");
    let share = BASE64.encode([9; 32]);
    let mac = BASE64.encode([0; 32]);
    for file in [
        String::new(),
        "age-encryption.org/v2\n".into(),
        VERSION_LINE.into(),
        format!("{VERSION_LINE}--- {mac}\n"),
        format!("{VERSION_LINE}-> X25519 {share}\n"),
        format!("{VERSION_LINE}-> X25519 {share}\nAAAA\n--- {mac}\n"),
        format!("{VERSION_LINE}-> X25519 {share} more\n{share}\n--- {mac}\n"),
        format!("{VERSION_LINE}->  X25519\n\n--- {mac}\n"),
        format!("{VERSION_LINE}-> X25519 {}\n{share}\n--- {mac}\n", BASE64.encode([0; 32])),
    ] {
        assert_eq!(unwrap_age(file.as_bytes(), &ours).expect_err("refused"), UnwrapFault::Form, "{file}");
    }
    let foreign = format!("{VERSION_LINE}-> piv-p256 abc def\n{}\n\n--- {mac}\n", "A".repeat(64));
    assert_eq!(unwrap_age(foreign.as_bytes(), &ours).expect_err("refused"), UnwrapFault::NotForThisIdentity);
}

#[test]
fn a_recipient_of_low_order_is_refused() {
    let nobody = RecipientKey::from_bytes([0; 32]);
    assert_eq!(wrap(b"text", &nobody), Err(WrapFault::UnusableRecipient));
}
