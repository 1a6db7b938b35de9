//! What the host's side saw that is none of a conversation's inputs: audited, counted, told as an alarm within a second.
use super::Recorder;
use super::keeper::Orders;
use super::reconciling::HungUp;
use super::shared::Shared;
use super::watch::PromptsState;
use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::ids::{LegKey, LegUuid, RecordingId};

/// Something that happened to a leg in scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Our tap was taken off the leg by others (REC-04). Raises `tap_removed` until every tap is back.
    TapRemoved,
    /// It is back.
    TapRepaired,
    /// Somebody else's tap is on the leg (PUR-08). Raises `foreign_tap` until the last such leg is gone.
    ForeignTap {
        /// The tap's function as the host names it: `eavesdrop`, `session_record` …
        function: String,
        /// What it is aimed at, as the host names it: a uuid, a file. Escaped and capped in the audit log only.
        target: String,
    },
    /// The leg that listened was hung up, as `foreign-taps` says.
    ListenerHungUp {
        /// The host's uuid of it.
        listener: LegUuid,
    },
    /// Media that bypassed this host was brought back (REC-03).
    MediaReturned,
    /// It could not be brought back: the call ends `no_media_path`.
    MediaNotReturned,
    /// A dialplan set a variable that it may not set, or that means nothing; it changed nothing.
    WishRefused {
        /// The variable's name.
        variable: &'static str,
    },
}

impl Recorder {
    /// Something happened to that leg. Never blocks.
    pub fn observe(&self, leg: LegKey, what: Observation) {
        let uuid = self.leg_view(leg).map(|view| view.uuid);
        let object = uuid.clone().map_or(Object::Recorder, Object::Leg);
        let named = uuid.map_or_else(|| "a leg that is gone".to_owned(), |uuid| format!("leg {uuid}"));
        let entry = |actor, action| Entry::new(self.shared.clock.now(), actor, action, object.clone(), Verdict::Done);
        let shared = &self.shared;
        let entry = match what {
            Observation::TapRemoved => {
                shared.watch().tap_removed(leg);
                let advice = "find out who runs remove_bugs or `uuid_record … stop all`; it is put back by itself";
                shared.raise("tap_removed", format!("the recorder's tap was taken off {named}; {advice}"));
                entry(Actor::Unknown, Action::TapRemoved)
            }
            Observation::TapRepaired => {
                let all_there = shared.watch().tap_repaired(leg);
                if all_there {
                    shared.clear("tap_removed");
                }
                entry(Actor::Recorder, Action::TapRepair)
            }
            Observation::ForeignTap { function, target } => {
                shared.watch().foreign_tap(leg);
                let advice = "the audit log names it; the rules for listening are those for recordings";
                shared.raise("foreign_tap", format!("somebody else's tap is on {named}; {advice}"));
                entry(Actor::Unknown, Action::ForeignTap).with("function", function).with("target", target)
            }
            Observation::ListenerHungUp { listener } => {
                shared.watch().taps.listeners_hung_up += 1;
                entry(Actor::Recorder, Action::ListenerHangUp).with("listener", listener)
            }
            Observation::MediaReturned => {
                shared.watch().taps.media_returned += 1;
                entry(Actor::Recorder, Action::MediaReturn)
            }
            Observation::MediaNotReturned => {
                shared.watch().taps.media_not_returned += 1;
                entry(Actor::Recorder, Action::MediaReturn).failed()
            }
            Observation::WishRefused { variable } => {
                let advice = "policy dialplan-may says what a dialplan may set, docs/notice.md what it may be";
                shared.raise("wish_refused", format!("{variable} on {named} was not taken; {advice}"));
                entry(Actor::Unknown, Action::DialplanWish).refused().with("variable", variable)
            }
        };
        self.note(entry);
    }

    /// The host wrote a call off (`CHANNEL_HANGUP_COMPLETE`): within a minute the keeper sees whether the recorder has
    /// an outcome of it (REC-02). `recording` is what its CDR names as `callvault_id`; `in_scope` whether, as far as the
    /// host's side can tell, it was a call with an outside party. Never blocks.
    pub fn reconcile(&self, leg: LegUuid, recording: Option<RecordingId>, answered: bool, in_scope: bool) {
        if answered && in_scope {
            let at = self.shared.clock.monotonic();
            let _ = self.keeper.send(Orders::HungUp(HungUp { leg, recording, at }));
        }
    }

    /// A call on that line of the company was told by the module, because no dialplan did: `status` lists such lines.
    /// `line` is the company's own number as it was dialled, never a caller's.
    pub fn told_only_by_module(&self, line: &str) {
        self.shared.watch().told_only(line, self.shared.clock.now());
    }

    /// How the host's side found the prompts of the policy; says it anew after each reload. Raises `prompt_unusable`
    /// where calls go unrecorded because of one (NOT-03).
    pub fn prompts(&self, found: PromptsState) {
        let unusable: Vec<String> = found
            .prompts
            .iter()
            .filter(|prompt| !prompt.usable)
            .map(|prompt| {
                let why = prompt.said.as_deref().unwrap_or("it cannot be played");
                format!("{} ({}): {why}", prompt.id, prompt.language)
            })
            .collect();
        if unusable.is_empty() {
            self.shared.clear("prompt_unusable");
        } else {
            let text = format!("calls that need these prompts are not recorded: {}", unusable.join("; "));
            self.shared.raise("prompt_unusable", text);
        }
        self.shared.watch().prompts = found;
    }

    pub(super) fn note(&self, entry: Entry) {
        // After shutdown nobody listens, and nothing is owed.
        let _ = self.keeper.send(Orders::Note(Box::new(entry)));
    }
}

/// A leg is gone: what was wrong with it alone is over.
pub(super) fn forget(shared: &Shared, leg: LegKey) {
    let (taps_there, unheard) = shared.watch().forget(leg);
    if taps_there {
        shared.clear("tap_removed");
    }
    if unheard {
        shared.clear("foreign_tap");
    }
}
