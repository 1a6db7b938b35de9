//! HKDF and ChaCha20-Poly1305 from and into locked memory. Every function here wipes the stack behind itself,
//! because a cipher's set-up leaves copies of its key there.
use callvault_secretmem::{LockFailed, LockedKey, wipe_stack};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;

/// Length of a Poly1305 tag, in bytes.
pub(super) const TAG: usize = 16;

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a key; see that getrandom(2) is permitted and try again")]
    NoRandomness,
    /// No memory could be locked.
    #[error(transparent)]
    Memory(#[from] LockFailed),
}

/// The ciphertext, its associated data, its nonce or its key is not what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAuthentic;

/// Random bytes of the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyFault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeyFault::NoRandomness)?;
    Ok(bytes)
}

/// A random 32-byte key, made in its locked place.
pub(super) fn random_key() -> Result<LockedKey, KeyFault> {
    let mut made = false;
    let key = LockedKey::fill(|bytes| made = getrandom::fill(bytes).is_ok())?;
    if made { Ok(key) } else { Err(KeyFault::NoRandomness) }
}

/// HKDF-SHA-256 (RFC 5869) to 32 bytes in their locked place.
pub(super) fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<LockedKey, KeyFault> {
    let key = LockedKey::fill(|bytes| expand(secret, salt, info, bytes));
    wipe_stack();
    Ok(key?)
}

#[inline(never)]
fn expand(secret: &[u8], salt: &[u8], info: &[u8], into: &mut [u8; 32]) {
    Hkdf::<Sha256>::new(Some(salt), secret).expand(info, into).expect("32 bytes are one block of HKDF-SHA-256");
}

/// ChaCha20-Poly1305 (RFC 8439): `text` becomes ciphertext, its tag is returned.
pub(super) fn seal_in_place(key: &LockedKey, nonce: [u8; 12], bound: &[u8], text: &mut [u8]) -> [u8; TAG] {
    let tag = key.expose(|key| encrypt(key, nonce, bound, text));
    wipe_stack();
    tag
}

#[inline(never)]
fn encrypt(key: &[u8; 32], nonce: [u8; 12], bound: &[u8], text: &mut [u8]) -> [u8; TAG] {
    ChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&Nonce::from(nonce), bound, InOutBuf::from(text))
        .expect("what is sealed is far shorter than ChaCha20's 256 GiB")
        .into()
}

/// The other way round; `text` is left unspecified where it is not authentic.
pub(super) fn open_in_place(
    key: &LockedKey,
    nonce: [u8; 12],
    bound: &[u8],
    text: &mut [u8],
    tag: [u8; TAG],
) -> Result<(), NotAuthentic> {
    let opened = key.expose(|key| decrypt(key, nonce, bound, text, tag));
    wipe_stack();
    opened
}

#[inline(never)]
fn decrypt(key: &[u8; 32], nonce: [u8; 12], bound: &[u8], text: &mut [u8], tag: [u8; TAG]) -> Result<(), NotAuthentic> {
    ChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(&Nonce::from(nonce), bound, InOutBuf::from(text), &Tag::from(tag))
        .map_err(|_| NotAuthentic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
    }

    /// RFC 5869, appendix A.1, its first 32 bytes.
    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        let key = derive(&[0x0b; 22], &bytes("000102030405060708090a0b0c"), &bytes("f0f1f2f3f4f5f6f7f8f9"))
            .expect("memory can be locked");
        let expected = bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
        key.expose(|key| assert_eq!(key.as_slice(), expected));
    }

    /// RFC 8439, section 2.8.2.
    #[test]
    fn text_is_sealed_as_rfc_8439_says() {
        let key = LockedKey::fill(|key| key.copy_from_slice(&(0x80..=0x9f).collect::<Vec<u8>>()))
            .expect("memory can be locked");
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let bound = bytes("50515253c0c1c2c3c4c5c6c7");
        let clear = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let mut text = clear.to_vec();
        let tag = seal_in_place(&key, nonce, &bound, &mut text);
        assert_eq!(tag.as_slice(), bytes("1ae10b594f09e26a7e902ecbd0600691"));
        assert_eq!(text[..8], bytes("d31a8d34648e60db"));
        assert_eq!(open_in_place(&key, nonce, b"", &mut text.clone(), tag), Err(NotAuthentic));
        assert_eq!(open_in_place(&key, nonce, &bound, &mut text, tag), Ok(()));
        assert_eq!(text, clear);
    }
}
