//! Two parties who speak in turns, as G.711 has them: the demonstration's speech, line noise where a party is silent.
use std::ops::Range;
use std::path::Path;

use callvault_recorder::codec::PCMU_SAMPLES;

use crate::capture_support::to_pcmu;

/// Bytes of a packet of 20 ms.
const PACKET: usize = 160;
/// Who speaks after whom: a file per turn, and the party whose it is.
const TURNS: [(&str, usize); 4] =
    [("inbound-agent", 1), ("inbound-caller", 0), ("outbound-callee", 0), ("outbound-agent", 1)];
/// Even noise of this amplitude is at -55 dBFS.
const NOISE: i64 = 100;

/// What both parties send, about 37 s long, for ever.
pub struct Speech {
    /// µ-law.
    sent: [Vec<u8>; 2],
    /// What that is as samples.
    heard: [Vec<i16>; 2],
}

impl Speech {
    /// From the files that the repository ships.
    pub fn load() -> Self {
        let mut sent = [Vec::new(), Vec::new()];
        let mut noise = Noise(1);
        for (name, speaker) in TURNS {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/speech").join(name).with_extension("wav");
            let mut wav = hound::WavReader::open(file).expect("a WAV file of 8 kHz");
            for sample in wav.samples::<i16>() {
                let sample = sample.expect("16 bits");
                sent[speaker].push(to_pcmu(sample.saturating_add(noise.next())));
                sent[1 - speaker].push(to_pcmu(noise.next()));
            }
        }
        for party in &mut sent {
            party.truncate(party.len() / PACKET * PACKET);
        }
        let heard = sent.each_ref().map(|sent| sent.iter().map(|&byte| PCMU_SAMPLES[usize::from(byte)]).collect());
        Self { sent, heard }
    }

    /// A track's packet. Tracks of even number are one party, of odd number the other; each pair of them begins
    /// elsewhere in the conversation.
    pub fn packet(&self, track: usize, number: usize) -> &[u8] {
        &self.sent[track % 2][self.place(track, number)]
    }

    /// The same, as samples.
    pub fn samples(&self, track: usize, number: usize) -> &[i16] {
        &self.heard[track % 2][self.place(track, number)]
    }

    fn place(&self, track: usize, number: usize) -> Range<usize> {
        let at = (number + track / 2 * 37) * PACKET % self.sent[0].len();
        at..at + PACKET
    }
}

/// Marsaglia's xorshift64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> i16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i16::try_from((self.0 % (2 * NOISE as u64 + 1)) as i64 - NOISE).unwrap_or(0)
    }
}
