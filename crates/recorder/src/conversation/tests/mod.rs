//! Whole conversations: what happens on the legs, line by line, and what must be done about it.
mod attested;
mod edges;
mod objections;
mod parties;
mod paused;
mod scene;
mod story;
mod untold;

pub(super) use scene::{Scene, company, outside, recording};
