//! The passphrase: asked for on the terminal, or taken from `CALLVAULT_PASSPHRASE`.
use std::io;

use age::secrecy::{ExposeSecret as _, SecretString};

/// The variable a script puts the passphrase in.
const VARIABLE: &str = "CALLVAULT_PASSPHRASE";

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseFault {
    /// Nothing, or only spaces.
    #[error("the passphrase is empty. Take a long one: it is all that protects this identity when its file is lost.")]
    Empty,
    /// The two are not the same.
    #[error("the two passphrases differ. Nothing was made; try again.")]
    Differ,
    /// Nobody to ask.
    #[error("no passphrase could be asked for: {0}. Run this on a terminal, or set {VARIABLE}.")]
    NoTerminal(io::Error),
    /// The variable is no text.
    #[error("{VARIABLE} is not valid UTF-8. Set it to the passphrase as text.")]
    NotText,
}

impl PassphraseFault {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "passphrase_empty",
            Self::Differ => "passphrases_differ",
            Self::NoTerminal(_) => "no_passphrase",
            Self::NotText => "passphrase_not_text",
        }
    }
}

/// The passphrase of an identity that exists.
pub fn ask(whose: &str) -> Result<SecretString, PassphraseFault> {
    match from_environment()? {
        Some(passphrase) => not_empty(passphrase),
        None => not_empty(prompt(&format!("Passphrase of {whose}: "))?),
    }
}

/// A new passphrase, asked for twice.
pub fn choose(whose: &str) -> Result<SecretString, PassphraseFault> {
    if let Some(passphrase) = from_environment()? {
        return not_empty(passphrase);
    }
    let first = not_empty(prompt(&format!("New passphrase for {whose}: "))?)?;
    let second = prompt("The same again: ")?;
    if first.expose_secret() == second.expose_secret() { Ok(first) } else { Err(PassphraseFault::Differ) }
}

fn from_environment() -> Result<Option<SecretString>, PassphraseFault> {
    match std::env::var(VARIABLE) {
        Ok(passphrase) => Ok(Some(passphrase.into())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(PassphraseFault::NotText),
    }
}

fn prompt(text: &str) -> Result<SecretString, PassphraseFault> {
    rpassword::prompt_password(text).map(SecretString::from).map_err(PassphraseFault::NoTerminal)
}

fn not_empty(passphrase: SecretString) -> Result<SecretString, PassphraseFault> {
    if passphrase.expose_secret().trim().is_empty() { Err(PassphraseFault::Empty) } else { Ok(passphrase) }
}
