//! The mark of the newest roster that was accepted: two copies, the older one overwritten.
use super::{PAGE, checksum, take};

const MAGIC: &[u8; 8] = b"CVROSTER";
const NAME: &[u8] = b"callvault roster mark";

/// The newest roster that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RosterMark {
    /// Its version, from 1.
    pub version: u64,
    /// SHA-256 of its file as it was read.
    pub sha256: [u8; 32],
}

impl RosterMark {
    pub(crate) fn to_page(self, keystore: &[u8; 16]) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        page[..8].copy_from_slice(MAGIC);
        page[8..16].copy_from_slice(&self.version.to_be_bytes());
        page[16..48].copy_from_slice(&self.sha256);
        let sum = checksum(NAME, keystore, &[&page[..48]]);
        page[48..64].copy_from_slice(&sum);
        page
    }

    /// `Ok(None)`: never written. `Err`: torn or rotten.
    pub(crate) fn of_page(page: &[u8; PAGE], keystore: &[u8; 16]) -> Result<Option<Self>, ()> {
        if page.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        let whole = &page[..8] == MAGIC && checksum(NAME, keystore, &[&page[..48]]) == take(page, 48);
        if !whole {
            return Err(());
        }
        Ok(Some(Self { version: u64::from_be_bytes(take(page, 8)), sha256: take(page, 16) }))
    }
}
