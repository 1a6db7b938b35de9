//! A person's identity: one file, made on that person's machine, that never leaves it.
//!
//! Text: a comment, the public line, then an armored age file under a passphrase (scrypt). Inside, as JSON: name,
//! role, the age X25519 secret and the Ed25519 seed. The public line says whose it is before a passphrase is asked.
use std::io::{self, Read as _, Write as _};
use std::iter;
use std::path::{Path, PathBuf};

use age::DecryptError;
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callvault_recorder::access::{PersonName, PublicLine, Role};
use callvault_recorder::seal::{KeyFault, X25519Identity};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::passphrase::PassphraseFault;
use crate::private_file::{PrivateFile, PrivateFileFault};

const COMMENT: &str = "# callvault identity: keep this file and its passphrase to yourself";
const PUBLIC: &str = "# public: ";
const MAX_BYTES: u64 = 64 * 1024;
/// scrypt's N = 2^18 with r = 8: 256 MiB and about a second; age's own default for passphrases.
const WORK_FACTOR: u8 = 18;
/// More than anybody's: a file that asks for more wants to exhaust this machine.
const MAX_WORK_FACTOR: u8 = 22;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFault {
    /// The file cannot be read.
    #[error("the identity {} cannot be read: {source}. Give the file that `callvault enrol` made.", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be made.
    #[error(transparent)]
    NotWritten(#[from] PrivateFileFault),
    /// The system gave no randomness.
    #[error("the operating system gave no randomness for a key. Try again when it has some.")]
    NoRandomness,
    /// The system gave no key.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// It is not what `enrol` writes.
    #[error("{} is no identity. Give the file that `callvault enrol` made.", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// Its public line is not that of the keys in it.
    #[error("the public line of {} is not that of the keys inside: the file was altered. Take it from your backup, or enrol again.", path.display())]
    Altered {
        /// Which file.
        path: PathBuf,
    },
    /// The passphrase does not open it.
    #[error("that is not the passphrase of {name}'s identity. Try again.")]
    WrongPassphrase {
        /// Whose it is.
        name: PersonName,
    },
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseFault),
}

/// An identity, unlocked.
pub struct Identity {
    line: PublicLine,
    age: X25519Identity,
    signing: SigningKey,
}

impl Identity {
    /// Makes a new one.
    pub fn generate(role: Role, name: PersonName) -> Result<Self, IdentityFault> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| IdentityFault::NoRandomness)?;
        let signing = SigningKey::from_bytes(&seed);
        let age = X25519Identity::generate()?;
        let line = PublicLine::sign(role, name, age.to_public(), &signing);
        Ok(Self { line, age, signing })
    }

    /// Its public halves.
    pub fn line(&self) -> &PublicLine {
        &self.line
    }

    /// What opens this person's capsules.
    pub fn age(&self) -> &X25519Identity {
        &self.age
    }

    /// What this person signs with.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Begins its file under a passphrase; the caller keeps it.
    pub fn write(&self, path: &Path, passphrase: SecretString) -> Result<PrivateFile, IdentityFault> {
        let mut file = PrivateFile::create(path)?;
        let fault = |source| PrivateFileFault::Io { path: path.to_owned(), source };
        let sealed = self.seal(passphrase).map_err(fault)?;
        let text = format!("{COMMENT}\n{PUBLIC}{}\n{sealed}", self.line);
        file.file().write_all(text.as_bytes()).map_err(fault)?;
        Ok(file)
    }

    fn seal(&self, passphrase: SecretString) -> io::Result<String> {
        let secrets = Secrets {
            name: self.line.name.to_string(),
            role: self.line.role,
            age: self.age.to_text().as_str().to_owned(),
            ed25519: URL_SAFE_NO_PAD.encode(self.signing.as_bytes()),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&secrets)?);
        let mut recipient = age::scrypt::Recipient::new(passphrase);
        recipient.set_work_factor(WORK_FACTOR);
        let encryptor = age::Encryptor::with_recipients(iter::once(&recipient as _)).map_err(io::Error::other)?;
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(&plain)?;
        let bytes = writer.finish().and_then(ArmoredWriter::finish)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// An identity's file, still locked.
#[derive(Debug)]
pub struct LockedIdentity {
    line: PublicLine,
    sealed: String,
    path: PathBuf,
}

impl LockedIdentity {
    /// Reads the file; its public line is checked, its secrets stay shut.
    pub fn read(path: &Path) -> Result<Self, IdentityFault> {
        let unreadable = |source| IdentityFault::Unreadable { path: path.to_owned(), source };
        let malformed = || IdentityFault::Malformed { path: path.to_owned() };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|_| malformed())?;
        let armor = text.find("-----BEGIN AGE ENCRYPTED FILE-----").ok_or_else(malformed)?;
        let line = text[..armor].lines().find_map(|line| line.strip_prefix(PUBLIC)).ok_or_else(malformed)?;
        let line = line.parse().map_err(|_| IdentityFault::Altered { path: path.to_owned() })?;
        Ok(Self { line, sealed: text[armor..].to_owned(), path: path.to_owned() })
    }

    /// Whose it is.
    pub fn line(&self) -> &PublicLine {
        &self.line
    }

    /// Opens it.
    pub fn unlock(self, passphrase: SecretString) -> Result<Identity, IdentityFault> {
        let malformed = || IdentityFault::Malformed { path: self.path.clone() };
        let armored = ArmoredReader::new(self.sealed.as_bytes());
        let decryptor = age::Decryptor::new_buffered(armored).map_err(|_| malformed())?;
        if !decryptor.is_scrypt() {
            return Err(malformed());
        }
        let mut key = age::scrypt::Identity::new(passphrase);
        key.set_max_work_factor(MAX_WORK_FACTOR);
        let refused = |error| {
            let wrong = matches!(error, DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed);
            if wrong { IdentityFault::WrongPassphrase { name: self.line.name.clone() } } else { malformed() }
        };
        let mut reader = decryptor.decrypt(iter::once(&key as _)).map_err(refused)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        reader.read_to_end(&mut plain).map_err(|_| malformed())?;
        let secrets: Secrets = serde_json::from_slice(&plain).map_err(|_| malformed())?;
        let identity = secrets.restore().ok_or_else(malformed)?;
        if identity.line == self.line { Ok(identity) } else { Err(IdentityFault::Altered { path: self.path }) }
    }
}

/// What is under the passphrase.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    name: String,
    role: Role,
    /// `AGE-SECRET-KEY-1…`
    age: String,
    /// The seed in base64url.
    ed25519: String,
}

impl Secrets {
    fn restore(&self) -> Option<Identity> {
        let age = X25519Identity::parse(&self.age).ok()?;
        let mut seed = Zeroizing::new([0; 32]);
        let length = URL_SAFE_NO_PAD.decode_slice(&self.ed25519, seed.as_mut()).ok()?;
        let signing = (length == seed.len()).then(|| SigningKey::from_bytes(&seed))?;
        let name: PersonName = self.name.parse().ok()?;
        // Ed25519 signatures are deterministic: the same keys and name give the same line.
        let line = PublicLine::sign(self.role, name, age.to_public(), &signing);
        Some(Identity { line, age, signing })
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.age.zeroize();
        self.ed25519.zeroize();
    }
}

impl ZeroizeOnDrop for Secrets {}
