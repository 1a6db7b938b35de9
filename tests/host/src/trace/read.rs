//! Reading a trace back.
use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};

use super::text::text;
use super::{Codec, Frame, HEAD, Message, Record, TAKEN_BY, Trace, What};

/// What is no trace.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is none of a trace: `{found}`; take it anew with `{TAKEN_BY}`")]
pub struct BadTrace {
    line: usize,
    found: String,
}

/// A whole trace from its text.
pub fn read(trace: &str) -> Result<Trace, BadTrace> {
    let mut lines = trace.lines().enumerate();
    let bad = |line: usize, found: &str| BadTrace { line: line + 1, found: found.chars().take(120).collect() };
    if lines.next().is_none_or(|(_, line)| line != HEAD) {
        return Err(bad(0, trace.lines().next().unwrap_or_default()));
    }
    let mut trace = Trace::default();
    for (number, line) in lines {
        entry(&mut trace, line).ok_or_else(|| bad(number, line))?;
    }
    Ok(trace)
}

fn entry(trace: &mut Trace, line: &str) -> Option<()> {
    let mut words = Words(line.split(' '));
    match words.word()? {
        "host" => trace.host = words.text()?,
        "taken-by" => return Some(()),
        "began" => trace.began = words.number()?,
        "codec" => {
            let number: usize = words.number()?;
            let codec = Codec {
                name: words.text()?,
                clock_rate: words.number()?,
                sample_rate: words.number()?,
                packet_us: words.number()?,
                channels: words.number()?,
                packet_bytes: words.number()?,
            };
            (number == trace.codecs.len()).then(|| trace.codecs.push(codec))?;
        }
        "payload" => {
            let number: usize = words.number()?;
            let bytes = BASE64_STANDARD_NO_PAD.decode(words.word()?).ok()?;
            (number == trace.payloads.len()).then(|| trace.payloads.push(bytes))?;
        }
        at => {
            let record = Record {
                at_us: at.parse().ok()?,
                thread: words.number()?,
                leg: words.number()?,
                what: words.what(trace.codecs.len(), trace.payloads.len())?,
            };
            trace.records.push(record);
        }
    }
    words.0.next().is_none().then_some(())
}

struct Words<'a>(std::str::Split<'a, char>);

impl Words<'_> {
    fn word(&mut self) -> Option<&str> {
        self.0.next().filter(|word| !word.is_empty())
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.word()?.parse().ok()
    }

    fn maybe(&mut self) -> Option<Option<String>> {
        text(self.word()?)
    }

    fn text(&mut self) -> Option<String> {
        self.maybe()?
    }

    fn what(&mut self, codecs: usize, payloads: usize) -> Option<What> {
        Some(match self.word()? {
            "is" => What::Is(self.text()?, self.text()?),
            "variable" => What::Variable(self.text()?, self.maybe()?),
            "handler" => What::Handler(self.text()?),
            "change" => What::Change,
            "message" => What::Message(Message {
                name: self.text()?,
                number: self.number()?,
                text: self.maybe()?,
                arguments: [self.maybe()?, self.maybe()?],
            }),
            "dtmf" => What::Dtmf(self.text()?),
            "read" => What::Read(self.frame(codecs, payloads)?),
            "write" => What::Write(self.frame(codecs, payloads)?),
            "bug-closed" => What::BugClosed,
            "event" => {
                let name = self.text()?;
                let mut headers = Vec::new();
                while let Some(header) = self.word().map(str::to_owned) {
                    headers.push((text(&header)??, self.text()?));
                }
                What::Event(name, headers)
            }
            "application" => What::Application(self.text()?, self.text()?),
            "application-ended" => What::ApplicationEnded,
            "call" => What::Call(self.text()?, self.text()?),
            "returned" => What::Returned(self.text()?, self.text()?),
            _ => return None,
        })
    }

    fn frame(&mut self, codecs: usize, payloads: usize) -> Option<Frame> {
        Some(Frame {
            codec: self.place(codecs)?,
            flags: self.maybe()?.unwrap_or_default(),
            timestamp: self.number()?,
            sequence: self.number()?,
            payload: self.place(payloads)?,
        })
    }

    /// `-`, or a number of something that was written before.
    fn place(&mut self, known: usize) -> Option<Option<u32>> {
        match self.word()? {
            "-" => Some(None),
            word => word.parse().ok().filter(|&number: &u32| (number as usize) < known).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Writer;
    use super::*;

    fn record(what: What) -> Record {
        Record { at_us: 20_000, thread: 1, leg: 2, what }
    }

    #[test]
    fn what_was_written_is_read() {
        let mut written = Vec::new();
        let mut writer = Writer::begin(&mut written, "1.11.3 git", 1_764_000_000_000).expect("memory");
        let codec = Codec {
            name: "PCMU".into(),
            clock_rate: 8_000,
            sample_rate: 8_000,
            packet_us: 20_000,
            channels: 1,
            packet_bytes: 160,
        };
        let number = writer.codec(&codec).expect("memory");
        let payload = writer.payload(&[0xff; 160]).expect("memory");
        assert_eq!(writer.payload(&[0xff; 160]).expect("memory"), payload);
        let frame = |flags: &str, payload| Frame {
            codec: Some(number),
            flags: flags.into(),
            timestamp: 160,
            sequence: 65_535,
            payload,
        };
        let records = [
            What::Is("uuid".into(), "a b".into()),
            What::Variable("name".into(), None),
            What::Handler("init".into()),
            What::Message(Message {
                name: "BRIDGE".into(),
                number: -1,
                text: Some(String::new()),
                arguments: [None, Some("-".into())],
            }),
            What::Dtmf("9".into()),
            What::Read(frame("", Some(payload))),
            What::Write(frame("cp", None)),
            What::Application("callvault_notice".into(), String::new()),
            What::Call("play".into(), "/a file.wav".into()),
            What::Returned("play".into(), "success".into()),
            What::ApplicationEnded,
            What::Event("CHANNEL_HOLD".into(), Vec::new()),
            What::Event("MEDIA_BUG_START".into(), vec![("Media-Bug-Function".into(), "a b".into())]),
            What::BugClosed,
        ]
        .map(record);
        for record in &records {
            writer.record(record).expect("memory");
        }
        let trace = read(std::str::from_utf8(&written).expect("a trace is text")).expect("a trace");
        assert_eq!(trace.records, records);
        assert_eq!((trace.codecs, trace.payloads), (vec![codec], vec![vec![0xff; 160]]));
        assert_eq!((trace.host.as_str(), trace.began), ("1.11.3 git", 1_764_000_000_000));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        for (text, line) in [
            ("something else", "line 1 "),
            ("callvault-trace 1\nhost x\n12 1 1 dance", "line 3 "),
            ("callvault-trace 1\n0 1 1 read 0 - 0 0 -", "line 2 "),
            ("callvault-trace 1\n0 1 1 change too", "line 2 "),
        ] {
            let fault = read(text).expect_err("no trace").to_string();
            assert!(fault.contains(line) && fault.contains("take it anew"), "{fault}");
        }
    }
}
