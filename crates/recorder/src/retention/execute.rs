//! Carrying a plan out, in steps of which each may be the last before a kill.
use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::audit::{Action, Actor, AuditFault, Entry, Object, Verdict};
use crate::catalogue::{CatalogueFault, Change, CopyFate, Material};
use crate::ids::{KeyId, RecordingId, SlotNumber, hex};
use crate::time::{EpochDay, UnixMillis};

use super::hands::{Hands, SlotProof};
use super::plan::{ClockDoubted, ClockState, DestructionPlan, Due, believe, plan};

/// How much is destroyed at once, and by which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Recordings are kept for this long from their end.
    pub retention: Duration,
    /// Recordings per batch. Between batches calls get their turn at the keystore and the catalogue.
    pub batch: u32,
    /// Batches in one run; what is left is the next run's.
    pub batches: u32,
}

impl Terms {
    /// 64 recordings a batch, 64 batches a run: a run a minute destroys 100 000 in half an hour (E20).
    pub fn of(retention: Duration) -> Self {
        Self { retention, batch: 64, batches: 64 }
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Recordings that are destroyed; a tombstone is left of each.
    pub destroyed: Vec<RecordingId>,
    /// Recordings that are not, and what stood in the way. The next run goes on with them.
    pub unfinished: Vec<Unfinished>,
    /// Epochs whose keys are destroyed.
    pub epochs: Vec<EpochDay>,
    /// More is due.
    pub more: bool,
    /// Readers kept the catalogue's write-ahead log from being emptied; the next run does it.
    pub log_busy: bool,
}

/// A recording, or an epoch, that a run could not finish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} could not be destroyed: {step}: {why}; the next run tries again")]
pub struct Unfinished {
    /// Of what, as the audit log names it.
    pub what: String,
    /// At which step.
    pub step: Step,
    /// What the part said.
    pub why: String,
}

/// The steps after the audit entry and the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Overwriting its key slots. Before this its audio can still be opened.
    Keys,
    /// Removing its segments.
    Segments,
    /// Removing its released copies.
    Copies,
    /// Destroying an epoch's key.
    Epoch,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keys => "its key slots",
            Self::Segments => "its segments, whose key is destroyed",
            Self::Copies => "its released copies",
            Self::Epoch => "its key",
        })
    }
}

/// Why a run stopped. What it had begun is finished by the next one.
#[derive(Debug, thiserror::Error)]
pub enum RetentionFault {
    /// The clock is not believed: nothing was destroyed, and somebody must look.
    #[error(transparent)]
    Clock(#[from] ClockDoubted),
    /// The audit log could not be written: nothing more was destroyed.
    #[error(transparent)]
    Log(#[from] AuditFault),
    /// The catalogue could not be read or written.
    #[error(transparent)]
    Ledger(#[from] CatalogueFault),
}

impl RetentionFault {
    /// A stable word for `-ERR`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Clock(_) => "clock_doubted",
            Self::Log(fault) => fault.code(),
            Self::Ledger(fault) => fault.code(),
        }
    }
}

/// Destroys what is due, batch by batch, and the epoch keys that nothing needs any more.
pub fn run(now: UnixMillis, terms: Terms, clock: ClockState, hands: &mut Hands<'_>) -> Result<Batch, RetentionFault> {
    believe(now, clock)?;
    hands.ledger.apply(&[Change::RetentionIs { retention: terms.retention }])?;
    let mut done = Batch::default();
    // What could not be finished in this run must not keep the rest from being destroyed.
    let mut stuck = BTreeSet::new();
    for _ in 0..terms.batches {
        let wanted = terms.batch.saturating_add(1).saturating_add(u32::try_from(stuck.len()).unwrap_or(u32::MAX));
        let mut rows = hands.ledger.due(now, terms.retention, wanted)?;
        rows.retain(|row| !stuck.contains(&row.id));
        let plan = plan(now, terms.retention, &rows, usize::try_from(terms.batch).unwrap_or(usize::MAX));
        done.more = plan.more;
        if plan.due.is_empty() {
            break;
        }
        execute(&plan, hands, &mut done)?;
        stuck.extend(plan.due.iter().map(|due| due.recording).filter(|id| !done.destroyed.contains(id)));
    }
    spend_epochs(now, hands, &mut done)?;
    Ok(done)
}

/// Where the clock is not believed: destroys what is not to be kept whenever it ended, for who objected does not wait for
/// a clock (NOT-05). Expiry waits.
pub fn run_undated(now: UnixMillis, terms: Terms, hands: &mut Hands<'_>) -> Result<Batch, RetentionFault> {
    let mut done = Batch::default();
    let rows = hands.ledger.not_to_be_kept(terms.batch.saturating_add(1))?;
    // Before a clock that went back they ended in the future.
    let latest = rows.iter().map(|row| row.ended_at).fold(now, UnixMillis::max);
    let batch = usize::try_from(terms.batch).unwrap_or(usize::MAX);
    let plan = DestructionPlan { now, ..plan(latest, terms.retention, &rows, batch) };
    done.more = plan.more;
    if !plan.due.is_empty() {
        execute(&plan, hands, &mut done)?;
    }
    Ok(done)
}

fn execute(plan: &DestructionPlan, hands: &mut Hands<'_>, done: &mut Batch) -> Result<(), RetentionFault> {
    let intents: Vec<Entry> = plan.due.iter().map(|due| intent(plan.now, due)).collect();
    hands.log.append(&intents)?;
    let marks: Vec<Change> =
        plan.due.iter().map(|due| Change::Destroying { id: due.recording, at: plan.now, reason: due.reason }).collect();
    hands.ledger.apply(&marks)?;

    let materials = materials(plan, hands)?;
    let keyless = destroy_keys(&materials, hands, done);
    let (mut buried, mut proofs, mut burials) = (Vec::new(), Vec::new(), Vec::new());
    for (material, slots) in &keyless {
        match remove_files(material, hands) {
            Ok(copies) => {
                proofs.push(proof(plan.now, material, slots, &copies));
                burials.push(Change::Destroyed { id: material.id, at: plan.now, copies });
                buried.push(material.id);
            }
            Err((step, why)) => done.unfinished.push(unfinished(material.id, step, why)),
        }
    }
    if buried.is_empty() {
        return Ok(());
    }
    hands.log.append(&proofs)?;
    hands.ledger.apply(&burials)?;
    done.destroyed.extend(buried);
    match hands.ledger.checkpoint() {
        Ok(()) => Ok(()),
        Err(CatalogueFault::LogBusy) => {
            done.log_busy = true;
            Ok(())
        }
        Err(fault) => Err(fault.into()),
    }
}

fn materials(plan: &DestructionPlan, hands: &mut Hands<'_>) -> Result<Vec<Material>, CatalogueFault> {
    let mut found = Vec::with_capacity(plan.due.len());
    for due in &plan.due {
        found.extend(hands.ledger.material(due.recording)?);
    }
    Ok(found)
}

/// The whole batch with one flush; where that fails, each recording alone, so that one bad slot holds up one recording.
fn destroy_keys<'m>(
    materials: &'m [Material],
    hands: &mut Hands<'_>,
    done: &mut Batch,
) -> Vec<(&'m Material, Vec<SlotProof>)> {
    let all: Vec<(SlotNumber, KeyId)> = materials.iter().flat_map(slots).collect();
    if let Ok(proofs) = hands.keys.destroy(&all) {
        let mut proofs = proofs.into_iter();
        return materials.iter().map(|of| (of, proofs.by_ref().take(of.tracks.len()).collect())).collect();
    }
    let mut keyless = Vec::new();
    for material in materials {
        match hands.keys.destroy(&slots(material).collect::<Vec<_>>()) {
            Ok(proofs) => keyless.push((material, proofs)),
            Err(why) => done.unfinished.push(unfinished(material.id, Step::Keys, why.to_string())),
        }
    }
    keyless
}

fn slots(material: &Material) -> impl Iterator<Item = (SlotNumber, KeyId)> {
    material.tracks.iter().map(|track| (track.slot, track.key))
}

fn remove_files(material: &Material, hands: &mut Hands<'_>) -> Result<Vec<CopyFate>, (Step, String)> {
    let names: Vec<String> =
        material.tracks.iter().flat_map(|track| &track.segments).map(|segment| segment.name.clone()).collect();
    hands.segments.remove(&names).map_err(|why| (Step::Segments, why.to_string()))?;
    let mut fates = Vec::with_capacity(material.copies.len());
    for copy in &material.copies {
        let was_there = hands.copies.remove(&copy.path).map_err(|why| (Step::Copies, why.to_string()))?;
        fates.push(CopyFate {
            name: file_name(&copy.path).to_owned(),
            released_at_ms: copy.at,
            holder: hex(&copy.holder_key_hash),
            left: copy.left || !was_there,
        });
    }
    Ok(fates)
}

/// An epoch receives nothing any more once its day has come (it is named at least a day after the start of what it
/// wraps): when nothing needs it then, its key goes, and with it every copy of its slots anywhere.
fn spend_epochs(now: UnixMillis, hands: &mut Hands<'_>, done: &mut Batch) -> Result<(), RetentionFault> {
    for day in hands.keys.epochs() {
        if day > now.day() || hands.keys.is_needed(day) || hands.ledger.epoch_in_use(day)? {
            continue;
        }
        let entry = |verdict| Entry::new(now, Actor::Recorder, Action::EpochDestroy, Object::Epoch(day), verdict);
        hands.log.append(&[entry(Verdict::Allowed).because("nothing_needs_it")])?;
        match hands.keys.destroy_epoch(day) {
            Ok(reread) => {
                let reread = reread.map_or_else(|| "gone_before".to_owned(), |hash| hex(&hash));
                hands.log.append(&[entry(Verdict::Done).with("reread_sha256", reread)])?;
                done.epochs.push(day);
            }
            Err(why) => done.unfinished.push(Unfinished {
                what: format!("epoch {day}"),
                step: Step::Epoch,
                why: why.to_string(),
            }),
        }
    }
    Ok(())
}

fn intent(now: UnixMillis, due: &Due) -> Entry {
    Entry::new(now, Actor::Recorder, Action::Destroy, Object::Recording(due.recording), Verdict::Allowed)
        .because(due.reason.as_str())
        .with("due_at_ms", due.due_at_ms.0)
        .with("begun_before", due.begun)
        .with("tracks", due.tracks)
        .with("segments", due.segments)
        .with("copies", due.copies)
}

fn proof(now: UnixMillis, material: &Material, slots: &[SlotProof], copies: &[CopyFate]) -> Entry {
    let mut rereads = Sha256::new();
    let mut overwritten = 0_usize;
    for hash in slots.iter().filter_map(|slot| slot.reread_sha256) {
        rereads.update(hash);
        overwritten += 1;
    }
    let segments: usize = material.tracks.iter().map(|track| track.segments.len()).sum();
    let left = copies.iter().filter(|copy| copy.left).count();
    Entry::new(now, Actor::Recorder, Action::DestroyProof, Object::Recording(material.id), Verdict::Done)
        .with("slots_overwritten", overwritten)
        .with("slots_gone_before", slots.len() - overwritten)
        .with("rereads_sha256", hex(&rereads.finalize()))
        .with("segments_removed", segments)
        .with("copies_removed", copies.len() - left)
        .with("copies_left", left)
}

fn unfinished(id: RecordingId, step: Step, why: String) -> Unfinished {
    Unfinished { what: format!("recording {id}"), step, why }
}

/// A copy's name in the release directory.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
