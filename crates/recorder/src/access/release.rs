//! Writing a released copy: one file that only the ticket's holder can open.
use std::io::Read as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::digest::Sha256Digest;
use super::manifest::{Holder, Manifest, ManifestSegment, ManifestTrack, Part, PartyState};
use super::node_key::NodeKey;
use super::ticket::AuditedGrant;
use crate::conversation::Direction;
use crate::evidence::{Gap, NoticeEvidence, Party};
use crate::ids::{LegUuid, TrackNumber};
use crate::store::{AppendFile as _, SegmentName, Store, StoreFault, StoreFile, StoreReader};
use crate::time::UnixMillis;

/// What the catalogue and the keystore say of a recording that is released. Times are UTC; offsets and durations
/// milliseconds from its first answer.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyContent {
    /// The configured name of the instance.
    pub instance: String,
    /// Which way its first leg was set up.
    pub direction: Direction,
    /// When its first leg was born.
    pub started_at: UnixMillis,
    /// Its first answer.
    pub answered_at: Option<UnixMillis>,
    /// Its end.
    pub ended_at: UnixMillis,
    /// When it expires; a copy does so at the same moment.
    pub expires_at: UnixMillis,
    /// Its tracks.
    pub tracks: Vec<CopyTrack>,
    /// The notices that were played in it.
    pub notices: Vec<NoticeEvidence>,
    /// What became of its parties.
    pub parties: Vec<PartyState>,
}

/// One track of a recording that is released.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyTrack {
    /// Its number.
    pub number: TrackNumber,
    /// Whose voice.
    pub party: Party,
    /// The host's uuid of the leg.
    pub leg: LegUuid,
    /// What its audio is stored in.
    pub codec: String,
    /// Where it begins.
    pub offset_ms: u64,
    /// How long it is.
    pub duration_ms: u64,
    /// Stretches without the party's audio.
    pub gaps: Vec<Gap>,
    /// The ticket holder's capsule of its key (an age file), as the keystore hands it out.
    pub capsule: Vec<u8>,
    /// Its segments.
    pub segments: Vec<CopySegment>,
}

/// A segment in the store, as the catalogue has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopySegment {
    /// Its index in the track.
    pub index: u32,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
}

/// A copy that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleasedCopy {
    /// Its file's name in the release directory: `<recording>-<first 8 digits of the ticket's hash>.callvault`.
    pub name: String,
    /// Its absolute path, where `data-dir` is one.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Why nothing was released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseFault {
    /// Its time is over.
    #[error("the recording expired at {0} and is being destroyed. Nothing of it can be released.")]
    Expired(UnixMillis),
    /// There is no audio of it.
    #[error("no audio of this recording is kept. `callvault show` says why.")]
    NothingKept,
    /// What lies in the store is not what was sealed.
    #[error(
        "segment {segment} of track {track} is not as it was sealed: {found}. Restore the store's volume, and look who changed it."
    )]
    Segment {
        /// Of which track.
        track: TrackNumber,
        /// Which segment.
        segment: u32,
        /// What is wrong with it.
        found: &'static str,
    },
    /// More than a manifest can hold.
    #[error("the recording has too many parts for one copy. Report this with its `callvault show`.")]
    TooLarge,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Writing or reading failed.
    #[error("the copy could not be written: {0}. Check the space on data-dir and try again with a new ticket.")]
    Io(#[from] std::io::Error),
}

impl ReleaseFault {
    /// A stable code for `-ERR` and the audit log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expired(_) => "release_expired",
            Self::NothingKept => "release_nothing_kept",
            Self::Segment { .. } => "release_segment_changed",
            Self::TooLarge => "release_too_large",
            Self::Store(_) => "release_store",
            Self::Io(_) => "release_io",
        }
    }
}

/// Writes the copy that the grant allows, durably, under `data-dir/releases`. On a fault nothing of it is left.
pub fn write_copy(
    store: &Store,
    granted: &AuditedGrant,
    content: &CopyContent,
    node: &NodeKey,
    now: UnixMillis,
) -> Result<ReleasedCopy, ReleaseFault> {
    if content.expires_at <= now {
        return Err(ReleaseFault::Expired(content.expires_at));
    }
    if content.tracks.iter().all(|track| track.segments.is_empty()) {
        return Err(ReleaseFault::NothingKept);
    }
    let manifest = manifest(granted, content, node, now);
    let head = manifest.sign(node).ok_or(ReleaseFault::TooLarge)?;
    let ticket = manifest.ticket_sha256.to_string();
    let name = format!("{}-{}.callvault", manifest.recording, &ticket[..8]);
    let (path, file) = store.create_release(&name)?;
    match write_parts(store, file, &head, content, &manifest) {
        Ok(()) => Ok(ReleasedCopy { name, path, manifest }),
        Err(fault) => {
            // The fault that led here is the one to tell; a copy that stays is torn and opens nothing.
            let _ = store.remove_release(&name);
            Err(fault)
        }
    }
}

fn write_parts(
    store: &Store,
    mut file: StoreFile,
    head: &[u8],
    content: &CopyContent,
    manifest: &Manifest,
) -> Result<(), ReleaseFault> {
    file.append(head)?;
    for track in &content.tracks {
        file.append(&track.capsule)?;
    }
    for track in &content.tracks {
        for segment in &track.segments {
            let name = SegmentName { recording: manifest.recording, track: track.number, segment: segment.index };
            append_segment(&mut file, store.open_segment(&name)?, track.number, segment)?;
        }
    }
    file.sync_data()?;
    file.close()?;
    Ok(store.sync_releases()?)
}

fn append_segment(
    file: &mut StoreFile,
    source: StoreFile,
    track: TrackNumber,
    segment: &CopySegment,
) -> Result<(), ReleaseFault> {
    let fault = |found| ReleaseFault::Segment { track, segment: segment.index, found };
    if source.len()? != segment.bytes {
        return Err(fault("its length differs"));
    }
    let mut reader = StoreReader::from(source);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        file.append(&buffer[..count])?;
    }
    if <[u8; 32]>::from(hash.finalize()) == segment.sha256 { Ok(()) } else { Err(fault("its digest differs")) }
}

fn manifest(granted: &AuditedGrant, content: &CopyContent, node: &NodeKey, now: UnixMillis) -> Manifest {
    let grant = granted.grant();
    Manifest {
        v: 1,
        instance: content.instance.clone(),
        recording: grant.recording(),
        direction: content.direction,
        started_at_ms: content.started_at,
        answered_at_ms: content.answered_at,
        ended_at_ms: content.ended_at,
        tracks: content.tracks.iter().map(manifest_track).collect(),
        notices: content.notices.clone(),
        parties: content.parties.clone(),
        ticket_sha256: Sha256Digest::from_bytes(grant.ticket_sha256()),
        holder: Holder { name: grant.person().name.clone(), age: grant.person().age },
        purpose: grant.purpose(),
        reference: grant.reference().clone(),
        released_at_ms: now,
        expires_at_ms: content.expires_at,
        node: node.public(),
    }
}

fn manifest_track(track: &CopyTrack) -> ManifestTrack {
    let segment = |segment: &CopySegment| ManifestSegment {
        index: segment.index,
        bytes: segment.bytes,
        sha256: Sha256Digest::from_bytes(segment.sha256),
    };
    ManifestTrack {
        number: track.number,
        party: track.party,
        leg: track.leg.clone(),
        codec: track.codec.clone(),
        offset_ms: track.offset_ms,
        duration_ms: track.duration_ms,
        gaps: track.gaps.clone(),
        capsule: Part { bytes: track.capsule.len() as u64, sha256: Sha256Digest::of(&track.capsule) },
        segments: track.segments.iter().map(segment).collect(),
    }
}
