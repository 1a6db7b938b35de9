//! Takes all traces anew.
fn main() {}
