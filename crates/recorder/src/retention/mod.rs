//! Destruction when a recording's time is over: plan, show, execute (RET-01 … RET-03, DES-01).
//!
//! [`plan`] is pure: rows in, what is due and why out, printable for `expire-now --dry-run`. [`run`] carries plans out in
//! batches, each in this order, so that a kill after any step leaves nothing that opens and the next run finishes it:
//!
//! ```text
//! audit entry on the medium → row `destroying` → key slots overwritten, flushed, re-read → segments removed
//!   → released copies overwritten and removed → proof in the audit log → rows give way to a tombstone
//!   → write-ahead log emptied → an epoch's key destroyed once nothing needs it
//! ```
//!
//! From the third step on the audio is gone for good; what follows is hygiene. Nothing is destroyed by a clock that
//! cannot be believed (E09).
mod execute;
mod hands;
mod plan;

pub use execute::{Batch, RetentionFault, Step, Terms, Unfinished, run, run_undated};
pub use hands::{Copies, HandFault, Hands, Keys, Ledger, Log, Segments, SlotProof};
pub use plan::{ClockDoubted, ClockState, DestructionPlan, Due, believe, plan};
