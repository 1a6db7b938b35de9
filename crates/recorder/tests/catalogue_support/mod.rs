//! A directory with a catalogue, and calls as the changes that make them.
#![allow(dead_code, reason = "each test file uses its part")]
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use callvault_recorder::catalogue::{Catalogue, CatalogueReader, Change};
use callvault_recorder::conversation::Direction;
use callvault_recorder::evidence::{Gap, GapReason, NoticeEvidence, NoticeState, Party, Standing, StandingChange};
use callvault_recorder::ids::{KeyId, LegUuid, RecordingId, SlotNumber, TrackNumber};
use callvault_recorder::policy::Outcome;
use callvault_recorder::time::{EpochDay, UnixMillis};

pub const ID: RecordingId = RecordingId::from_bytes([0xC0; 16]);
pub const RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// 2026-11-24T11:00:00Z
pub const T0: UnixMillis = UnixMillis(1_795_518_000_000);

pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub fn path(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("catalogue.sqlite{suffix}"))
    }

    pub fn catalogue(&self) -> Catalogue {
        Catalogue::open(&self.path("")).expect("the catalogue opens")
    }

    pub fn reader(&self) -> CatalogueReader {
        CatalogueReader::open(&self.path("")).expect("a reader opens")
    }
}

pub fn recording(n: u8) -> RecordingId {
    let mut bytes = [0; 16];
    bytes[15] = n;
    RecordingId::from_bytes(bytes)
}

pub fn track(n: u16) -> TrackNumber {
    TrackNumber(NonZeroU16::new(n).expect("tracks count from 1"))
}

pub fn leg(name: &str) -> LegUuid {
    LegUuid::from_host(name.as_bytes())
}

/// The keys and slots of `whole_call`'s tracks; spread by recording so that no two share one.
pub fn slot_of(id: RecordingId, n: u16) -> (SlotNumber, KeyId) {
    let last = id.bytes()[15];
    (SlotNumber(u32::from(last) * 10 + u32::from(n)), KeyId([last ^ n as u8; 16]))
}

pub fn started(id: RecordingId, at: UnixMillis) -> Change {
    Change::RecordingStarted {
        id,
        direction: Direction::Inbound,
        started_at: at,
        instance: "pbx-1".into(),
        policy_hash: "policy-hash".into(),
        epoch: EpochDay(at.day().0 + 31),
    }
}

pub fn ended(id: RecordingId, at: UnixMillis, outcome: Outcome) -> Change {
    Change::RecordingEnded { id, ended_at: at, outcome, expires_at: at.plus(RETENTION) }
}

pub fn opened(id: RecordingId, n: u16, party: Party, on: &str, offset_ms: u64, personal_sealed: &[u8]) -> Change {
    let (slot, key) = slot_of(id, n);
    Change::TrackOpened {
        recording: id,
        number: track(n),
        party,
        leg: leg(on),
        slot,
        key,
        personal_sealed: personal_sealed.to_vec(),
        offset_ms,
    }
}

pub fn segment(id: RecordingId, n: u16, index: u32, codec: &str) -> [Change; 2] {
    [
        Change::SegmentOpened {
            recording: id,
            track: track(n),
            segment: index,
            name: format!("{id}-{n}-{index}"),
            codec: codec.into(),
            sample_rate: 8_000,
            channels: 1,
        },
        Change::SegmentClosed {
            recording: id,
            track: track(n),
            segment: index,
            records: 60,
            bytes: 9_000,
            sha256: [(n * 10) as u8 + index as u8; 32],
        },
    ]
}

pub fn closed(id: RecordingId, n: u16, offset_ms: u64, duration_ms: u64, gaps: Vec<Gap>) -> Change {
    Change::TrackClosed { recording: id, number: track(n), offset_ms, duration_ms, gaps, frames: 50, frames_lost: 0 }
}

pub fn released(id: RecordingId, path: &str) -> Change {
    Change::Released {
        recording: id,
        path: path.into(),
        holder_key_hash: [0xAB; 32],
        ticket_sha256: [2; 32],
        at: T0,
        expires_at: T0.plus(RETENTION),
        left: false,
    }
}

pub fn stood(id: RecordingId, on: &str, standing: Standing, at: UnixMillis, by: &str) -> Change {
    let change = StandingChange { leg: leg(on), standing, at_ms: at, by: by.into() };
    Change::Standing { recording: id, change: Box::new(change) }
}

/// Rings for 5 s, is answered and told for 4 s, talked through for the rest of a minute. The first six changes leave
/// it in progress.
pub fn whole_call(id: RecordingId, at: UnixMillis) -> Vec<Change> {
    let zero = UnixMillis(at.0 + 5_000);
    let [caller_opened, caller_closed] = segment(id, 1, 0, "opus");
    let [agent_opened, agent_closed] = segment(id, 2, 0, "pcmu");
    let [agent_goes_on, agent_ends] = segment(id, 2, 1, "opus");
    let evidence = NoticeEvidence {
        leg: leg("leg-a"),
        party: Party::Caller,
        prompt: "notice".into(),
        version: "1".into(),
        language: "nl".into(),
        sha256: String::new(),
        frames_due: 200,
        frames_written: 200,
        packets_sent: Some(200),
        started_at_ms: zero,
        ended_at_ms: UnixMillis(zero.0 + 4_000),
        state: NoticeState::Informed,
    };
    vec![
        started(id, at),
        Change::LegJoined { recording: id, leg: leg("leg-a"), party: Some(Party::Caller), at },
        Change::RecordingAnswered { id, at: zero },
        Change::Notice { recording: id, evidence: Box::new(evidence) },
        opened(id, 1, Party::Caller, "leg-a", 4_000, b"sealed-personal-fields-of-the-caller"),
        caller_opened,
        opened(id, 2, Party::Agent, "leg-b", 6_000, b""),
        agent_opened,
        agent_closed,
        agent_goes_on,
        ended(id, UnixMillis(zero.0 + 60_000), Outcome::Recorded),
        caller_closed,
        closed(id, 1, 4_000, 56_000, vec![Gap { offset_ms: 9_000, duration_ms: 40, reason: GapReason::NotReceived }]),
        agent_ends,
        closed(id, 2, 6_000, 54_000, Vec::new()),
        stood(id, "leg-a", Standing::Informed, UnixMillis(zero.0 + 4_000), "prompt"),
    ]
}
