//! What a manager waits for: an hour-long call of two parties, released and opened.
use std::fs::File;
use std::io::BufWriter;

use callvault_recorder::disclosure::{Format, Layout};
use callvault_recorder::evidence::Party;

use crate::cpu;
use crate::disclosure_support::{Sound, Vault, unlock};
use crate::sealing::an_hour;

/// One run of each: they are long enough.
pub fn an_hour_of_two_parties() {
    let packets = an_hour();
    let mut vault = Vault::new();
    for party in [Party::Caller, Party::Agent] {
        vault.track(party, &Sound::opus(8000), std::slice::from_ref(&packets));
    }
    println!("| an hour of two parties, Opus at 8 kHz | s of processor | s on the wall | MB |");
    println!("|---|---|---|---|");
    let (copy, processor, wall) = cpu::timed(|| vault.release(&vault.anna).expect("released"));
    row("release: copy its segments, manifest, capsules", processor, wall, size(&copy.path));
    let (opened, processor, wall) = cpu::timed(|| unlock(&copy.path, &vault.anna).expect("unlocked"));
    row("unlock: check every part and signature", processor, wall, size(&copy.path));
    for (name, format, layout) in [
        ("write one WAV, a channel per party", Format::Wav, Layout::Channels),
        ("write Ogg Opus, a file per party", Format::Opus, Layout::Split),
    ] {
        let mut bytes = 0;
        let ((), processor, wall) = cpu::timed(|| {
            for output in opened.outputs(format, layout) {
                let path = vault.directory.path().join(&output.name);
                let file = BufWriter::new(File::create(&path).expect("a file"));
                opened.write(&output, file, &mut |_| {}).expect("written");
                bytes += size(&path);
            }
        });
        row(name, processor, wall, bytes);
    }
}

fn row(name: &str, processor: std::time::Duration, wall: std::time::Duration, bytes: u64) {
    let (processor, wall) = (processor.as_secs_f64(), wall.as_secs_f64());
    println!("| {name} | {processor:.2} | {wall:.2} | {:.1} |", bytes as f64 / 1e6);
}

fn size(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).expect("a file").len()
}
