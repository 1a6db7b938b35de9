//! Releasing a copy: ticket, then audit, then keys, then the copy, then its row (decisions 6 to 8). What is refused
//! is audited too.
use std::path::PathBuf;

use super::fault::CommandFault;
use super::keeper::Keeper;
use crate::access::{
    CopyContent, CopySegment, CopyTrack, Grant, PartyOutcome, PartyState, TicketFault, verify_ticket, write_copy,
};
use crate::audit::{Action, Actor, Entry, Object, Verdict};
use crate::catalogue::{CatalogueFault, Change, Material, RecordingView, State};
use crate::evidence::{NoticeState, Party, Standing, Stood};
use crate::ids::{InstanceTag, LegUuid, RecordingId};
use crate::policy::Purpose;
use crate::time::UnixMillis;

impl Keeper {
    /// Releases what the ticket asks for; answers where the copy lies and of which recording it is.
    pub(super) fn release(&mut self, ticket: &str) -> Result<(RecordingId, PathBuf), CommandFault> {
        let now = self.shared.clock.now();
        let grant = self.grant(ticket, now).map_err(|fault| self.refused(ticket, None, fault))?;
        let recording = grant.recording();
        let content = self.content(&grant, now).map_err(|fault| self.refused(ticket, Some(&grant), fault))?;
        // From here on the ticket is used, whatever comes of it.
        let granted =
            grant.audited(|grant| self.note_use(grant, now)).map_err(|fault| self.refused(ticket, None, fault))?;
        let copy = write_copy(&self.store, &granted, &content, &self.node, now)
            .map_err(|fault| self.refused(ticket, Some(granted.grant()), CommandFault::saying(fault.code(), fault)))?;
        let row = Change::Released {
            recording,
            path: copy.name.clone(),
            holder_key_hash: sha256(&granted.grant().person().age.bytes()),
            ticket_sha256: granted.grant().ticket_sha256(),
            at: now,
            expires_at: content.expires_at,
            left: false,
        };
        if let Err(fault) = self.catalogue.apply(&[row]) {
            // A copy that no row knows of would outlive its recording.
            let removed = self.store.remove_release(&copy.name);
            let fault = CommandFault::saying(fault.code(), fault);
            if removed.is_err() {
                self.shared
                    .raise("stray_copy", format!("{} is in the release directory without a row; remove it", copy.name));
            }
            return Err(self.refused(ticket, Some(granted.grant()), fault));
        }
        Ok((recording, copy.path))
    }

    fn grant(&self, ticket: &str, now: UnixMillis) -> Result<Grant, CommandFault> {
        let Some(roster) = self.rosters.current() else {
            return Err(CommandFault::new(
                "no_roster",
                "there is no valid roster, so nobody may open a recording",
                "put the roster that the privacy officer signed in place and run `callvault_admin reload`",
            ));
        };
        let policy = self.shared.policy.load();
        let instance = InstanceTag::of(&policy.instance);
        let mut unknown = None;
        let grant = verify_ticket(ticket, &roster, instance, now, policy.ticket_validity, |nonce| {
            self.catalogue.ticket_used(&nonce.bytes()).unwrap_or_else(|fault| {
                unknown = Some(fault);
                true
            })
        });
        match (grant, unknown) {
            (_, Some(fault)) => Err(CommandFault::saying(fault.code(), fault)),
            (Err(fault), None) => Err(CommandFault::saying(fault.code(), fault)),
            (Ok(grant), None) if !policy.purposes.contains(&grant.purpose()) => Err(disabled(grant.purpose())),
            (Ok(grant), None) => Ok(grant),
        }
    }

    fn note_use(&mut self, grant: &Grant, now: UnixMillis) -> Result<(), CommandFault> {
        let entry = entry_of(grant, now, Verdict::Allowed)
            .with("purpose", grant.purpose())
            .with("reference", grant.reference())
            .with("nonce", grant.nonce());
        self.audit(entry)?;
        let used =
            Change::TicketUsed { nonce: grant.nonce().bytes().to_vec(), ticket_sha256: grant.ticket_sha256(), at: now };
        self.catalogue.apply(&[used]).map_err(|fault| {
            if matches!(fault, CatalogueFault::TicketUsedBefore) {
                return CommandFault::saying(TicketFault::Replayed.code(), TicketFault::Replayed);
            }
            CommandFault::saying(fault.code(), fault)
        })
    }

    fn content(&self, grant: &Grant, now: UnixMillis) -> Result<CopyContent, CommandFault> {
        let id = grant.recording();
        let saying = |fault: CatalogueFault| CommandFault::saying(fault.code(), fault);
        let view = self.reader.show(id, now).map_err(saying)?.ok_or_else(super::unknown_recording)?;
        let gone = || {
            CommandFault::new(
                "destroyed",
                "the recording is destroyed, or its destruction has begun",
                "nothing opens it any more",
            )
        };
        let material = self.reader.material(id).map_err(saying)?.ok_or_else(gone)?;
        match material.state {
            State::Kept | State::Truncated => {}
            State::Recording => {
                return Err(CommandFault::new(
                    "still_recording",
                    "the call is still going on",
                    "make a ticket when it has ended",
                ));
            }
            State::None => {
                return Err(CommandFault::new(
                    "release_nothing_kept",
                    "no audio of this call is kept",
                    "`callvault show` says why",
                ));
            }
            State::Destroying | State::Destroyed => return Err(gone()),
        }
        let (Some(ended_at), Some(expires_at)) = (view.ended_at_ms, view.expires_at_ms) else { return Err(gone()) };
        if expires_at <= now {
            return Err(gone());
        }
        Ok(CopyContent {
            instance: view.instance.clone(),
            direction: view.row.direction,
            started_at: view.row.started_at_ms,
            answered_at: view.answered_at_ms,
            ended_at,
            expires_at,
            tracks: self.tracks(grant, &view, &material)?,
            notices: view.notices.clone(),
            parties: parties(&view),
        })
    }

    fn tracks(&self, grant: &Grant, view: &RecordingView, material: &Material) -> Result<Vec<CopyTrack>, CommandFault> {
        let mut tracks = Vec::new();
        for (track, shown) in material.tracks.iter().zip(&view.tracks) {
            let closed = |segment: &crate::catalogue::SegmentMaterial| {
                let closed = segment.closed?;
                Some(CopySegment { index: segment.segment, bytes: closed.bytes, sha256: closed.sha256 })
            };
            let segments: Vec<CopySegment> = track.segments.iter().filter_map(closed).collect();
            if segments.is_empty() {
                // A track on which no frame came has a key and nothing under it.
                continue;
            }
            let capsule = self
                .keystore
                .capsule_for(track.slot, track.key, &grant.person().age)
                .map_err(|fault| CommandFault::saying(fault.code(), fault))?;
            tracks.push(CopyTrack {
                number: track.number,
                party: track.party,
                leg: track.leg.clone(),
                codec: shown.codec.clone(),
                offset_ms: shown.offset_ms,
                duration_ms: shown.duration_ms,
                gaps: shown.gaps.clone(),
                capsule,
                segments,
            });
        }
        Ok(tracks)
    }

    /// Counts and audits a refusal. Where even that cannot be written, the refusal stands all the same.
    fn refused(&mut self, ticket: &str, grant: Option<&Grant>, fault: CommandFault) -> CommandFault {
        let now = self.shared.clock.now();
        let entry = match grant {
            Some(grant) => entry_of(grant, now, Verdict::Refused),
            None => Entry::new(now, Actor::Operator, Action::Release, Object::Recorder, Verdict::Refused)
                .with("ticket_sha256", Hex(&sha256(ticket.trim().as_bytes()))),
        };
        let entry = entry.because(fault.code());
        let _ = self.audit(entry);
        fault
    }
}

/// The policy does not open recordings for that; a roster may still name it.
fn disabled(purpose: Purpose) -> CommandFault {
    CommandFault::new(
        "purpose_disabled",
        format!("the policy does not open recordings for {purpose}"),
        "`purposes` in the configuration says for what it does; its prompts have to name each",
    )
}

/// What became of each party: of those that are heard, and of those that only stood somewhere.
fn parties(view: &RecordingView) -> Vec<PartyState> {
    let heard = |leg: &LegUuid| view.tracks.iter().find(|track| track.leg == *leg && track.party != Party::System);
    let mut parties: Vec<PartyState> = Vec::new();
    for shown in &view.parties {
        let party = shown.party.or_else(|| heard(&shown.leg).map(|track| track.party));
        let Some(party) = party.filter(|_| heard(&shown.leg).is_some() || !shown.standings.is_empty()) else {
            continue;
        };
        let outcome = outcome(party, &shown.standings, view, &shown.leg);
        parties.push(PartyState { leg: shown.leg.clone(), party, outcome, standings: shown.standings.clone() });
    }
    // A recording that was found again from its segments alone knows its tracks only.
    for track in view.tracks.iter().filter(|track| track.party != Party::System) {
        if !parties.iter().any(|party| party.leg == track.leg) {
            let outcome = outcome(track.party, &[], view, &track.leg);
            parties.push(PartyState { leg: track.leg.clone(), party: track.party, outcome, standings: Vec::new() });
        }
    }
    parties
}

/// How a party stood at last, in the manifest's closed words; where it stood nowhere, what its leg was told.
fn outcome(party: Party, standings: &[Stood], view: &RecordingView, leg: &LegUuid) -> PartyOutcome {
    let told = || view.notices.iter().any(|notice| notice.leg == *leg && notice.state == NoticeState::Informed);
    match standings.last().map(|stood| stood.standing) {
        None if party == Party::Agent => PartyOutcome::Company,
        Some(Standing::Consented) => PartyOutcome::Consented,
        Some(Standing::Objected | Standing::Withdrawn | Standing::Declined) => PartyOutcome::Objected,
        Some(Standing::RefusedHangup) => PartyOutcome::RefusedHangup,
        Some(Standing::InformedContinued | Standing::Informed | Standing::ToldElsewhere) => {
            PartyOutcome::InformedContinued
        }
        None if told() => PartyOutcome::InformedContinued,
        None | Some(Standing::Pending | Standing::NotInformed) => PartyOutcome::NotInformed,
    }
}

fn entry_of(grant: &Grant, now: UnixMillis, verdict: Verdict) -> Entry {
    let actor = Actor::Person { key_sha256: sha256(&grant.person().ed25519.bytes()) };
    Entry::new(now, actor, Action::Release, Object::Recording(grant.recording()), verdict)
        .with("ticket_sha256", Hex(&grant.ticket_sha256()))
}

struct Hex<'a>(&'a [u8; 32]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
