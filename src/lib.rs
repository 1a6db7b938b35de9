//! mod_callvault: the policy-keeping call recorder's guest half in FreeSWITCH.
//!
//! [`load`] and [`shutdown`] are the whole life of it. In between: [`legs`] hears of every leg and taps it, [`notice`]
//! tells parties, [`commands`] answers people, [`config`] reads what the admin wrote, [`herald`] speaks to the host.
//! [`ffi`] is the border; what is decided and kept lies in the crate `callvault_recorder`.
mod commands;
mod config;
mod ffi;
mod herald;
mod legs;
mod module;
mod notice;

use std::sync::Arc;
use std::time::Duration;

use callvault_recorder::controller::{Recorder, Startup};
use callvault_recorder::time::SystemClock;

use crate::ffi::{codec, entry, events, hooks, log, pin};
use crate::herald::Herald;
use crate::legs::Registry;
use crate::module::Module;
use crate::notice::PromptBook;

/// Key material passes through libraries' heaps: what they free is zeroed first. (Unit tests have one that can refuse.)
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// How long shutdown waits for those who are inside.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// Longer than any packet time: a thread that loaded a pointer of ours before it was taken away has used it by then.
const GRACE: Duration = Duration::from_millis(250);

/// How long what was recorded may take to be sealed at shutdown.
const SEAL_WITHIN: Duration = Duration::from_secs(10);

/// Everything that load does, in order; the reason of a refusal is on the host's log.
fn load() -> Result<(), ()> {
    log::install();
    entry::install_panic_hook();
    if !pin::keep_mapped() {
        tracing::warn!("the module's code could not be pinned in memory");
    }
    let host = ffi::check_host().map_err(|mismatch| tracing::error!("{mismatch}"))?;
    let policy = config::read().map_err(|fault| report_config(&fault))?;
    let registry = Arc::new(Registry::default());
    let herald =
        Herald::start(Arc::clone(&registry)).map_err(|error| tracing::error!("no thread could be started: {error}"))?;
    let prompts = PromptBook::measure(&policy);
    let startup = Startup {
        policy,
        clock: Arc::new(SystemClock),
        decoders: Arc::new(codec::LoadedCodecs),
        notify: herald.notify(),
        limits: ffi::limits::limits(),
    };
    let recorder = match Recorder::start(startup) {
        Ok(recorder) => recorder,
        Err(fault) => {
            tracing::error!("the recorder cannot start: {fault}");
            herald.stop();
            return Err(());
        }
    };
    recorder.prompts(prompts.state());
    let loaded =
        Arc::new(Module { recorder, registry, herald, prompts: arc_swap::ArcSwap::from_pointee(prompts), host });
    module::fill(Arc::clone(&loaded));
    if !events::bind() || !hooks::register() {
        tracing::error!("the host has no room for our handlers: unload what is not needed and load again");
        hooks::unregister();
        end(&loaded);
        return Err(());
    }
    entry::open();
    commands::complete();
    legs::adopt_all();
    tracing::info!("mod_callvault {} loaded into FreeSWITCH {}", env!("CARGO_PKG_VERSION"), loaded.host);
    Ok(())
}

/// All faults, each on a line of its own.
fn report_config(fault: &config::ConfigFault) {
    match fault {
        config::ConfigFault::Missing => tracing::error!("{fault}"),
        config::ConfigFault::Wrong(faults) => {
            for fault in faults {
                tracing::error!("callvault.conf.xml: {fault}");
            }
        }
    }
}

/// Everything that shutdown does, in order. Legs may still be up (`unload -f`, `fsctl shutdown`).
fn shutdown() {
    let Some(loaded) = module::module() else { return };
    hooks::unregister();
    commands::forget_completion();
    legs::release_all(&loaded);
    entry::close();
    if !entry::wait_until_empty(LEAVE_WITHIN, || legs::break_notices(&loaded)) {
        tracing::error!(
            "someone is still inside mod_callvault after {} s; its code stays mapped",
            LEAVE_WITHIN.as_secs()
        );
    }
    std::thread::sleep(GRACE);
    end(&loaded);
    legs::forget_all(&loaded);
    tracing::info!("mod_callvault unloaded");
}

fn end(loaded: &Arc<Module>) {
    if !loaded.recorder.shutdown(SEAL_WITHIN) {
        tracing::error!(
            "not all was sealed and written in {} s; the next load closes what is open from what lies in the store",
            SEAL_WITHIN.as_secs()
        );
    }
    loaded.herald.stop();
    events::unbind();
    module::empty();
}
