//! What a released copy says of itself, signed by the node (decision 6). Its bytes are described in docs/access.md.
use serde::{Deserialize, Serialize};

use super::digest::Sha256Digest;
use super::keys::{Domain, PublicSigningKey, Signature};
use super::node_key::NodeKey;
use super::person::PersonName;
use super::reference::Reference;
use crate::conversation::Direction;
use crate::evidence::{Gap, NoticeEvidence, Party, Stood};
use crate::ids::{LegUuid, RecordingId, TrackNumber};
use crate::policy::Purpose;
use crate::seal::RecipientKey;
use crate::time::UnixMillis;

/// What a released copy begins with.
pub const COPY_MAGIC: [u8; 16] = *b"callvault-copy\x01\n";

/// The largest manifest that is read, in bytes.
pub const MAX_MANIFEST_BYTES: u32 = 16 << 20;

/// Length of the signature behind the manifest, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// The manifest. Times are Unix milliseconds in UTC; offsets and durations are milliseconds from the recording's
/// start, its first answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The manifest's form: 1.
    pub v: u8,
    /// The configured name of the instance that made the recording.
    pub instance: String,
    /// The recording.
    pub recording: RecordingId,
    /// Which way its first leg was set up.
    pub direction: Direction,
    /// When its first leg was born.
    pub started_at_ms: UnixMillis,
    /// Its first answer.
    pub answered_at_ms: Option<UnixMillis>,
    /// Its end.
    pub ended_at_ms: UnixMillis,
    /// Its tracks, by number.
    pub tracks: Vec<ManifestTrack>,
    /// The notices that were played in it.
    pub notices: Vec<NoticeEvidence>,
    /// What became of its parties, later objections and erasures among them.
    pub parties: Vec<PartyState>,
    /// SHA-256 of the ticket that it was released for.
    pub ticket_sha256: Sha256Digest,
    /// Who can open it.
    pub holder: Holder,
    /// What it was released for.
    pub purpose: Purpose,
    /// The case that belongs to.
    pub reference: Reference,
    /// When it was released.
    pub released_at_ms: UnixMillis,
    /// Until when it may be opened.
    pub expires_at_ms: UnixMillis,
    /// The node's key, that signed this.
    pub node: PublicSigningKey,
}

/// Who can open a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name on the roster.
    pub name: PersonName,
    /// The age key that its capsules are sealed to.
    pub age: RecipientKey,
}

/// One track: what it is, and where its capsule and segments lie in the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestTrack {
    /// Its number, from 1.
    pub number: TrackNumber,
    /// Whose voice.
    pub party: Party,
    /// The host's uuid of the leg.
    pub leg: LegUuid,
    /// What its audio is stored in.
    pub codec: String,
    /// Where it begins.
    pub offset_ms: u64,
    /// How long it is, gaps included.
    pub duration_ms: u64,
    /// Stretches without the party's audio.
    pub gaps: Vec<Gap>,
    /// The holder's capsule of its key.
    pub capsule: Part,
    /// Its segments, by index.
    pub segments: Vec<ManifestSegment>,
}

/// A part of the copy behind the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

/// A segment, as it lay in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestSegment {
    /// Its index in the track, from 0.
    pub index: u32,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

/// What became of one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyState {
    /// The host's uuid of its leg.
    pub leg: LegUuid,
    /// What it was in the conversation.
    pub party: Party,
    /// What it said, by what it did.
    pub outcome: PartyOutcome,
    /// How it came to that, in order (NOT-04). Not there where it stood nowhere, as the company's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standings: Vec<Stood>,
}

/// What happened, stored as what happened (decision 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyOutcome {
    /// Told, and went on.
    InformedContinued,
    /// Said yes.
    Consented,
    /// Said no.
    Objected,
    /// Hung up in the notice.
    RefusedHangup,
    /// Was not told.
    NotInformed,
    /// One of the company's own; told by other means.
    Company,
    /// Its voice and personal fields were erased on request.
    Erased,
}

impl Manifest {
    /// The bytes a copy begins with: magic, length, canonical JSON (RFC 8785), signature.
    pub(super) fn sign(&self, node: &NodeKey) -> Option<Vec<u8>> {
        let json = serde_json_canonicalizer::to_vec(self).ok()?;
        let length = u32::try_from(json.len()).ok().filter(|length| *length <= MAX_MANIFEST_BYTES)?;
        let signature = Signature::new(node.signing_key(), &Domain::MANIFEST, &json);
        Some([&COPY_MAGIC[..], &length.to_be_bytes(), &json, &signature.bytes()].concat())
    }

    /// From its JSON; `None` where that is not one in its canonical form.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(json).ok()?;
        (manifest.v == 1 && serde_json_canonicalizer::to_vec(&manifest).ok()? == json).then_some(manifest)
    }

    /// Whether the node that it names signed this JSON.
    pub(crate) fn is_signed(&self, json: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.node.verifies(&Domain::MANIFEST, json, &Signature::from_bytes(signature))
    }

    /// Bytes of all parts behind the manifest; `None` where the lengths are absurd.
    pub(crate) fn body_bytes(&self) -> Option<u64> {
        let capsules = self.tracks.iter().map(|track| track.capsule.bytes);
        let segments = self.tracks.iter().flat_map(|track| &track.segments).map(|segment| segment.bytes);
        capsules.chain(segments).try_fold(0_u64, u64::checked_add)
    }
}
