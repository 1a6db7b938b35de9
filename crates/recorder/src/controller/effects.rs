//! Carrying out what the decisions ask for: gates and routes, rows, what the host is told. Nothing here waits.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::event::RecorderEvent;
use super::keeper::Orders;
use super::readiness::CannotRecord;
use super::thread::Controller;
use crate::catalogue::Change;
use crate::conversation::{Alarm, Effect, Input, LegInput, OpenGate, Opening, ShutReason};
use crate::encoding::{RingSide, TrackPlan};
use crate::evidence::{GapReason, Party};
use crate::ids::{InstanceTag, LegKey, RecordingId};
use crate::keystore::{ReadyKey, epoch_of};
use crate::policy::{Outcome, Policy};
use crate::time::EpochDay;

impl Controller {
    /// Does what a step wants done; what that leads to becomes an input again.
    pub(super) fn carry_out(&mut self, effect: Effect, policy: &Policy, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Started(started) => {
                let (id, at) = (started.recording, started.started_at);
                self.legs.recording_started(id, at);
                self.count_open();
                self.books.row(Change::RecordingStarted {
                    id,
                    direction: started.direction,
                    started_at: started.born_at,
                    instance: policy.instance.clone(),
                    policy_hash: policy.hash.clone(),
                    epoch: epoch_of(at, policy.retention),
                });
                self.books.row(Change::RecordingAnswered { id, at });
            }
            Effect::LegJoined { recording, leg, uuid, party, at } => {
                self.touch(leg);
                self.books.row(Change::LegJoined { recording, leg: uuid, party: Some(party), at });
            }
            Effect::OpenGate(open) => {
                let leg = open.leg;
                self.touch(leg);
                if !self.open_gate(*open, policy) {
                    self.has_no_key(leg);
                    inputs.push_back(Input::KeyRefused { leg });
                }
            }
            Effect::ShutGate { leg, reason } => {
                self.touch(leg);
                self.legs.shut(leg);
                if reason == ShutReason::NoMedia {
                    self.legs.misses(leg, self.shared.clock.monotonic(), GapReason::NoMedia);
                }
                if reason == ShutReason::HungUp {
                    self.legs.over(leg);
                }
            }
            Effect::CloseTrack { leg, recording, track } => {
                self.touch(leg);
                self.legs.track_over(leg);
                let missing = self.legs.missing(leg).map(|it| (it.reason, self.shared.clock.monotonic()));
                self.pool.close_track(leg, recording, track, missing);
            }
            Effect::SetRecording { leg, recording, former } => {
                self.touch(leg);
                self.legs.moved(leg, recording);
                self.shared.guarded(|| self.shared.notify.recording_changed(leg, recording, former));
            }
            Effect::Notice { recording, evidence } => {
                self.shared.event(RecorderEvent::Notice {
                    recording,
                    leg: evidence.leg.clone(),
                    state: evidence.state,
                    prompt: evidence.prompt.clone(),
                    language: evidence.language.clone(),
                });
                self.books.row(Change::Notice { recording, evidence });
            }
            Effect::Standing { recording, change } => self.stands(recording, *change),
            Effect::Paused { recording, leg, on, lasted, by_itself } => {
                self.paused(recording, leg, on, lasted, by_itself);
            }
            Effect::Ask { leg, request } => {
                self.shared.guarded(|| self.shared.notify.ask(leg, request));
            }
            Effect::Ended { .. } => self.unpublished = true,
            Effect::Outcome { recording, outcome, ended_at, merged_into: Some(into), .. } => {
                self.captured_to_its_end(recording, outcome);
                self.books.row(Change::RecordingMerged { id: recording, into, ended_at });
                self.legs.recording_merged(recording);
                self.shared.watch().merged(recording);
                self.count_open();
                self.tell_if_idle();
            }
            Effect::Outcome { recording, outcome, ended_at, retention, merged_into: None } => {
                let expires_at = ended_at.plus(retention.unwrap_or(policy.retention).min(policy.retention));
                self.captured_to_its_end(recording, outcome);
                self.books.row(Change::RecordingEnded { id: recording, ended_at, outcome, expires_at });
                self.shared.tally().count(ended_at, outcome);
                if outcome != Outcome::Recorded {
                    // What keys and segments there are of it are not to be kept a moment longer.
                    let _ = self.keeper.send(Orders::Settle);
                }
                for leg in self.legs.recording_over(recording, outcome) {
                    self.touch(leg);
                    self.shared.guarded(|| self.shared.notify.outcome(leg, recording, outcome));
                }
                self.count_open();
                self.shared.event(RecorderEvent::Ended { recording, outcome });
                self.tell_if_idle();
            }
            Effect::RollOver { recording } => match RecordingId::generate(InstanceTag::of(&policy.instance)) {
                Some(into) => inputs.push_back(Input::RolledOver {
                    recording,
                    into,
                    at: self.shared.clock.monotonic(),
                    now: self.shared.clock.now(),
                }),
                None => self
                    .shared
                    .raise("no_randomness", "the operating system gives no randomness; no new id can be made"),
            },
            Effect::Alarm(Alarm::NotInformed { recording, leg }) => {
                self.shared.event(RecorderEvent::Alarm(super::Alarm {
                    code: "not_informed",
                    text: format!("leg {leg} of recording {recording} went on without having heard a whole notice"),
                }))
            }
            Effect::Alarm(Alarm::NotAttested { recording, leg }) => {
                self.not_attested(recording, leg.clone());
                self.shared.event(RecorderEvent::Alarm(super::Alarm {
                    code: "not_attested",
                    text: format!(
                        "the agent on leg {leg} did not confirm in time that the other party of recording {recording} was told; nothing of it is kept"
                    ),
                }));
            }
            Effect::Alarm(Alarm::MediaBypassed { recording, leg }) => {
                self.shared.event(RecorderEvent::Alarm(super::Alarm {
                    code: "no_media_path",
                    text: format!("media of leg {leg} of recording {recording} bypasses this host; turn bypass and proxy media off"),
                }));
            }
        }
    }

    /// Its last gate is shut for good.
    fn captured_to_its_end(&mut self, recording: RecordingId, outcome: Outcome) {
        self.shared.watch().pause_over(recording);
        if self.legs.was_announced(recording) {
            self.shared.event(RecorderEvent::Stopped { recording, outcome });
        }
    }

    /// The route goes to the pool first, then the gate opens: a frame never comes through without one.
    fn open_gate(&mut self, open: OpenGate, policy: &Policy) -> bool {
        let OpenGate { leg, generation, recording, track, party, uuid, at, opening } = open;
        let side = if party == Party::System { RingSide::Write } else { RingSide::Read };
        let Some(gate) = self.legs.gate_of(leg, party).map(Arc::clone) else { return false };
        match opening {
            Opening::First(new) => {
                let Some(ready) = self.key(policy) else { return false };
                let personal = zeroize::Zeroizing::new(serde_json::to_vec(&new.personal).unwrap_or_default());
                // Where it cannot be sealed it is not kept: the CDR has the numbers.
                let personal_sealed = ready.key.seal_personal(recording, &personal).unwrap_or_default();
                self.books.row(Change::TrackOpened {
                    recording,
                    number: track,
                    party,
                    leg: uuid.clone(),
                    slot: ready.slot,
                    key: ready.key.id(),
                    personal_sealed,
                    offset_ms: u64::try_from(at.since(new.started).as_millis()).unwrap_or(u64::MAX),
                });
                if self.legs.announce(recording) {
                    self.shared.event(RecorderEvent::Started { recording, leg: uuid.clone() });
                }
                let plan = TrackPlan {
                    recording,
                    track,
                    party,
                    leg_uuid: uuid,
                    ready,
                    started: new.started,
                    started_at: new.started_at,
                    instance: policy.instance.clone(),
                    notices: new.notices,
                    standings: new.standings.into_iter().map(|change| self.as_commanded(change)).collect(),
                    missing: self.legs.missing(leg),
                };
                self.pool.open_track(leg, side, generation, plan);
            }
            Opening::Again(gap) => self.pool.reopen(leg, side, generation, track, gap),
        }
        self.legs.capturing(leg, track, party);
        gate.open(generation);
        true
    }

    fn has_no_key(&mut self, leg: LegKey) {
        self.waits_for_keys = true;
        if self.legs.misses(leg, self.shared.clock.monotonic(), GapReason::NoKey) {
            self.shared.counts.keys_refused.fetch_add(1, Ordering::Relaxed);
            self.shared.raise(
                "no_key",
                "calls wait for a key, and are recorded from when it is there: more begin at once than the host's max-sessions and sessions-per-second say, or the keystore's disk is slow",
            );
        }
    }

    /// Legs that were refused a key get one as soon as there is one.
    pub(super) fn give_keys(&mut self) {
        let ready = self.keys.state().ready;
        if !self.waits_for_keys || ready == 0 {
            return;
        }
        for leg in self.legs.without_key().into_iter().take(ready) {
            let (at, now) = (self.shared.clock.monotonic(), self.shared.clock.now());
            self.leg(leg, at, now, LegInput::KeyReady);
        }
        self.waits_for_keys = !self.legs.without_key().is_empty();
        if !self.waits_for_keys {
            self.shared.clear("no_key");
        }
    }

    /// A key of today's epoch; around midnight tomorrow's will do, which is destroyed later, never earlier.
    fn key(&self, policy: &Policy) -> Option<ReadyKey> {
        if matches!(self.shared.readiness.check(), Err(CannotRecord::NoRoster | CannotRecord::NobodyOnRoster)) {
            return None;
        }
        let epoch = epoch_of(self.shared.clock.now(), policy.retention);
        let key = self.keys.take(epoch).or_else(|| self.keys.take(EpochDay(epoch.0.saturating_add(1))));
        self.books.key_taken();
        key
    }
}
