//! Who may open what, and why: the roster, the tickets, the released copy.
//!
//! FreeSWITCH tells an API command nothing of its caller (ACC-01), so authority travels in the request itself: a
//! manager signs a [ticket](sign_ticket), [`verify_ticket`] holds it against the officer's [`Roster`], and the
//! [`Grant`] that comes of it is good for one [released copy](write_copy), once its audit entry is durable.
mod digest;
mod keys;
mod line;
mod manifest;
mod node_key;
mod nonce;
mod person;
mod reference;
mod release;
mod roster;
mod ticket;

pub use digest::{BadDigest, Sha256Digest};
pub use keys::{BadKey, PublicSigningKey, Signature};
pub use line::{LineFault, PublicLine};
pub use manifest::{
    COPY_MAGIC, Holder, MAX_MANIFEST_BYTES, Manifest, ManifestSegment, ManifestTrack, Part, PartyOutcome, PartyState,
    SIGNATURE_BYTES,
};
pub use node_key::{NodeKey, NodeKeyFault};
pub use nonce::Nonce;
pub use person::{BadPersonName, PersonName, Role, UnknownRole};
pub use reference::{BadReference, Reference};
pub use release::{CopyContent, CopySegment, CopyTrack, ReleaseFault, ReleasedCopy, write_copy};
pub use roster::{MAX_ROSTER_BYTES, Roster, RosterFault, RosterPerson};
pub use ticket::{AuditedGrant, CLOCK_TOLERANCE, Grant, TicketFault, TicketRequest, sign_ticket, verify_ticket};
