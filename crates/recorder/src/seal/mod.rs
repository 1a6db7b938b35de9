//! The one place where audio becomes ciphertext: keys, capsules and segments. The bytes are described in
//! `docs/format.md`, with vectors for other implementations in `docs/vectors/`.
//!
//! - [`TrackKey`]: one random key per track, in locked memory.
//! - [`write_capsule`] and [`read_capsule`]: that key as a standard age v1 file to one person; [`wrap`] and
//!   [`unwrap_age`] are the same for any bytes.
//! - [`RecipientKey`] and [`X25519Identity`]: a person's public and secret half, in age's own spelling.

mod age;
mod capsule;
mod identity;
mod key;
mod secret;

pub use age::{UnwrapFault, WrapFault, unwrap_age, wrap};
pub use capsule::{CapsuleFault, read_capsule, write_capsule};
pub use identity::{BadIdentity, BadRecipient, RecipientKey, X25519Identity};
pub use key::{OpenFault, TrackKey};
pub use secret::KeyFault;
