//! What a prompt says of itself (NOT-03): a manifest beside the audio, and whether both may be played to a party.
//!
//! `notice-nl.wav` has `notice-nl.wav.prompt.json`: the words that are spoken, their language, the purposes they name,
//! the audio's hash and length. `callvault prompt add` writes it; the host's side looks at both at load and before each
//! playing.
mod audio;
mod examine;
mod fault;
mod manifest;
mod purposes;

pub use audio::{Audio, QUIETEST_DB, hash_of_file};
pub use examine::{Examined, examine};
pub use fault::PromptFault;
pub use manifest::Manifest;
pub use purposes::{BadPurposes, NamedPurposes, names_a_place};
