//! The recorder as its host sees it, and the threads behind it: the controller, the bookkeeper, the keeper.

mod clock_watch;
mod event;
mod fault;
mod readiness;
mod tally;
mod views;

pub use event::{Alarm, Notify, RecorderEvent};
pub use fault::CommandFault;
pub use readiness::CannotRecord;
pub use tally::OutcomeCounts;
pub use views::{ActiveLeg, ActiveRecording, LegState, LegView};
