//! Opus legs are kept as they came; all that is read of a packet is how long it lasts (RFC 6716, 3.1 and 3.2).

/// The longest packet there is.
const LONGEST_US: u32 = 120_000;

/// How much audio an Opus packet holds, in microseconds; `None` where it is no Opus packet.
pub fn packet_duration_us(packet: &[u8]) -> Option<u32> {
    let (&contents, rest) = packet.split_first()?;
    let config = contents >> 3;
    let frame_us = match config {
        // SILK only, four bandwidths.
        0..=11 => [10_000, 20_000, 40_000, 60_000][usize::from(config % 4)],
        // Hybrid.
        12..=15 => [10_000, 20_000][usize::from(config % 2)],
        // CELT only.
        _ => [2_500, 5_000, 10_000, 20_000][usize::from(config % 4)],
    };
    let frames = match contents & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    let duration = frame_us * frames;
    (1..=LONGEST_US).contains(&duration).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets and what libopus says they last.
    #[test]
    fn a_packets_duration_is_what_libopus_takes_it_for() {
        for contents in 0..=255_u8 {
            for count in 0..=63_u8 {
                let packet = [contents, count, 0, 0];
                let samples = ::opus::packet::get_nb_samples(&packet, 48_000).unwrap_or(0);
                let expected = u32::try_from(samples).expect("small") * 125 / 6;
                assert_eq!(packet_duration_us(&packet).unwrap_or(0), expected, "{packet:?}");
            }
        }
        assert_eq!(packet_duration_us(&[]), None);
        assert_eq!(packet_duration_us(&[3]), None);
    }
}
