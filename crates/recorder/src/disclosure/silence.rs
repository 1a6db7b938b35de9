//! Opus packets of silence, for the gaps of a track whose packets are passed on as they came.
use super::ogg_opus::encoder;

/// Silence of each length that a frame can have.
pub(super) struct Silence {
    /// Duration at 48 kHz and packet, the longest first.
    packets: Vec<(u64, Vec<u8>)>,
}

impl Silence {
    pub(super) fn new(rate: u32) -> Result<Self, opus::Error> {
        let (mut encoder, _) = encoder(rate)?;
        let mut packets = Vec::new();
        for duration in [960, 480, 240, 120] {
            let samples = (duration * u64::from(rate) / 48_000) as usize;
            let frame = vec![0; samples];
            // The first ones after a change of length still carry what the encoder was busy with.
            let mut packet = Vec::new();
            for _ in 0..4 {
                packet = encoder.encode_vec(&frame, 1275)?;
            }
            packets.push((duration, packet));
        }
        Ok(Self { packets })
    }

    /// Packets that together last no longer than this many samples at 48 kHz, and at most 2.5 ms less.
    pub(super) fn filling(&self, mut samples: u64) -> impl Iterator<Item = (Vec<u8>, u64)> + '_ {
        self.packets.iter().flat_map(move |(duration, packet)| {
            let count = samples / duration;
            samples %= duration;
            (0..count).map(move |_| (packet.clone(), *duration))
        })
    }
}
