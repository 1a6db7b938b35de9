//! The public line that `enrol` prints and that people send each other.
use std::fmt;
use std::str::FromStr;

use ed25519_dalek::SigningKey;

use super::keys::{Domain, PublicSigningKey, Signature};
use super::person::{PersonName, Role};
use crate::seal::RecipientKey;

/// A person's public halves in one shell word: `callvault:ROLE:NAME:AGE:ED25519:SIGNATURE`. The signature is the
/// person's own over what stands before it: it proves that both keys and the name belong together, and shows a
/// line that was mistyped or cut on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicLine {
    /// What the person enrolled as.
    pub role: Role,
    /// Who it is.
    pub name: PersonName,
    /// What capsules are sealed to.
    pub age: RecipientKey,
    /// What the person signs with.
    pub ed25519: PublicSigningKey,
    signature: Signature,
}

/// Why a text is not a public line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It is not made of the six parts, or one of them is not what it should be.
    #[error(
        "this is not a public line of callvault. Paste the whole line that `callvault enrol` printed, as one word."
    )]
    Garbled,
    /// The signature is not that person's over these parts.
    #[error("this public line was changed on its way. Ask the person for it again, as `callvault enrol` printed it.")]
    Changed,
}

impl PublicLine {
    /// The line of who holds these keys.
    pub fn sign(role: Role, name: PersonName, age: RecipientKey, key: &SigningKey) -> Self {
        let ed25519 = PublicSigningKey::of(key);
        let signature = Signature::new(key, &Domain::LINE, signed_part(role, &name, &age, &ed25519).as_bytes());
        Self { role, name, age, ed25519, signature }
    }
}

impl fmt::Display for PublicLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", signed_part(self.role, &self.name, &self.age, &self.ed25519), self.signature)
    }
}

impl FromStr for PublicLine {
    type Err = LineFault;

    fn from_str(text: &str) -> Result<Self, LineFault> {
        let parts: Vec<&str> = text.trim().split(':').collect();
        let ["callvault", role, name, age, ed25519, signature] = parts[..] else { return Err(LineFault::Garbled) };
        let line = Self {
            role: role.parse().map_err(|_| LineFault::Garbled)?,
            name: name.parse().map_err(|_| LineFault::Garbled)?,
            age: age.parse().map_err(|_| LineFault::Garbled)?,
            ed25519: ed25519.parse().map_err(|_| LineFault::Garbled)?,
            signature: signature.parse().map_err(|_| LineFault::Garbled)?,
        };
        let signed = signed_part(line.role, &line.name, &line.age, &line.ed25519);
        if line.ed25519.verifies(&Domain::LINE, signed.as_bytes(), &line.signature) {
            Ok(line)
        } else {
            Err(LineFault::Changed)
        }
    }
}

fn signed_part(role: Role, name: &PersonName, age: &RecipientKey, ed25519: &PublicSigningKey) -> String {
    format!("callvault:{role}:{name}:{age}:{ed25519}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_shows_every_change() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let name: PersonName = "anna".parse().expect("a name");
        let line = PublicLine::sign(Role::Manager, name, RecipientKey::from_bytes([1; 32]), &key);
        let text = line.to_string();
        assert_eq!(text.parse::<PublicLine>().as_ref(), Ok(&line));
        assert_eq!(format!("  {text}\n").parse::<PublicLine>().as_ref(), Ok(&line));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":._-@+".contains(&byte)), "one shell word");

        assert_eq!(text.replace("manager", "officer").parse::<PublicLine>(), Err(LineFault::Changed));
        assert_eq!(text.replace("anna", "anne").parse::<PublicLine>(), Err(LineFault::Changed));
        assert_eq!(text[..text.len() - 1].parse::<PublicLine>(), Err(LineFault::Garbled));
        assert_eq!(text.replace("manager", "admin").parse::<PublicLine>(), Err(LineFault::Garbled));
        assert_eq!("".parse::<PublicLine>(), Err(LineFault::Garbled));
    }
}
