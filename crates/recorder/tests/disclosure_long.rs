//! A long call opens in as little memory as a short one: nothing of it is ever held whole.
mod disclosure_support;

use std::io::{Seek, SeekFrom, Write};

use callvault_recorder::disclosure::{Format, Layout};
use callvault_recorder::evidence::Party;
use disclosure_support::{Sound, Vault};

/// Takes any amount and keeps none of it.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        Ok(if let SeekFrom::Start(at) = to { at } else { self.0 })
    }
}

/// The most memory that was in use since it was last asked, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak = line.trim().trim_end_matches(" kB").parse().expect("a number");
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak is reset");
    peak
}

#[test]
fn five_minutes_of_two_parties_take_no_more_memory_than_one() {
    let sound = Sound::opus(8000);
    let minute = sound.tone(0, 60_000, 440.0);
    let mut peaks = [0, 0];
    for (peak_of, minutes) in peaks.iter_mut().zip([1, 5]) {
        let mut vault = Vault::new();
        for party in [Party::Caller, Party::Agent] {
            vault.long_track(party, &sound, &minute, minutes);
        }
        let opened = vault.opened();
        peak();
        for (format, layout) in [(Format::Wav, Layout::Channels), (Format::Opus, Layout::Split)] {
            for output in opened.outputs(format, layout) {
                let written = opened.write(&output, Counted(0), &mut |_| {}).expect("written");
                assert_eq!(written.duration_ms, minutes * 60_000);
            }
        }
        *peak_of = peak();
    }
    // Five minutes are 9.6 MB of samples.
    assert!(peaks[1] < peaks[0] + 2048, "{peaks:?} KiB");
}
