//! A track's decoder: opened when the format changes, never trusted not to panic.
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::report::TrackFault;
use crate::capture::FrameFormat;
use crate::codec::{Decoder, HostDecoders, decoder_for};

/// The decoder of the format that a track is in.
#[derive(Default)]
pub(super) struct TrackDecoder {
    current: Option<(FrameFormat, State)>,
    /// The format whose payloads were said to be undecodable, until one is decoded.
    undecodable: Option<FrameFormat>,
}

enum State {
    By(Box<dyn Decoder>),
    /// There is none, or it broke; that was said.
    Impossible,
}

/// What became of a payload.
pub(super) enum Decoded {
    /// Samples per second and channel, and channels, of what was added.
    Samples { sample_rate: u32, channels: u8 },
    /// Nothing was added; where that is news, why.
    Nothing(Option<TrackFault>),
}

impl TrackDecoder {
    /// Adds a payload's samples to `samples`. A decoder that panics is not asked again on this track.
    pub(super) fn decode(
        &mut self,
        format: &FrameFormat,
        payload: &[u8],
        samples: &mut Vec<i16>,
        host: &dyn HostDecoders,
    ) -> Decoded {
        let known = FrameFormat { ptime_us: 0, ..*format };
        if self.current.as_ref().is_none_or(|(of, _)| *of != known) {
            let fault = self.open(known, format, host);
            if fault.is_some() {
                return Decoded::Nothing(fault);
            }
        }
        let Some((_, State::By(decoder))) = &mut self.current else { return Decoded::Nothing(None) };
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let result = decoder.decode(payload, samples);
            (result, decoder.sample_rate(), decoder.channels())
        }));
        match decoded {
            Ok((Ok(()), sample_rate, channels)) if sample_rate > 0 && (1..=2).contains(&channels) => {
                self.undecodable = None;
                Decoded::Samples { sample_rate, channels }
            }
            Ok(_) => {
                let news = self.undecodable.replace(known) != Some(known);
                Decoded::Nothing(news.then_some(TrackFault::Undecodable(*format)))
            }
            Err(_) => {
                self.replace(known, State::Impossible);
                Decoded::Nothing(Some(TrackFault::Broken(*format)))
            }
        }
    }

    fn open(&mut self, known: FrameFormat, format: &FrameFormat, host: &dyn HostDecoders) -> Option<TrackFault> {
        let (state, fault) = match catch_unwind(AssertUnwindSafe(|| decoder_for(format, host))) {
            Ok(Ok(decoder)) => (State::By(decoder), None),
            Ok(Err(none)) => (State::Impossible, Some(none.into())),
            Err(_) => (State::Impossible, Some(TrackFault::Broken(*format))),
        };
        self.replace(known, state);
        fault
    }

    fn replace(&mut self, known: FrameFormat, state: State) {
        let former = self.current.replace((known, state));
        end(former.map(|(_, state)| state));
    }
}

impl Drop for TrackDecoder {
    fn drop(&mut self) {
        end(self.current.take().map(|(_, state)| state));
    }
}

/// What a host's decoder does at its end is the host's; it must not take the worker along.
fn end(state: Option<State>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(state)));
}
