//! A person's two halves, spelled as age spells them: `age1…` and `AGE-SECRET-KEY-1…` (Bech32, BIP 173).
use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use callvault_secretmem::{LockedKey, wipe_stack};
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::secret::{KeyFault, random_key};

/// Whom a capsule is for: an age X25519 recipient. Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecipientKey([u8; 32]);

/// Who opens a capsule: an age X25519 identity, its secret in locked memory.
pub struct X25519Identity {
    secret: LockedKey,
    public: RecipientKey,
}

/// Why a text is not a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an age recipient; it is one word that starts with `age1`, as `callvault enrol` prints it")]
pub struct BadRecipient;

/// Why a text is not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// Not the spelling of a secret key.
    #[error("this is not an age identity; it is one word that starts with `AGE-SECRET-KEY-1`")]
    Spelling,
    /// No memory for the key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

const RECIPIENT: Hrp = Hrp::parse_unchecked("age");
const IDENTITY: Hrp = Hrp::parse_unchecked("age-secret-key-");
const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-1";
/// Characters of an identity's text.
const IDENTITY_TEXT: usize = 74;

impl RecipientKey {
    /// From the 32 bytes of an X25519 public key (RFC 7748).
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl X25519Identity {
    /// A new identity from the operating system's generator.
    pub fn generate() -> Result<Self, KeyFault> {
        Ok(Self::of(random_key()?))
    }

    /// From its 32 secret bytes; wiping the original is the caller's.
    pub fn from_secret_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        Ok(Self::of(LockedKey::fill(|secret| secret.copy_from_slice(bytes)).map_err(KeyFault::from)?))
    }

    /// From its text, `AGE-SECRET-KEY-1…`; wiping the text is the caller's.
    pub fn parse(text: &str) -> Result<Self, BadIdentity> {
        if !text.starts_with(IDENTITY_PREFIX) {
            return Err(BadIdentity::Spelling);
        }
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| BadIdentity::Spelling)?;
        if checked.byte_iter().len() != 32 {
            return Err(BadIdentity::Spelling);
        }
        let secret =
            LockedKey::fill(|secret| secret.iter_mut().zip(checked.byte_iter()).for_each(|(to, from)| *to = from));
        wipe_stack();
        Ok(Self::of(secret.map_err(KeyFault::from)?))
    }

    /// The public half.
    pub fn to_public(&self) -> RecipientKey {
        self.public
    }

    /// Lends the 32 secret bytes. What `look` copies out of them is `look`'s to wipe.
    pub fn expose<R>(&self, look: impl FnOnce(&[u8; 32]) -> R) -> R {
        self.secret.expose(look)
    }

    /// Its text, `AGE-SECRET-KEY-1…`, zeroised on drop. For the person's own machine: no identity of a person is
    /// ever on the PBX.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(IDENTITY_TEXT));
        self.secret
            .expose(|secret| bech32::encode_upper_to_fmt::<Bech32, _>(&mut *text, IDENTITY, secret))
            .expect("32 bytes fit in Bech32, and a String takes them");
        wipe_stack();
        text
    }

    /// The secret shared with `public` (RFC 7748, section 6.1), in locked memory; `None` where `public` is a point
    /// of low order, with which every secret would be the same.
    pub(super) fn shared_with(&self, public: &RecipientKey) -> Result<Option<LockedKey>, KeyFault> {
        let mut contributory = false;
        let shared =
            LockedKey::fill(|shared| contributory = self.secret.expose(|secret| agree(secret, public, shared)));
        wipe_stack();
        let shared = shared?;
        Ok(contributory.then_some(shared))
    }

    fn of(secret: LockedKey) -> Self {
        let public = secret.expose(public_half);
        wipe_stack();
        Self { secret, public }
    }
}

#[inline(never)]
fn public_half(secret: &[u8; 32]) -> RecipientKey {
    RecipientKey(PublicKey::from(&StaticSecret::from(*secret)).to_bytes())
}

#[inline(never)]
fn agree(secret: &[u8; 32], public: &RecipientKey, shared: &mut [u8; 32]) -> bool {
    let agreed = StaticSecret::from(*secret).diffie_hellman(&PublicKey::from(public.0));
    shared.copy_from_slice(agreed.as_bytes());
    agreed.was_contributory()
}

impl fmt::Display for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32, _>(f, RECIPIENT, &self.0).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecipientKey {
    type Err = BadRecipient;

    fn from_str(text: &str) -> Result<Self, BadRecipient> {
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| BadRecipient)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let key = Self(bytes.try_into().map_err(|_| BadRecipient)?);
        // One spelling per key: neither upper case nor stray bits in the last character.
        if key.to_string() == text { Ok(key) } else { Err(BadRecipient) }
    }
}

impl Serialize for RecipientKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecipientKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for X25519Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "X25519Identity(of {})", self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_spelled_as_the_stock_age_spells_them() {
        let ours = X25519Identity::generate().expect("an identity");
        let theirs: age::x25519::Identity = ours.to_text().parse().expect("age reads our identity");
        assert_eq!(theirs.to_public().to_string(), ours.to_public().to_string());

        let theirs = age::x25519::Identity::generate();
        let text = age::secrecy::ExposeSecret::expose_secret(&theirs.to_string()).to_owned();
        let ours = X25519Identity::parse(&text).expect("we read age's identity");
        assert_eq!(ours.to_public().to_string(), theirs.to_public().to_string());
        assert_eq!(*ours.to_text(), text);
        assert_eq!(text.len(), IDENTITY_TEXT);
    }

    #[test]
    fn an_identity_is_the_same_from_its_secret_bytes() {
        let identity = X25519Identity::generate().expect("an identity");
        let again = identity.expose(X25519Identity::from_secret_bytes).expect("an identity");
        assert_eq!(again.to_public(), identity.to_public());
    }

    #[test]
    fn other_spellings_are_refused() {
        let identity = X25519Identity::generate().expect("an identity");
        let public = identity.to_public().to_string();
        for text in
            ["", "age1", "age1qqqq", &public.to_uppercase(), &public[..61], &format!("{public} "), &identity.to_text()]
        {
            assert_eq!(text.parse::<RecipientKey>(), Err(BadRecipient), "{text}");
        }
        for text in ["", IDENTITY_PREFIX, &public, &identity.to_text().to_lowercase(), &identity.to_text()[..73]] {
            assert_eq!(X25519Identity::parse(text).expect_err("refused"), BadIdentity::Spelling);
        }
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let identity = X25519Identity::generate().expect("an identity");
        assert!(!format!("{identity:?}").contains("SECRET"));
    }
}
