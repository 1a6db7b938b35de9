//! A SIP user agent over UDP on 127.0.0.1, as small as the scenarios allow: calls out and in, hold, codec change,
//! transfer blind and attended, digits. No authentication, no proxies between us and the host.
mod agent;
mod call;
mod control;
mod dialog;
mod message;
mod plan;
mod sdp;

pub use agent::{Answering, UserAgent};
pub use call::Call;
pub use message::{Message, Start};
pub use plan::{CallEvent, CallPlan};
pub use sdp::{Description, Direction};
