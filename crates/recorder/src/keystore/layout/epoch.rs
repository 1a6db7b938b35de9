//! One epoch's file: a page with the day's X25519 identity.
use zeroize::Zeroizing;

use super::{PAGE, checksum, take};
use crate::time::EpochDay;

const MAGIC: &[u8; 8] = b"CVEPOCH1";
const NAME: &[u8] = b"callvault epoch";

pub(crate) struct EpochPage {
    pub(crate) day: EpochDay,
    pub(crate) secret: Zeroizing<[u8; 32]>,
    pub(crate) public: [u8; 32],
}

impl EpochPage {
    pub(crate) fn file_name(day: EpochDay) -> String {
        format!("{day}.epoch")
    }

    /// Fills a zeroed page in place, so that the secret has no second copy.
    pub(crate) fn fill_page(
        page: &mut [u8; PAGE],
        keystore: &[u8; 16],
        day: EpochDay,
        secret: &[u8; 32],
        public: &[u8; 32],
    ) {
        page[..8].copy_from_slice(MAGIC);
        page[8..12].copy_from_slice(&day.0.to_be_bytes());
        page[16..48].copy_from_slice(secret);
        page[48..80].copy_from_slice(public);
        let sum = checksum(NAME, keystore, &[&page[..80]]);
        page[80..96].copy_from_slice(&sum);
    }

    /// `None`: torn, rotten, or of another keystore.
    pub(crate) fn of_page(page: &[u8; PAGE], keystore: &[u8; 16]) -> Option<Self> {
        let whole = &page[..8] == MAGIC && checksum(NAME, keystore, &[&page[..80]]) == take(page, 80);
        whole.then(|| Self {
            day: EpochDay(i32::from_be_bytes(take(page, 8))),
            secret: Zeroizing::new(take(page, 16)),
            public: take(page, 48),
        })
    }
}
