//! What a slot's body is before the epoch's layer: for each person the public key and the age file to it.
//!
//! `count (2) ‖ count × (public key (32) ‖ length (2) ‖ age file)`. A public key stands for the person: the keystore
//! holds no names.
use crate::seal::{RecipientKey, TrackKey, WrapFault, wrap, write_capsule};

/// An age file to one X25519 recipient is 168 bytes of header, 16 of nonce, the content and 16 of tag.
const AGE_OVERHEAD: usize = 200;
const PERSON: usize = 32 + 2 + AGE_OVERHEAD + TrackKey::CAPSULE_PLAINTEXT;

/// How many people's capsules fit in a body of this many bytes.
pub(super) fn people_that_fit(body_bytes: usize) -> usize {
    body_bytes.saturating_sub(AGE_OVERHEAD + 2) / PERSON
}

/// A slot's body: the key's capsule for each person, all wrapped again to the epoch.
pub(super) fn write_body(key: &TrackKey, people: &[RecipientKey], epoch: &RecipientKey) -> Result<Vec<u8>, WrapFault> {
    let mut set = Vec::with_capacity(2 + people.len() * PERSON);
    set.extend_from_slice(&short(people.len()));
    for person in people {
        let capsule = write_capsule(key, person)?;
        set.extend_from_slice(&person.bytes());
        set.extend_from_slice(&short(capsule.len()));
        set.extend_from_slice(&capsule);
    }
    wrap(&set, epoch)
}

/// This person's age file in an unwrapped body; `Err` where the set is not whole.
pub(super) fn find(set: &[u8], person: &RecipientKey) -> Result<Option<Vec<u8>>, NotASet> {
    let (count, mut rest) = set.split_first_chunk::<2>().ok_or(NotASet)?;
    let mut found = None;
    for _ in 0..u16::from_be_bytes(*count) {
        let (public, after) = rest.split_first_chunk::<32>().ok_or(NotASet)?;
        let (len, after) = after.split_first_chunk::<2>().ok_or(NotASet)?;
        let (capsule, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len))).ok_or(NotASet)?;
        if *public == person.bytes() {
            found = Some(capsule.to_vec());
        }
        rest = after;
    }
    if rest.is_empty() { Ok(found) } else { Err(NotASet) }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotASet;

/// Lengths here are bounded by a slot, far below 2^16.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{X25519Identity, read_capsule, unwrap_age};

    #[test]
    fn as_many_people_fit_as_the_sum_says_and_each_opens_only_their_own() {
        let epoch = X25519Identity::generate().expect("a key");
        let people: Vec<_> = (0..people_that_fit(7168)).map(|_| X25519Identity::generate().expect("a key")).collect();
        let keys: Vec<_> = people.iter().map(X25519Identity::to_public).collect();
        let key = TrackKey::generate().expect("a key");
        let body = write_body(&key, &keys, &epoch.to_public()).expect("wrapped");
        assert!(body.len() <= 7168 && body.len() + PERSON > 7168, "{} bytes for {}", body.len(), people.len());
        let set = unwrap_age(&body, &epoch).expect("the epoch's own");
        for (person, other) in people.iter().zip(people.iter().rev()) {
            let capsule = find(&set, &person.to_public()).expect("a set").expect("on it");
            assert_eq!(read_capsule(&capsule, person).expect("theirs").id(), key.id());
            assert_eq!(read_capsule(&capsule, other).is_ok(), person.to_public() == other.to_public());
        }
        assert_eq!(find(&set, &epoch.to_public()), Ok(None));
        for cut in [0, 1, 2, 33, set.len() - 1] {
            assert_eq!(find(&set[..cut], &keys[0]), Err(NotASet), "cut at {cut}");
        }
    }
}
