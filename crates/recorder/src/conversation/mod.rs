//! Every decision about a call: conversations, parties, gates, outcomes. No clock, no file, no host.
mod input;

pub use input::{Direction, Input, LegFacts, LegInput, Personal, Side};
