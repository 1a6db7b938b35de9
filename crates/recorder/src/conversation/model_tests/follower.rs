//! Follows the effects as the controller would, and refuses what must never be.
use std::collections::{BTreeMap, BTreeSet};

use crate::capture::Generation;
use crate::conversation::{Effect, Opening};
use crate::evidence::{Party, Standing};
use crate::ids::{LegKey, RecordingId, TrackNumber};
use crate::policy::Outcome;

#[derive(Debug, Default)]
pub(super) struct Follower {
    pub(super) open: BTreeMap<LegKey, RecordingId>,
    pub(super) belongs: BTreeMap<LegKey, RecordingId>,
    pub(super) generations: BTreeMap<LegKey, Generation>,
    pub(super) tracks: BTreeMap<(RecordingId, TrackNumber), LegKey>,
    pub(super) closed: BTreeSet<(RecordingId, TrackNumber)>,
    pub(super) unreported: Vec<(RecordingId, TrackNumber)>,
    pub(super) started: BTreeSet<RecordingId>,
    pub(super) paused: BTreeSet<RecordingId>,
    pub(super) outcomes: BTreeMap<RecordingId, Outcome>,
    /// Who joined where, and how it stands there.
    stands: BTreeMap<(RecordingId, Box<str>), Option<Standing>>,
}

impl Follower {
    pub(super) fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Started(started) => {
                    assert!(self.started.insert(started.recording), "a recording starts once");
                }
                Effect::OpenGate(open) => {
                    let track = (open.recording, open.track);
                    assert!(self.started.contains(&open.recording), "nothing is captured before the first answer");
                    assert!(!self.outcomes.contains_key(&open.recording), "nothing is captured after the outcome");
                    assert!(self.open.insert(open.leg, open.recording).is_none(), "an open gate is not opened");
                    assert_eq!(self.belongs[&open.leg], open.recording, "a leg is captured where it belongs");
                    assert!(self.generations.get(&open.leg).is_none_or(|before| *before < open.generation));
                    self.generations.insert(open.leg, open.generation);
                    match open.opening {
                        Opening::First(_) => assert!(self.tracks.insert(track, open.leg).is_none(), "a number twice"),
                        Opening::Again(_) => assert_eq!(self.tracks.get(&track), Some(&open.leg)),
                    }
                    let own = self.tracks.iter().filter(|((id, _), leg)| *id == open.recording && **leg == open.leg);
                    assert_eq!(own.count(), 1, "one track per leg and recording");
                    let stands = self.stands.get(&(open.recording, open.uuid.to_string().into())).copied();
                    let stands = stands.expect("who is captured joined");
                    let may = matches!(
                        stands,
                        Some(Standing::InformedContinued | Standing::Consented | Standing::ToldElsewhere)
                    );
                    assert!(may || open.party == Party::Agent, "captured as {stands:?}");
                }
                Effect::ShutGate { leg, .. } => {
                    assert!(self.open.remove(&leg).is_some(), "a shut gate is not shut");
                }
                Effect::CloseTrack { leg, recording, track } => {
                    assert!(!self.open.contains_key(&leg), "a track is closed behind a shut gate");
                    assert_eq!(self.tracks.get(&(recording, track)), Some(&leg));
                    self.closed.insert((recording, track));
                    self.unreported.push((recording, track));
                }
                Effect::SetRecording { leg, recording, former } => {
                    assert!(!self.open.contains_key(&leg), "a leg moves behind a shut gate");
                    assert_eq!(self.belongs.insert(leg, recording), Some(former), "a leg belongs to one recording");
                }
                Effect::Outcome { recording, outcome, .. } => {
                    assert!(self.started.contains(&recording), "who never answered has no outcome");
                    assert!(self.outcomes.insert(recording, outcome).is_none(), "one outcome each");
                }
                Effect::LegJoined { recording, leg, uuid, .. } => {
                    assert_eq!(self.belongs.get(&leg), Some(&recording));
                    assert!(!self.outcomes.contains_key(&recording), "what has its outcome learns nothing more");
                    self.stands.insert((recording, uuid.to_string().into()), None);
                }
                Effect::Standing { recording, change } => {
                    assert!(!self.outcomes.contains_key(&recording), "what has its outcome learns nothing more");
                    let stands = self.stands.get_mut(&(recording, change.leg.to_string().into()));
                    *stands.expect("who stands somehow has joined") = Some(change.standing);
                }
                Effect::Paused { recording, on: true, .. } => assert!(self.paused.insert(recording), "paused twice"),
                Effect::Paused { recording, lasted, .. } => {
                    assert!(self.paused.remove(&recording) && lasted.is_some(), "what goes on was paused");
                }
                Effect::Notice { .. }
                | Effect::Ask { .. }
                | Effect::Ended { .. }
                | Effect::RollOver { .. }
                | Effect::Alarm(_) => {}
            }
        }
    }
}
