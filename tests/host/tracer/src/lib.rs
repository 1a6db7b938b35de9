//! Preloaded into a real FreeSWITCH (`LD_PRELOAD`), it stands between the host and mod_callvault and writes a trace to
//! the file that `CALLVAULT_TRACE` names. It forwards everything and changes nothing.
//!
//! [`interposed`] is what the module finds in place of the host's functions, [`callbacks`] what the host finds in place
//! of the module's, [`notes`] what is written down of both.
mod callbacks;
mod interposed;
mod next;
mod notes;
