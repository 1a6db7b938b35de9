//! The node's own signing key: made at `init`, signs manifests and the audit log's checkpoints.
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::keys::PublicSigningKey;

const HEAD: &str = "callvault-node-key-1 ";

/// The node's Ed25519 key (RFC 8032). In `data/node.key`, 0600: one line, `callvault-node-key-1` and the 32-byte
/// seed in base64url.
#[derive(Clone)]
pub struct NodeKey(SigningKey);

/// Why there is no node key.
#[derive(Debug, thiserror::Error)]
pub enum NodeKeyFault {
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness for the node key. Try again when it has some.")]
    NoRandomness,
    /// The file cannot be made or read.
    #[error("the node key {} cannot be used: {source}. Check that `callvault init` made it and that the host's user may read it.", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("the node key {} is open to others (mode {mode:04o}). Set it to 0600, and make a new one if others may have read it.", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not what `init` writes.
    #[error("{} holds no node key. Restore it from where `callvault init` made it.", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

impl NodeKey {
    /// Makes a new one in a new file, flushed to the medium.
    pub fn create(path: &Path) -> Result<Self, NodeKeyFault> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| NodeKeyFault::NoRandomness)?;
        let text = Zeroizing::new(format!("{HEAD}{}\n", *Zeroizing::new(URL_SAFE_NO_PAD.encode(*seed))));
        let fault = |source| NodeKeyFault::Io { path: path.to_owned(), source };
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads the one that `init` made.
    pub fn open(path: &Path) -> Result<Self, NodeKeyFault> {
        let fault = |source| NodeKeyFault::Io { path: path.to_owned(), source };
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = std::fs::OpenOptions::new().read(true).custom_flags(no_link).open(path).map_err(fault)?;
        let mode = file.metadata().map_err(fault)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(NodeKeyFault::Exposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(256));
        file.take(256).read_to_string(&mut text).map_err(fault)?;
        Self::parse(&text).ok_or_else(|| NodeKeyFault::Malformed { path: path.to_owned() })
    }

    /// From its 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its public half, that manifests carry.
    pub fn public(&self) -> PublicSigningKey {
        PublicSigningKey::of(&self.0)
    }

    /// The key itself, for who signs with it.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let seed = text.strip_prefix(HEAD)?.trim_end();
        let mut bytes = Zeroizing::new([0; 32]);
        let length = URL_SAFE_NO_PAD.decode_slice(seed, bytes.as_mut()).ok()?;
        (length == bytes.len()).then(|| Self(SigningKey::from_bytes(&bytes)))
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKey({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_node_key_is_read_back_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("node.key");
        let made = NodeKey::create(&path).expect("made");
        assert_eq!(NodeKey::open(&path).expect("read").public(), made.public());
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
        assert!(matches!(NodeKey::create(&path), Err(NodeKeyFault::Io { .. })));
        assert_eq!(NodeKey::open(&path).expect("still the first").public(), made.public());
    }

    #[test]
    fn a_node_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("node.key");
        NodeKey::create(&path).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        assert!(matches!(NodeKey::open(&path), Err(NodeKeyFault::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn what_is_no_node_key_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("node.key");
        for text in ["", "callvault-node-key-1 AAAA", "callvault-node-key-2 "] {
            std::fs::write(&path, text).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
            assert!(matches!(NodeKey::open(&path), Err(NodeKeyFault::Malformed { .. })), "{text}");
        }
    }
}
