//! At start, what a former life left behind: recordings without an end are closed from what lies in the store, keys
//! that nobody used are destroyed (E06).
use std::io::BufReader;

use crate::catalogue::{Catalogue, CatalogueFault, SegmentFacts};
use crate::ids::RecordingId;
use crate::keystore::Binding;
use crate::seal::{Ending, ReadFault, inspect};
use crate::store::{AppendFile as _, SegmentName, Store, StoreFault, StoreReader};
use crate::time::UnixMillis;

/// What recovery did.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// Recordings that were cut short and are closed now.
    pub(super) truncated: Vec<RecordingId>,
    /// Whose keys lie in which slots, as segments without an end say.
    pub(super) claims: Vec<Binding>,
    /// Segments that cannot be read, left where they lie.
    pub(super) unreadable: Vec<(SegmentName, ReadFault)>,
}

/// Why recovery stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryFault {
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error(transparent)]
    Catalogue(#[from] CatalogueFault),
}

/// Closes what has no end. Repeating it changes nothing.
pub(super) fn recover(
    store: &Store,
    catalogue: &mut Catalogue,
    now: UnixMillis,
    retention: std::time::Duration,
) -> Result<Recovered, RecoveryFault> {
    let mut recovered = Recovered::default();
    let names: Vec<String> = store.list_segments()?.iter().map(SegmentName::to_string).collect();
    let mut facts = Vec::new();
    for name in catalogue.segments_to_inspect(&names)? {
        let Ok(name) = name.parse::<SegmentName>() else { continue };
        match facts_of(store, &name)? {
            Ok(found) => facts.push(found),
            // The crash came before its first record: there is no audio in it.
            Err(ReadFault::HeaderCut) => store.remove_segment(&name)?,
            Err(fault) => recovered.unreadable.push((name, fault)),
        }
    }
    let recovery = catalogue.recover(&facts, now, retention)?;
    let claim = |facts: &SegmentFacts| Binding {
        slot: facts.slot,
        key: facts.key,
        recording: facts.recording,
        track: facts.track,
    };
    recovered.claims = facts.iter().filter(|facts| !recovery.strays.contains(&facts.name)).map(claim).collect();
    catalogue.apply(&recovery.changes)?;
    let strays: Vec<SegmentName> = recovery.strays.iter().filter_map(|name| name.parse().ok()).collect();
    if !strays.is_empty() {
        store.remove_segments(&strays)?;
    }
    remove_copies_without_row(store, catalogue)?;
    recovered.truncated = recovery.truncated;
    Ok(recovered)
}

/// A kill between a copy and its row leaves a copy that no expiry would ever find.
fn remove_copies_without_row(store: &Store, catalogue: &Catalogue) -> Result<(), RecoveryFault> {
    let mut names = store.list_releases()?;
    names.retain(|name| name.ends_with(".callvault"));
    for name in catalogue.copies_without_row(&names)? {
        store.remove_release(&name)?;
    }
    Ok(())
}

/// What a segment says of itself. A torn tail is cut off first, so that its hash is that of what can be read.
fn facts_of(store: &Store, name: &SegmentName) -> Result<Result<SegmentFacts, ReadFault>, StoreFault> {
    let read = |store: &Store| -> Result<_, StoreFault> {
        Ok(inspect(BufReader::new(StoreReader::from(store.open_segment(name)?))))
    };
    let mut inspection = match read(store)? {
        Ok(inspection) => inspection,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Ending::Torn { lost: 1.. } = inspection.ending {
        let mut file = store.open_segment(name)?;
        if let Err(fault) = file.set_len(inspection.whole_bytes).and_then(|()| file.sync_data()) {
            return Ok(Err(ReadFault::Io(fault)));
        }
        inspection = match read(store)? {
            Ok(inspection) => inspection,
            Err(fault) => return Ok(Err(fault)),
        };
    }
    let header = inspection.header;
    let zero_at = header.recording_started_at;
    Ok(Ok(SegmentFacts {
        name: name.to_string(),
        recording: header.recording,
        track: header.track,
        segment: header.segment,
        party: header.party,
        leg: header.leg,
        key: header.key,
        slot: header.slot,
        instance: header.instance,
        codec: header.codec.as_str().to_owned(),
        sample_rate: header.sample_rate,
        channels: header.channels,
        zero_at,
        records: inspection.records,
        bytes: inspection.whole_bytes,
        sha256: inspection.sha256,
        whole: inspection.ending == Ending::Whole,
        last_record_ends_at: zero_at.plus(std::time::Duration::from_micros(inspection.until_us)),
    }))
}
