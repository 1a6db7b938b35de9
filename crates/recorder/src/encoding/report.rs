//! What the pool tells: rows of the catalogue to be, and faults in words.
use crate::capture::FrameFormat;
use crate::codec::NoDecoder;
use crate::evidence::Gap;
use crate::ids::{KeyId, RecordingId, SlotNumber, TrackNumber};
use crate::seal::{SealFault, StoredCodec};
use crate::store::SegmentName;

/// What became of a track.
#[derive(Debug)]
pub enum PoolReport {
    /// A segment's file is there and has its header.
    SegmentOpened {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// The segment's number in the track, from 0.
        index: u32,
        /// The file's name in the store.
        name: SegmentName,
        /// How its audio is kept.
        codec: StoredCodec,
        /// Samples per second.
        sample_rate: u32,
        /// 1 or 2.
        channels: u8,
        /// The slot of the key.
        slot: SlotNumber,
        /// The key's id.
        key: KeyId,
    },
    /// A segment is whole: its last record is written.
    SegmentClosed {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// The segment's number.
        index: u32,
        /// Records, the last one included.
        records: u64,
        /// Length of the file.
        bytes: u64,
        /// SHA-256 of the file.
        sha256: [u8; 32],
    },
    /// The track is over; all of its segments were reported before.
    TrackClosed {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// Where its first frame lies, in milliseconds from the recording's start.
        offset_ms: u64,
        /// From there to its end, in milliseconds.
        duration_ms: u64,
        /// Where it has no audio, in order, at most 16384 of them; all are in the segments.
        gaps: Vec<Gap>,
        /// Frames that came through the gate.
        frames: u64,
        /// Those of them that are not in the segments.
        frames_lost: u64,
    },
    /// The store began to let what is sealed wait, or ceased to: nothing is lost by that yet.
    Store {
        /// Whether it is slow now.
        slow: bool,
    },
    /// Something went wrong on one track; said once each time it begins.
    Fault {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackNumber,
        /// What.
        what: TrackFault,
    },
}

/// What can go wrong on a track.
#[derive(Debug, thiserror::Error)]
pub enum TrackFault {
    /// No decoder for what the leg speaks.
    #[error(transparent)]
    NoDecoder(#[from] NoDecoder),
    /// Payloads that are not of their codec.
    #[error("payloads said to be {0} are not, and are left out: look at what the far end sends")]
    Undecodable(FrameFormat),
    /// A decoder or the recorder itself broke on a payload.
    #[error(
        "a payload of {0} broke its decoder; audio of this format is left out on this track: report it, with the codec's module and version"
    )]
    Broken(FrameFormat),
    /// A panic where none should be.
    #[error("the recorder failed on this track, which ends here: report it, with the log around this line")]
    Panicked,
    /// The encoder refused.
    #[error("the Opus encoder refused audio ({0}), which is left out: report it")]
    Encoder(opus::Error),
    /// A record could not be sealed or written. It waits, sealed, where there is room for it.
    #[error(transparent)]
    Seal(#[from] SealFault),
}
