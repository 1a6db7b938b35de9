//! Lists of numbers as regular expressions that match a number as a whole.
use regex::{Regex, RegexBuilder};

/// Longest expression, in bytes.
const LONGEST: usize = 4096;

/// An expression that matches all of these matches everything: then it lists nothing.
const ORDINARY: [&str; 6] = ["7", "1001", "0201234567", "0031612345678", "+3228088111", "anonymous"];

/// Why an expression is no list of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadNumbers {
    /// Nothing is written.
    Empty,
    /// More than 4096 bytes, or too large once compiled.
    TooLarge,
    /// It cannot be read; the reason is the last line of the parser's, without the numbers in the expression.
    Unreadable(String),
    /// It matches a number that is not there (withheld).
    MatchesNothing,
    /// It matches every number.
    MatchesEverything,
}

/// Reads an expression and ties it to both ends of the number: `112` lists 112 and not 1120.
pub(super) fn parse_numbers(expression: &str) -> Result<Regex, BadNumbers> {
    if expression.is_empty() {
        return Err(BadNumbers::Empty);
    }
    if expression.len() > LONGEST {
        return Err(BadNumbers::TooLarge);
    }
    // Read alone first: "a)(b" would be whole only between the parentheses that tie it.
    compile(expression)?;
    let whole = compile(&format!("^(?:{expression})$"))?;
    if whole.is_match("") {
        return Err(BadNumbers::MatchesNothing);
    }
    if ORDINARY.iter().all(|number| whole.is_match(number)) {
        return Err(BadNumbers::MatchesEverything);
    }
    Ok(whole)
}

fn compile(expression: &str) -> Result<Regex, BadNumbers> {
    RegexBuilder::new(expression).size_limit(1 << 20).build().map_err(|fault| {
        if matches!(fault, regex::Error::CompiledTooBig(_)) {
            return BadNumbers::TooLarge;
        }
        let text = fault.to_string();
        let last = text.lines().last().unwrap_or_default();
        BadNumbers::Unreadable(last.trim().trim_start_matches("error: ").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_matches_whole_numbers_with_or_without_anchors() {
        for expression in ["112|144", "^(112|144)$", "^112$|^144$", r"1\d2|\b144\b"] {
            let list = parse_numbers(expression).expect("a good expression");
            assert!(list.is_match("112") && list.is_match("144"), "{expression}");
            assert!(!list.is_match("1120") && !list.is_match("0112") && !list.is_match(""), "{expression}");
        }
    }

    #[test]
    fn what_lists_nothing_or_everything_is_refused() {
        assert_eq!(parse_numbers("").err(), Some(BadNumbers::Empty));
        for expression in [".*", "112|", "(112)?", "^", "1*"] {
            assert_eq!(parse_numbers(expression).err(), Some(BadNumbers::MatchesNothing), "{expression}");
        }
        for expression in [".+", "^.+$", "[^x]+", "112|.+"] {
            assert_eq!(parse_numbers(expression).err(), Some(BadNumbers::MatchesEverything), "{expression}");
        }
    }

    #[test]
    fn an_unreadable_expression_says_why_without_its_numbers() {
        for expression in ["+31612345678", "(0612345678", "0612345678)(", "[0612345678"] {
            match parse_numbers(expression) {
                Err(BadNumbers::Unreadable(why)) => assert!(!why.is_empty() && !why.contains("612345678"), "{why}"),
                other => panic!("{expression}: {other:?}"),
            }
        }
    }
}
