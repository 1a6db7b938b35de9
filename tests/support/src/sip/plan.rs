//! How a party takes part in a call, and what can happen to it there.
use super::sdp::Direction;
use crate::codec::Codec;
use crate::rtp::{Sending, Speech};

/// How a party takes part in a call.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// What it understands, best first.
    pub codecs: Vec<Codec>,
    /// How it sends.
    pub sending: Sending,
    /// `a=ptime` where it is not the first of the packet times, ms.
    pub packet_time: Option<u32>,
    /// The whole value of From before its tag, where it is not the agent's own address.
    pub from: Option<String>,
    /// More headers of the INVITE.
    pub headers: Vec<(String, String)>,
    /// What its device says of being recorded in its session descriptions (`a=recordpref`, RFC 7866).
    pub prefers: Option<&'static str>,
    /// The port that its descriptions name for its media, where that is not its own: behind a NAT they name one that
    /// nothing reaches.
    pub described_port: Option<u16>,
}

impl Default for CallPlan {
    fn default() -> Self {
        Self::saying(Speech::Silence)
    }
}

impl CallPlan {
    /// PCMU or PCMA in 20 ms packets.
    pub fn saying(speech: Speech) -> Self {
        Self {
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            sending: Sending::of(speech),
            packet_time: None,
            from: None,
            headers: Vec::new(),
            prefers: None,
            described_port: None,
        }
    }

    /// A tone, as [`CallPlan::saying`] has it.
    pub fn tone(frequency: u32) -> Self {
        Self::saying(Speech::Tone(frequency))
    }

    /// With these codecs only.
    #[must_use]
    pub fn with_codecs(mut self, codecs: &[Codec]) -> Self {
        self.codecs = codecs.to_vec();
        self
    }

    /// With a device that says this of being recorded.
    #[must_use]
    pub fn preferring(mut self, preference: &'static str) -> Self {
        self.prefers = Some(preference);
        self
    }

    /// Behind a NAT: its descriptions name this port, its packets come from another.
    #[must_use]
    pub fn behind(mut self, described: u16) -> Self {
        self.described_port = Some(described);
        self
    }

    /// With these packet times, over and over, ms.
    #[must_use]
    pub fn with_packet_times(mut self, times: &[u32]) -> Self {
        self.sending.packet_times = times.to_vec();
        self
    }

    pub(super) fn packet_time(&self) -> u32 {
        self.packet_time.unwrap_or(self.sending.packet_times[0])
    }
}

/// What happened in a call, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// A provisional response: 180, 183 …
    Provisional(u16),
    /// The call stands: our 200 was acknowledged or theirs came.
    Answered,
    /// They refused, or gave up, with this status.
    Refused(u16),
    /// They hung up (BYE or CANCEL).
    Ended,
    /// We hung up.
    HungUp,
    /// They described the session anew: who sends, from their side.
    Reinvited(Direction),
    /// They said how we are recorded (`a=record`, RFC 7866).
    Recording(String),
    /// A final response to a request of ours other than the first INVITE.
    Response(String, u16),
    /// NOTIFY's body: how a transfer goes.
    Notified(String),
    /// INFO's body.
    Info(String),
}

impl CallEvent {
    /// The status, where this is a final response to such a request of ours.
    pub(super) fn response_to(&self, method: &str) -> Option<u16> {
        if let Self::Response(own, status) = self { (own == method).then_some(*status) } else { None }
    }
}
