//! What a command answers when it does not do what was asked: a stable code, what happened, what to do.
use std::fmt;

/// Why a command was refused or failed. `Display` gives `<code> <what happened>; <what to do>`, which behind `-ERR `
/// is the whole answer on the host's console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandFault {
    code: &'static str,
    happened: String,
    advice: String,
}

impl CommandFault {
    /// `code` is one lower-case word that scripts rely on; the two sentences are for a person and end without a stop.
    pub fn new(code: &'static str, happened: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, happened: happened.into(), advice: advice.into() }
    }

    /// From an error whose text already says what happened and what to do.
    pub fn saying(code: &'static str, error: impl fmt::Display) -> Self {
        Self { code, happened: error.to_string(), advice: String::new() }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What happened, and what to do where the error says so apart.
    pub fn text(&self) -> String {
        if self.advice.is_empty() { self.happened.clone() } else { format!("{}; {}", self.happened, self.advice) }
    }
}

impl fmt::Display for CommandFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text())
    }
}

impl std::error::Error for CommandFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_begins_with_its_code_and_says_what_to_do() {
        let fault =
            CommandFault::new("clock_suspect", "the clock jumped by 40 days", "check it, then repeat the command");
        assert_eq!(fault.to_string(), "clock_suspect the clock jumped by 40 days; check it, then repeat the command");
        assert_eq!(CommandFault::saying("ticket_used", "used before").to_string(), "ticket_used used before");
    }
}
