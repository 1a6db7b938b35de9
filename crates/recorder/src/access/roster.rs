//! Who may: the signed roster (decision 6). Whoever edits the host's configuration cannot enrol himself.
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::keys::{Domain, PublicSigningKey, Signature};
use super::line::PublicLine;
use super::person::{PersonName, Role};
use crate::policy::Purpose;
use crate::seal::RecipientKey;
use crate::time::UnixMillis;

/// The largest roster file that is read, in bytes: some two thousand people.
pub const MAX_ROSTER_BYTES: usize = 1 << 20;

/// The people, at one moment, as the privacy officer signed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Rises by one with every change; an older roster than the accepted one is refused.
    pub version: u64,
    /// When the officer signed it, by the officer's clock, UTC.
    pub issued_at: UnixMillis,
    /// Everyone on it, in the order they were added. Names and keys are unique.
    pub people: Vec<RosterPerson>,
}

/// One person on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterPerson {
    /// Who.
    pub name: PersonName,
    /// What the person is.
    pub role: Role,
    /// What capsules for this person are sealed to.
    pub age: RecipientKey,
    /// What this person's tickets are signed with.
    pub ed25519: PublicSigningKey,
    /// What a manager may open recordings for; empty for everyone else.
    pub purposes: BTreeSet<Purpose>,
}

/// Why a roster is not taken, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum RosterFault {
    /// The file cannot be read.
    #[error("the roster {} cannot be read: {source}. Put the roster that the privacy officer signed there.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody signed it.
    #[error("the roster is not signed. Only one that the privacy officer made with `callvault roster` is taken.")]
    Unsigned,
    /// Somebody else signed it.
    #[error(
        "the roster is signed by {found}, not by the privacy officer whose key is {expected}. Ask that officer for the right one."
    )]
    AnotherSigner {
        /// Who signed, by the file's own word.
        found: PublicSigningKey,
        /// Whose signature is needed.
        expected: PublicSigningKey,
    },
    /// The signature is not over this text.
    #[error("the roster was changed after the privacy officer signed it. Ask the officer for it again.")]
    Changed,
    /// A newer one was accepted before.
    #[error(
        "the roster is version {version}, and version {accepted} was accepted before. Ask the officer for the newest one."
    )]
    Older {
        /// This one's version.
        version: u64,
        /// The highest that was accepted.
        accepted: u64,
    },
    /// It is not a roster.
    #[error("the roster is malformed: {0}. Make it with `callvault roster`.")]
    Malformed(String),
    /// No manager is on it, so nothing could ever be opened.
    #[error("no manager is on the roster. Ask the privacy officer to add one with `callvault roster add`.")]
    NobodyOnIt,
    /// That name is taken.
    #[error("{0} is on the roster already. Remove that person first, or enrol under another name.")]
    NameTaken(PersonName),
    /// That key is taken.
    #[error("the key of {0} is on the roster already under another name. Every person needs an identity of their own.")]
    KeyTaken(PersonName),
    /// That name is not there.
    #[error("{0} is not on the roster. `callvault roster list` shows who is.")]
    NotOnIt(PersonName),
    /// A manager without a purpose, or somebody else with one.
    #[error("a manager needs at least one purpose, and nobody else may have any. Give --purposes for managers only.")]
    Purposes,
}

impl RosterFault {
    /// A stable code for `-ERR`, alarms and the audit log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "roster_unreadable",
            Self::Unsigned => "roster_unsigned",
            Self::AnotherSigner { .. } => "roster_another_signer",
            Self::Changed => "roster_changed",
            Self::Older { .. } => "roster_older",
            Self::Malformed(_) => "roster_malformed",
            Self::NobodyOnIt => "roster_nobody",
            Self::NameTaken(_) => "roster_name_taken",
            Self::KeyTaken(_) => "roster_key_taken",
            Self::NotOnIt(_) => "roster_not_on_it",
            Self::Purposes => "roster_purposes",
        }
    }
}

/// The file: the roster, who signed it, and the signature over the roster's canonical form (RFC 8785).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedRoster {
    callvault_roster: u8,
    roster: Roster,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    officer: Option<PublicSigningKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
}

impl Roster {
    /// Nobody yet; version 0 is never signed.
    pub fn empty() -> Self {
        Self { version: 0, issued_at: UnixMillis(0), people: Vec::new() }
    }

    /// The recorder's reading: signed by `officer`, not older than version `accepted`, with a manager on it.
    pub fn verify(text: &str, officer: &PublicSigningKey, accepted: u64) -> Result<Self, RosterFault> {
        let roster = Self::read_signed(text, officer)?;
        if roster.version < accepted {
            return Err(RosterFault::Older { version: roster.version, accepted });
        }
        if !roster.people.iter().any(|person| person.role == Role::Manager) {
            return Err(RosterFault::NobodyOnIt);
        }
        Ok(roster)
    }

    /// The officer's reading, to change it: signed by `officer`, whatever its version.
    pub fn read_signed(text: &str, officer: &PublicSigningKey) -> Result<Self, RosterFault> {
        if text.len() > MAX_ROSTER_BYTES {
            return Err(RosterFault::Malformed(format!("it is larger than {MAX_ROSTER_BYTES} bytes")));
        }
        let file: SignedRoster = match serde_json::from_str(text) {
            Ok(file) => file,
            // The bare list, without what the officer's signature stands in.
            Err(_) if serde_json::from_str::<Self>(text).is_ok() => return Err(RosterFault::Unsigned),
            Err(error) => return Err(RosterFault::Malformed(error.to_string())),
        };
        if file.callvault_roster != 1 {
            return Err(RosterFault::Malformed(format!("its form {} is not known here", file.callvault_roster)));
        }
        let (Some(signer), Some(signature)) = (file.officer, file.signature) else { return Err(RosterFault::Unsigned) };
        if signer != *officer {
            return Err(RosterFault::AnotherSigner { found: signer, expected: *officer });
        }
        if !officer.verifies(&Domain::ROSTER, &canonical(&file.roster)?, &signature) {
            return Err(RosterFault::Changed);
        }
        file.roster.check()?;
        Ok(file.roster)
    }

    /// The file's text, signed: one version on, issued `now`.
    pub fn sign_next(&mut self, officer: &SigningKey, now: UnixMillis) -> Result<String, RosterFault> {
        self.version += 1;
        self.issued_at = now;
        self.check()?;
        let signature = Signature::new(officer, &Domain::ROSTER, &canonical(self)?);
        let file = SignedRoster {
            callvault_roster: 1,
            roster: self.clone(),
            officer: Some(PublicSigningKey::of(officer)),
            signature: Some(signature),
        };
        let mut text =
            serde_json::to_string_pretty(&file).map_err(|error| RosterFault::Malformed(error.to_string()))?;
        text.push('\n');
        Ok(text)
    }

    /// Puts a person on it.
    pub fn add(&mut self, line: &PublicLine, purposes: BTreeSet<Purpose>) -> Result<(), RosterFault> {
        let person =
            RosterPerson { name: line.name.clone(), role: line.role, age: line.age, ed25519: line.ed25519, purposes };
        self.people.push(person);
        self.check().inspect_err(|_| {
            self.people.pop();
        })
    }

    /// Takes a person off it.
    pub fn remove(&mut self, name: &PersonName) -> Result<RosterPerson, RosterFault> {
        let place = self.people.iter().position(|person| person.name == *name);
        place.map(|place| self.people.remove(place)).ok_or_else(|| RosterFault::NotOnIt(name.clone()))
    }

    /// Whose signing key this is.
    pub fn person(&self, key: &PublicSigningKey) -> Option<&RosterPerson> {
        self.people.iter().find(|person| person.ed25519 == *key)
    }

    /// Whose capsules every new track gets: the managers, then recovery.
    pub fn capsule_holders(&self) -> impl Iterator<Item = &RosterPerson> {
        let of = |role| self.people.iter().filter(move |person| person.role == role);
        of(Role::Manager).chain(of(Role::Recovery))
    }

    fn check(&self) -> Result<(), RosterFault> {
        if self.version > 1 << 53 {
            return Err(RosterFault::Malformed("its version is beyond 2^53".to_owned()));
        }
        let (mut names, mut keys) = (HashSet::new(), HashSet::new());
        for person in &self.people {
            if !names.insert(&person.name) {
                return Err(RosterFault::NameTaken(person.name.clone()));
            }
            if !keys.insert(person.ed25519.bytes()) || !keys.insert(person.age.bytes()) {
                return Err(RosterFault::KeyTaken(person.name.clone()));
            }
            if (person.role == Role::Manager) == person.purposes.is_empty() {
                return Err(RosterFault::Purposes);
            }
        }
        Ok(())
    }
}

fn canonical(roster: &Roster) -> Result<Vec<u8>, RosterFault> {
    serde_json_canonicalizer::to_vec(roster).map_err(|error| RosterFault::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn line(role: Role, name: &str, seed: u8) -> PublicLine {
        let key = SigningKey::from_bytes(&[seed; 32]);
        PublicLine::sign(role, name.parse().expect("a name"), RecipientKey::from_bytes([seed; 32]), &key)
    }

    fn officer() -> SigningKey {
        SigningKey::from_bytes(&[200; 32])
    }

    fn signed() -> (Roster, String) {
        let mut roster = Roster::empty();
        roster.add(&line(Role::Manager, "anna", 1), BTreeSet::from([Purpose::Complaint])).expect("added");
        roster.add(&line(Role::Recovery, "vault", 2), BTreeSet::new()).expect("added");
        let text = roster.sign_next(&officer(), NOW).expect("signed");
        (roster, text)
    }

    #[test]
    fn a_roster_is_taken_as_the_officer_signed_it() {
        let (roster, text) = signed();
        assert_eq!(Roster::verify(&text, &PublicSigningKey::of(&officer()), 1).expect("taken"), roster);
        let holders: Vec<_> = roster.capsule_holders().map(|person| person.name.as_str()).collect();
        assert_eq!(holders, ["anna", "vault"]);
    }

    #[test]
    fn each_way_of_not_being_the_officers_roster_has_its_own_error() {
        let (roster, text) = signed();
        let key = PublicSigningKey::of(&officer());
        let verify = |text: &str, accepted| Roster::verify(text, &key, accepted).expect_err("refused").code();

        let mut unsigned: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        unsigned.as_object_mut().expect("an object").remove("signature");
        assert_eq!(verify(&unsigned.to_string(), 0), "roster_unsigned");
        assert_eq!(verify(&serde_json::to_string(&roster).expect("JSON"), 0), "roster_unsigned");

        let stranger = SigningKey::from_bytes(&[9; 32]);
        let theirs = roster.clone().sign_next(&stranger, NOW).expect("signed");
        assert_eq!(verify(&theirs, 0), "roster_another_signer");
        let claimed = theirs.replace(&PublicSigningKey::of(&stranger).to_string(), &key.to_string());
        assert_eq!(verify(&claimed, 0), "roster_changed", "another's signature under the officer's key");

        assert_eq!(verify(&text.replace("complaint", "training"), 0), "roster_changed");
        assert_eq!(verify(&text.replace("\"version\": 1", "\"version\": 2"), 0), "roster_changed");
        assert_eq!(verify(&text, 2), "roster_older");
        assert_eq!(verify("", 0), "roster_malformed");
        assert_eq!(verify(&text.replace("\"callvault_roster\": 1", "\"callvault_roster\": 2"), 0), "roster_malformed");
        assert_eq!(verify(&text.replacen('{', "{\"note\": 1,", 1), 0), "roster_malformed");
        assert_eq!(verify(&text.replace("complaint", "marketing"), 0), "roster_malformed");

        let mut nobody = Roster::empty();
        nobody.add(&line(Role::Recovery, "vault", 2), BTreeSet::new()).expect("added");
        assert_eq!(verify(&nobody.sign_next(&officer(), NOW).expect("signed"), 0), "roster_nobody");
    }

    #[test]
    fn a_change_that_is_refused_changes_nothing() {
        let (mut roster, _) = signed();
        let before = roster.clone();
        let refused = [
            roster.add(&line(Role::Manager, "anna", 3), BTreeSet::from([Purpose::Training])),
            roster.add(&line(Role::Manager, "anne", 1), BTreeSet::from([Purpose::Training])),
            roster.add(&line(Role::Manager, "bert", 3), BTreeSet::new()),
            roster.add(&line(Role::Officer, "carla", 3), BTreeSet::from([Purpose::Training])),
            roster.remove(&"nobody".parse().expect("a name")).map(|_| ()),
        ];
        let codes = refused.map(|result| result.expect_err("refused").code());
        assert_eq!(
            codes,
            ["roster_name_taken", "roster_key_taken", "roster_purposes", "roster_purposes", "roster_not_on_it"]
        );
        assert_eq!(roster, before);
    }
}
