//! Opening a released copy, on its holder's machine: the only place where audio is in clear again.
//!
//! [`CopyReader`] reads and checks a copy without any secret; [`UnlockedCopy`] has its holder's keys and writes WAV
//! or Ogg Opus, one block after the other, so that a call of hours needs no more memory than one of seconds.
mod copy;
mod export;
mod ogg_opus;
mod pass;
mod payload;
mod region;
mod resample;
mod silence;
mod sink;
mod track;

pub use copy::{CopyFault, CopyReader, PartName, UnlockedCopy};
pub use export::{ExportFault, Format, Layout, Output, Written};
