//! The recorder behind mod_callvault. It knows nothing of FreeSWITCH.
//!
//! The folders follow the way of the audio, then the life of a recording:
//! [`policy`] what the admin wrote, typed · [`prompt`] what a prompt says of itself · [`conversation`] every decision about a call, without I/O ·
//! [`controller`] the thread that carries those decisions out · [`capture`] the media thread's ring and the
//! timeline · [`codec`] payloads to samples · [`encoding`] the pool · [`seal`] segments and capsules ·
//! [`keystore`] slots and epochs · [`store`] where bytes lie · [`catalogue`] where rows lie ·
//! [`retention`] plan, destroy, tombstone · [`access`] roster, tickets, release · [`audit`] the chained log ·
//! [`disclosure`] opening a released copy.
#![forbid(unsafe_code)]

pub mod access;
pub mod audit;
pub mod capture;
pub mod catalogue;
pub mod codec;
pub mod controller;
pub mod conversation;
pub mod disclosure;
pub mod encoding;
pub mod evidence;
pub mod ids;
pub mod keystore;
pub mod policy;
pub mod prompt;
pub mod retention;
pub mod seal;
pub mod store;
pub mod time;
