//! Samples to Opus packets of 20 ms, whatever the packet time they came in.
use opus::{Application, Bitrate, Channels, Encoder};

use crate::policy::Profile;
use crate::seal::Entry;

/// Samples that follow each other without a gap are one run. Its packets cover 20 ms each; the last one covers what
/// was left and is padded with silence. A decoder gives a run's audio `pre_skip_us` late, so where the padding is
/// shorter than that, one more packet of duration 0 follows, which holds the rest.
#[derive(Debug)]
pub(super) struct OpusRun {
    encoder: Encoder,
    sample_rate: u32,
    channels: usize,
    /// Samples per channel of the encoder's delay.
    lookahead: usize,
    /// Samples that make no whole packet yet, interleaved.
    pending: Vec<i16>,
    /// Where the run begins, and how many samples per channel of it were encoded; `None` between runs.
    run: Option<(u64, u64)>,
    packet: Box<[u8]>,
}

/// Packets of 20 ms, 50 a second.
const PACKETS_PER_SECOND: u32 = 50;
/// The longest packet of one frame (RFC 6716, 3.2.1).
const LONGEST_PACKET: usize = 1275;
/// Differences of place below this are rounding.
const GRAIN_US: u64 = 1000;

impl OpusRun {
    /// The rates that Opus takes.
    pub(super) fn takes(sample_rate: u32) -> bool {
        matches!(sample_rate, 8000 | 12_000 | 16_000 | 24_000 | 48_000)
    }

    /// An encoder of that profile (VOIP, VBR, no DTX, no FEC).
    pub(super) fn new(profile: Profile, sample_rate: u32, channels: u8) -> Result<Self, opus::Error> {
        let layout = if channels == 2 { Channels::Stereo } else { Channels::Mono };
        let mut encoder = Encoder::new(sample_rate, layout, Application::Voip)?;
        let (bits, complexity) = match (profile, sample_rate) {
            (Profile::Economy, _) => (12_000, 0),
            (Profile::Quality, _) => (24_000, 5),
            (Profile::Opus | Profile::Native, 8000) => (16_000, 0),
            (Profile::Opus | Profile::Native, _) => (24_000, 0),
        };
        encoder.set_bitrate(Bitrate::Bits(bits * i32::from(channels.max(1))))?;
        encoder.set_complexity(complexity)?;
        encoder.set_vbr(true)?;
        encoder.set_dtx(false)?;
        encoder.set_inband_fec(false)?;
        let lookahead = usize::try_from(encoder.get_lookahead()?).unwrap_or(0);
        Ok(Self {
            encoder,
            sample_rate,
            channels: usize::from(channels.max(1)),
            lookahead,
            pending: Vec::new(),
            run: None,
            packet: vec![0; LONGEST_PACKET].into(),
        })
    }

    /// How much later than its audio a decoded run is, in microseconds.
    pub(super) fn pre_skip_us(&self) -> u32 {
        u32::try_from(self.us(self.lookahead as u64)).unwrap_or(0)
    }

    /// Adds samples that lie at `offset_us`; whole packets go to `entries`.
    pub(super) fn push(
        &mut self,
        offset_us: u64,
        samples: &[i16],
        entries: &mut Vec<Entry>,
    ) -> Result<(), opus::Error> {
        if self.run.is_some() && self.end_us().abs_diff(offset_us) > GRAIN_US {
            self.finish_run(entries)?;
        }
        self.run.get_or_insert((offset_us, 0));
        self.pending.extend_from_slice(samples);
        let whole = self.samples_per_packet() * self.channels;
        while self.pending.len() >= whole {
            self.encode(self.samples_per_packet() as u64, entries)?;
        }
        Ok(())
    }

    /// Ends the run: what is left becomes a packet of its true duration.
    pub(super) fn finish_run(&mut self, entries: &mut Vec<Entry>) -> Result<(), opus::Error> {
        if self.run.is_none() {
            return Ok(());
        }
        let whole = self.samples_per_packet();
        let left = self.pending.len() / self.channels;
        if left > 0 {
            self.pending.resize(whole * self.channels, 0);
            self.encode(left as u64, entries)?;
        }
        if left == 0 || whole - left < self.lookahead {
            self.pending.resize(whole * self.channels, 0);
            self.encode(0, entries)?;
        }
        self.pending.clear();
        self.run = None;
        Ok(())
    }

    /// The encoder forgets what it heard: its next packet is the first that a decoder gets.
    pub(super) fn restart(&mut self) -> Result<(), opus::Error> {
        self.pending.clear();
        self.run = None;
        self.encoder.reset_state()
    }

    /// Encodes the first whole packet of what is pending; `true_samples` of it are the track's.
    fn encode(&mut self, true_samples: u64, entries: &mut Vec<Entry>) -> Result<(), opus::Error> {
        let whole = self.samples_per_packet() * self.channels;
        let encoded = self.encoder.encode(&self.pending[..whole], &mut self.packet);
        self.pending.drain(..whole);
        let Some((start_us, done)) = self.run else { return Ok(()) };
        self.run = Some((start_us, done + true_samples));
        let (from, to) = (self.us(done), self.us(done + true_samples));
        entries.push(Entry::Packet {
            offset_us: start_us + from,
            duration_us: u32::try_from(to - from).unwrap_or(0),
            data: self.packet[..encoded?].to_vec(),
        });
        Ok(())
    }

    fn end_us(&self) -> u64 {
        let (start, done) = self.run.unwrap_or((0, 0));
        start + self.us(done + (self.pending.len() / self.channels) as u64)
    }

    fn samples_per_packet(&self) -> usize {
        (self.sample_rate / PACKETS_PER_SECOND) as usize
    }

    fn us(&self, samples: u64) -> u64 {
        samples * 1_000_000 / u64::from(self.sample_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lie(entries: &[Entry]) -> Vec<(u64, u32)> {
        let place = |entry: &Entry| match *entry {
            Entry::Packet { offset_us, duration_us, .. } => (offset_us, duration_us),
            Entry::Gap { .. } => panic!("an encoder makes no gaps"),
        };
        entries.iter().map(place).collect()
    }

    fn run(rate: u32, ms: &[u64]) -> Vec<(u64, u32)> {
        let mut encoder = OpusRun::new(Profile::Opus, rate, 1).expect("a rate that Opus takes");
        let mut entries = Vec::new();
        let mut at = 1_000_000;
        for ms in ms {
            let samples = vec![0; usize::try_from(ms * u64::from(rate) / 1000).expect("short")];
            encoder.push(at, &samples, &mut entries).expect("silence is encodable");
            at += ms * 1000;
        }
        encoder.finish_run(&mut entries).expect("silence is encodable");
        lie(&entries)
    }

    #[test]
    fn packets_are_20_ms_whatever_came_and_the_last_says_its_true_length() {
        assert_eq!(run(8000, &[30, 10]), [(1_000_000, 20_000), (1_020_000, 20_000), (1_040_000, 0)]);
        assert_eq!(run(16_000, &[10; 3]), [(1_000_000, 20_000), (1_020_000, 10_000)]);
        assert_eq!(run(48_000, &[15]), [(1_000_000, 15_000), (1_015_000, 0)]);
        assert_eq!(run(8000, &[60]).len(), 4);
    }

    #[test]
    fn a_jump_of_place_ends_a_run() {
        let mut encoder = OpusRun::new(Profile::Opus, 8000, 1).expect("a rate that Opus takes");
        let mut entries = Vec::new();
        encoder.push(0, &[0; 80], &mut entries).expect("silence is encodable");
        encoder.push(500_000, &[0; 160], &mut entries).expect("silence is encodable");
        assert_eq!(lie(&entries), [(0, 10_000), (500_000, 20_000)]);
    }

    #[test]
    fn every_profile_and_rate_has_the_delay_of_the_reference_encoder() {
        for profile in [Profile::Opus, Profile::Economy, Profile::Quality, Profile::Native] {
            for rate in [8000, 12_000, 16_000, 24_000, 48_000] {
                for channels in [1, 2] {
                    let encoder = OpusRun::new(profile, rate, channels).expect("a rate that Opus takes");
                    assert_eq!(encoder.pre_skip_us(), 6500);
                }
            }
        }
        assert!(!OpusRun::takes(44_100) && OpusRun::takes(8000));
    }
}
