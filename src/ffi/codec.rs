//! The host's decoders for what the recorder does not decode itself (G.722, G.729, AMR …). One per track, made,
//! used and closed on one pool thread.
use std::ptr::NonNull;

use callvault_recorder::capture::FrameFormat;
use callvault_recorder::codec::{Decoder, HostDecoders, NoDecoder, Undecodable};

use super::bindings as host;
use super::text::c_string;

/// A packet of at most 120 ms at 48 kHz stereo.
const MOST_SAMPLES: usize = 48 * 120 * 2;

/// The codecs that the host has loaded.
pub struct LoadedCodecs;

impl HostDecoders for LoadedCodecs {
    fn open(&self, format: &FrameFormat) -> Result<Box<dyn Decoder>, NoDecoder> {
        let end = format.name.iter().position(|&byte| byte == 0).unwrap_or(format.name.len());
        let name = String::from_utf8_lossy(&format.name[..end]).into_owned();
        let c_name = c_string(&name);
        let ptime = i32::try_from(format.ptime_us / 1000).unwrap_or(20);
        // SAFETY: the name is alive for the call; the handle that comes back is closed once, in Drop.
        let handle = unsafe {
            host::decoder_open_callvault_shim(c_name.as_ptr(), format.clock_rate, ptime, i32::from(format.channels))
        };
        let handle = NonNull::new(handle).ok_or(NoDecoder { format: *format })?;
        Ok(Box::new(HostDecoder {
            handle,
            samples: vec![0; MOST_SAMPLES],
            sample_rate: format.sample_rate,
            channels: format.channels,
        }))
    }
}

struct HostDecoder {
    handle: NonNull<host::decoder_callvault_shim_t>,
    samples: Vec<i16>,
    sample_rate: u32,
    channels: u8,
}

impl Decoder for HostDecoder {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Undecodable> {
        let mut count = MOST_SAMPLES as u32;
        let mut rate = 0;
        let length = u32::try_from(payload.len()).map_err(|_| Undecodable)?;
        // SAFETY: payload and target are alive and as long as said; the handle is ours alone.
        let status = unsafe {
            host::decoder_decode_callvault_shim(
                self.handle.as_ptr(),
                payload.as_ptr().cast(),
                length,
                self.samples.as_mut_ptr(),
                &raw mut count,
                &raw mut rate,
            )
        };
        let decoded = self.samples.get(..count as usize).ok_or(Undecodable)?;
        if status != 0 {
            return Err(Undecodable);
        }
        out.extend_from_slice(decoded);
        Ok(())
    }

    fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    fn channels(&self) -> u8 {
        self.channels
    }
}

impl Drop for HostDecoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from the shim and is closed once, here.
        unsafe { host::decoder_close_callvault_shim(self.handle.as_ptr()) };
    }
}
