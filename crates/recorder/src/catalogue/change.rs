//! What may happen to the catalogue's rows. Applied in groups, each group one transaction.
use crate::conversation::Direction;
use crate::evidence::{Gap, NoticeEvidence, Party, StandingChange};
use crate::ids::{KeyId, LegUuid, RecordingId, SlotNumber, TrackNumber};
use crate::policy::Outcome;
use crate::time::{EpochDay, UnixMillis};

use super::tombstone::{CopyFate, DestructionReason};

/// One change. Times are UTC; offsets and durations are milliseconds from the recording's zero, its first answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A conversation began: its first leg was born.
    RecordingStarted {
        /// The recording.
        id: RecordingId,
        /// Which way its first leg was set up.
        direction: Direction,
        /// The birth of its first leg.
        started_at: UnixMillis,
        /// The instance's configured name.
        instance: String,
        /// The policy's hash, as the audit log has it.
        policy_hash: String,
        /// The epoch whose key wraps its slots.
        epoch: EpochDay,
    },
    /// Nothing of it was kept and its parties went on in another: it is no call of its own. Its keys are destroyed, and
    /// no tombstone is left of it.
    RecordingMerged {
        /// The recording.
        id: RecordingId,
        /// The one that its parties are in.
        into: RecordingId,
        /// When.
        ended_at: UnixMillis,
    },
    /// Its first answer: the recording's zero. A later one changes nothing.
    RecordingAnswered {
        /// The recording.
        id: RecordingId,
        /// When.
        at: UnixMillis,
    },
    /// A leg takes part in the conversation. Said again, it changes nothing.
    LegJoined {
        /// The recording.
        recording: RecordingId,
        /// The host's uuid.
        leg: LegUuid,
        /// What its party is, where it has one.
        party: Option<Party>,
        /// Since when.
        at: UnixMillis,
    },
    /// A track is captured from now on.
    TrackOpened {
        /// The recording.
        recording: RecordingId,
        /// The track.
        number: TrackNumber,
        /// Whose voice.
        party: Party,
        /// On which leg.
        leg: LegUuid,
        /// Where its capsules lie.
        slot: SlotNumber,
        /// Which key they hold.
        key: KeyId,
        /// The party's personal fields, sealed under that key. Empty where there are none.
        personal_sealed: Vec<u8>,
        /// When the track begins.
        offset_ms: u64,
    },
    /// A segment file was made.
    SegmentOpened {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// The segment's index, from 0.
        segment: u32,
        /// Its name in the store.
        name: String,
        /// The stored codec's name (`opus`, `pcmu` …).
        codec: String,
        /// Samples per second.
        sample_rate: u32,
        /// 1 or 2.
        channels: u8,
    },
    /// It is whole.
    SegmentClosed {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// The segment's index.
        segment: u32,
        /// Records in it.
        records: u64,
        /// Its length in bytes.
        bytes: u64,
        /// SHA-256 of the file as it lies in the store.
        sha256: [u8; 32],
    },
    /// A segment that was announced has no file, or an empty one.
    SegmentMissing {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// The segment's index.
        segment: u32,
    },
    /// The track is complete.
    TrackClosed {
        /// The recording.
        recording: RecordingId,
        /// The track.
        number: TrackNumber,
        /// Where its first sample lies; corrects what `TrackOpened` said.
        offset_ms: u64,
        /// From its first sample to its last, gaps included.
        duration_ms: u64,
        /// Stretches without the party's audio.
        gaps: Vec<Gap>,
        /// Frames taken.
        frames: u64,
        /// Frames lost between the media thread and the segment.
        frames_lost: u64,
    },
    /// A notice ended on a leg.
    Notice {
        /// The recording.
        recording: RecordingId,
        /// What was measured of it.
        evidence: Box<NoticeEvidence>,
    },
    /// A party came to stand so.
    Standing {
        /// The recording.
        recording: RecordingId,
        /// Its leg, and since when.
        change: Box<StandingChange>,
    },
    /// The conversation is over.
    RecordingEnded {
        /// The recording.
        id: RecordingId,
        /// When.
        ended_at: UnixMillis,
        /// How it ended for the recorder.
        outcome: Outcome,
        /// `ended_at` + retention, fixed here (RET-01).
        expires_at: UnixMillis,
    },
    /// The recorder stopped in the middle of it; what was sealed is kept.
    RecordingTruncated {
        /// The recording.
        id: RecordingId,
        /// The end of its last record.
        ended_at: UnixMillis,
        /// `recorded` where any audio is kept.
        outcome: Outcome,
        /// `ended_at` + retention.
        expires_at: UnixMillis,
    },
    /// The policy keeps recordings for this long now. Takes existing ones down to it, never up (RET-02).
    RetentionIs {
        /// Kept for this long from a recording's end.
        retention: std::time::Duration,
    },
    /// A released copy was written.
    Released {
        /// The recording.
        recording: RecordingId,
        /// Where the copy lies.
        path: String,
        /// SHA-256 of the public key that opens it.
        holder_key_hash: [u8; 32],
        /// SHA-256 of the ticket.
        ticket_sha256: [u8; 32],
        /// When.
        at: UnixMillis,
        /// Until when `open` opens it.
        expires_at: UnixMillis,
        /// Whether it is known to have left the release directory.
        left: bool,
    },
    /// A ticket was used. A nonce that was used before refuses the whole group
    /// ([`CatalogueFault::TicketUsedBefore`](super::CatalogueFault::TicketUsedBefore)).
    TicketUsed {
        /// The ticket's nonce.
        nonce: Vec<u8>,
        /// SHA-256 of the ticket.
        ticket_sha256: [u8; 32],
        /// When.
        at: UnixMillis,
    },
    /// Its destruction begins: it is released to nobody from now on, and finished after a restart.
    Destroying {
        /// The recording.
        id: RecordingId,
        /// Since when.
        at: UnixMillis,
        /// Why.
        reason: DestructionReason,
    },
    /// Keys, segments and copies are gone: its rows give way to a tombstone (DES-02).
    Destroyed {
        /// The recording.
        id: RecordingId,
        /// When.
        at: UnixMillis,
        /// What became of its released copies.
        copies: Vec<CopyFate>,
    },
}
