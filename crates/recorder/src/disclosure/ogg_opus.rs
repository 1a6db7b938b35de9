//! Ogg Opus files (RFC 7845): head, tags, pages of about a second, granule positions in samples at 48 kHz.
use std::io::{Seek, Write};

use ogg::{PacketWriteEndInfo, PacketWriter};

use super::export::ExportFault;

/// Granule positions count at this rate whatever the audio's is (RFC 7845, 4).
const GRANULES_PER_SECOND: u64 = 48_000;
const VENDOR: &str = concat!("callvault ", env!("CARGO_PKG_VERSION"));
const FRAMES_PER_SECOND: u32 = 50;
/// No 20 ms frame at the rates used here comes near this.
const MAX_PACKET: usize = 1275;

/// Writes packets that are Opus already.
pub(super) struct OggOpusWriter<W: Write + Seek> {
    ogg: PacketWriter<'static, W>,
    serial: u32,
    /// The last packet and its duration: held back, because the very last one ends the stream.
    held: Option<(Vec<u8>, u64)>,
    granule: u64,
    page_began: u64,
}

impl<W: Write + Seek> OggOpusWriter<W> {
    /// Begins a mono stream: `rate` is what the audio was made for, `pre_skip` the decoder's delay at 48 kHz.
    pub(super) fn new(file: W, rate: u32, pre_skip: u16) -> Result<Self, ExportFault> {
        let mut serial = [0; 4];
        getrandom::fill(&mut serial).map_err(|_| ExportFault::NoRandomness)?;
        let serial = u32::from_le_bytes(serial);
        let mut ogg = PacketWriter::new(file);
        ogg.write_packet(opus_head(rate, pre_skip), serial, PacketWriteEndInfo::EndPage, 0)?;
        ogg.write_packet(opus_tags(), serial, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { ogg, serial, held: None, granule: 0, page_began: 0 })
    }

    /// Takes a packet that lasts this many samples at 48 kHz.
    pub(super) fn write(&mut self, packet: Vec<u8>, duration: u64) -> Result<(), ExportFault> {
        if let Some((before, lasted)) = self.held.replace((packet, duration)) {
            self.granule += lasted;
            let full = self.granule - self.page_began >= GRANULES_PER_SECOND;
            let end = if full { PacketWriteEndInfo::EndPage } else { PacketWriteEndInfo::NormalPacket };
            self.ogg.write_packet(before, self.serial, end, self.granule)?;
            if full {
                self.page_began = self.granule;
            }
        }
        Ok(())
    }

    /// Samples at 48 kHz that were taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.granule + self.held.as_ref().map_or(0, |(_, duration)| *duration)
    }

    /// Ends the stream after this many samples at 48 kHz, the pre-skip included: what the last packet holds beyond
    /// is not played (RFC 7845, 4.4).
    pub(super) fn finish(mut self, total: u64) -> Result<(), ExportFault> {
        let (last, duration) = self.held.take().ok_or(ExportFault::NoAudio)?;
        let end = total.clamp(self.granule, self.granule + duration);
        self.ogg.write_packet(last, self.serial, PacketWriteEndInfo::EndStream, end)?;
        Ok(self.ogg.inner_mut().flush()?)
    }
}

/// Encodes samples into such a file.
pub(super) struct OggOpusEncoder<W: Write + Seek> {
    writer: OggOpusWriter<W>,
    encoder: opus::Encoder,
    frame: usize,
    waiting: Vec<i16>,
    samples: u64,
    rate: u64,
    delay: usize,
}

impl<W: Write + Seek> OggOpusEncoder<W> {
    /// Mono, at one of Opus' own rates.
    pub(super) fn new(file: W, rate: u32) -> Result<Self, ExportFault> {
        let (encoder, delay) = encoder(rate).map_err(ExportFault::Encoder)?;
        let pre_skip = delay as u64 * GRANULES_PER_SECOND / u64::from(rate);
        let writer = OggOpusWriter::new(file, rate, u16::try_from(pre_skip).unwrap_or(u16::MAX))?;
        let frame = (rate / FRAMES_PER_SECOND) as usize;
        Ok(Self { writer, encoder, frame, waiting: Vec::new(), samples: 0, rate: rate.into(), delay })
    }

    pub(super) fn write(&mut self, samples: &[i16]) -> Result<(), ExportFault> {
        self.samples += samples.len() as u64;
        self.waiting.extend_from_slice(samples);
        self.encode_whole_frames()
    }

    pub(super) fn finish(mut self) -> Result<(), ExportFault> {
        // What the encoder holds back comes out behind as much silence; a file has at least one packet.
        let tail = self.delay.max(1);
        self.waiting.resize((self.waiting.len() + tail).next_multiple_of(self.frame), 0);
        self.encode_whole_frames()?;
        let total = (self.samples + self.delay as u64) * GRANULES_PER_SECOND / self.rate;
        self.writer.finish(total)
    }

    fn encode_whole_frames(&mut self) -> Result<(), ExportFault> {
        let whole = self.waiting.len() / self.frame * self.frame;
        for frame in self.waiting[..whole].chunks_exact(self.frame) {
            let packet = self.encoder.encode_vec(frame, MAX_PACKET).map_err(ExportFault::Encoder)?;
            self.writer.write(packet, GRANULES_PER_SECOND / u64::from(FRAMES_PER_SECOND))?;
        }
        self.waiting.drain(..whole);
        Ok(())
    }
}

/// An encoder for speech, with its delay in samples.
pub(super) fn encoder(rate: u32) -> Result<(opus::Encoder, usize), opus::Error> {
    let mut encoder = opus::Encoder::new(rate, opus::Channels::Mono, opus::Application::Voip)?;
    let bits = match rate {
        ..=8_000 => 24_000,
        8_001..=16_000 => 32_000,
        _ => 48_000,
    };
    encoder.set_bitrate(opus::Bitrate::Bits(bits))?;
    encoder.set_complexity(5)?;
    let delay = usize::try_from(encoder.get_lookahead()?).unwrap_or(0);
    Ok((encoder, delay))
}

/// RFC 7845, 5.1: version 1, one channel, no gain, mapping family 0.
fn opus_head(rate: u32, pre_skip: u16) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend_from_slice(&pre_skip.to_le_bytes());
    head.extend_from_slice(&rate.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    head
}

/// RFC 7845, 5.2: the vendor and no comments. What the recording is, its file's name says.
fn opus_tags() -> Vec<u8> {
    let length = u32::try_from(VENDOR.len()).expect("a short text");
    [b"OpusTags".as_slice(), &length.to_le_bytes(), VENDOR.as_bytes(), &0_u32.to_le_bytes()].concat()
}
