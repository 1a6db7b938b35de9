//! A manager's signed, single-use request to open one recording (decision 7, ACC-01).
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::keys::{Domain, PublicSigningKey, Signature};
use super::nonce::Nonce;
use super::person::{PersonName, Role};
use super::reference::Reference;
use super::roster::{Roster, RosterPerson};
use crate::ids::{InstanceTag, RecordingId};
use crate::policy::Purpose;
use crate::time::UnixMillis;

/// By how much a manager's clock may be ahead of the PBX's before a ticket counts as from the future.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

const PREFIX: &str = "cvt1";
const MAX_TICKET_BYTES: usize = 4096;

/// What a manager asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRequest {
    /// Which recording. Its id names the instance that the ticket is good for.
    pub recording: RecordingId,
    /// Why.
    pub purpose: Purpose,
    /// The case, complaint or draw it belongs to.
    pub reference: Reference,
}

/// Signs a request: one word, `cvt1.PAYLOAD.SIGNATURE`, both in base64url; the payload is canonical JSON (RFC 8785)
/// of `v, person, recording, purpose, reference, instance, issued_at, nonce`.
pub fn sign_ticket(request: &TicketRequest, key: &SigningKey, now: UnixMillis, nonce: Nonce) -> String {
    let payload = Payload {
        v: 1,
        person: PublicSigningKey::of(key),
        recording: request.recording,
        purpose: request.purpose.as_str().to_owned(),
        reference: request.reference.as_str().to_owned(),
        instance: request.recording.instance().to_string(),
        issued_at: now,
        nonce,
    };
    payload.sign(key)
}

/// Holds a ticket against the roster. Pure: `now` is the PBX's clock, `validity` the policy's `ticket-minutes`,
/// `nonce_used` whether a ticket with that nonce was honoured before.
pub fn verify_ticket(
    text: &str,
    roster: &Roster,
    instance: InstanceTag,
    now: UnixMillis,
    validity: Duration,
    nonce_used: impl FnOnce(&Nonce) -> bool,
) -> Result<Grant, TicketFault> {
    let text = text.trim();
    let (payload, bytes, signature) = parse(text).ok_or(TicketFault::Garbled)?;
    let person = roster.person(&payload.person).ok_or(TicketFault::Stranger)?;
    if !person.ed25519.verifies(&Domain::TICKET, &bytes, &signature) {
        return Err(TicketFault::BadSignature);
    }
    let purpose: Purpose = payload.purpose.parse().map_err(|_| TicketFault::UnknownPurpose)?;
    let reference: Reference = payload.reference.parse().map_err(|_| TicketFault::BadReference)?;
    if person.role != Role::Manager {
        return Err(TicketFault::NotAManager { name: person.name.clone(), role: person.role });
    }
    if !person.purposes.contains(&purpose) {
        return Err(TicketFault::WithoutPurpose { name: person.name.clone(), purpose });
    }
    if payload.instance != instance.to_string() || payload.recording.instance() != instance {
        return Err(TicketFault::AnotherInstance { instance, ticket: payload.recording.instance() });
    }
    let age = now.since(payload.issued_at);
    if age > validity {
        return Err(TicketFault::Late { issued_at: payload.issued_at, now, age, validity });
    }
    let ahead = payload.issued_at.since(now);
    if ahead > CLOCK_TOLERANCE {
        return Err(TicketFault::FromTheFuture { issued_at: payload.issued_at, now, ahead });
    }
    if nonce_used(&payload.nonce) {
        return Err(TicketFault::Replayed);
    }
    Ok(Grant {
        person: person.clone(),
        recording: payload.recording,
        purpose,
        reference,
        issued_at: payload.issued_at,
        nonce: payload.nonce,
        ticket_sha256: Sha256::digest(text.as_bytes()).into(),
    })
}

/// What a verified ticket allows: this person, this recording, this purpose, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    person: RosterPerson,
    recording: RecordingId,
    purpose: Purpose,
    reference: Reference,
    issued_at: UnixMillis,
    nonce: Nonce,
    ticket_sha256: [u8; 32],
}

impl Grant {
    /// Who asked.
    pub fn person(&self) -> &RosterPerson {
        &self.person
    }

    /// For which recording.
    pub fn recording(&self) -> RecordingId {
        self.recording
    }

    /// Why.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The case it belongs to.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// When the ticket was signed, by the person's clock.
    pub fn issued_at(&self) -> UnixMillis {
        self.issued_at
    }

    /// What must never be honoured again.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// SHA-256 of the ticket's text, as the audit log and the manifest name it.
    pub fn ticket_sha256(&self) -> [u8; 32] {
        self.ticket_sha256
    }

    /// Refuses where the ticket is for another recording than the one at hand.
    pub fn check_recording(&self, recording: RecordingId) -> Result<(), TicketFault> {
        if self.recording == recording {
            Ok(())
        } else {
            Err(TicketFault::AnotherRecording { ticket: self.recording, asked: recording })
        }
    }

    /// Audit before act (decision 8): `append` writes the entry and returns once it is durable; only then is there
    /// something that a copy can be released for.
    pub fn audited<E>(self, append: impl FnOnce(&Self) -> Result<(), E>) -> Result<AuditedGrant, E> {
        append(&self)?;
        Ok(AuditedGrant(self))
    }
}

/// A grant whose audit entry is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedGrant(Grant);

impl AuditedGrant {
    /// What was granted.
    pub fn grant(&self) -> &Grant {
        &self.0
    }
}

/// Why a ticket opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketFault {
    /// Not a ticket.
    #[error("this is not a whole ticket. Paste the one word that `callvault ticket` printed.")]
    Garbled,
    /// The signature does not fit.
    #[error(
        "the ticket's signature is wrong: it was changed after it was signed. Make a new one with `callvault ticket`."
    )]
    BadSignature,
    /// Signed by nobody on the roster.
    #[error(
        "the ticket is signed by nobody on the roster. The privacy officer adds people with `callvault roster add`."
    )]
    Stranger,
    /// Signed by somebody who opens nothing.
    #[error("{name} is {role} on the roster, and only a manager's ticket opens a recording. Ask a manager.")]
    NotAManager {
        /// Who signed.
        name: PersonName,
        /// What that person is.
        role: Role,
    },
    /// The manager may not open recordings for this.
    #[error(
        "{name} may not open recordings for the purpose {purpose}. The privacy officer grants purposes on the roster."
    )]
    WithoutPurpose {
        /// Who signed.
        name: PersonName,
        /// For what.
        purpose: Purpose,
    },
    /// None of the five.
    #[error(
        "the ticket's purpose does not exist. Take complaint, spotcheck, safety_crime, legal_compliance or training."
    )]
    UnknownPurpose,
    /// Empty, too long, or with characters that have no place in a log.
    #[error("the ticket's reference is not usable. Take 1 to 128 letters, digits, spaces and punctuation.")]
    BadReference,
    /// Too old.
    #[error(
        "the ticket was signed at {issued_at} by the manager's clock and it is {now} here, {} later; it was good for {}. Make a new one, and compare the clocks if this one is fresh.",
        Span(*age), Span(*validity)
    )]
    Late {
        /// When it was signed, by the manager's clock.
        issued_at: UnixMillis,
        /// The PBX's clock.
        now: UnixMillis,
        /// The clocks' difference.
        age: Duration,
        /// How long a ticket is good for.
        validity: Duration,
    },
    /// The manager's clock is ahead.
    #[error(
        "the ticket was signed at {issued_at} by the manager's clock and it is {now} here, {} earlier. Set the clocks right and make a new one.",
        Span(*ahead)
    )]
    FromTheFuture {
        /// When it was signed, by the manager's clock.
        issued_at: UnixMillis,
        /// The PBX's clock.
        now: UnixMillis,
        /// The clocks' difference.
        ahead: Duration,
    },
    /// Of another PBX.
    #[error(
        "the ticket is for a recording of instance {ticket}, and this is instance {instance}. Use it on the PBX that made the recording."
    )]
    AnotherInstance {
        /// Where it was used.
        instance: InstanceTag,
        /// Where it belongs.
        ticket: InstanceTag,
    },
    /// Of another recording.
    #[error("the ticket is for recording {ticket}, not for {asked}. Make one for the recording that is wanted.")]
    AnotherRecording {
        /// What it is for.
        ticket: RecordingId,
        /// What was asked.
        asked: RecordingId,
    },
    /// Used before.
    #[error(
        "the ticket was used before, and a ticket is good for one release. Make a new one with `callvault ticket`."
    )]
    Replayed,
}

impl TicketFault {
    /// A stable code for `-ERR` and the audit log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Garbled => "ticket_garbled",
            Self::BadSignature => "ticket_bad_signature",
            Self::Stranger => "ticket_stranger",
            Self::NotAManager { .. } => "ticket_not_a_manager",
            Self::WithoutPurpose { .. } => "ticket_without_purpose",
            Self::UnknownPurpose => "ticket_unknown_purpose",
            Self::BadReference => "ticket_bad_reference",
            Self::Late { .. } => "ticket_late",
            Self::FromTheFuture { .. } => "ticket_from_the_future",
            Self::AnotherInstance { .. } => "ticket_another_instance",
            Self::AnotherRecording { .. } => "ticket_another_recording",
            Self::Replayed => "ticket_replayed",
        }
    }
}

/// What is signed. Purpose and reference are texts here, so that a wrong one is told from a garbled ticket.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    v: u8,
    person: PublicSigningKey,
    recording: RecordingId,
    purpose: String,
    reference: String,
    instance: String,
    issued_at: UnixMillis,
    nonce: Nonce,
}

impl Payload {
    fn sign(&self, key: &SigningKey) -> String {
        let bytes =
            serde_json_canonicalizer::to_vec(self).expect("a payload of texts and small numbers has a JSON form");
        let signature = Signature::new(key, &Domain::TICKET, &bytes);
        format!("{PREFIX}.{}.{signature}", URL_SAFE_NO_PAD.encode(&bytes))
    }
}

fn parse(text: &str) -> Option<(Payload, Vec<u8>, Signature)> {
    if text.len() > MAX_TICKET_BYTES {
        return None;
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [PREFIX, payload, signature] = parts[..] else { return None };
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Payload = serde_json::from_slice(&bytes).ok()?;
    (payload.v == 1).then_some(())?;
    Some((payload, bytes, signature.parse().ok()?))
}

/// A length of time in words: `1 h 03 min 20 s`.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0, seconds) => write!(f, "{seconds} s"),
            (0, 0, minutes, 0) => write!(f, "{minutes} min"),
            (0, 0, minutes, seconds) => write!(f, "{minutes} min {seconds} s"),
            (0, hours, minutes, _) => write!(f, "{hours} h {minutes} min"),
            (days, hours, _, _) => write!(f, "{days} d {hours} h"),
        }
    }
}

#[cfg(test)]
#[path = "ticket_tests.rs"]
mod tests;
