//! A trace: records in the order in which they happened, with the codecs and payloads that their frames name.
mod order;
mod read;
mod text;
mod write;

pub use read::{BadTrace, read};
pub use text::text as text_of;
pub use write::Writer;

/// The first line.
pub const HEAD: &str = "callvault-trace 1";

/// The command that takes all of them anew.
pub const TAKEN_BY: &str = "cargo run -p callvault-stand-in --bin take-traces";

/// Everything of one scenario.
#[derive(Debug, Default)]
pub struct Trace {
    /// The host that did it.
    pub host: String,
    /// Offset 0, Unix milliseconds UTC.
    pub began: i64,
    /// By the numbers in [`Frame::codec`].
    pub codecs: Vec<Codec>,
    /// By the numbers in [`Frame::payload`].
    pub payloads: Vec<Vec<u8>>,
    /// In order.
    pub records: Vec<Record>,
}

/// A codec as its frames have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// The IANA name.
    pub name: String,
    /// RTP's clock, Hz.
    pub clock_rate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// Microseconds per packet.
    pub packet_us: i32,
    /// Channels.
    pub channels: u8,
    /// Bytes per packet, 0 where they vary.
    pub packet_bytes: u32,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Since [`Trace::began`], microseconds.
    pub at_us: u64,
    /// The host's thread, numbered in the order of appearance.
    pub thread: u32,
    /// The leg, numbered in the order of its birth.
    pub leg: u32,
    /// What.
    pub what: What,
}

/// What happened to a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Something that the host says of it is another from now on; see README.md for the keys.
    Is(String, String),
    /// A channel variable, as the host gave it.
    Variable(String, Option<String>),
    /// A state handler ran: `init`, `execute`, `hangup` …
    Handler(String),
    /// The hook on changes of state ran.
    Change,
    /// A message.
    Message(Message),
    /// The party pressed this key.
    Dtmf(String),
    /// A frame was read from the party.
    Read(Frame),
    /// A frame was on its way to the party.
    Write(Frame),
    /// The media bug was closed by the host.
    BugClosed,
    /// An event of this name came, with these headers of those that the module asks for.
    Event(String, Vec<(String, String)>),
    /// The host began to run one of the module's applications: its name and arguments.
    Application(String, String),
    /// It returned.
    ApplicationEnded,
    /// The module called this function, which lasts; other records of the thread until its end happened inside.
    Call(String, String),
    /// It returned, with this status.
    Returned(String, String),
}

impl What {
    /// A frame in either direction.
    pub fn is_frame(&self) -> bool {
        matches!(self, Self::Read(_) | Self::Write(_))
    }

    /// What the host says of a leg.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Is(..) | Self::Variable(..))
    }

    /// The beginning or the end of something that lasts, which is no happening by itself.
    pub fn is_mark(&self) -> bool {
        matches!(self, Self::Call(..) | Self::Returned(..) | Self::ApplicationEnded)
    }
}

/// A message to a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// `numeric_arg`.
    pub number: i32,
    /// `string_arg`.
    pub text: Option<String>,
    /// `string_array_arg`, the first two.
    pub arguments: [Option<String>; 2],
}

/// A frame of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its codec, if any.
    pub codec: Option<u32>,
    /// Letters of [`crate::names::FRAMES`].
    pub flags: String,
    /// RTP's.
    pub timestamp: u32,
    /// RTP's.
    pub sequence: u16,
    /// Its bytes, if any.
    pub payload: Option<u32>,
}
