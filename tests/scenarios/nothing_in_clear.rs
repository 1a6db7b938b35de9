//! SEC-01, SEC-03: whoever reads the recorder's whole directory finds no voice, no number, no name.
use std::path::{Path, PathBuf};

use callvault_test_support::codec::Codec;
use callvault_test_support::freeswitch::Configuration;
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::{AGENT, CALLER, tone_sample};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Casting, INSIDE, OUTSIDE, SOON, converse, leaves_no_personal_data_in, silent};
use crate::taken::Taken;
use crate::told::wait_stored_as;

/// So many bytes are two seconds of two parties at the thriftiest that the trials use.
const SOME_SECONDS: u64 = 8_000;

pub fn trials() -> Vec<Trial> {
    let replayed = |name, profile: &'static str| {
        let taken = Taken::of("bridge");
        on_stand_in(name, &taken.files(), move |directory| searched_in_a_replay(directory, &taken, profile))
    };
    vec![
        on_freeswitch("nothing_in_clear", |stage| searched(stage, "opus")),
        replayed("nothing_in_clear", "opus"),
        on_freeswitch("nothing_in_clear_as_it_came", |stage| searched(stage, "native")),
        replayed("nothing_in_clear_as_it_came", "native"),
    ]
}

fn searched_in_a_replay(directory: &Path, taken: &Taken, profile: &str) -> Proof {
    let vault = taken.vault(directory)?.with("profile", profile);
    let host = StandIn::start(&vault.installed(Configuration::new()), &directory.join("host"))?;
    host.must("load mod_callvault")?;
    let replay = host.replay(&taken.trace(), &[])?;
    // During the call and after it, a released copy included.
    wait_stored_as(&vault, |bytes| bytes >= SOME_SECONDS, SOON)?;
    search(vault.directory())?;
    replay.wait()?;
    let rows = vault.wait_listed(&host, 1)?;
    let copy = vault.release(&host, &rows[0].id)?;
    let found = search(vault.directory())?;
    promise!(found > 1_000, "there is something to search: {found} bytes");
    search_file(&copy)?;
    leaves_no_personal_data_in(&host.log())
}

fn searched(stage: &Stage, profile: &str) -> Proof {
    let cast = Casting::new(stage)?.policy(|vault| vault.with("profile", profile)).start(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    // During the call and after it, a released copy included.
    search(cast.vault.directory())?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    let copy = cast.vault.release(&cast.host, &rows[0].id)?;
    let found = search(cast.vault.directory())?;
    promise!(found > 1_000, "there is something to search: {found} bytes");
    search_file(&copy)?;
    cast.leaves_no_personal_data_in_its_log()
}

/// How many bytes were searched.
fn search(directory: &Path) -> Proof<u64> {
    let mut bytes = 0;
    for file in files(directory)? {
        // The admin's own file names the company's numbers by a pattern; prompts are what everybody is told.
        let own = file.extension().is_some_and(|extension| extension == "xml");
        let prompt = file.starts_with(directory.join("prompts"));
        if !own && !prompt {
            bytes += search_file(&file)?;
        }
    }
    Ok(bytes)
}

fn search_file(file: &Path) -> Proof<u64> {
    // A journal may be gone between the list and the look.
    let Ok(bytes) = std::fs::read(file) else { return Ok(0) };
    for (what, needle) in needles()? {
        let places = bytes.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
        let found = places.map(|(place, _)| place).find(|&place| !in_base64(&bytes, place, needle.len()));
        promise!(found.is_none(), "{what} is in {} at {found:?}", file.display());
    }
    Ok(bytes.len() as u64)
}

/// A line of an age file's head is 43 letters of base64, which have four given ones by chance once in a hundred
/// keystores. Audio's marks never stand there: a length or a version of other bytes follows both.
fn in_base64(bytes: &[u8], place: usize, length: usize) -> bool {
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'/');
    let before = bytes[..place].iter().rev().take_while(letter).count();
    let from_here = bytes[place..].iter().take_while(letter).count();
    from_here > length && before + from_here == 43
}

fn needles() -> Proof<Vec<(String, Vec<u8>)>> {
    let mut needles: Vec<(String, Vec<u8>)> =
        vec![("an Ogg page".into(), b"OggS".to_vec()), ("a WAV".into(), b"RIFF".to_vec())];
    for number in [OUTSIDE, INSIDE[0]] {
        let quoted = format!("\"{number}\"");
        needles.push((format!("the number {number}"), if number.len() > 6 { number.into() } else { quoted.into() }));
    }
    for frequency in [CALLER, AGENT] {
        // A whole number of periods in: a stretch that comes again and again.
        let samples: Vec<i16> = (0..32).map(|index| tone_sample(frequency, 8_000, index)).collect();
        needles.push((format!("{frequency} Hz as samples"), samples.iter().flat_map(|s| s.to_le_bytes()).collect()));
        for codec in [Codec::Pcmu, Codec::Pcma] {
            needles.push((format!("{frequency} Hz as {codec:?}"), codec.encoder()?.encode(&samples)?));
        }
    }
    Ok(needles)
}

fn files(directory: &Path) -> Proof<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { all.extend(files(&path)?) } else { all.push(path) }
    }
    Ok(all)
}
