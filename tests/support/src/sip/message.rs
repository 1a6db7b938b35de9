//! A SIP message (RFC 3261 7): start line, headers in order, body.
use std::fmt;

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub start: Start,
    /// Header names as written and their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, UTF-8 as all bodies here are.
    pub body: String,
}

/// The start line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Method and request URI.
    Request(String, String),
    /// Status and reason.
    Response(u16, String),
}

impl Message {
    /// A request without headers.
    pub fn request(method: &str, uri: &str) -> Self {
        Self { start: Start::Request(method.into(), uri.into()), headers: Vec::new(), body: String::new() }
    }

    /// A response to `request`, with what it must repeat (RFC 3261 8.2.6.2); `tag` marks our side of the dialog.
    pub fn response(request: &Self, status: u16, reason: &str, tag: &str) -> Self {
        let mut response =
            Self { start: Start::Response(status, reason.into()), headers: Vec::new(), body: String::new() };
        for (name, value) in &request.headers {
            match long_name(name) {
                "via" | "from" | "call-id" | "cseq" | "record-route" => {
                    response.headers.push((name.clone(), value.clone()))
                }
                "to" if status > 100 && tag_of(value).is_none() => {
                    response.headers.push((name.clone(), format!("{value};tag={tag}")));
                }
                "to" => response.headers.push((name.clone(), value.clone())),
                _ => {}
            }
        }
        response
    }

    /// With one header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a body of this type.
    #[must_use]
    pub fn with_body(self, kind: &str, body: String) -> Self {
        let mut message = self.with("Content-Type", kind);
        message.body = body;
        message
    }

    /// The first value of a header, by its long name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| long_name(own) == name).map(|(_, value)| value.as_str())
    }

    /// The method: of a request its own, of a response the one it answers.
    pub fn method(&self) -> &str {
        match &self.start {
            Start::Request(method, _) => method,
            Start::Response(..) => self.header("cseq").and_then(|cseq| cseq.split_whitespace().nth(1)).unwrap_or(""),
        }
    }

    /// The sequence number of `CSeq`.
    pub fn sequence(&self) -> u32 {
        self.header("cseq").and_then(|cseq| cseq.split_whitespace().next()).and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response(status, _) => Some(status),
            Start::Request(..) => None,
        }
    }

    /// The dialog's call id.
    pub fn call_id(&self) -> &str {
        self.header("call-id").unwrap_or("")
    }

    /// From the wire; `None` for what is no SIP (keep-alives).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let first = lines.next()?;
        let start = if let Some(rest) = first.strip_prefix("SIP/2.0 ") {
            let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            Start::Response(status.parse().ok()?, reason.into())
        } else {
            let (method, rest) = first.split_once(' ')?;
            Start::Request(method.into(), rest.strip_suffix(" SIP/2.0")?.into())
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if let Some(folded) = line.strip_prefix([' ', '\t']) {
                let (_, value) = headers.last_mut()?;
                value.push(' ');
                value.push_str(folded.trim());
            } else {
                let (name, value) = line.split_once(':')?;
                headers.push((name.trim().into(), value.trim().into()));
            }
        }
        Some(Self { start, headers, body: body.into() })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.start {
            Start::Request(method, uri) => write!(f, "{method} {uri} SIP/2.0\r\n")?,
            Start::Response(status, reason) => write!(f, "SIP/2.0 {status} {reason}\r\n")?,
        }
        for (name, value) in &self.headers {
            write!(f, "{name}: {value}\r\n")?;
        }
        write!(f, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }
}

/// A header's long name in lower case (RFC 3261 7.3.3 has the compact forms).
fn long_name(name: &str) -> &str {
    match name {
        "v" | "V" => "via",
        "f" | "F" => "from",
        "t" | "T" => "to",
        "i" | "I" => "call-id",
        "m" | "M" => "contact",
        "c" | "C" => "content-type",
        "l" | "L" => "content-length",
        "r" | "R" => "refer-to",
        "o" | "O" => "event",
        _ => KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or(name),
    }
}

const KNOWN: [&str; 16] = [
    "via",
    "from",
    "to",
    "call-id",
    "cseq",
    "contact",
    "content-type",
    "content-length",
    "record-route",
    "refer-to",
    "referred-by",
    "replaces",
    "event",
    "subscription-state",
    "allow",
    "reason",
];

/// The `tag` of a From or To value.
pub fn tag_of(value: &str) -> Option<&str> {
    let parameters = value.rsplit_once('>').map_or(value, |(_, parameters)| parameters);
    parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("tag="))
}

/// The URI of a name-addr or addr-spec.
pub fn uri_of(value: &str) -> &str {
    match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split(';').next().unwrap_or(value).trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back() {
        let request = Message::request("INVITE", "sip:echo@127.0.0.1")
            .with("Via", "SIP/2.0/UDP 127.0.0.1:5;branch=z9hG4bK1")
            .with("From", "\"A; tag=no\" <sip:a@127.0.0.1>;tag=one")
            .with("To", "<sip:echo@127.0.0.1>")
            .with("Call-ID", "x")
            .with("CSeq", "7 INVITE")
            .with_body("application/sdp", "v=0\r\n".into());
        let parsed = Message::parse(request.to_string().as_bytes()).expect("it is SIP");
        assert_eq!(parsed.body, "v=0\r\n");
        assert_eq!((parsed.method(), parsed.sequence(), parsed.call_id()), ("INVITE", 7, "x"));
        assert_eq!(tag_of(parsed.header("from").expect("it is there")), Some("one"));
        let ringing = Message::response(&parsed, 180, "Ringing", "two");
        assert_eq!(ringing.header("to"), Some("<sip:echo@127.0.0.1>;tag=two"));
        assert_eq!(ringing.method(), "INVITE");
    }

    #[test]
    fn compact_and_folded_headers_are_read() {
        let text = "BYE sip:a SIP/2.0\r\ni: abc\r\nv: SIP/2.0/UDP x\r\nSubject: one\r\n two\r\n\r\n";
        let message = Message::parse(text.as_bytes()).expect("it is SIP");
        assert_eq!(message.call_id(), "abc");
        assert_eq!(message.headers[2].1, "one two");
        assert_eq!(Message::parse(b"\r\n\r\n"), None);
    }
}
