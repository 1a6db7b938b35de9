//! The audit log: what was done, by whom, and what was refused; written before it is done (decision 8).
//!
//! One line per entry, each in canonical JSON (RFC 8785), each with the SHA-256 of the line before it, so that nothing
//! is changed, left out or put in without breaking the chain. Every so many entries, and at close, a checkpoint line is
//! signed with the node's Ed25519 key (RFC 8032): what stands before it is then beyond whoever lacks that key.
//!
//! ```text
//! {"action":"release","actor":"person:…","at_ms":…,"boot":"…","details":{…},"object":"recording:…","outcome":"allowed",
//!  "prev":"<sha-256 of the line before>","reason":null,"seq":41}
//! {"at_ms":…,"boot":"…","prev":"<sha-256 of the line before>","seq":42,"signature":"<ed25519>","signer":"<public key>"}
//! ```
//!
//! No number and no name stands in it: people by the hash of their key, calls by their recording's id. What came from
//! outside is escaped and capped.
//!
//! Not found by [`verify`]: that whole entries at the end are missing after a checkpoint. That takes a copy of a
//! checkpoint on another machine.
mod entry;
mod fault;
mod line;
mod log;
mod verify;

pub use entry::{Action, Actor, Entry, Object, Verdict, escaped};
pub use fault::AuditFault;
pub use log::{Appended, AuditLog, BootId, CHECKPOINT_EVERY};
pub use verify::{BadLine, Verified, VerifyFault, verify};
