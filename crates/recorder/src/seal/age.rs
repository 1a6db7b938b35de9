//! age v1 files with X25519 stanzas (C2SP `age.md`): our own small writer and reader.
//!
//! Why not the `age` crate: it leaves the file's content in freed heap memory, and here that content is a key.
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use callvault_secretmem::{LockedKey, wipe_stack};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::identity::{RecipientKey, X25519Identity};
use super::secret::{KeyFault, TAG, derive, open_in_place, random, seal_in_place};

const VERSION_LINE: &str = "age-encryption.org/v1\n";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
const FILE_KEY: usize = 16;
const NONCE: usize = 16;
const CHUNK: usize = 64 * 1024;
/// Characters of a full line of a stanza's body; a shorter line, be it empty, ends the body.
const BODY_LINE: usize = 64;
/// Characters of 32 bytes in unpadded Base64.
const BASE64_OF_32: usize = 43;

/// Why nothing was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapFault {
    /// The recipient is a point of low order: anybody could open the file.
    #[error("the recipient's key is not a usable X25519 key; have that person enrol again")]
    UnusableRecipient,
    /// No key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// Why an age file does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapFault {
    /// Not an age v1 file, or its header breaks the grammar.
    #[error("this is not an age v1 file; take the file as it was handed out")]
    Form,
    /// Made for others.
    #[error("this age file is for other recipients; use the identity it was made for")]
    NotForThisIdentity,
    /// Header or payload changed or cut.
    #[error("this age file was changed or cut; take the file as it was handed out")]
    NotAuthentic,
    /// No memory for the keys.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl UnwrapFault {
    /// Its word: the `expect:` of the vectors, and what scripts may rely on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::NotForThisIdentity => "not_for_this_identity",
            Self::NotAuthentic => "not_authentic",
            Self::Key(_) => "key",
        }
    }
}

/// Seals `bytes` as a standard age v1 file to one recipient.
pub fn wrap(bytes: &[u8], to: &RecipientKey) -> Result<Vec<u8>, WrapFault> {
    wrap_in_place(bytes.len(), |place| place.copy_from_slice(bytes), to)
}

/// As [`wrap`]: `fill` writes the plaintext where it will be sealed, so that no other copy of it is made.
pub(super) fn wrap_in_place(
    length: usize,
    fill: impl FnOnce(&mut [u8]),
    to: &RecipientKey,
) -> Result<Vec<u8>, WrapFault> {
    let file_key = FileKey::generate()?;
    let header = file_key.header_to(to)?;
    let nonce: [u8; NONCE] = random().map_err(WrapFault::Key)?;
    let payload_key = file_key.payload_key(&nonce)?;

    let chunks = length.div_ceil(CHUNK).max(1);
    let payload_at = header.len() + NONCE;
    let mut file = vec![0; payload_at + length + chunks * TAG];
    file[..header.len()].copy_from_slice(header.as_bytes());
    file[header.len()..payload_at].copy_from_slice(&nonce);

    // The plaintext is laid down once, then moved apart from the back to make room for the tags between chunks.
    fill(&mut file[payload_at..payload_at + length]);
    for index in (1..chunks).rev() {
        let from = payload_at + index * CHUNK;
        let until = payload_at + length.min((index + 1) * CHUNK);
        file.copy_within(from..until, from + index * TAG);
    }
    let mut rest = &mut file[payload_at..];
    for index in 0..chunks {
        let size = CHUNK.min(length - index * CHUNK);
        let (chunk, after) = rest.split_at_mut(size + TAG);
        let (text, tag) = chunk.split_at_mut(size);
        tag.copy_from_slice(&seal_in_place(&payload_key, chunk_nonce(index, index + 1 == chunks), b"", text));
        rest = after;
    }
    Ok(file)
}

/// Opens an age v1 file that has an X25519 stanza for `identity`; other stanzas are passed over. The plaintext is
/// zeroised on drop.
pub fn unwrap_age(file: &[u8], identity: &X25519Identity) -> Result<Zeroizing<Vec<u8>>, UnwrapFault> {
    let header = Header::parse(file).ok_or(UnwrapFault::Form)?;
    let file_key = header.file_key_for(identity)?;
    if !file_key.confirms(header.confirmed, &header.mac)? {
        return Err(UnwrapFault::NotAuthentic);
    }
    let (nonce, payload) = header.payload.split_first_chunk::<NONCE>().ok_or(UnwrapFault::NotAuthentic)?;
    open_payload(&file_key.payload_key(nonce)?, payload)
}

fn open_payload(key: &LockedKey, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapFault> {
    let mut plain = Zeroizing::new(Vec::with_capacity(payload.len()));
    let mut rest = payload;
    for index in 0.. {
        let last = rest.len() <= CHUNK + TAG;
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let (text, tag) = chunk.split_last_chunk::<TAG>().ok_or(UnwrapFault::NotAuthentic)?;
        if text.is_empty() && index > 0 {
            return Err(UnwrapFault::NotAuthentic);
        }
        let at = plain.len();
        plain.extend_from_slice(text);
        open_in_place(key, chunk_nonce(index, last), b"", &mut plain[at..], *tag)
            .map_err(|_| UnwrapFault::NotAuthentic)?;
        if last {
            break;
        }
        rest = after;
    }
    Ok(plain)
}

/// STREAM's nonce in age: 11 bytes of counter, big-endian, then 1 on the last chunk, 0 before.
fn chunk_nonce(index: usize, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(index as u64).to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

/// A file's own key: the first 16 bytes of a locked place.
struct FileKey(LockedKey);

impl FileKey {
    fn generate() -> Result<Self, KeyFault> {
        Ok(Self(super::secret::random_key()?))
    }

    /// The whole header to one recipient: version, one X25519 stanza, the MAC's line.
    fn header_to(&self, to: &RecipientKey) -> Result<String, WrapFault> {
        let ephemeral = X25519Identity::generate()?;
        let share = ephemeral.to_public();
        let shared = ephemeral.shared_with(to)?.ok_or(WrapFault::UnusableRecipient)?;
        let wrapping = stanza_key(&shared, &share, to)?;
        let mut body = [0; FILE_KEY + TAG];
        self.0.expose(|key| body[..FILE_KEY].copy_from_slice(&key[..FILE_KEY]));
        let tag = seal_in_place(&wrapping, [0; 12], b"", &mut body[..FILE_KEY]);
        body[FILE_KEY..].copy_from_slice(&tag);

        let mut header =
            format!("{VERSION_LINE}-> X25519 {}\n{}\n---", BASE64.encode(share.bytes()), BASE64.encode(body));
        let mac = self.mac(header.as_bytes())?.finalize().into_bytes();
        header.push(' ');
        header.push_str(&BASE64.encode(mac));
        header.push('\n');
        Ok(header)
    }

    fn payload_key(&self, nonce: &[u8; NONCE]) -> Result<LockedKey, KeyFault> {
        self.0.expose(|key| derive(&key[..FILE_KEY], nonce, b"payload"))
    }

    fn confirms(&self, header: &[u8], mac: &[u8; 32]) -> Result<bool, KeyFault> {
        Ok(self.mac(header)?.verify_slice(mac).is_ok())
    }

    fn mac(&self, header: &[u8]) -> Result<Hmac<Sha256>, KeyFault> {
        let key = self.0.expose(|key| derive(&key[..FILE_KEY], b"", b"header"))?;
        let mut mac = key.expose(|key| Hmac::<Sha256>::new_from_slice(key)).expect("HMAC takes a key of any length");
        mac.update(header);
        wipe_stack();
        Ok(mac)
    }
}

fn stanza_key(shared: &LockedKey, share: &RecipientKey, recipient: &RecipientKey) -> Result<LockedKey, KeyFault> {
    let mut salt = [0; 64];
    salt[..32].copy_from_slice(&share.bytes());
    salt[32..].copy_from_slice(&recipient.bytes());
    shared.expose(|shared| derive(shared, &salt, X25519_INFO))
}

/// An X25519 stanza: the ephemeral share, and the file key sealed to it.
struct Stanza {
    share: RecipientKey,
    body: [u8; FILE_KEY + TAG],
}

struct Header<'a> {
    stanzas: Vec<Stanza>,
    /// What the MAC covers: from the version line to the three dashes.
    confirmed: &'a [u8],
    mac: [u8; 32],
    payload: &'a [u8],
}

impl<'a> Header<'a> {
    fn parse(file: &'a [u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(VERSION_LINE.as_bytes())?;
        let mut stanzas = Vec::new();
        let mut any = false;
        loop {
            let line = take_line(&mut rest)?;
            if let Some(arguments) = line.strip_prefix("-> ") {
                any = true;
                stanzas.extend(take_stanza(arguments, &mut rest)?);
                continue;
            }
            let mac = base64_of_32(line.strip_prefix("--- ")?)?;
            let covered = file.len() - rest.len() - 1 - BASE64_OF_32 - 1;
            return any.then_some(Self { stanzas, confirmed: &file[..covered], mac, payload: rest });
        }
    }

    fn file_key_for(&self, identity: &X25519Identity) -> Result<FileKey, UnwrapFault> {
        for stanza in &self.stanzas {
            let shared = identity.shared_with(&stanza.share)?.ok_or(UnwrapFault::Form)?;
            let wrapping = stanza_key(&shared, &stanza.share, &identity.to_public())?;
            let (sealed, tag) = stanza.body.split_last_chunk::<TAG>().expect("a body is longer than a tag");
            let mut opened = Ok(());
            let key = LockedKey::fill(|key| {
                key[..FILE_KEY].copy_from_slice(sealed);
                opened = open_in_place(&wrapping, [0; 12], b"", &mut key[..FILE_KEY], *tag);
            });
            let key = key.map_err(KeyFault::from)?;
            if opened.is_ok() {
                return Ok(FileKey(key));
            }
        }
        Err(UnwrapFault::NotForThisIdentity)
    }
}

/// A stanza's arguments and body. The outer `None` breaks the grammar; the inner is a stanza of another kind.
fn take_stanza(arguments: &str, rest: &mut &[u8]) -> Option<Option<Stanza>> {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    if arguments.iter().any(|argument| argument.is_empty()) {
        return None;
    }
    let mut body = String::new();
    loop {
        let line = take_line(rest)?;
        if line.len() > BODY_LINE {
            return None;
        }
        body.push_str(line);
        if line.len() < BODY_LINE {
            break;
        }
    }
    let body = BASE64.decode(body).ok()?;
    if arguments[0] != "X25519" {
        return Some(None);
    }
    let [_, share] = arguments[..] else { return None };
    let share = RecipientKey::from_bytes(base64_of_32(share)?);
    Some(Some(Stanza { share, body: body.try_into().ok()? }))
}

/// The next line without its line feed; printable ASCII and spaces only.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    let printable = line.iter().all(|&byte| byte.is_ascii_graphic() || byte == b' ');
    if printable { std::str::from_utf8(line).ok() } else { None }
}

fn base64_of_32(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
#[path = "age_tests.rs"]
mod tests;
