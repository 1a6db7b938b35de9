//! The border to the host: the only `unsafe` of the module. What the SAFETY notes lean on is in SAFETY.md.
//!
//! [`entry`] is the one way in: every callback of the host passes it. [`session`], [`attend`], [`stream`], [`xml`], [`events`]
//! and [`codec`] wrap what the host hands us; [`media`] is what runs on its media threads.
pub mod attend;
mod bindings;
pub mod codec;
pub mod entry;
pub mod events;
pub mod exclusive;
pub mod hooks;
pub mod interfaces;
mod layout;
pub mod limits;
pub mod log;
pub mod media;
pub mod pin;
pub mod session;
pub mod stream;
pub mod table;
mod text;
pub mod xml;

pub use layout::check_host;
