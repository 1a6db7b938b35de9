//! The controller's own table of legs: gates, which recording, which track; and what it publishes of them.
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::views::{ActiveLeg, ActiveRecording, LegState, LegView, Views};
use crate::capture::Gate;
use crate::encoding::{Missing, RingSide};
use crate::evidence::{GapReason, Party, Standing};
use crate::ids::{LegKey, LegUuid, RecordingId, TrackNumber};
use crate::policy::Outcome;
use crate::time::{Monotonic, UnixMillis};

/// Legs that the host told of and that are not gone, and the recordings that are open.
#[derive(Default)]
pub(super) struct Legs {
    legs: HashMap<LegKey, Leg>,
    gates: HashMap<LegKey, Gates>,
    recordings: BTreeMap<RecordingId, Recording>,
    /// Recordings that have their outcome and some of whose legs are still there.
    over: BTreeMap<RecordingId, Over>,
}

/// One leg.
pub(super) struct Leg {
    view: LegView,
    track: Option<(TrackNumber, Party)>,
    missing: Option<Missing>,
    hung_up: bool,
}

/// A leg's gates; its tap may come before its birth is told.
#[derive(Default)]
struct Gates {
    read: Option<Arc<Gate>>,
    write: Option<Arc<Gate>>,
}

/// A recording between its first answer and its outcome.
struct Recording {
    started_at: UnixMillis,
    announced: bool,
}

/// A recording that is over while legs of it remain.
struct Over {
    started_at: UnixMillis,
    outcome: Outcome,
}

impl Legs {
    /// A leg is born.
    pub(super) fn born(&mut self, leg: LegKey, uuid: LegUuid, recording: RecordingId) {
        let view =
            LegView { uuid, recording, state: LegState::Waiting, outcome: None, standing: None, asked_until: None };
        self.legs.insert(leg, Leg { view, track: None, missing: None, hung_up: false });
    }

    /// The leg's gate of that side is this one from now on.
    pub(super) fn gate(&mut self, leg: LegKey, side: RingSide, gate: Arc<Gate>) {
        let gates = self.gates.entry(leg).or_default();
        match side {
            RingSide::Read => gates.read = Some(gate),
            RingSide::Write => gates.write = Some(gate),
        }
    }

    /// The gate that a party's frames come through.
    pub(super) fn gate_of(&self, leg: LegKey, party: Party) -> Option<&Arc<Gate>> {
        let gates = self.gates.get(&leg)?;
        if party == Party::System { gates.write.as_ref() } else { gates.read.as_ref() }
    }

    /// Nothing goes through either side of the leg.
    pub(super) fn shut(&mut self, leg: LegKey) {
        if let Some(gates) = self.gates.get(&leg) {
            gates.read.iter().chain(&gates.write).for_each(|gate| gate.shut());
        }
        if let Some(known) = self.legs.get_mut(&leg).filter(|known| known.view.state == LegState::Capturing) {
            known.view.state = LegState::Suspended;
        }
    }

    /// All gates are shut.
    pub(super) fn shut_all(&mut self) {
        let legs: Vec<LegKey> = self.gates.keys().copied().collect();
        legs.into_iter().for_each(|leg| self.shut(leg));
    }

    /// What its party says is not kept from now on; true where that is news.
    pub(super) fn misses(&mut self, leg: LegKey, since: Monotonic, reason: GapReason) -> bool {
        let Some(known) = self.legs.get_mut(&leg).filter(|known| known.missing.is_none()) else { return false };
        known.missing = Some(Missing { since, reason });
        true
    }

    /// Since when and why its party is not kept, where that is so.
    pub(super) fn missing(&self, leg: LegKey) -> Option<Missing> {
        self.legs.get(&leg)?.missing
    }

    /// Legs that wait for a key, who came first first.
    pub(super) fn without_key(&self) -> Vec<LegKey> {
        let waits = |leg: &Leg| leg.missing.filter(|missing| missing.reason == GapReason::NoKey && !leg.hung_up);
        let mut waiting: Vec<(Monotonic, LegKey)> =
            self.legs.iter().filter_map(|(&key, leg)| Some((waits(leg)?.since, key))).collect();
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, key)| key).collect()
    }

    /// The leg is being captured.
    pub(super) fn capturing(&mut self, leg: LegKey, track: TrackNumber, party: Party) {
        if let Some(known) = self.legs.get_mut(&leg) {
            known.missing = None;
            known.view.state = LegState::Capturing;
            known.track = Some((track, party));
        }
    }

    /// Its track is over.
    pub(super) fn track_over(&mut self, leg: LegKey) {
        if let Some(known) = self.legs.get_mut(&leg) {
            known.track = None;
        }
    }

    /// It hung up; where its recording was over before, its call went on until now.
    pub(super) fn hung_up(&mut self, leg: LegKey) {
        if let Some(known) = self.legs.get_mut(&leg) {
            known.hung_up = true;
        }
    }

    /// It hung up: nothing more comes of it.
    pub(super) fn over(&mut self, leg: LegKey) {
        if let Some(known) = self.legs.get_mut(&leg) {
            known.view.state = LegState::Over;
        }
    }

    /// The leg belongs to another recording now.
    pub(super) fn moved(&mut self, leg: LegKey, recording: RecordingId) {
        let former = self.legs.get(&leg).map(|known| known.view.recording);
        if let Some(known) = self.legs.get_mut(&leg) {
            known.missing = None;
            known.view.recording = recording;
            known.view.outcome = None;
            if known.view.state == LegState::Over && !known.hung_up {
                known.view.state = LegState::Waiting;
            }
        }
        if let Some(former) = former {
            self.forget_if_empty(former);
        }
    }

    /// Its party stands so; answers which leg that is.
    pub(super) fn stands(&mut self, uuid: &LegUuid, standing: Standing) -> Option<LegKey> {
        let (leg, known) = self.legs.iter_mut().find(|(_, leg)| leg.view.uuid == *uuid)?;
        known.view.standing = Some(standing);
        Some(*leg)
    }

    /// The host renamed it.
    pub(super) fn renamed(&mut self, leg: LegKey, uuid: LegUuid) {
        if let Some(known) = self.legs.get_mut(&leg) {
            known.view.uuid = uuid;
        }
    }

    /// A recording began.
    pub(super) fn recording_started(&mut self, recording: RecordingId, started_at: UnixMillis) {
        self.recordings.insert(recording, Recording { started_at, announced: false });
    }

    /// Whether this is the recording's first track; answers so once.
    pub(super) fn announce(&mut self, recording: RecordingId) -> bool {
        self.recordings.get_mut(&recording).is_some_and(|known| !std::mem::replace(&mut known.announced, true))
    }

    /// Whether it has or had a track.
    pub(super) fn was_announced(&self, recording: RecordingId) -> bool {
        self.recordings.get(&recording).is_some_and(|known| known.announced)
    }

    /// A recording was none of its own; nobody is left in it.
    pub(super) fn recording_merged(&mut self, recording: RecordingId) {
        self.recordings.remove(&recording);
    }

    /// A recording has its outcome; answers the legs it still has.
    pub(super) fn recording_over(&mut self, recording: RecordingId, outcome: Outcome) -> Vec<LegKey> {
        let known = self.recordings.remove(&recording);
        let mut touched = Vec::new();
        for (&leg, known) in &mut self.legs {
            if known.view.recording == recording {
                known.view.outcome = Some(outcome);
                known.view.state = LegState::Over;
                touched.push(leg);
            }
        }
        touched.sort_unstable();
        if let Some(known) = known.filter(|_| !touched.is_empty()) {
            self.over.insert(recording, Over { started_at: known.started_at, outcome });
        }
        touched
    }

    /// The leg is gone; its gates are shut.
    pub(super) fn gone(&mut self, leg: LegKey) {
        self.shut(leg);
        let known = self.legs.remove(&leg);
        self.gates.remove(&leg);
        if let Some(known) = known.filter(|known| self.over.contains_key(&known.view.recording)) {
            self.forget_if_empty(known.view.recording);
        }
    }

    fn forget_if_empty(&mut self, recording: RecordingId) {
        if !self.legs.values().any(|leg| leg.view.recording == recording) {
            self.over.remove(&recording);
        }
    }

    /// Recordings without an outcome.
    pub(super) fn open_recordings(&self) -> usize {
        self.recordings.len()
    }

    /// All legs.
    pub(super) fn keys(&self) -> Vec<LegKey> {
        let mut keys: Vec<LegKey> = self.legs.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// Publishes one leg. Where its recording has no outcome yet, the `outlook` stands for it.
    pub(super) fn publish(&self, leg: LegKey, outlook: Option<Outcome>, asked_until: Option<Monotonic>, views: &Views) {
        let view = self.legs.get(&leg).map(|known| known.view.clone());
        views.publish(leg, view.map(|view| LegView { outcome: view.outcome.or(outlook), asked_until, ..view }));
    }

    /// What `callvault active` shows: recordings being made, and behind them those that are over while their call goes
    /// on, because a party objected or the company's side left.
    pub(super) fn active(&self) -> Vec<ActiveRecording> {
        let mut legs: BTreeMap<RecordingId, Vec<(LegKey, ActiveLeg)>> = BTreeMap::new();
        for (&key, leg) in self.legs.iter().filter(|(_, leg)| {
            // A leg that hung up stays known for a moment; its call goes on for nobody.
            self.recordings.contains_key(&leg.view.recording) || !leg.hung_up
        }) {
            legs.entry(leg.view.recording).or_default().push((
                key,
                ActiveLeg {
                    leg: leg.view.uuid.clone(),
                    state: leg.view.state,
                    track: leg.track.map(|(track, _)| track),
                    party: leg.track.map(|(_, party)| party),
                },
            ));
        }
        let of = |id: &RecordingId| {
            let mut legs = legs.get(id).cloned().unwrap_or_default();
            legs.sort_by_key(|&(key, _)| key);
            legs.into_iter().map(|(_, leg)| leg).collect()
        };
        let mut active: Vec<ActiveRecording> = self
            .recordings
            .iter()
            .map(|(id, known)| ActiveRecording {
                id: *id,
                started_at_ms: known.started_at,
                outcome: None,
                reason: None,
                legs: of(id),
            })
            .collect();
        active.sort_by_key(|recording| (recording.started_at_ms, recording.id));
        active.extend(self.over.iter().filter(|(id, _)| legs.contains_key(id)).map(|(id, over)| {
            let (outcome, reason) = over.outcome.words();
            ActiveRecording { id: *id, started_at_ms: over.started_at, outcome: Some(outcome), reason, legs: of(id) }
        }));
        active
    }
}
