//! What a SIP URI says of whom it reaches: the number and, where it is written as one, the address.
use std::net::IpAddr;

use callvault_recorder::policy::Reached;

/// What was read of one; owned.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uri {
    number: String,
    address: Option<IpAddr>,
}

impl Uri {
    /// Reads `sip:number@192.0.2.1:5060;…`, also within `"Name" <…>` (RFC 3261, 19.1). A URI that says that its request goes
    /// elsewhere than its host (`maddr`, a route) has no address.
    pub fn read(text: &str) -> Self {
        let inner = text.split_once('<').map_or(text, |(_, rest)| rest.split('>').next().unwrap_or(rest));
        let inner = ["sip:", "sips:"].iter().find_map(|scheme| strip(inner, scheme)).unwrap_or(inner);
        let (user, rest) = inner.split_once('@').unwrap_or(("", inner));
        let number = user.split([';', ':']).next().unwrap_or_default();
        let lower = rest.to_ascii_lowercase();
        let elsewhere = ["maddr=", "route=", "fs_path="].iter().any(|parameter| lower.contains(parameter));
        let host = rest.split([';', '?', '>']).next().unwrap_or_default().trim();
        Self { number: unescaped(number), address: literal(host).filter(|_| !elsewhere) }
    }

    /// As the policy's pure functions take it.
    pub fn reached(&self) -> Reached<'_> {
        Reached { number: &self.number, address: self.address }
    }

    /// Its address.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

fn strip<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let begins = text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins.then(|| &text[scheme.len()..])
}

/// An address, with its port or without.
fn literal(host: &str) -> Option<IpAddr> {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next()?.parse().ok();
    }
    host.parse().ok().or_else(|| host.rsplit_once(':')?.0.parse().ok())
}

/// `%2B31` is `+31`; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_says_whom_it_reaches_and_where() {
        for (text, number, address) in [
            ("sip:0612345678@192.0.2.1", "0612345678", Some("192.0.2.1")),
            ("\"A <b\" <SIP:%2B316@[2001:db8::1]:5060;transport=udp>;q=1", "", None),
            ("<sip:%2B316@[2001:db8::1]:5060;transport=udp>;q=1", "+316", Some("2001:db8::1")),
            ("0655512345@10.0.0.1:5070", "0655512345", Some("10.0.0.1")),
            ("sips:100;phone-context=x@pbx.example", "100", None),
            ("sip:1000@10.0.0.1;maddr=192.0.2.9", "1000", None),
            ("sip:1000@10.0.0.1:5060?Route=%3Csip:192.0.2.9%3E", "1000", None),
            ("sip:1000@10.0.0.1;fs_path=sip%3A192.0.2.9", "1000", None),
            ("sip:10.0.0.1", "", Some("10.0.0.1")),
            ("100%", "", None),
            ("sip:1%zz2@h", "1%zz2", None),
            ("", "", None),
        ] {
            let expected = (number.to_owned(), address.map(|text| text.parse::<IpAddr>().expect("an address")));
            let Uri { number, address } = Uri::read(text);
            assert_eq!((number, address), expected, "{text}");
        }
    }
}
