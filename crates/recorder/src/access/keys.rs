//! Ed25519 keys and signatures as people pass them on: in base64url.
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Why a text is not a public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 bytes in base64url, or no point of the curve, or one of its weak points.
    #[error("this is no Ed25519 public key; one is 43 characters of base64url")]
    Ed25519,
    /// Not 64 bytes in base64url.
    #[error("this is no Ed25519 signature; one is 86 characters of base64url")]
    Signature,
}

/// An Ed25519 public key (RFC 8032): of a manager, an officer or a node. Written as 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicSigningKey([u8; 32]);

impl PublicSigningKey {
    /// Of this secret key.
    pub fn of(secret: &SigningKey) -> Self {
        Self(secret.verifying_key().to_bytes())
    }

    /// Whether the signature is this key's over `domain` and `message`. Weak keys and malleable signatures never are.
    pub fn verifies(&self, domain: &Domain, message: &[u8], signature: &Signature) -> bool {
        self.verifying_key().verify_strict(&domain.over(message), &signature.0).is_ok()
    }

    /// The key for the cipher library.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(&self.0).expect("checked when it was made")
    }

    /// The 32 bytes of the compressed point.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl TryFrom<&[u8]> for PublicSigningKey {
    type Error = BadKey;

    fn try_from(bytes: &[u8]) -> Result<Self, BadKey> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadKey::Ed25519)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| BadKey::Ed25519)?;
        if key.is_weak() { Err(BadKey::Ed25519) } else { Ok(Self(bytes)) }
    }
}

impl From<VerifyingKey> for PublicSigningKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key.to_bytes())
    }
}

impl fmt::Display for PublicSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for PublicSigningKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey::Ed25519)?;
        Self::try_from(bytes.as_slice())
    }
}

/// An Ed25519 signature. Written as 86 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(ed25519_dalek::Signature);

impl Signature {
    /// Of this key over `domain` and `message`.
    pub(crate) fn new(key: &SigningKey, domain: &Domain, message: &[u8]) -> Self {
        Self(key.sign(&domain.over(message)))
    }

    /// From its 64 bytes.
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        Self(ed25519_dalek::Signature::from_bytes(bytes))
    }

    /// The 64 bytes.
    pub fn bytes(&self) -> [u8; 64] {
        self.0.to_bytes()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_bytes()))
    }
}

impl FromStr for Signature {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadKey::Signature)?;
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| BadKey::Signature)?;
        Ok(Self::from_bytes(&bytes))
    }
}

/// What a signature is for. It is signed before the message, so that a signature over one kind of thing is never
/// one over another.
#[derive(Debug)]
pub struct Domain(&'static str);

impl Domain {
    /// A person's public line.
    pub const LINE: Self = Self("callvault public line v1");
    /// A roster.
    pub const ROSTER: Self = Self("callvault roster v1");
    /// A ticket.
    pub const TICKET: Self = Self("callvault ticket v1");
    /// A released copy's manifest.
    pub const MANIFEST: Self = Self("callvault manifest v1");

    fn over(&self, message: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), b"\0", message].concat()
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(PublicSigningKey, Signature);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "AAAA", &"A".repeat(43), &"_".repeat(43), &"A".repeat(44)] {
            assert_eq!(text.parse::<PublicSigningKey>(), Err(BadKey::Ed25519), "{text}");
        }
    }

    #[test]
    fn a_signature_over_one_kind_of_thing_is_none_over_another() {
        let secret = SigningKey::from_bytes(&[3; 32]);
        let key = PublicSigningKey::of(&secret);
        let signature = Signature::new(&secret, &Domain::TICKET, b"the same bytes");
        assert!(key.verifies(&Domain::TICKET, b"the same bytes", &signature));
        assert!(!key.verifies(&Domain::ROSTER, b"the same bytes", &signature));
    }
}
