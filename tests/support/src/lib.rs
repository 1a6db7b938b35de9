//! What the scenarios stand on: tones and their detection, a SIP user agent with RTP, a FreeSWITCH of a test's
//! own, and the `callvault` program beside it. Plain blocking code; whoever waits, waits for an event with a limit.
#![forbid(unsafe_code)]

pub mod browser;
pub mod callvault;
pub mod clock;
pub mod codec;
pub mod freeswitch;
pub mod intervals;
pub mod rtp;
pub mod sip;
pub mod stand_in;
pub mod suite;
pub mod tones;

pub use libtest_mimic::Failed;

/// What a step of a scenario gives: its value, or why the promise is not kept.
pub type Proof<T = ()> = Result<T, Failed>;

/// Ends the scenario with a sentence, formatted as by `format!`.
#[macro_export]
macro_rules! broken {
    ($($text:tt)*) => { return Err($crate::Failed::from(format!($($text)*))) };
}

/// Ends the scenario with a sentence unless the condition holds.
#[macro_export]
macro_rules! promise {
    ($condition:expr, $($text:tt)*) => { if !($condition) { $crate::broken!($($text)*) } };
}
