//! The one thread that speaks to the host on the recorder's behalf: variables, events, log lines, and the interface
//! lock that makes a plain unload answer that the module is in use. Everybody else only leaves a note.
use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use callvault_recorder::controller::{Notify, RecorderEvent};
use callvault_recorder::conversation::Request;
use callvault_recorder::ids::{LegKey, RecordingId};
use callvault_recorder::policy::Outcome;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::ffi::session::Located;
use crate::ffi::{entry, events, interfaces};
use crate::legs::{Beeps, KEYS_LOOK, Registry, Repairs, Returns, SOUND, outcome_text, show_recording, take_heard};
use crate::module::module;
use crate::notice;

enum Note {
    Legs(usize),
    RecordingChanged { leg: LegKey, recording: RecordingId, former: RecordingId },
    Outcome { leg: LegKey, outcome: Outcome },
    Ask { leg: LegKey, request: Request },
    TapClosed(LegKey),
    MediaLeft(LegKey),
    Event(RecorderEvent),
    Stop,
}

/// Leaves notes to the thread.
pub struct Herald {
    notes: Sender<Note>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Herald {
    /// Starts the thread.
    pub fn start(registry: Arc<Registry>) -> std::io::Result<Self> {
        let (notes, inbox) = unbounded();
        let thread =
            std::thread::Builder::new().name("callvault-herald".into()).spawn(move || run(&inbox, &registry))?;
        Ok(Self { notes, thread: Mutex::new(Some(thread)) })
    }

    /// How many legs there are now: while there are any, a plain unload is refused.
    pub fn legs_changed(&self, count: usize) {
        // A herald that is gone means the module is going: nothing is left to say.
        let _ = self.notes.send(Note::Legs(count));
    }

    /// Our tap on that leg was closed, and not by us.
    pub fn tap_closed(&self, leg: LegKey) {
        let _ = self.notes.send(Note::TapClosed(leg));
    }

    /// The media of that leg left this host, and is to be brought back.
    pub fn media_left(&self, leg: LegKey) {
        let _ = self.notes.send(Note::MediaLeft(leg));
    }

    /// What the recorder tells through.
    pub fn notify(&self) -> Arc<dyn Notify> {
        Arc::new(Notes(self.notes.clone()))
    }

    /// Speaks what is left, gives the interface lock back, ends.
    pub fn stop(&self) {
        let _ = self.notes.send(Note::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread catches its own panics; an error here would be of its start.
            let _ = thread.join();
        }
    }
}

struct Notes(Sender<Note>);

impl Notify for Notes {
    fn recording_changed(&self, leg: LegKey, recording: RecordingId, former: RecordingId) {
        let _ = self.0.send(Note::RecordingChanged { leg, recording, former });
    }

    fn outcome(&self, leg: LegKey, _recording: RecordingId, outcome: Outcome) {
        let _ = self.0.send(Note::Outcome { leg, outcome });
    }

    fn ask(&self, leg: LegKey, request: Request) {
        let _ = self.0.send(Note::Ask { leg, request });
    }

    fn event(&self, event: RecorderEvent) {
        let _ = self.0.send(Note::Event(event));
    }
}

/// How often caught panics and late levels are looked for.
const LOOK: Duration = Duration::from_secs(1);

fn run(inbox: &Receiver<Note>, registry: &Registry) {
    let mut holding = false;
    let mut panics = entry::panics();
    let mut chores = Chores::default();
    loop {
        match inbox.recv_timeout(chores.next_in(registry)) {
            Ok(Note::Legs(count)) => holding = hold(holding, count > 0),
            Ok(Note::RecordingChanged { leg, recording, former }) => change(registry, leg, recording, former),
            Ok(Note::Outcome { leg, outcome }) => conclude(registry, leg, outcome),
            Ok(Note::Ask { leg, request }) => chores.ask(registry, leg, request),
            Ok(Note::TapClosed(leg)) => chores.repairs.closed(registry, leg),
            Ok(Note::MediaLeft(leg)) => chores.returns.begin(leg),
            Ok(Note::Event(event)) => speak(&event),
            Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                holding = hold(holding, registry.count() > 0);
                panics = log_panics(panics);
            }
        }
        chores.carry_out(registry);
    }
    hold(holding, false);
    log_panics(panics);
}

/// What is to be done to legs at its time.
#[derive(Default)]
struct Chores {
    repairs: Repairs,
    beeps: Beeps,
    returns: Returns,
}

impl Chores {
    /// How long until something is due; [`LOOK`] at most, and while there are legs [`KEYS_LOOK`].
    fn next_in(&self, registry: &Registry) -> Duration {
        let longest = if registry.count() > 0 { KEYS_LOOK } else { LOOK };
        let due = [self.repairs.next_in(), self.beeps.next_in(), self.returns.next_in()];
        due.into_iter().flatten().min().map_or(longest, |due| due.min(longest))
    }

    fn carry_out(&mut self, registry: &Registry) {
        take_heard(registry);
        self.repairs.carry_out(registry);
        self.beeps.carry_out(registry);
        self.returns.carry_out(registry);
    }

    /// What the recorder asks for on a leg.
    fn ask(&mut self, registry: &Registry, leg: LegKey, request: Request) {
        match request {
            Request::Beep => self.beeps.sound(registry, leg, SOUND),
            Request::ShowRecording(shown) => show_recording(registry, leg, shown),
            Request::SayStopped => {
                if let Some(words) = notice::saying_stopped(registry, leg) {
                    self.beeps.sound(registry, leg, &words);
                }
            }
        }
    }
}

/// The lock has a reader of ours exactly while there are legs. This thread takes it and gives it back.
fn hold(holding: bool, wanted: bool) -> bool {
    match (holding, wanted) {
        (false, true) => interfaces::hold_interface(),
        (true, false) => {
            interfaces::release_interface();
            false
        }
        (same, _) => same,
    }
}

/// Says what was caught at the border since `before`; gives the count that it has said.
fn log_panics(before: u64) -> u64 {
    let panics = entry::panics();
    if panics > before {
        let place = entry::take_last_panic().unwrap_or_default();
        tracing::error!(
            "{} faults inside mod_callvault were caught, the last at {place}; calls go on, please report it",
            panics - before
        );
        if let Some(module) = module() {
            (before..panics).for_each(|_| module.recorder.panic_caught());
        }
    }
    panics
}

fn change(registry: &Registry, leg: LegKey, recording: RecordingId, former: RecordingId) {
    let Some(leg) = registry.by_key(leg) else { return };
    leg.set_recording(recording);
    if let Some(session) = Located::by_uuid(&leg.uuid()) {
        let before = session.variable(c"callvault_former_ids").unwrap_or_default();
        let former = if before.is_empty() { former.to_string() } else { format!("{before},{former}") };
        session.set_variable(c"callvault_former_ids", &former);
        session.set_variable(c"callvault_id", &recording.to_string());
    }
}

fn conclude(registry: &Registry, leg: LegKey, outcome: Outcome) {
    if let Some(session) = registry.by_key(leg).and_then(|leg| Located::by_uuid(&leg.uuid())) {
        session.set_variable(c"callvault_outcome", &outcome_text(outcome));
    }
}

fn speak(event: &RecorderEvent) {
    let fields = event.fields();
    let words: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if let RecorderEvent::Alarm(alarm) = event {
        tracing::error!("alarm {}: {}", alarm.code, alarm.text);
    } else {
        tracing::info!("{} {}", event.name(), words.join(" "));
    }
    let subclass = match event {
        RecorderEvent::Started { .. } => c"callvault::started",
        RecorderEvent::Ended { .. } => c"callvault::outcome",
        RecorderEvent::Stopped { .. } => c"callvault::stopped",
        RecorderEvent::Notice { .. } => c"callvault::notice",
        RecorderEvent::Objected { .. } => c"callvault::objected",
        RecorderEvent::Paused { .. } => c"callvault::paused",
        RecorderEvent::Switched { .. } => c"callvault::switched",
        RecorderEvent::Alarm(_) => c"callvault::alarm",
        RecorderEvent::PolicyReloaded { .. }
        | RecorderEvent::Released { .. }
        | RecorderEvent::ReleaseRefused { .. }
        | RecorderEvent::Destroyed { .. }
        | RecorderEvent::AlarmCleared { .. } => return,
    };
    let names: Vec<CString> =
        fields.iter().map(|(name, _)| CString::new(format!("Callvault-{name}")).unwrap_or_default()).collect();
    let headers: Vec<_> =
        names.iter().zip(&fields).map(|(name, (_, value))| (name.as_c_str(), value.as_ref())).collect();
    events::fire(subclass, &headers);
}
