//! What there is once in a host: its directories, its legs, what modules registered.
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use callvault_stand_in::bindings as host;

use crate::leg::Leg;
use crate::loader::Modules;

/// Its directories.
#[derive(Debug, Clone, Default)]
pub struct Places {
    pub conf: PathBuf,
    pub log: PathBuf,
    pub run: PathBuf,
    pub modules: PathBuf,
    pub sounds: PathBuf,
}

impl Places {
    /// From `-conf DIR` and so on; other options of FreeSWITCH's with a directory are taken and not used.
    pub fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut places = Self::default();
        while let Some(option) = arguments.next() {
            let directory = arguments.next().ok_or_else(|| format!("{option} takes a directory"))?.into();
            match option.as_str() {
                "-conf" => places.conf = directory,
                "-log" => places.log = directory,
                "-run" => places.run = directory,
                "-mod" => places.modules = directory,
                "-sounds" => places.sounds = directory,
                _ => return Err(format!("{option} is none of -conf -log -run -mod -sounds")),
            }
        }
        Ok(places)
    }
}

/// The world.
pub struct World {
    pub places: Places,
    pub modules: Mutex<Modules>,
    pub legs: Mutex<HashMap<String, &'static Leg>>,
    pub tables: Mutex<Vec<Table>>,
    pub bindings: Mutex<Vec<Binding>>,
    pub completions: Mutex<Vec<String>>,
    pub subclasses: Mutex<Vec<String>>,
}

/// A state handler table of a module's; static there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Table(pub *const host::switch_state_handler_table);

// SAFETY: the table is a static of its module, which outlives its registration.
unsafe impl Send for Table {}

/// A callback on an event; its node is what it is known by.
#[derive(Clone, Copy)]
pub struct Binding {
    pub node: usize,
    pub event: host::switch_event_types_t,
    pub callback: unsafe extern "C" fn(*mut host::switch_event_t),
}

static WORLD: OnceLock<World> = OnceLock::new();

/// Makes it, once.
pub fn begin(places: Places) -> io::Result<()> {
    for directory in [&places.log, &places.run] {
        std::fs::create_dir_all(directory)?;
    }
    let world = World {
        places,
        modules: Mutex::default(),
        legs: Mutex::default(),
        tables: Mutex::default(),
        bindings: Mutex::default(),
        completions: Mutex::default(),
        subclasses: Mutex::default(),
    };
    WORLD.set(world).map_err(|_| io::Error::other("there is a world already"))
}

/// The world; it is made before anything can ask for it.
pub fn world() -> &'static World {
    WORLD.get().expect("main makes it first")
}

/// A lock whose holder may have panicked: what it guards is whole at every step.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
