//! A track's key, and the personal fields that are sealed under it.
use std::fmt;
use std::sync::Arc;

use callvault_secretmem::LockedKey;
use zeroize::Zeroizing;

use super::secret::{KeyFault, TAG, derive, open_in_place, random, random_key, seal_in_place};
use crate::ids::{KeyId, RecordingId};

/// The key of one track: 32 random bytes in locked memory, and the id that names them. Clones share the same bytes,
/// which are zeroised when the last clone is dropped.
#[derive(Clone)]
pub struct TrackKey {
    id: KeyId,
    secret: Arc<LockedKey>,
}

/// Why sealed personal fields do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// Too short, or a version that this release does not know.
    #[error("the sealed fields are not in a form this release knows; open them with the release that wrote them")]
    Form,
    /// Changed, of another recording, or sealed under another key.
    #[error("the sealed fields were changed, or belong to another recording or key; compare the row with a backup")]
    NotAuthentic,
    /// No memory for the key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// Length of the salt from which each segment and each sealed field gets a key of its own, in bytes.
pub(super) const SALT: usize = 16;

const PERSONAL_VERSION: u8 = 1;
const PERSONAL_INFO: &[u8] = b"callvault/1 personal";
const SEGMENT_INFO: &[u8] = b"callvault/1 segment";

impl TrackKey {
    /// Length of what a capsule carries: key id, then key.
    pub const CAPSULE_PLAINTEXT: usize = 48;

    /// A new key and id from the operating system's generator.
    pub fn generate() -> Result<Self, KeyFault> {
        Ok(Self { id: KeyId(random()?), secret: Arc::new(random_key()?) })
    }

    /// From what a capsule carries: key id (16 bytes), then key (32). Wiping `plaintext` is the caller's.
    pub fn from_capsule_plaintext(plaintext: &[u8; Self::CAPSULE_PLAINTEXT]) -> Result<Self, KeyFault> {
        let (id, secret) = plaintext.split_at(16);
        let id = KeyId(id.try_into().expect("the first 16 of 48 bytes"));
        let secret = LockedKey::fill(|bytes| bytes.copy_from_slice(secret))?;
        Ok(Self { id, secret: Arc::new(secret) })
    }

    /// The key's name; says nothing of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a party's personal fields (numbers, names) for the catalogue: they die with the key. Bound to the
    /// recording and the key. The result is 33 bytes longer than `plain`.
    pub fn seal_personal(&self, recording: RecordingId, plain: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let salt: [u8; SALT] = random()?;
        let key = self.derive(&salt, PERSONAL_INFO)?;
        let mut sealed = Vec::with_capacity(1 + SALT + plain.len() + TAG);
        sealed.push(PERSONAL_VERSION);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(plain);
        let tag = seal_in_place(&key, [0; 12], &self.bound(recording), &mut sealed[1 + SALT..]);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`seal_personal`](Self::seal_personal) made for the same recording.
    pub fn open_personal(&self, recording: RecordingId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
        let (version, rest) = sealed.split_first().ok_or(OpenFault::Form)?;
        let (salt, rest) = rest.split_at_checked(SALT).ok_or(OpenFault::Form)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenFault::Form)?;
        if *version != PERSONAL_VERSION {
            return Err(OpenFault::Form);
        }
        let key = self.derive(salt, PERSONAL_INFO)?;
        let mut plain = Zeroizing::new(text.to_vec());
        open_in_place(&key, [0; 12], &self.bound(recording), &mut plain, *tag).map_err(|_| OpenFault::NotAuthentic)?;
        Ok(plain)
    }

    /// The key of one segment, from the salt in its file.
    pub(super) fn segment_key(&self, salt: &[u8; SALT]) -> Result<LockedKey, KeyFault> {
        self.derive(salt, SEGMENT_INFO)
    }

    /// Writes id and key where a capsule is about to be sealed.
    pub(super) fn write_capsule_plaintext(&self, into: &mut [u8]) {
        into[..16].copy_from_slice(&self.id.0);
        self.secret.expose(|key| into[16..].copy_from_slice(key));
    }

    fn derive(&self, salt: &[u8], info: &[u8]) -> Result<LockedKey, KeyFault> {
        self.secret.expose(|secret| derive(secret, salt, info))
    }

    fn bound(&self, recording: RecordingId) -> [u8; 33] {
        let mut bound = [PERSONAL_VERSION; 33];
        bound[1..17].copy_from_slice(&recording.bytes());
        bound[17..].copy_from_slice(&self.id.0);
        bound
    }
}

impl fmt::Debug for TrackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrackKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> RecordingId {
        RecordingId::from_bytes([1; 16])
    }

    #[test]
    fn personal_fields_open_under_their_key_and_recording_only() {
        let key = TrackKey::generate().expect("a key");
        let sealed = key.seal_personal(recording(), b"+31 20 123 4567").expect("sealed");
        assert_eq!(sealed.len(), 15 + 33);
        assert_eq!(**key.open_personal(recording(), &sealed).expect("opens"), *b"+31 20 123 4567");
        let other = RecordingId::from_bytes([2; 16]);
        assert_eq!(key.open_personal(other, &sealed).expect_err("another recording"), OpenFault::NotAuthentic);
        let stranger = TrackKey::generate().expect("a key");
        assert_eq!(stranger.open_personal(recording(), &sealed).expect_err("another key"), OpenFault::NotAuthentic);
    }

    /// SEC-02, for the catalogue's fields: every byte counts, no length is taken for another.
    #[test]
    fn changed_or_cut_personal_fields_do_not_open() {
        let key = TrackKey::generate().expect("a key");
        let sealed = key.seal_personal(recording(), b"alice").expect("sealed");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x40;
            assert!(key.open_personal(recording(), &changed).is_err(), "byte {at} changed");
            assert!(key.open_personal(recording(), &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_fields_never_look_the_same_sealed() {
        let key = TrackKey::generate().expect("a key");
        let once = key.seal_personal(recording(), b"alice").expect("sealed");
        assert_ne!(once, key.seal_personal(recording(), b"alice").expect("sealed"));
    }
}
