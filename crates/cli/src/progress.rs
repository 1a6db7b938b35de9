//! A progress bar on standard error, where a person looks at it and it takes long enough to be of use.
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Work that takes less than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Of one kind of work.
pub struct Progress {
    what: &'static str,
    total: u64,
    began: Instant,
    shown: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of this much work.
    pub fn new(what: &'static str, total: u64) -> Self {
        Self { what, total, began: Instant::now(), shown: std::io::stderr().is_terminal(), bar: None }
    }

    /// So much of it is done.
    pub fn at(&mut self, done: u64) {
        if !self.shown || self.began.elapsed() < PATIENCE {
            return;
        }
        let (what, total) = (self.what, self.total);
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} {bar:40} {percent} %, {eta} left");
            let bar = ProgressBar::new(total).with_message(what);
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_position(done.min(total));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
