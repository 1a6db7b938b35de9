//! The module's state: one slot that load fills and shutdown empties. Statics survive a reload, this does not.
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use callvault_recorder::controller::Recorder;

use crate::herald::Herald;
use crate::legs::Registry;
use crate::notice::PromptBook;

static SLOT: ArcSwapOption<Module> = ArcSwapOption::const_empty();

/// Everything that lives from load to shutdown.
pub struct Module {
    /// The recorder.
    pub recorder: Recorder,
    /// The legs.
    pub registry: Arc<Registry>,
    /// The thread that speaks to the host.
    pub herald: Herald,
    /// The prompts, measured.
    pub prompts: ArcSwap<PromptBook>,
    /// The host's version.
    pub host: String,
}

/// The module, while it is loaded.
pub fn module() -> Option<Arc<Module>> {
    SLOT.load_full()
}

/// Load fills the slot.
pub fn fill(module: Arc<Module>) {
    SLOT.store(Some(module));
}

/// Shutdown empties it; whoever got the module before keeps it for the length of a call.
pub fn empty() {
    SLOT.store(None);
}
