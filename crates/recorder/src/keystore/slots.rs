//! The file of slots: found at open, written ahead, bound, overwritten. One caller at a time.
use std::collections::{BTreeSet, VecDeque};

use super::fault::{BindFault, CapsuleFault, DestroyFault, KeystoreFault, MediumFault};
use super::layout::{SECTOR, SLOTS_AT, SlotHeader, SlotRecord, SlotState, body_range, slot_at};
use super::volume::PositionalFile;
use super::{Binding, SlotDestroyed, SlotKey};
use crate::ids::{KeyId, SlotNumber};
use crate::time::EpochDay;
use sha2::{Digest, Sha256};

/// Slots by which the file grows, and which are read or overwritten between two flushes.
pub(super) const CHUNK: usize = 64;

pub(super) struct Slots {
    file: Box<dyn PositionalFile>,
    keystore: [u8; 16],
    slot_bytes: usize,
    entries: Vec<Entry>,
    free: VecDeque<SlotNumber>,
    unsettled: Vec<SlotNumber>,
}

/// What is remembered of a slot; the rest is read from the file when it is needed.
#[derive(Clone, Copy)]
struct Entry {
    use_of: Use,
    key: KeyId,
    epoch: EpochDay,
    sequence: u32,
    newest_copy: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    Ready,
    Bound,
    Torn,
}

/// How many slots are what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) free: usize,
    pub(super) ready: usize,
    pub(super) bound: usize,
    pub(super) torn: usize,
}

const BLANK: Entry = Entry { use_of: Use::Free, key: KeyId([0; 16]), epoch: EpochDay(0), sequence: 0, newest_copy: 0 };

impl Slots {
    /// Reads every slot. Also returns the bound ones whose bodies are not what was written.
    pub(super) fn open(
        file: Box<dyn PositionalFile>,
        keystore: [u8; 16],
        slot_bytes: usize,
    ) -> Result<(Self, Vec<SlotNumber>), KeystoreFault> {
        let reading = || MediumFault::when("read its slots");
        let len = file.len().map_err(reading())?;
        let count = usize::try_from(len.saturating_sub(SLOTS_AT)).unwrap_or(usize::MAX) / slot_bytes;
        let mut slots = Self {
            file,
            keystore,
            slot_bytes,
            entries: Vec::with_capacity(count),
            free: VecDeque::new(),
            unsettled: Vec::new(),
        };
        let mut damaged = Vec::new();
        let mut chunk = vec![0; CHUNK * slot_bytes];
        while slots.entries.len() < count {
            let some = CHUNK.min(count - slots.entries.len());
            let bytes = &mut chunk[..some * slot_bytes];
            slots.file.read_at(slot_at(slots.next_number(), slot_bytes), bytes).map_err(reading())?;
            for slot in bytes.chunks_exact(slot_bytes) {
                let number = slots.next_number();
                let (entry, whole) = found(slot, &keystore, number).ok_or(KeystoreFault::UnknownSlot(number))?;
                match entry.use_of {
                    Use::Free => slots.free.push_back(number),
                    Use::Ready | Use::Torn => slots.unsettled.push(number),
                    Use::Bound if !whole => damaged.push(number),
                    Use::Bound => {}
                }
                slots.entries.push(entry);
            }
        }
        Ok((slots, damaged))
    }

    /// Slots that a former life left ready or torn, until they are settled.
    pub(super) fn unsettled(&self) -> &[SlotNumber] {
        &self.unsettled
    }

    /// Writes fresh keys' bodies into free slots and flushes once. On a fault no slot is taken.
    pub(super) fn write_ready(
        &mut self,
        epoch: EpochDay,
        roster: u64,
        fresh: &[(KeyId, Vec<u8>)],
    ) -> Result<Vec<SlotNumber>, MediumFault> {
        while self.free.len() < fresh.len() {
            self.grow()?;
        }
        let numbers: Vec<SlotNumber> = self.free.iter().take(fresh.len()).copied().collect();
        let mut slot = vec![0; self.slot_bytes];
        for (&number, (key, body)) in numbers.iter().zip(fresh) {
            let header = SlotHeader {
                state: SlotState::Ready,
                sequence: self.entry(number).sequence.wrapping_add(1),
                key: *key,
                epoch,
                roster,
                bound_to: None,
                body_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
                body_sha256: Sha256::digest(body).into(),
            };
            let sector = header.to_sector(&self.keystore, number);
            slot.fill(0);
            slot[..SECTOR].copy_from_slice(&sector);
            slot[SECTOR..][..body.len()].copy_from_slice(body);
            slot[self.slot_bytes - SECTOR..].copy_from_slice(&sector);
            self.file.write_at(slot_at(number, self.slot_bytes), &slot).map_err(MediumFault::when("write a slot"))?;
        }
        self.flush()?;
        self.free.drain(..numbers.len());
        for (&number, (key, _)) in numbers.iter().zip(fresh) {
            let sequence = self.entry(number).sequence.wrapping_add(1);
            self.entries[index(number)] = Entry { use_of: Use::Ready, key: *key, epoch, sequence, newest_copy: 0 };
        }
        Ok(numbers)
    }

    /// Writes whose they are into the slots' other header copy and flushes once.
    pub(super) fn bind(&mut self, bindings: &[Binding]) -> Result<(), BindFault> {
        let mut written = Vec::with_capacity(bindings.len());
        let mut refused = Vec::new();
        for binding in bindings {
            let Some(entry) = self.entries.get(index(binding.slot)).copied().filter(|entry| entry.key == binding.key)
            else {
                refused.push(binding.slot);
                continue;
            };
            let header = self.header(binding.slot, entry)?;
            let bound_to = Some((binding.recording, binding.track));
            match header {
                Some(header) if entry.use_of == Use::Bound && header.bound_to == bound_to => {}
                Some(header) if entry.use_of == Use::Ready => {
                    let sequence = header.sequence.wrapping_add(1);
                    let bound = SlotHeader { state: SlotState::Bound, sequence, bound_to, ..header };
                    let copy = 1 - entry.newest_copy;
                    self.write_header(binding.slot, copy, &bound).map_err(MediumFault::when("bind a slot"))?;
                    written.push((binding.slot, Entry { use_of: Use::Bound, sequence, newest_copy: copy, ..entry }));
                }
                _ => refused.push(binding.slot),
            }
        }
        if !written.is_empty() {
            self.flush()?;
        }
        for (number, entry) in written {
            self.entries[index(number)] = entry;
            self.unsettled.retain(|&unsettled| unsettled != number);
        }
        if refused.is_empty() { Ok(()) } else { Err(BindFault::NotReady(refused)) }
    }

    /// The epoch and the wrapped body of the slot that holds this key.
    pub(super) fn body(&self, slot: SlotNumber, key: KeyId) -> Result<(EpochDay, Vec<u8>), CapsuleFault> {
        let live = |entry: &Entry| matches!(entry.use_of, Use::Ready | Use::Bound) && entry.key == key;
        let entry = self.entries.get(index(slot)).copied().filter(live).ok_or(CapsuleFault::Gone(slot))?;
        let header = self.header(slot, entry)?.ok_or(CapsuleFault::Damaged(slot))?;
        let room = body_range(self.slot_bytes);
        let mut body = vec![0; (header.body_bytes as usize).min(room.len())];
        let at = slot_at(slot, self.slot_bytes) + room.start as u64;
        self.file.read_at(at, &mut body).map_err(MediumFault::when("read a slot"))?;
        if header.fits(&body) { Ok((header.epoch, body)) } else { Err(CapsuleFault::Damaged(slot)) }
    }

    /// Whose each bound slot is.
    pub(super) fn bindings(&self) -> Result<Vec<Binding>, MediumFault> {
        let mut bindings = Vec::new();
        for (number, entry) in self.numbered().filter(|(_, entry)| entry.use_of == Use::Bound) {
            if let Some(SlotHeader { bound_to: Some((recording, track)), key, .. }) = self.header(number, entry)? {
                bindings.push(Binding { slot: number, key, recording, track });
            }
        }
        Ok(bindings)
    }

    /// Destroys the slots that hold these keys. What holds another key by now was destroyed in an earlier life.
    pub(super) fn destroy(&mut self, wanted: &[SlotKey]) -> Result<Vec<SlotDestroyed>, DestroyFault> {
        let mut outcomes = Vec::with_capacity(wanted.len());
        let mut due = BTreeSet::new();
        for &SlotKey { slot, key } in wanted {
            match self.entries.get(index(slot)) {
                // A torn slot may be this very key's, half overwritten before a crash.
                Some(entry) if entry.use_of == Use::Torn => _ = due.insert(slot),
                Some(entry) if entry.key == key && entry.use_of != Use::Free => _ = due.insert(slot),
                Some(_) | None => {}
            }
        }
        self.overwrite(&due.iter().copied().collect::<Vec<_>>())?;
        for &SlotKey { slot, key } in wanted {
            let here = self.entries.get(index(slot)).is_some_and(|entry| entry.key == key) || due.contains(&slot);
            let reread_sha256 = if here { Some(self.reread(slot)?) } else { None };
            outcomes.push(SlotDestroyed { slot, key, reread_sha256 });
        }
        Ok(outcomes)
    }

    /// Destroys what a former life left ready or torn, but for what was bound since.
    pub(super) fn destroy_unsettled(&mut self) -> Result<usize, DestroyFault> {
        let mut count = 0;
        while !self.unsettled.is_empty() {
            let some: Vec<_> = self.unsettled.iter().take(CHUNK).copied().collect();
            self.overwrite(&some)?;
            count += some.len();
        }
        Ok(count)
    }

    /// Body first, flushed and read back; only then the header says destroyed. So a slot that says so is.
    fn overwrite(&mut self, numbers: &[SlotNumber]) -> Result<(), DestroyFault> {
        let room = body_range(self.slot_bytes);
        for numbers in numbers.chunks(CHUNK) {
            let mut noise = vec![0; numbers.len() * room.len()];
            getrandom::fill(&mut noise).map_err(|_| DestroyFault::NoRandomness)?;
            let over = || MediumFault::when("overwrite a slot");
            for (&number, noise) in numbers.iter().zip(noise.chunks_exact(room.len())) {
                let at = slot_at(number, self.slot_bytes) + room.start as u64;
                self.file.write_at(at, noise).map_err(over())?;
            }
            self.flush()?;
            let mut back = vec![0; room.len()];
            for (&number, noise) in numbers.iter().zip(noise.chunks_exact(room.len())) {
                let at = slot_at(number, self.slot_bytes) + room.start as u64;
                self.file.read_back(at, &mut back).map_err(MediumFault::when("read back a slot"))?;
                if back != noise {
                    return Err(DestroyFault::SlotNotOverwritten(number));
                }
            }
            for &number in numbers {
                let header = self.destroyed_header(number);
                self.write_header(number, 0, &header).map_err(over())?;
                self.write_header(number, 1, &header).map_err(over())?;
            }
            self.flush()?;
            for &number in numbers {
                let SlotHeader { key, sequence, .. } = self.destroyed_header(number);
                self.entries[index(number)] = Entry { key, sequence, ..BLANK };
                self.free.push_back(number);
                self.unsettled.retain(|&unsettled| unsettled != number);
            }
        }
        Ok(())
    }

    fn destroyed_header(&self, number: SlotNumber) -> SlotHeader {
        let entry = self.entry(number);
        SlotHeader {
            state: SlotState::Destroyed,
            sequence: entry.sequence.wrapping_add(1),
            key: entry.key,
            epoch: EpochDay(0),
            roster: 0,
            bound_to: None,
            body_bytes: 0,
            body_sha256: [0; 32],
        }
    }

    /// SHA-256 over a destroyed slot's bytes as the medium gives them back.
    fn reread(&self, number: SlotNumber) -> Result<[u8; 32], DestroyFault> {
        let mut slot = vec![0; self.slot_bytes];
        self.file
            .read_back(slot_at(number, self.slot_bytes), &mut slot)
            .map_err(MediumFault::when("read back a slot"))?;
        match SlotRecord::of_slot(&slot, &self.keystore, number) {
            SlotRecord::Whole(SlotHeader { state: SlotState::Destroyed, .. }, _) => Ok(Sha256::digest(&slot).into()),
            SlotRecord::Whole(..) | SlotRecord::Blank | SlotRecord::Torn | SlotRecord::Unknown => {
                Err(DestroyFault::SlotNotOverwritten(number))
            }
        }
    }

    /// How many slots still need this epoch's key.
    pub(super) fn needing(&self, epoch: EpochDay) -> Vec<SlotKey> {
        self.numbered()
            .filter(|(_, entry)| matches!(entry.use_of, Use::Ready | Use::Bound) && entry.epoch == epoch)
            .map(|(slot, entry)| SlotKey { slot, key: entry.key })
            .collect()
    }

    /// The epochs that slots still need.
    pub(super) fn epochs_needed(&self) -> BTreeSet<EpochDay> {
        let live = self.entries.iter().filter(|entry| matches!(entry.use_of, Use::Ready | Use::Bound));
        live.map(|entry| entry.epoch).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            match entry.use_of {
                Use::Free => counts.free += 1,
                Use::Ready => counts.ready += 1,
                Use::Bound => counts.bound += 1,
                Use::Torn => counts.torn += 1,
            }
        }
        counts
    }

    /// Writes one of the pages before the slots, and flushes.
    pub(super) fn write_page(&self, at: u64, page: &[u8]) -> Result<(), MediumFault> {
        self.file.write_at(at, page).map_err(MediumFault::when("write its header"))?;
        self.flush()
    }

    /// Zeros are written, not left as a hole: overwriting a slot must never need room that the volume lacks.
    fn grow(&mut self) -> Result<(), MediumFault> {
        let end = slot_at(self.next_number(), self.slot_bytes);
        if let Err(source) = self.file.write_at(end, &vec![0; CHUNK * self.slot_bytes]) {
            // Where cutting fails too, open() takes the zeros for blank slots.
            let _ = self.file.set_len(end);
            return Err(MediumFault { doing: "grow its file of slots", source });
        }
        for _ in 0..CHUNK {
            self.free.push_back(self.next_number());
            self.entries.push(BLANK);
        }
        Ok(())
    }

    fn header(&self, number: SlotNumber, entry: Entry) -> Result<Option<SlotHeader>, MediumFault> {
        let mut sector = [0; SECTOR];
        let at = self.copy_at(number, entry.newest_copy);
        self.file.read_at(at, &mut sector).map_err(MediumFault::when("read a slot"))?;
        let header = SlotHeader::of_sector(&sector, &self.keystore, number);
        Ok(header.filter(|header| header.key == entry.key && header.sequence == entry.sequence))
    }

    fn write_header(&self, number: SlotNumber, copy: u8, header: &SlotHeader) -> std::io::Result<()> {
        self.file.write_at(self.copy_at(number, copy), &header.to_sector(&self.keystore, number))
    }

    fn copy_at(&self, number: SlotNumber, copy: u8) -> u64 {
        let last = (self.slot_bytes - SECTOR) as u64;
        slot_at(number, self.slot_bytes) + if copy == 0 { 0 } else { last }
    }

    fn flush(&self) -> Result<(), MediumFault> {
        self.file.sync_data().map_err(MediumFault::when("flush its slots"))
    }

    fn entry(&self, number: SlotNumber) -> Entry {
        self.entries[index(number)]
    }

    fn numbered(&self) -> impl Iterator<Item = (SlotNumber, Entry)> {
        (0..).map(SlotNumber).zip(self.entries.iter().copied())
    }

    fn next_number(&self) -> SlotNumber {
        SlotNumber(u32::try_from(self.entries.len()).expect("a file of 2^32 slots is 32 TiB"))
    }
}

fn found(slot: &[u8], keystore: &[u8; 16], number: SlotNumber) -> Option<(Entry, bool)> {
    match SlotRecord::of_slot(slot, keystore, number) {
        SlotRecord::Unknown => None,
        SlotRecord::Blank => Some((BLANK, true)),
        SlotRecord::Torn => Some((Entry { use_of: Use::Torn, ..BLANK }, false)),
        SlotRecord::Whole(header, copy) => {
            let use_of = match header.state {
                SlotState::Ready => Use::Ready,
                SlotState::Bound => Use::Bound,
                SlotState::Destroyed => Use::Free,
            };
            let body = slot[body_range(slot.len())].get(..header.body_bytes as usize);
            let whole = body.is_some_and(|body| header.fits(body));
            let SlotHeader { key, epoch, sequence, .. } = header;
            Some((Entry { use_of, key, epoch, sequence, newest_copy: u8::from(copy == 1) }, whole))
        }
    }
}

fn index(number: SlotNumber) -> usize {
    number.0 as usize
}
