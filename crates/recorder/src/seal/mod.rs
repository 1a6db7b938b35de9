//! The one place where audio becomes ciphertext: keys, capsules and segments. The bytes are described in
//! `docs/format.md`, with vectors for other implementations in `docs/vectors/`.
//!
//! - [`TrackKey`]: one random key per track, in locked memory.
//! - [`write_capsule`] and [`read_capsule`]: that key as a standard age v1 file to one person; [`wrap`] and
//!   [`unwrap_age`] are the same for any bytes.
//! - [`RecipientKey`] and [`X25519Identity`]: a person's public and secret half, in age's own spelling.
//! - [`SegmentWriter`] and [`SegmentReader`]: a stretch of a track as a file of sealed records, readable up to its
//!   last whole record however the process ended; [`inspect`]: what it shows without a key.

mod age;
mod capsule;
mod entry;
mod frames;
mod header;
mod identity;
mod inspect;
mod key;
mod nonce;
mod reader;
mod record;
mod secret;
mod writer;

pub use age::{UnwrapFault, WrapFault, unwrap_age, wrap};
pub use capsule::{CapsuleFault, read_capsule, write_capsule};
pub use entry::Entry;
pub use frames::{Ending, ReadFault, Tampering};
pub use header::{SegmentHeader, StoredCodec};
pub use identity::{BadIdentity, BadRecipient, RecipientKey, X25519Identity};
pub use inspect::{Inspection, inspect};
pub use key::{OpenFault, TrackKey};
pub use reader::{Records, SegmentReader};
pub use secret::KeyFault;
pub(crate) use writer::record_size;
pub use writer::{SealFault, SegmentSummary, SegmentWriter};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
