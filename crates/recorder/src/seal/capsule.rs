//! A track's key as a standard age file to one person: key id (16 bytes), then key (32).
//!
//! One file per person and not one file to all: a release hands out a single person's, and an age file to several
//! would open for each of them.
use super::age::{UnwrapFault, WrapFault, unwrap_age, wrap_in_place};
use super::identity::{RecipientKey, X25519Identity};
use super::key::TrackKey;
use super::secret::KeyFault;

/// Why a capsule gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CapsuleFault {
    /// The age file does not open.
    #[error(transparent)]
    Unwrap(#[from] UnwrapFault),
    /// It opens, but holds no track's key.
    #[error("this age file is no capsule: it does not hold a key id and a key; take a capsule out of a released copy")]
    Content,
    /// No memory for the key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl CapsuleFault {
    /// Its word: the `expect:` of the vectors, and what scripts may rely on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unwrap(fault) => fault.code(),
            Self::Content => "content",
            Self::Key(_) => "key",
        }
    }
}

/// Seals a track's key to one person. 200 bytes of header, 16 of nonce, 64 of sealed key.
pub fn write_capsule(key: &TrackKey, to: &RecipientKey) -> Result<Vec<u8>, WrapFault> {
    wrap_in_place(TrackKey::CAPSULE_PLAINTEXT, |place| key.write_capsule_plaintext(place), to)
}

/// Opens a capsule on its holder's machine.
pub fn read_capsule(capsule: &[u8], identity: &X25519Identity) -> Result<TrackKey, CapsuleFault> {
    let plaintext = unwrap_age(capsule, identity)?;
    let plaintext = plaintext.as_slice().try_into().map_err(|_| CapsuleFault::Content)?;
    Ok(TrackKey::from_capsule_plaintext(plaintext)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use super::*;

    const PLAINTEXT: [u8; 48] = {
        let mut bytes = [7; 48];
        bytes[0] = 1;
        bytes[47] = 9;
        bytes
    };

    fn key() -> TrackKey {
        TrackKey::from_capsule_plaintext(&PLAINTEXT).expect("memory can be locked")
    }

    #[test]
    fn a_capsule_gives_its_holder_the_key_and_nobody_else() {
        let manager = X25519Identity::generate().expect("an identity");
        let other = X25519Identity::generate().expect("an identity");
        let capsule = write_capsule(&key(), &manager.to_public()).expect("a capsule");
        let opened = read_capsule(&capsule, &manager).expect("opens");
        assert_eq!(opened.id(), key().id());
        let mut bytes = [0; 48];
        opened.write_capsule_plaintext(&mut bytes);
        assert_eq!(bytes, PLAINTEXT);
        assert_eq!(
            read_capsule(&capsule, &other).expect_err("refused"),
            CapsuleFault::Unwrap(UnwrapFault::NotForThisIdentity)
        );
    }

    #[test]
    fn an_age_file_of_something_else_is_no_capsule() {
        let manager = X25519Identity::generate().expect("an identity");
        let file = super::super::wrap(&[0; 47], &manager.to_public()).expect("wrapped");
        assert_eq!(read_capsule(&file, &manager).expect_err("refused"), CapsuleFault::Content);
    }

    /// Decision 6: a capsule is a standard age file.
    #[test]
    fn the_stock_age_crate_opens_a_capsule() {
        let manager = age::x25519::Identity::generate();
        let to = manager.to_public().to_string().parse().expect("a recipient");
        let capsule = write_capsule(&key(), &to).expect("a capsule");
        assert_eq!(age::decrypt(&manager, &capsule).expect("age opens it"), PLAINTEXT);
    }

    /// The same for Debian's `age` program, where it is installed.
    #[test]
    fn the_stock_age_program_opens_a_capsule() {
        if Command::new("age").arg("--version").output().is_err() {
            let _ = writeln!(std::io::stderr(), "skipped: no `age` program here (apt install age)");
            return;
        }
        let manager = X25519Identity::generate().expect("an identity");
        let capsule = write_capsule(&key(), &manager.to_public()).expect("a capsule");
        let mut identity = tempfile::NamedTempFile::new().expect("a file");
        identity.write_all(manager.to_text().as_bytes()).expect("written");
        let mut program = Command::new("age")
            .arg("--decrypt")
            .arg("--identity")
            .arg(identity.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("age starts");
        program.stdin.take().expect("its input").write_all(&capsule).expect("taken");
        let mut opened = Vec::new();
        program.stdout.take().expect("its output").read_to_end(&mut opened).expect("read");
        assert!(program.wait().expect("it ends").success());
        assert_eq!(opened, PLAINTEXT);
    }
}
