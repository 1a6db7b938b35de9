//! What happens because time passes, each with its reason.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::conversation::consent::Step;
use crate::conversation::effect::Effect;
use crate::conversation::{Conversations, Moment};
use crate::ids::{LegKey, RecordingId};
use crate::time::Monotonic;

/// How soon after a notice that was cut short a leg must hang up for it to have been the reason.
pub(super) const NOTICE_CUT: Duration = Duration::from_secs(2);
/// How long the line must be open after a whole notice: who hangs up before has refused (see NOT-01).
pub(super) const LINE_OPEN: Duration = Duration::from_millis(150);
/// How long an outcome waits for the word that its tracks are closed: longer than the encoder pool waits for a store
/// (10 minutes), or a call of which nothing could be kept would pass for recorded.
pub(super) const TRACKS_CLOSE: Duration = Duration::from_secs(615);
/// The same where nothing is to be kept: what its tracks hold changes nothing.
pub(super) const ENDED_TRACKS_CLOSE: Duration = Duration::from_secs(75);
/// A recording that lasts longer goes on in a new one, so that its epoch's day is known at its start (decision 6).
pub(super) const LONGEST_RECORDING: Duration = Duration::from_secs(24 * 3600);
/// How long to wait before asking again for a new recording.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Why a tick is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerReason {
    /// A notice was cut short on this leg: did it hang up, or go on untold?
    NoticeCut(LegKey),
    /// The party on this leg had that long to agree (`optin`).
    Consent(LegKey),
    /// The company's party is to be reminded that it has to tell the one on this leg (STF-02).
    AttestBeep(LegKey),
    /// It had that long to.
    Attest(LegKey),
    /// A pause lasts no longer (REC-13).
    PauseEnds(RecordingId),
    /// An ended recording's tracks should be closed by now.
    TracksClose(RecordingId),
    /// The recording has lasted as long as one may.
    RollOver(RecordingId),
}

/// Timers by their moment; one of each reason at most.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_moment: BTreeSet<(Monotonic, TimerReason)>,
    by_reason: BTreeMap<TimerReason, Monotonic>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Monotonic, reason: TimerReason) {
        self.unset(reason);
        self.by_moment.insert((at, reason));
        self.by_reason.insert(reason, at);
    }

    pub(super) fn next(&self) -> Option<(Monotonic, TimerReason)> {
        self.by_moment.first().copied()
    }

    /// Nothing more happens of this recording.
    pub(super) fn forget(&mut self, id: RecordingId) {
        self.unset(TimerReason::TracksClose(id));
        self.unset(TimerReason::RollOver(id));
        self.unset(TimerReason::PauseEnds(id));
    }

    /// Nothing more happens on this leg.
    pub(super) fn forget_leg(&mut self, key: LegKey) {
        for reason in [TimerReason::NoticeCut, TimerReason::Consent, TimerReason::AttestBeep, TimerReason::Attest] {
            self.unset(reason(key));
        }
    }

    /// When it fires, where it is set.
    pub(super) fn at(&self, reason: TimerReason) -> Option<Monotonic> {
        self.by_reason.get(&reason).copied()
    }

    pub(super) fn unset(&mut self, reason: TimerReason) {
        if let Some(at) = self.by_reason.remove(&reason) {
            self.by_moment.remove(&(at, reason));
        }
    }

    fn due(&mut self, at: Monotonic) -> Option<TimerReason> {
        let (_, reason) = self.next().filter(|(due, _)| *due <= at)?;
        self.unset(reason);
        Some(reason)
    }
}

impl Conversations {
    pub(super) fn tick(&mut self, when: Moment, effects: &mut Vec<Effect>) {
        while let Some(reason) = self.timers.due(when.at) {
            match reason {
                TimerReason::NoticeCut(key) => {
                    self.went_on_after_cut(key, when, effects);
                    self.settle(key, when, effects);
                }
                TimerReason::Consent(key) => {
                    self.stand(key, Step::ConsentTooLate, when);
                    self.settle(key, when, effects);
                }
                TimerReason::AttestBeep(key) => self.remind_to_attest(key, effects),
                TimerReason::Attest(key) => {
                    self.not_attested(key, Step::AttestTooLate, when, effects);
                    self.settle(key, when, effects);
                }
                TimerReason::PauseEnds(id) => {
                    self.resume(id, None, when, effects);
                    self.settle_recording(id, when, effects);
                }
                TimerReason::TracksClose(id) => self.conclude(id, true, effects),
                TimerReason::RollOver(id) => {
                    if self.recordings.get(&id).is_some_and(|recording| !recording.members.is_empty()) {
                        effects.push(Effect::RollOver { recording: id });
                        self.timers.set(when.at.plus(ASK_AGAIN), reason);
                    }
                }
            }
        }
    }
}
