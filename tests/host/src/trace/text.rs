//! Words of a line: text without blanks, or nothing.

/// A text as one word: `-` is none, `%` is empty, bytes that a line cannot hold are `%XX`.
pub fn word(text: Option<&str>) -> String {
    let Some(text) = text else { return "-".into() };
    if text.is_empty() {
        return "%".into();
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    let mut word = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        if plain(byte) && (byte != b'-' || place > 0) {
            word.push(char::from(byte));
        } else {
            word += &format!("%{byte:02X}");
        }
    }
    word
}

/// What [`word`] made, undone; `None` where it is no such word.
pub fn text(word: &str) -> Option<Option<String>> {
    match word {
        "-" => return Some(None),
        "%" => return Some(Some(String::new())),
        _ => {}
    }
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_one_word_and_comes_back() {
        for original in [None, Some(""), Some("-"), Some("a b%c"), Some("né\n"), Some("plain-text")] {
            let word = word(original);
            assert!(!word.is_empty() && !word.contains(char::is_whitespace));
            assert_eq!(text(&word), Some(original.map(str::to_owned)), "{word}");
        }
        assert_eq!(text("%4"), None);
        assert_eq!(text("%zz"), None);
    }
}
