//! The first page of `slots`: what the keystore is, and whose signature it obeys. Written once, at `init`.
use super::{PAGE, checksum, take};

const MAGIC: &[u8; 7] = b"CVKEYST";
const FORMAT: u8 = 1;
const NAME: &[u8] = b"callvault keystore header";
const SLOT_BYTES: std::ops::RangeInclusive<usize> = 2 * PAGE..=16 * PAGE;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Random; every checksum in the keystore includes it.
    pub(crate) keystore: [u8; 16],
    /// The privacy officer's Ed25519 verifying key.
    pub(crate) officer: [u8; 32],
    /// A slot's size: a multiple of the page.
    pub(crate) slot_bytes: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    NotAKeystore,
    Damaged,
    UnknownFormat(u8),
}

impl Header {
    pub(crate) fn to_page(&self) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        page[..7].copy_from_slice(MAGIC);
        page[7] = FORMAT;
        page[8..12].copy_from_slice(&u32::try_from(self.slot_bytes).unwrap_or(0).to_be_bytes());
        page[16..32].copy_from_slice(&self.keystore);
        page[32..64].copy_from_slice(&self.officer);
        let sum = checksum(NAME, &self.keystore, &[&page[..64]]);
        page[64..80].copy_from_slice(&sum);
        page
    }

    pub(crate) fn of_page(page: &[u8; PAGE]) -> Result<Self, HeaderFault> {
        if &page[..7] != MAGIC {
            return Err(HeaderFault::NotAKeystore);
        }
        if page[7] != FORMAT {
            return Err(HeaderFault::UnknownFormat(page[7]));
        }
        let header = Self {
            keystore: take(page, 16),
            officer: take(page, 32),
            slot_bytes: u32::from_be_bytes(take(page, 8)) as usize,
        };
        let whole = checksum(NAME, &header.keystore, &[&page[..64]]) == take(page, 64);
        if whole && SLOT_BYTES.contains(&header.slot_bytes) && header.slot_bytes.is_multiple_of(PAGE) {
            Ok(header)
        } else {
            Err(HeaderFault::Damaged)
        }
    }
}
