//! Carrying out how parties come to stand and what is paused: rows, events, the audit log; and an operator's commands on
//! a leg, whose effects are told from those of a telephone's keys.
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crossbeam::channel::bounded;

use super::Recorder;
use super::event::RecorderEvent;
use super::fault::CommandFault;
use super::keeper::Orders;
use super::thread::{Controller, Message};
use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::catalogue::Change;
use crate::conversation::{LegInput, Signal};
use crate::evidence::{Standing, StandingChange};
use crate::ids::{LegUuid, RecordingId};
use crate::time::UnixMillis;

/// How long a command waits for the decision.
const DECIDED_WITHIN: Duration = Duration::from_secs(2);
/// By which means something came that a command asked for.
const BY_COMMAND: &str = "command";

/// What a step came to that an operator's command began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commanded {
    /// When it was given: what happens then happens because of it.
    pub(super) at: UnixMillis,
    /// A party stands otherwise now, or a pause began or ended.
    pub(super) changed: bool,
}

/// Standings that were told of, and by which means, so that a party that takes its past into another recording does not
/// do it all again.
#[derive(Debug, Default)]
pub(super) struct ToldOf {
    known: HashMap<(LegUuid, Standing, UnixMillis), String>,
    in_order: VecDeque<(LegUuid, Standing, UnixMillis)>,
}

impl ToldOf {
    /// More than happen while the legs of a call move.
    const AT_MOST: usize = 4096;

    /// By which means it came where it was told of; else it is news, and remembered.
    fn recall(&mut self, change: &StandingChange) -> Option<String> {
        let what = (change.leg.clone(), change.standing, change.at_ms);
        if let Some(by) = self.known.get(&what) {
            return Some(by.clone());
        }
        self.known.insert(what.clone(), change.by.clone());
        self.in_order.push_back(what);
        if self.in_order.len() > Self::AT_MOST
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        None
    }
}

impl Recorder {
    /// The company's side has told the other parties of this leg's call, as an operator says (STF-01).
    pub fn attest(&self, uuid: &LegUuid) -> Result<(), CommandFault> {
        self.command(
            uuid,
            LegInput::Commanded(Signal::Attest),
            "nobody on this leg's call waits for an agent's word",
            "`callvault show` says how its parties stand; attesting is for outbound-notice=attest",
        )
    }

    /// The party on this leg objects, or on a leg of the company's side the other one does, as an operator says
    /// (NOT-05). What was captured is destroyed within a minute.
    pub fn object(&self, uuid: &LegUuid) -> Result<(), CommandFault> {
        self.command(
            uuid,
            LegInput::Commanded(Signal::Object),
            "nobody on this leg's call can object: it is not recorded, or somebody did",
            "`callvault active` shows what is being recorded",
        )
    }

    /// Pauses capture of the whole conversation of this leg of the company's side, until [`resume`](Self::resume) or
    /// the policy's `pause-seconds` (REC-13).
    pub fn pause(&self, uuid: &LegUuid) -> Result<(), CommandFault> {
        self.command(
            uuid,
            LegInput::Commanded(Signal::Pause),
            "nothing was paused: the leg is not of the company's side, or its call is paused already",
            "`callvault active` shows the legs, `callvault status` the pauses",
        )
    }

    /// Goes on capturing it.
    pub fn resume(&self, uuid: &LegUuid) -> Result<(), CommandFault> {
        self.command(
            uuid,
            LegInput::Commanded(Signal::Resume),
            "the leg's call is not paused",
            "`callvault status` shows the pauses",
        )
    }

    /// Has it decided, and says whether anything came of it.
    fn command(
        &self,
        uuid: &LegUuid,
        what: LegInput,
        nothing: &'static str,
        advice: &'static str,
    ) -> Result<(), CommandFault> {
        let leg = self.find_leg(uuid).ok_or_else(|| {
            CommandFault::new(
                "no_such_leg",
                "no leg of that uuid is known",
                "`callvault active` shows the legs being recorded",
            )
        })?;
        let (at, now) = self.moment();
        let (done, decided) = bounded(1);
        self.send(Message::Command { leg, at, now, what, done });
        match decided.recv_timeout(DECIDED_WITHIN) {
            Ok(Commanded { changed: true, .. }) => Ok(()),
            Ok(Commanded { changed: false, .. }) => Err(CommandFault::new("nothing_changed", nothing, advice)),
            Err(_) => Err(CommandFault::new(
                "busy",
                "the controller did not answer in time",
                "the command may still be carried out: see the audit log before repeating it",
            )),
        }
    }
}

impl Controller {
    /// A party of that recording came to stand so.
    pub(super) fn stands(&mut self, recording: RecordingId, change: StandingChange) {
        let mut change = self.as_commanded(change);
        if let Some(leg) = self.legs.stands(&change.leg, change.standing) {
            self.touch(leg);
        }
        match self.told_of.recall(&change) {
            Some(by) => change.by = by,
            None => self.tell_of(recording, &change),
        }
        self.books.row(Change::Standing { recording, change: Box::new(change) });
    }

    fn tell_of(&mut self, recording: RecordingId, change: &StandingChange) {
        if let Some(commanded) = &mut self.commanded {
            commanded.changed = true;
        }
        self.shared.tally().stood(change.at_ms, change.standing);
        let action = match change.standing {
            Standing::Objected => Some(Action::Object),
            Standing::Withdrawn => Some(Action::Withdraw),
            Standing::Informed if change.by == "agent" || change.by == BY_COMMAND => Some(Action::Attest),
            Standing::Pending
            | Standing::Informed
            | Standing::InformedContinued
            | Standing::Consented
            | Standing::Declined
            | Standing::RefusedHangup
            | Standing::NotInformed
            | Standing::ToldElsewhere => None,
        };
        if let Some(action) = action {
            let actor = match change.by.as_str() {
                BY_COMMAND => Actor::Operator,
                "agent" => Actor::Agent,
                "digit" => Actor::OutsideParty,
                _ => Actor::Recorder,
            };
            let entry = Entry::new(change.at_ms, actor, action, Object::Leg(change.leg.clone()), Verdict::Done);
            self.audited(entry.with("recording", recording));
        }
        if matches!(change.standing, Standing::Objected | Standing::Withdrawn) {
            let (leg, by) = (change.leg.clone(), change.by.clone());
            self.shared.event(RecorderEvent::Objected { recording, leg, by });
        }
    }

    /// What an operator's command led to did not come by a key of a telephone.
    pub(super) fn as_commanded(&self, change: StandingChange) -> StandingChange {
        let by_key = matches!(change.by.as_str(), "agent" | "digit");
        match self.commanded {
            Some(commanded) if by_key && change.at_ms == commanded.at => {
                StandingChange { by: BY_COMMAND.to_owned(), ..change }
            }
            Some(_) | None => change,
        }
    }

    /// A conversation's capture was paused from that leg's side, or goes on.
    pub(super) fn paused(
        &mut self,
        recording: RecordingId,
        leg: LegUuid,
        on: bool,
        lasted: Option<Duration>,
        by_itself: bool,
    ) {
        let now = self.shared.clock.now();
        let lasted_ms = lasted.map(|lasted| u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX));
        let actor = match &mut self.commanded {
            _ if by_itself => Actor::Recorder,
            Some(commanded) => {
                commanded.changed = true;
                Actor::Operator
            }
            None => Actor::Agent,
        };
        let action = if on { Action::Pause } else { Action::Resume };
        let entry =
            Entry::new(now, actor, action, Object::Leg(leg.clone()), Verdict::Done).with("recording", recording);
        self.audited(match lasted_ms {
            Some(ms) => entry.with("lasted_ms", ms),
            None => entry,
        });
        if on {
            self.shared.watch().paused(recording, leg.clone(), now);
        } else {
            self.shared.watch().pause_lasted(recording, lasted_ms.unwrap_or(0), by_itself);
        }
        self.shared.event(RecorderEvent::Paused { recording, leg, on, lasted_ms });
    }

    /// Whose task it was to tell and attest is in the log, so that there is a report by agent (STF-02).
    pub(super) fn not_attested(&self, recording: RecordingId, agent: LegUuid) {
        let now = self.shared.clock.now();
        let entry = Entry::new(now, Actor::Agent, Action::Attest, Object::Leg(agent), Verdict::Failed);
        self.audited(entry.because("not_attested").with("recording", recording));
    }

    /// The keeper writes it; nobody on a call waits for that.
    fn audited(&self, entry: Entry) {
        let _ = self.keeper.send(Orders::Note(Box::new(entry)));
    }
}
