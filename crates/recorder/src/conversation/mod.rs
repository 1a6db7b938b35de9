//! Every decision about a call: conversations, parties, gates, outcomes. No clock, no file, no host.
mod effect;
mod input;

pub use effect::{Alarm, Effect, NewTrack, OpenGate, Opening, ShutReason, Started};
pub use input::{Direction, Input, Kept, LegFacts, LegInput, Personal, Side};
