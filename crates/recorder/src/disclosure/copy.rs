//! Reading a released copy: what it says of itself, whether it is whole, for whom it is.
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::region::Region;
use crate::access::{
    COPY_MAGIC, MAX_MANIFEST_BYTES, Manifest, PersonName, PublicSigningKey, SIGNATURE_BYTES, Sha256Digest,
};
use crate::ids::{RecordingId, TrackNumber};
use crate::seal::{self, CapsuleFault, RecipientKey, SegmentReader, TrackKey, X25519Identity};
use crate::time::UnixMillis;

/// Why a copy is not read, or not opened. Each kind of damage has its own.
#[derive(Debug, thiserror::Error)]
pub enum CopyFault {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}. Check the path and the disk.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not begin as a copy does.
    #[error("this is not a released copy. Take the file whose path `callvault_release` answered.")]
    NotACopy,
    /// A later form.
    #[error("this copy has a form that this version does not know. Open it with a newer callvault.")]
    UnknownForm,
    /// It ends too early.
    #[error("the copy is cut: it has {found} of its {expected} bytes. Take it from the release directory again.")]
    Cut {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// It goes on behind its end.
    #[error(
        "the copy has {0} bytes behind its end that do not belong to it. Take it from the release directory again."
    )]
    Extended(u64),
    /// The manifest is no manifest.
    #[error(
        "the copy's manifest was changed: it is not in the form a node signs. Take it from the release directory again."
    )]
    ManifestChanged,
    /// The signature is not the node's over this manifest.
    #[error(
        "the copy's signature is wrong: its manifest was changed, or another node's key put in. Take it from the release directory again."
    )]
    SignatureWrong,
    /// Another node signed it than the expected one.
    #[error("the copy is signed by node {found}, not by {expected}. Ask who runs the recorder where it comes from.")]
    AnotherNode {
        /// Who signed.
        found: PublicSigningKey,
        /// Who should have.
        expected: PublicSigningKey,
    },
    /// A part is not what was released.
    #[error("{0} was changed after the copy was released. Take it from the release directory again.")]
    Changed(PartName),
    /// A part stands in another's place.
    #[error("{expected} is not in its place: {found} is there. Take the copy from the release directory again.")]
    Swapped {
        /// What should be there.
        expected: PartName,
        /// What is.
        found: PartName,
    },
    /// Its time is over.
    #[error("the copy expired at {0} and is not opened any more. Delete it.")]
    Expired(UnixMillis),
    /// It is for somebody else.
    #[error(
        "the copy is for {holder}, and this identity is not {holder}'s. Ask {holder}, or make a ticket of your own."
    )]
    AnothersCopy {
        /// Whose it is.
        holder: PersonName,
    },
    /// A capsule does not open, though it is its holder who tries.
    #[error(
        "the capsule of track {track} does not give its key: {source}. Report this with the output of `callvault inspect`."
    )]
    Capsule {
        /// Of which track.
        track: TrackNumber,
        /// Why.
        source: CapsuleFault,
    },
}

impl CopyFault {
    /// A stable code, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "copy_unreadable",
            Self::NotACopy => "copy_not_a_copy",
            Self::UnknownForm => "copy_unknown_form",
            Self::Cut { .. } => "copy_cut",
            Self::Extended(_) => "copy_extended",
            Self::ManifestChanged => "copy_manifest_changed",
            Self::SignatureWrong => "copy_signature_wrong",
            Self::AnotherNode { .. } => "copy_another_node",
            Self::Changed(_) => "copy_changed",
            Self::Swapped { .. } => "copy_swapped",
            Self::Expired(_) => "copy_expired",
            Self::AnothersCopy { .. } => "copy_anothers",
            Self::Capsule { .. } => "copy_capsule",
        }
    }
}

/// A part of a copy, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartName {
    /// A track's capsule.
    Capsule(TrackNumber),
    /// A track's segment.
    Segment(TrackNumber, u32),
    /// A segment of another recording.
    OfAnother(RecordingId, TrackNumber, u32),
}

impl std::fmt::Display for PartName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Capsule(track) => write!(f, "the capsule of track {track}"),
            Self::Segment(track, segment) => write!(f, "segment {segment} of track {track}"),
            Self::OfAnother(recording, track, segment) => {
                write!(f, "segment {segment} of track {track} of recording {recording}")
            }
        }
    }
}

/// A copy whose manifest was read, whose signature fits and whose length is right.
#[derive(Debug)]
pub struct CopyReader {
    file: Arc<File>,
    path: PathBuf,
    manifest: Manifest,
    /// Where the parts begin.
    body: u64,
}

impl CopyReader {
    /// Whether a file begins as a copy does, by its first 16 bytes.
    pub fn is_copy(first: &[u8]) -> bool {
        first.starts_with(&COPY_MAGIC[..14])
    }

    /// Reads the manifest, and holds signature and length against it. Needs no secret.
    pub fn open(path: &Path) -> Result<Self, CopyFault> {
        let unreadable = |source| CopyFault::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?.len();
        let file = Arc::new(file);
        let mut reader = BufReader::new(Region::new(&file, 0, found));
        let mut head = Vec::new();
        reader.by_ref().take(20).read_to_end(&mut head).map_err(unreadable)?;
        if !head.starts_with(&COPY_MAGIC[..head.len().min(14)]) || head.is_empty() {
            return Err(CopyFault::NotACopy);
        }
        let Some((magic, length)) = head.split_first_chunk::<16>() else {
            return Err(CopyFault::Cut { found, expected: 20 });
        };
        if *magic != COPY_MAGIC {
            return Err(CopyFault::UnknownForm);
        }
        let Ok(length) = <[u8; 4]>::try_from(length).map(u32::from_be_bytes) else {
            return Err(CopyFault::Cut { found, expected: 20 });
        };
        if length > MAX_MANIFEST_BYTES {
            return Err(CopyFault::ManifestChanged);
        }
        let body = 20 + u64::from(length) + SIGNATURE_BYTES as u64;
        let mut signed = Vec::new();
        reader.take(body - 20).read_to_end(&mut signed).map_err(unreadable)?;
        if (signed.len() as u64) < body - 20 {
            return Err(CopyFault::Cut { found, expected: body });
        }
        let (json, signature) = signed.split_last_chunk::<SIGNATURE_BYTES>().expect("as long as was just checked");
        let manifest = Manifest::parse(json).ok_or(CopyFault::ManifestChanged)?;
        if !manifest.is_signed(json, signature) {
            return Err(CopyFault::SignatureWrong);
        }
        let parts = manifest.body_bytes().ok_or(CopyFault::ManifestChanged)?;
        let expected = body.checked_add(parts).ok_or(CopyFault::ManifestChanged)?;
        match found.cmp(&expected) {
            std::cmp::Ordering::Less => Err(CopyFault::Cut { found, expected }),
            std::cmp::Ordering::Greater => Err(CopyFault::Extended(found - expected)),
            std::cmp::Ordering::Equal => Ok(Self { file, path: path.to_owned(), manifest, body }),
        }
    }

    /// What it says of itself; signed by the node that it names.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Refuses where another node signed it.
    pub fn check_node(&self, expected: &PublicSigningKey) -> Result<(), CopyFault> {
        if self.manifest.node == *expected {
            Ok(())
        } else {
            Err(CopyFault::AnotherNode { found: self.manifest.node, expected: *expected })
        }
    }

    /// Refuses where its time is over.
    pub fn check_expiry(&self, now: UnixMillis) -> Result<(), CopyFault> {
        let expires = self.manifest.expires_at_ms;
        if now < expires { Ok(()) } else { Err(CopyFault::Expired(expires)) }
    }

    /// Refuses where it is for somebody else.
    pub fn check_holder(&self, key: &RecipientKey) -> Result<(), CopyFault> {
        let holder = &self.manifest.holder;
        if holder.age == *key { Ok(()) } else { Err(CopyFault::AnothersCopy { holder: holder.name.clone() }) }
    }

    /// Reads all parts and holds them against the manifest's digests. `progress` is told the bytes read so far.
    pub fn check_parts(&self, progress: &mut dyn FnMut(u64)) -> Result<(), CopyFault> {
        for (index, track) in self.manifest.tracks.iter().enumerate() {
            let found = self.digest(self.capsule(index), &mut |_| {})?;
            if found != track.capsule.sha256 {
                let expected = PartName::Capsule(track.number);
                let other = self.manifest.tracks.iter().find(|other| other.capsule.sha256 == found);
                return Err(match other {
                    Some(other) => CopyFault::Swapped { expected, found: PartName::Capsule(other.number) },
                    None => CopyFault::Changed(expected),
                });
            }
        }
        let mut before = 0;
        for (index, track) in self.manifest.tracks.iter().enumerate() {
            for (place, segment) in track.segments.iter().enumerate() {
                let found = self.digest(self.segment(index, place), &mut |bytes| progress(before + bytes))?;
                before += segment.bytes;
                if found != segment.sha256 {
                    return Err(self.wrong_segment(index, place));
                }
            }
        }
        Ok(())
    }

    /// Bytes that [`check_parts`](Self::check_parts) reads.
    pub fn segment_bytes(&self) -> u64 {
        self.manifest.tracks.iter().flat_map(|track| &track.segments).map(|segment| segment.bytes).sum()
    }

    /// Opens it for its holder: not past its expiry, every part as it was released.
    pub fn unlock(
        self,
        identity: &X25519Identity,
        now: UnixMillis,
        progress: &mut dyn FnMut(u64),
    ) -> Result<UnlockedCopy, CopyFault> {
        self.check_expiry(now)?;
        self.check_holder(&identity.to_public())?;
        self.check_parts(progress)?;
        let mut keys = Vec::with_capacity(self.manifest.tracks.len());
        for (index, track) in self.manifest.tracks.iter().enumerate() {
            let mut capsule = Vec::new();
            self.capsule(index).read_to_end(&mut capsule).map_err(|source| self.unreadable(source))?;
            let key = seal::read_capsule(&capsule, identity)
                .map_err(|source| CopyFault::Capsule { track: track.number, source })?;
            keys.push(key);
        }
        Ok(UnlockedCopy { copy: self, keys })
    }

    /// A track's capsule, by the track's place in the manifest.
    pub(super) fn capsule(&self, index: usize) -> Region {
        let before: u64 = self.manifest.tracks[..index].iter().map(|track| track.capsule.bytes).sum();
        Region::new(&self.file, self.body + before, self.manifest.tracks[index].capsule.bytes)
    }

    /// A segment, by its track's place in the manifest and its own in the track.
    pub(super) fn segment(&self, index: usize, place: usize) -> Region {
        let tracks = &self.manifest.tracks;
        let capsules: u64 = tracks.iter().map(|track| track.capsule.bytes).sum();
        let tracks_before: u64 = tracks[..index].iter().flat_map(|track| &track.segments).map(|part| part.bytes).sum();
        let before: u64 = tracks[index].segments[..place].iter().map(|part| part.bytes).sum();
        Region::new(&self.file, self.body + capsules + tracks_before + before, tracks[index].segments[place].bytes)
    }

    fn wrong_segment(&self, index: usize, place: usize) -> CopyFault {
        let (track, segment) = (self.manifest.tracks[index].number, self.manifest.tracks[index].segments[place].index);
        let expected = PartName::Segment(track, segment);
        let Ok(reader) = SegmentReader::new(BufReader::new(self.segment(index, place))) else {
            return CopyFault::Changed(expected);
        };
        let header = reader.header();
        if header.recording != self.manifest.recording {
            let found = PartName::OfAnother(header.recording, header.track, header.segment);
            CopyFault::Swapped { expected, found }
        } else if (header.track, header.segment) != (track, segment) {
            CopyFault::Swapped { expected, found: PartName::Segment(header.track, header.segment) }
        } else {
            CopyFault::Changed(expected)
        }
    }

    fn digest(&self, mut part: Region, progress: &mut dyn FnMut(u64)) -> Result<Sha256Digest, CopyFault> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let count = part.read(&mut buffer).map_err(|source| self.unreadable(source))?;
            if count == 0 {
                return Ok(Sha256Digest::from_bytes(hash.finalize().into()));
            }
            hash.update(&buffer[..count]);
            bytes += count as u64;
            progress(bytes);
        }
    }

    fn unreadable(&self, source: io::Error) -> CopyFault {
        CopyFault::Unreadable { path: self.path.clone(), source }
    }
}

/// A copy with its holder's keys, every part checked.
#[derive(Debug)]
pub struct UnlockedCopy {
    copy: CopyReader,
    keys: Vec<TrackKey>,
}

impl UnlockedCopy {
    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.copy.manifest
    }

    pub(super) fn copy(&self) -> &CopyReader {
        &self.copy
    }

    pub(super) fn key(&self, index: usize) -> &TrackKey {
        &self.keys[index]
    }
}
