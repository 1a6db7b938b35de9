//! A FreeSWITCH of a test's own: found on the machine, configured in a directory of the test, driven by its event
//! socket.
mod configuration;
mod esl;
mod installation;
mod instance;
mod process;

pub use configuration::Configuration;
pub use esl::{Event, EventSocket};
pub use installation::{FreeSwitch, Installation};
pub use instance::{Instance, TRACE};
pub use process::Process;
