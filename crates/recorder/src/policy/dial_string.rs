//! Whom a dial string rings, as far as the text says it (switch_ivr_originate.c: `|` in turn, `,` at once, `:_:` each by
//! a thread of its own; variables in `<>`, `{}`, `[]` before a destination).

/// One destination of a dial string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rings<'a> {
    /// A user of this host, or a group of them.
    User,
    /// Whoever has this number, as the host will say it of the leg.
    Number(&'a str),
    /// No party by itself: a loopback, an error.
    Nobody,
}

/// Endpoints behind which there are users of this host.
const USERS: [&str; 2] = ["user", "group"];

/// Endpoints behind which there is nobody, or somebody whom another leg rings.
const NOBODY: [&str; 5] = ["loopback", "error", "null", "pickup", "ring"];

/// Everyone whom it rings.
pub fn destinations(dial_string: &str) -> impl Iterator<Item = Rings<'_>> {
    let mut left = Some(dial_string);
    std::iter::from_fn(move || {
        let text = without_variables(left?);
        let (one, rest) = match text.find([',', '|']).into_iter().chain(text.find(":_:")).min() {
            Some(end) => (&text[..end], Some(text[end..].trim_start_matches(":_:"))),
            None => (text, None),
        };
        left = rest.map(|rest| rest.strip_prefix([',', '|']).unwrap_or(rest));
        Some(one.trim())
    })
    .filter(|one| !one.is_empty())
    .map(rings)
}

/// Behind the brackets at its beginning, which may hold any separator.
fn without_variables(text: &str) -> &str {
    let text = text.trim_start();
    let close = match text.as_bytes().first() {
        Some(b'{') => '}',
        Some(b'[') => ']',
        Some(b'<') => '>',
        _ => return text,
    };
    let open = text.chars().next();
    let mut depth = 0_usize;
    for (place, character) in text.char_indices() {
        if Some(character) == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
        }
        if depth == 0 {
            return without_variables(&text[place + close.len_utf8()..]);
        }
    }
    // Never closed: the host will not understand it either.
    ""
}

fn rings(one: &str) -> Rings<'_> {
    let (endpoint, rest) = one.split_once('/').unwrap_or(("", one));
    if USERS.contains(&endpoint) {
        return Rings::User;
    }
    if NOBODY.contains(&endpoint) {
        return Rings::Nobody;
    }
    let address = rest.rsplit('/').next().unwrap_or_default();
    let address = ["sip:", "sips:"].into_iter().find_map(|scheme| address.strip_prefix(scheme)).unwrap_or(address);
    Rings::Number(address.split(['@', ';', '%', '^']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(dial_string: &str) -> Vec<Rings<'_>> {
        destinations(dial_string).collect()
    }

    #[test]
    fn a_dial_string_names_whom_it_rings() {
        use Rings::{Nobody, Number, User};
        for (dial_string, expected) in [
            ("user/1000@pbx.example", vec![User]),
            ("sofia/gateway/carrier/0612345678", vec![Number("0612345678")]),
            ("sofia/external/0612345678@10.0.0.1:5080;transport=tcp", vec![Number("0612345678")]),
            ("sofia/internal/sip:0612345678@10.0.0.1", vec![Number("0612345678")]),
            ("freetdm/1/a/0612345678", vec![Number("0612345678")]),
            ("loopback/9000/default/XML", vec![Nobody]),
            ("error/user_busy", vec![Nobody]),
            ("{a=b,c='d|e'}[leg_timeout=20]user/1000,sofia/gateway/carrier/112", vec![User, Number("112")]),
            ("<x=1>{y=2} group/sales@pbx | sofia/gateway/c/0699:_:user/1001", vec![User, Number("0699"), User]),
            ("{a=[b]}[c={d}]user/7", vec![User]),
            ("{never closed,user/7", vec![]),
            ("", vec![]),
            ("0612345678", vec![Number("0612345678")]),
        ] {
            assert_eq!(all(dial_string), expected, "{dial_string}");
        }
    }

    proptest! {
        /// Whoever writes it, it is read to its end.
        #[test]
        fn any_text_ends(dial_string in "[a-z0-9/,|:_{}\\[\\]<>@; ]{0,200}") {
            prop_assert!(all(&dial_string).len() <= dial_string.len());
        }
    }
}
