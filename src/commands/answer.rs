//! What a command says, and the one place where faults become `-ERR <code> <text>`.
use callvault_recorder::controller::CommandFault;
use clap::Parser;
use clap::error::ErrorKind;
use serde::Serialize;

/// An answer on its way to the host's stream.
pub enum Answer {
    /// Text as it is.
    Text(String),
    /// Done, with a word.
    Done(String),
    /// Refused or failed.
    Fault(CommandFault),
}

impl Answer {
    /// As JSON where it was asked for, else as the text.
    pub fn of<T: Serialize>(json: bool, value: &T, text: impl FnOnce(&T) -> String) -> Self {
        if !json {
            return Self::Text(text(value));
        }
        match serde_json::to_string(value) {
            Ok(json) => Self::Text(json),
            Err(error) => Self::Fault(CommandFault::saying("internal", error)),
        }
    }

    /// What the stream gets.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) if text.ends_with('\n') => text,
            Self::Text(text) => text + "\n",
            Self::Done(word) => format!("+OK {word}\n"),
            Self::Fault(fault) => format!("-ERR {}\n", fault.to_string().replace(['\r', '\n'], " ")),
        }
    }
}

/// Splits a command's arguments as a shell would and parses them; help comes back as an answer.
pub fn parse<C: Parser>(arguments: &str) -> Result<C, Answer> {
    let words = shlex::split(arguments)
        .ok_or_else(|| Answer::Fault(CommandFault::new("usage", "a quotation mark is not closed", "close it")))?;
    C::try_parse_from(words).map_err(|error| {
        let asks_for_help =
            matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        if asks_for_help {
            Answer::Text(error.to_string())
        } else {
            let text = error.to_string();
            // What is missing stands on lines of its own, up to an empty one.
            let happened: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
            let happened = happened.join(" ");
            Answer::Fault(CommandFault::new(
                "usage",
                printable(happened.trim_start_matches("error: ")),
                "see `callvault help`",
            ))
        }
    })
}

/// What people typed comes back to their terminal: no control characters, not long.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    #[command(no_binary_name = true)]
    struct Sample {
        word: String,
    }

    #[test]
    fn bad_input_gets_a_code_and_a_line_and_nothing_of_a_terminal() {
        for (input, beginning) in [
            ("'open", "-ERR usage a quotation mark is not closed"),
            ("a b", "-ERR usage unexpected argument 'b'"),
            ("", "-ERR usage the following required arguments were not provided: <WORD>"),
            // Whether the parser leaves the sequence out or we break it: none reaches a terminal.
            ("a \u{1b}[2J", "-ERR usage unexpected argument '"),
        ] {
            let answer = parse::<Sample>(input).expect_err(input).into_text();
            assert!(answer.starts_with(beginning), "{input}: {answer}");
            assert_eq!(answer.lines().count(), 1);
            assert!(!answer.trim_end().contains(char::is_control), "{answer:?}");
        }
        assert_eq!(parse::<Sample>("word").map(|s| s.word).ok().as_deref(), Some("word"));
    }
}
