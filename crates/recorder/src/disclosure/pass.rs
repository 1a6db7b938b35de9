//! A track that is Opus already becomes an Ogg Opus file packet by packet, not encoded a second time.
use std::io::{Seek, Write};

use super::copy::UnlockedCopy;
use super::export::ExportFault;
use super::ogg_opus::OggOpusWriter;
use super::silence::Silence;
use super::track::{Next, TrackEntries};
use crate::codec::opus_packet_duration_us;
use crate::seal::Entry;

/// By how much a packet may come before the one before it has ended, and still be played after it, at 48 kHz.
const OVERLAP: u64 = 120;

/// What was passed on.
pub(super) struct Passed {
    pub(super) end_us: u64,
    pub(super) undecodable: u64,
    pub(super) torn: u32,
}

/// Whether every packet of the track can be played at its time. Not so where packets that the encoder filled up
/// with silence reach into what follows: then only decoding keeps the time.
pub(super) fn keeps_time(copy: &UnlockedCopy, index: usize) -> Result<bool, ExportFault> {
    let mut entries = TrackEntries::new(copy, index);
    let mut taken = 0;
    loop {
        match entries.next()? {
            Next::Segment(_) | Next::Entry(Entry::Gap { .. }) => {}
            Next::End => return Ok(true),
            Next::Entry(Entry::Packet { offset_us, duration_us, data }) => {
                let at = samples(offset_us);
                // A packet of no duration comes out of what the decoder holds back.
                if duration_us > 0 && taken > at + OVERLAP {
                    return Ok(false);
                }
                taken = at.max(taken) + opus_packet_duration_us(&data).map_or(0, |us| samples(us.into()));
            }
        }
    }
}

/// Writes the track's packets, and silence in its gaps. `rate` is what its audio was made for, `pre_skip_us` how
/// much longer than it a run decodes.
pub(super) fn pass_on<W: Write + Seek>(
    copy: &UnlockedCopy,
    index: usize,
    rate: u32,
    pre_skip_us: u32,
    file: W,
    progress: &mut dyn FnMut(u64),
) -> Result<Passed, ExportFault> {
    let silence = Silence::new(rate).map_err(ExportFault::Encoder)?;
    let pre_skip = samples(pre_skip_us.into());
    let mut writer = OggOpusWriter::new(file, rate, u16::try_from(pre_skip).unwrap_or(u16::MAX))?;
    let mut entries = TrackEntries::new(copy, index);
    let mut passed = Passed { end_us: 0, undecodable: 0, torn: 0 };
    loop {
        match entries.next()? {
            Next::Segment(_) => {}
            Next::End => break,
            Next::Entry(entry) => {
                passed.end_us = passed.end_us.max(entry.end_us());
                if let Entry::Packet { offset_us, data, .. } = entry {
                    let Some(duration_us) = opus_packet_duration_us(&data) else {
                        passed.undecodable += 1;
                        continue;
                    };
                    let missing = samples(offset_us).saturating_sub(writer.taken());
                    for (packet, duration) in silence.filling(missing) {
                        writer.write(packet, duration)?;
                    }
                    writer.write(data, samples(duration_us.into()))?;
                    progress(passed.end_us);
                }
            }
        }
    }
    // Silence to the track's end, and as much behind as the decoder is late.
    let total = samples(passed.end_us) + pre_skip;
    let missing = total.saturating_sub(writer.taken());
    for (packet, duration) in silence.filling(missing.next_multiple_of(OVERLAP)) {
        writer.write(packet, duration)?;
    }
    writer.finish(total)?;
    passed.torn = entries.torn;
    Ok(passed)
}

/// Microseconds at 48 kHz.
fn samples(us: u64) -> u64 {
    (us * 6).div_ceil(125)
}
