//! A recorder that runs, and what it said and wrote down.
use std::sync::Arc;

use callvault_recorder::controller::Recorder;
use callvault_recorder::time::ManualClock;

use super::{Heard, NOON, Site, eventually};

/// A site whose recorder has been started.
pub struct Stage {
    pub site: Site,
    pub clock: Arc<ManualClock>,
    pub heard: Arc<Heard>,
    pub recorder: Recorder,
}

impl Stage {
    /// At noon, with the site's own policy but for these parameters.
    pub fn new(params: &[(&str, &str)]) -> Self {
        let site = Site::new();
        let (clock, heard) = (Arc::new(ManualClock::at(NOON)), Arc::new(Heard::default()));
        let policy = site.policy(params);
        let recorder = site.start_with(policy, Arc::<ManualClock>::clone(&clock), &heard).expect("started");
        Self { site, clock, heard, recorder }
    }

    /// The audit log's line with all of these words, as soon as there is one.
    pub fn audited(&self, words: &[&str]) -> String {
        let log = self.site.path("data/audit.log");
        let mut found = None;
        eventually(&format!("an audit entry with {words:?}"), || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            found = log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned);
            found.is_some()
        });
        found.unwrap_or_default()
    }
}
