//! What a record holds: packets and gaps in compact binary form (docs/format.md, "Entries").
use crate::evidence::GapReason;

/// A piece of a track. Offsets count from the recording's start, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Audio.
    Packet {
        /// Where it begins.
        offset_us: u64,
        /// How long it sounds.
        duration_us: u32,
        /// The payload, in the codec of the segment's header.
        data: Vec<u8>,
    },
    /// No audio, and why.
    Gap {
        /// Where it begins.
        offset_us: u64,
        /// How long it lasts.
        duration_us: u64,
        /// Why.
        reason: GapReason,
    },
}

const PACKET: u8 = 0;
/// The most that an entry takes beside its data: kind, two ten-byte varints, and one of five.
const OVERHEAD: usize = 1 + 10 + 10 + 5;

impl Entry {
    /// Where it ends, in microseconds from the recording's start.
    pub fn end_us(&self) -> u64 {
        match *self {
            Self::Packet { offset_us, duration_us, .. } => offset_us.saturating_add(duration_us.into()),
            Self::Gap { offset_us, duration_us, .. } => offset_us.saturating_add(duration_us),
        }
    }

    /// An upper bound of its length in a record, in bytes.
    pub(super) fn size_hint(&self) -> usize {
        match self {
            Self::Packet { data, .. } => OVERHEAD + data.len(),
            Self::Gap { .. } => OVERHEAD,
        }
    }
}

/// Appends the entries of one record.
pub(super) fn write_entries(entries: &[Entry], into: &mut Vec<u8>) {
    let mut expected = 0;
    for entry in entries {
        match entry {
            Entry::Packet { offset_us, duration_us, data } => {
                into.push(PACKET);
                write_signed(offset_us.wrapping_sub(expected).cast_signed(), into);
                write_varint((*duration_us).into(), into);
                write_varint(data.len() as u64, into);
                into.extend_from_slice(data);
            }
            Entry::Gap { offset_us, duration_us, reason } => {
                into.push(reason_code(*reason));
                write_signed(offset_us.wrapping_sub(expected).cast_signed(), into);
                write_varint(*duration_us, into);
            }
        }
        expected = entry.end_us();
    }
}

/// Reads the entries of one record; `None` where they break the form.
pub(super) fn read_entries(mut record: &[u8]) -> Option<Vec<Entry>> {
    let rest = &mut record;
    let mut entries = Vec::new();
    let mut expected: u64 = 0;
    while let Some((&kind, after)) = rest.split_first() {
        *rest = after;
        let offset_us = expected.wrapping_add(read_signed(rest)?.cast_unsigned());
        let entry = if kind == PACKET {
            let duration_us = read_varint(rest)?.try_into().ok()?;
            let length = read_varint(rest)?.try_into().ok()?;
            let (data, after) = rest.split_at_checked(length)?;
            *rest = after;
            Entry::Packet { offset_us, duration_us, data: data.to_vec() }
        } else {
            Entry::Gap { offset_us, duration_us: read_varint(rest)?, reason: reason_of(kind)? }
        };
        expected = entry.end_us();
        entries.push(entry);
    }
    Some(entries)
}

fn reason_code(reason: GapReason) -> u8 {
    match reason {
        GapReason::NotReceived => 1,
        GapReason::RingFull => 2,
        GapReason::Hold => 3,
        GapReason::Muted => 4,
        GapReason::Paused => 5,
        GapReason::Undecodable => 6,
        GapReason::StoreFault => 7,
        GapReason::Withheld => 8,
        GapReason::NoMedia => 9,
        GapReason::NoKey => 10,
    }
}

fn reason_of(code: u8) -> Option<GapReason> {
    Some(match code {
        1 => GapReason::NotReceived,
        2 => GapReason::RingFull,
        3 => GapReason::Hold,
        4 => GapReason::Muted,
        5 => GapReason::Paused,
        6 => GapReason::Undecodable,
        7 => GapReason::StoreFault,
        8 => GapReason::Withheld,
        9 => GapReason::NoMedia,
        10 => GapReason::NoKey,
        _ => return None,
    })
}

/// LEB128: seven bits a byte, the lowest first, the high bit on all but the last.
fn write_varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

/// One spelling per value: overlong and overflowing ones are refused.
fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7F);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return if byte == 0 && shift > 0 { None } else { Some(value) };
        }
    }
    None
}

/// Zigzag: 0, −1, 1, −2 … become 0, 1, 2, 3 …
fn write_signed(value: i64, into: &mut Vec<u8>) {
    write_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), into);
}

fn read_signed(rest: &mut &[u8]) -> Option<i64> {
    let value = read_varint(rest)?;
    Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_that_follows_on_costs_four_bytes_and_its_data() {
        let entries = [
            Entry::Packet { offset_us: 0, duration_us: 20_000, data: vec![1, 2, 3] },
            Entry::Packet { offset_us: 20_000, duration_us: 20_000, data: vec![4] },
        ];
        let mut record = Vec::new();
        write_entries(&entries, &mut record);
        assert_eq!(record, [0, 0, 0xA0, 0x9C, 0x01, 3, 1, 2, 3, 0, 0, 0xA0, 0x9C, 0x01, 1, 4]);
        assert_eq!(read_entries(&record).as_deref(), Some(entries.as_slice()));
    }

    #[test]
    fn every_reason_of_a_gap_reads_back() {
        for code in 1..=10 {
            assert_eq!(reason_of(code).map(reason_code), Some(code));
        }
        assert_eq!(reason_of(11), None);
        assert_eq!(reason_of(PACKET), None);
    }

    #[test]
    fn a_number_has_one_spelling() {
        for bad in [&[0x80][..], &[0x80, 0x00], &[0xFF; 10], &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2]]
        {
            assert_eq!(read_varint(&mut &*bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_read_back(value: u64, signed: i64) {
            let mut bytes = Vec::new();
            write_varint(value, &mut bytes);
            write_signed(signed, &mut bytes);
            let rest = &mut bytes.as_slice();
            prop_assert_eq!(read_varint(rest), Some(value));
            prop_assert_eq!(read_signed(rest), Some(signed));
            prop_assert!(rest.is_empty());
        }

        /// A record's form has one spelling too: whatever reads, writes back the same bytes.
        #[test]
        fn any_bytes_are_refused_or_are_the_one_spelling(bytes in proptest::collection::vec(0_u8..10, 0..64)) {
            if let Some(entries) = read_entries(&bytes) {
                let mut again = Vec::new();
                write_entries(&entries, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
