//! What a copy is written out as: WAV or Ogg Opus, tracks side by side, mixed, or one by one.
use std::io::{self, BufReader, Seek, Write};

use super::copy::UnlockedCopy;
use super::pass;
use super::payload::RATES;
use super::sink::Sink;
use super::track::TrackAudio;
use crate::evidence::Party;
use crate::ids::TrackNumber;
use crate::seal::{ReadFault, SegmentReader, StoredCodec};

/// What files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 16-bit WAV.
    Wav,
    /// Ogg Opus (RFC 7845), mono.
    Opus,
}

/// How tracks become files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One file, a channel per track in their order; mixed where the format is mono.
    Channels,
    /// One file, all tracks added up.
    Mix,
    /// A file per track.
    Split,
}

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name, without a directory.
    pub name: String,
    format: Format,
    /// Places in the manifest.
    tracks: Vec<usize>,
    mixed: bool,
}

/// A file that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How long it is, from the recording's start.
    pub duration_ms: u64,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels in it.
    pub channels: u16,
    /// Packets in it that could not be decoded and are silent.
    pub undecodable: u64,
    /// Segments in it that a crash of the recorder left without their end.
    pub torn: u32,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// A segment does not open.
    #[error("track {track} does not open: {source}. Take the copy from the release directory again.")]
    Segment {
        /// Of which track.
        track: TrackNumber,
        /// Why.
        source: ReadFault,
    },
    /// The file cannot be written.
    #[error("the audio cannot be written: {0}. Check the directory and the space on it.")]
    Write(#[from] io::Error),
    /// A WAV file ends at 4 GiB.
    #[error("the recording is too long for one WAV file. Add --split or --mix, or take --format opus.")]
    TooLong,
    /// libopus has no memory for a decoder.
    #[error("there is no memory for an Opus decoder. Try again when there is.")]
    NoDecoder,
    /// libopus did not encode.
    #[error("the audio could not be encoded as Opus: {0}. Take --format wav.")]
    Encoder(opus::Error),
    /// The system gave no randomness.
    #[error("the operating system gave no randomness for the file's serial number. Try again when it has some.")]
    NoRandomness,
    /// There is nothing in it.
    #[error("the recording holds no audio. `callvault inspect` shows its tracks.")]
    NoAudio,
}

impl ExportFault {
    /// A stable code, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Segment { .. } => "open_segment",
            Self::Write(_) => "open_not_written",
            Self::TooLong => "open_too_long",
            Self::NoDecoder => "open_no_decoder",
            Self::Encoder(_) => "open_encoder",
            Self::NoRandomness => "no_randomness",
            Self::NoAudio => "open_no_audio",
        }
    }
}

/// How much is decoded before it is written: 100 ms at a time.
const BLOCKS_PER_SECOND: u32 = 10;

/// Bytes of samples that a WAV file has room for, its own head left out.
const WAV_ROOM: u64 = u32::MAX as u64 - 4096;

impl UnlockedCopy {
    /// The files that a layout makes, in track order.
    pub fn outputs(&self, format: Format, layout: Layout) -> Vec<Output> {
        let manifest = self.manifest();
        let ending = match format {
            Format::Wav => "wav",
            Format::Opus => "opus",
        };
        let all: Vec<usize> = (0..manifest.tracks.len()).collect();
        let whole = |mixed| {
            vec![Output { name: format!("{}.{ending}", manifest.recording), format, tracks: all.clone(), mixed }]
        };
        match (layout, format) {
            (Layout::Channels, Format::Wav) => whole(false),
            (Layout::Channels | Layout::Mix, _) => whole(true),
            (Layout::Split, _) => all
                .iter()
                .map(|&index| {
                    let track = &manifest.tracks[index];
                    let name = format!("{}-{}-{}.{ending}", manifest.recording, track.number, word(track.party));
                    Output { name, format, tracks: vec![index], mixed: false }
                })
                .collect(),
        }
    }

    /// How long the longest track is, by the manifest, in milliseconds from the recording's start.
    pub fn duration_ms(&self) -> u64 {
        self.manifest().tracks.iter().map(|track| track.offset_ms.saturating_add(track.duration_ms)).max().unwrap_or(0)
    }

    /// Writes one of the [`outputs`](Self::outputs). `progress` is told how far it is, in microseconds of audio.
    /// The writer should be buffered.
    pub fn write<W: Write + Seek>(
        &self,
        output: &Output,
        file: W,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Written, ExportFault> {
        let rate = self.rate(&output.tracks)?;
        if let (Format::Opus, [index]) = (output.format, output.tracks.as_slice())
            && let Some(pre_skip_us) = self.passes(*index)?
            && pass::keeps_time(self, *index)?
        {
            let passed = pass::pass_on(self, *index, rate, pre_skip_us, file, progress)?;
            return Ok(Written {
                duration_ms: passed.end_us / 1000,
                sample_rate: rate,
                channels: 1,
                undecodable: passed.undecodable,
                torn: passed.torn,
            });
        }
        let channels = if output.mixed { 1 } else { output.tracks.len() };
        let channels = u16::try_from(channels).map_err(|_| ExportFault::TooLong)?;
        let bytes = self.duration_ms().saturating_mul(u64::from(rate) * u64::from(channels) * 2) / 1000;
        let sink = match output.format {
            Format::Wav if bytes > WAV_ROOM => return Err(ExportFault::TooLong),
            Format::Wav => Sink::wav(file, rate, channels)?,
            Format::Opus => Sink::opus(file, rate)?,
        };
        let tracks = output.tracks.iter().map(|&index| TrackAudio::new(self, index, rate)).collect();
        pump(tracks, output.mixed || channels == 1, rate, sink, progress)
    }

    /// The lowest rate that Opus decodes to and that loses nothing of any of these tracks.
    fn rate(&self, tracks: &[usize]) -> Result<u32, ExportFault> {
        let mut highest = RATES[0];
        self.each_header(tracks, &mut |header| highest = highest.max(header.sample_rate))?;
        Ok(RATES.into_iter().find(|rate| *rate >= highest).unwrap_or(RATES[RATES.len() - 1]))
    }

    /// The track's pre-skip, where it is Opus throughout and always the same: then its packets can be passed on.
    fn passes(&self, index: usize) -> Result<Option<u32>, ExportFault> {
        let mut found = None;
        let mut uniform = true;
        self.each_header(&[index], &mut |header| {
            let pre_skip = *found.get_or_insert(header.pre_skip_us);
            uniform &= header.codec == StoredCodec::Opus && header.pre_skip_us == pre_skip;
        })?;
        Ok(found.filter(|_| uniform))
    }

    fn each_header(
        &self,
        tracks: &[usize],
        look: &mut dyn FnMut(&crate::seal::SegmentHeader),
    ) -> Result<(), ExportFault> {
        for &index in tracks {
            let track = &self.manifest().tracks[index];
            for place in 0..track.segments.len() {
                let reader = SegmentReader::new(BufReader::new(self.copy().segment(index, place)))
                    .map_err(|source| ExportFault::Segment { track: track.number, source })?;
                look(reader.header());
            }
        }
        Ok(())
    }
}

fn pump<W: Write + Seek>(
    mut tracks: Vec<TrackAudio<'_>>,
    mixed: bool,
    rate: u32,
    mut sink: Sink<W>,
    progress: &mut dyn FnMut(u64),
) -> Result<Written, ExportFault> {
    let block = (rate / BLOCKS_PER_SECOND) as usize;
    let channels = if mixed { 1 } else { tracks.len() };
    let mut buffers = vec![vec![0; block]; tracks.len()];
    let mut out = Vec::with_capacity(block * channels);
    let mut written: u64 = 0;
    loop {
        let mut own = 0;
        for (track, buffer) in tracks.iter_mut().zip(&mut buffers) {
            own = own.max(track.fill(buffer)?);
        }
        out.clear();
        if mixed {
            mix(&buffers, own, &mut out)
        } else {
            interleave(&buffers, own, &mut out)
        }
        sink.write(&out)?;
        written += own as u64;
        progress(written.saturating_mul(1_000_000) / u64::from(rate));
        if own < block {
            break;
        }
    }
    sink.finish()?;
    Ok(Written {
        duration_ms: written * 1000 / u64::from(rate),
        sample_rate: rate,
        channels: u16::try_from(channels).unwrap_or(u16::MAX),
        undecodable: tracks.iter().map(|track| track.undecodable).sum(),
        torn: tracks.iter().map(TrackAudio::torn).sum(),
    })
}

fn interleave(buffers: &[Vec<i16>], own: usize, out: &mut Vec<i16>) {
    for place in 0..own {
        out.extend(buffers.iter().map(|buffer| buffer[place]));
    }
}

fn mix(buffers: &[Vec<i16>], own: usize, out: &mut Vec<i16>) {
    for place in 0..own {
        let sum: i32 = buffers.iter().map(|buffer| i32::from(buffer[place])).sum();
        out.push(sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16);
    }
}

fn word(party: Party) -> &'static str {
    match party {
        Party::Caller => "caller",
        Party::Callee => "callee",
        Party::Agent => "agent",
        Party::Joined => "joined",
        Party::System => "system",
    }
}
