//! What the stand-in host and the tracer share: a trace, and the host's types and names.
//!
//! A trace is what a real FreeSWITCH did to the module in one scenario: see README.md for the format.
pub mod bindings;
pub mod names;
pub mod trace;
