//! Writing a trace down as it happens.
use std::collections::HashMap;
use std::io::{self, Write};

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};

use super::text::word;
use super::{Codec, Frame, HEAD, Message, Record, TAKEN_BY, What};

/// Writes records, and each codec and payload once, before the first frame that has it.
pub struct Writer<W> {
    to: W,
    codecs: Vec<Codec>,
    payloads: HashMap<Vec<u8>, u32>,
}

impl<W: Write> Writer<W> {
    /// Begins a trace of this host; `began` is offset 0 in Unix milliseconds.
    pub fn begin(mut to: W, host: &str, began: i64) -> io::Result<Self> {
        writeln!(to, "{HEAD}\nhost {}\ntaken-by {TAKEN_BY}\nbegan {began}", word(Some(host)))?;
        Ok(Self { to, codecs: Vec::new(), payloads: HashMap::new() })
    }

    /// The number of a codec.
    pub fn codec(&mut self, codec: &Codec) -> io::Result<u32> {
        if let Some(number) = self.codecs.iter().position(|own| own == codec) {
            return Ok(number as u32);
        }
        let Codec { name, clock_rate, sample_rate, packet_us, channels, packet_bytes } = codec;
        let number = self.codecs.len();
        let name = word(Some(name));
        writeln!(self.to, "codec {number} {name} {clock_rate} {sample_rate} {packet_us} {channels} {packet_bytes}")?;
        self.codecs.push(codec.clone());
        Ok(number as u32)
    }

    /// The number of a payload.
    pub fn payload(&mut self, bytes: &[u8]) -> io::Result<u32> {
        if let Some(number) = self.payloads.get(bytes) {
            return Ok(*number);
        }
        let number = self.payloads.len() as u32;
        writeln!(self.to, "payload {number} {}", BASE64_STANDARD_NO_PAD.encode(bytes))?;
        self.payloads.insert(bytes.to_vec(), number);
        Ok(number)
    }

    /// One record.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        let Record { at_us, thread, leg, what } = record;
        writeln!(self.to, "{at_us} {thread} {leg} {}", line(what))
    }

    /// Lets go of what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn line(what: &What) -> String {
    let text = |text: &str| word(Some(text));
    match what {
        What::Is(key, value) => format!("is {key} {}", text(value)),
        What::Variable(name, value) => format!("variable {} {}", text(name), word(value.as_deref())),
        What::Handler(state) => format!("handler {state}"),
        What::Change => "change".into(),
        What::Message(Message { name, number, text: string, arguments: [first, second] }) => {
            let [string, first, second] = [string, first, second].map(|text| word(text.as_deref()));
            format!("message {name} {number} {string} {first} {second}")
        }
        What::Read(frame) => format!("read {}", frame_words(frame)),
        What::Write(frame) => format!("write {}", frame_words(frame)),
        What::BugClosed => "bug-closed".into(),
        What::Dtmf(key) => format!("dtmf {}", text(key)),
        What::Event(name, headers) => headers
            .iter()
            .fold(format!("event {name}"), |line, (header, value)| format!("{line} {} {}", text(header), text(value))),
        What::Application(name, arguments) => format!("application {} {}", text(name), text(arguments)),
        What::ApplicationEnded => "application-ended".into(),
        What::Call(name, argument) => format!("call {name} {}", text(argument)),
        What::Returned(name, status) => format!("returned {name} {status}"),
    }
}

fn frame_words(frame: &Frame) -> String {
    let number = |number: Option<u32>| number.map_or("-".into(), |number| number.to_string());
    let Frame { codec, flags, timestamp, sequence, payload } = frame;
    let flags = if flags.is_empty() { "-" } else { flags };
    format!("{} {flags} {timestamp} {sequence} {}", number(*codec), number(*payload))
}
