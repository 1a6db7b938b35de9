//! Nonces of a segment's records: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over segment, counter and last.

/// The nonces of one segment, each given out once: `next` moves on, `last` ends the sequence by consuming it.
#[derive(Debug)]
pub(super) struct RecordNonces {
    segment: u32,
    next: u64,
}

/// One record's nonce. Not `Clone`: whoever seals or opens with it has used it up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RecordNonce {
    segment: u32,
    index: u64,
    last: bool,
}

/// Seven bytes of counter.
const RECORDS: u64 = 1 << 56;

impl RecordNonces {
    /// From the segment's first record on.
    pub(super) fn of_segment(segment: u32) -> Self {
        Self { segment, next: 0 }
    }

    /// The next record's, which is not the last; `None` where only the last one's is left.
    pub(super) fn next(&mut self) -> Option<RecordNonce> {
        if self.next == RECORDS - 1 {
            return None;
        }
        let nonce = RecordNonce { segment: self.segment, index: self.next, last: false };
        self.next += 1;
        Some(nonce)
    }

    /// The last record's.
    pub(super) fn last(self) -> RecordNonce {
        RecordNonce { segment: self.segment, index: self.next, last: true }
    }
}

impl RecordNonce {
    /// Which record of the segment it is for, from 0.
    pub(super) fn index(&self) -> u64 {
        self.index
    }

    /// Whether that record is the last.
    pub(super) fn is_last(&self) -> bool {
        self.last
    }

    /// Segment (4 bytes), counter (7), last (1); big-endian.
    pub(super) fn bytes(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.segment.to_be_bytes());
        nonce[4..11].copy_from_slice(&self.index.to_be_bytes()[1..]);
        nonce[11] = u8::from(self.last);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_records_share_a_nonce() {
        let mut nonces = RecordNonces::of_segment(0x0102_0304);
        assert_eq!(nonces.next().map(|nonce| nonce.bytes()), Some([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(nonces.next().map(|nonce| nonce.bytes()), Some([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 1, 0]));
        assert_eq!(nonces.last().bytes(), [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 2, 1]);
    }

    #[test]
    fn the_counter_ends_before_it_would_come_round() {
        let mut nonces = RecordNonces { segment: 0, next: RECORDS - 2 };
        assert!(nonces.next().is_some());
        assert_eq!(nonces.next(), None);
        assert_eq!(nonces.last().bytes(), [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 1]);
    }
}
