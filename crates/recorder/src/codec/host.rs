//! Codecs that the host decodes for us (G.722, G.729, AMR …), by its own codec modules, on the pool's threads.
use super::{Decoder, NoDecoder};
use crate::capture::FrameFormat;

/// Makes decoders from the host's codecs. Asked on the pool thread that will use the decoder.
pub trait HostDecoders: Send + Sync {
    /// A decoder for this format, or that the host has none.
    fn open(&self, format: &FrameFormat) -> Result<Box<dyn Decoder>, NoDecoder>;
}

/// A host that decodes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHostDecoders;

impl HostDecoders for NoHostDecoders {
    fn open(&self, format: &FrameFormat) -> Result<Box<dyn Decoder>, NoDecoder> {
        Err(NoDecoder { format: *format })
    }
}

/// How long a payload lasts, where its length says so (RFC 3551, section 4.5), else the nominal packet time.
pub(super) fn duration_us(format: &FrameFormat, payload: &[u8]) -> Option<u32> {
    let bytes = u32::try_from(payload.len()).ok()?;
    match format.name_bytes() {
        b"G722" => Some(bytes * 125),
        // Frames of 10 ms, the last of which may be two bytes of comfort noise.
        b"G729" => Some(bytes.div_ceil(10) * 10_000),
        b"GSM" => Some(bytes / 33 * 20_000),
        _ => Some(format.ptime_us),
    }
}
