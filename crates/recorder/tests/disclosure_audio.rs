//! What is heard when a released copy is opened: every party on its own channel, when it spoke, as long as it was.
mod disclosure_support;

use std::ffi::OsStr;
use std::path::Path;

use callvault_recorder::disclosure::{Format, Layout};
use callvault_recorder::evidence::Party;
use callvault_recorder::seal::Entry;
use disclosure_support::{Sound, Vault, audible, gap, program, sine, wav};

/// Caller 440 Hz for 3 s with a hold of 1 s in the middle, agent 1000 Hz from 0.5 s to 2.5 s.
fn two_party_call(caller: Sound, agent: Sound) -> Vault {
    let mut vault = Vault::new();
    let first = [caller.tone(0, 1000, 440.0), vec![gap(1000, 1000)], caller.tone(2000, 1000, 440.0)].concat();
    vault.track(Party::Caller, &caller, &[first]);
    vault.track(Party::Agent, &agent, &[agent.tone(500, 2000, 1000.0)]);
    vault
}

fn assert_heard(heard: &[(u64, u64)], expected: &[(u64, u64)], what: &str) {
    let near = |(a, b): (&(u64, u64), &(u64, u64))| a.0.abs_diff(b.0) <= 20 && a.1.abs_diff(b.1) <= 20;
    let right = heard.len() == expected.len() && heard.iter().zip(expected).all(near);
    assert!(right, "{what}: heard {heard:?}, expected {expected:?}");
}

#[test]
fn each_party_is_on_its_own_channel_when_it_spoke_whatever_it_is_stored_in() {
    let sounds = [
        (Sound::PCMU, Sound::PCMA, 8000),
        (Sound::opus(8000), Sound::opus(8000), 8000),
        (Sound::opus(16_000), Sound::PCMU, 16_000),
        (Sound::opus(48_000), Sound::PCMA, 48_000),
        (Sound::linear(44_100, 1), Sound::opus(8000), 48_000),
        (Sound::linear(16_000, 2), Sound::linear(11_025, 1), 16_000),
    ];
    for (caller, agent, rate) in sounds {
        let what = format!("{:?} {} and {:?} {}", caller.codec, caller.rate, agent.codec, agent.rate);
        // 11 025 and 44 100 do not divide into 20 ms packets of whole samples; close enough to follow on.
        let vault = two_party_call(caller, agent);
        let written = vault.written(Format::Wav, Layout::Channels);
        let [(path, figures)] = written.as_slice() else { panic!("{what}: one file") };
        let (found, channels) = wav(path);
        assert_eq!((found, channels.len()), (rate, 2), "{what}");
        assert_eq!((figures.sample_rate, figures.channels, figures.undecodable), (rate, 2, 0), "{what}");
        assert!(figures.duration_ms.abs_diff(3000) <= 20, "{what}: {} ms", figures.duration_ms);
        assert_eq!(channels[0].len() as u64, figures.duration_ms * u64::from(rate) / 1000, "{what}");
        assert_heard(&audible(&channels[0], rate, 440.0), &[(0, 1000), (2000, 3000)], &what);
        assert_heard(&audible(&channels[1], rate, 1000.0), &[(500, 2500)], &what);
        assert_eq!(audible(&channels[0], rate, 1000.0), [], "{what}");
        assert_eq!(audible(&channels[1], rate, 440.0), [], "{what}");
    }
}

#[test]
fn stored_samples_come_out_sample_for_sample() {
    let mut vault = Vault::new();
    let samples = sine(8000, 440.0, 1000);
    vault.track(Party::Caller, &Sound::linear(8000, 1), &[Sound::linear(8000, 1).packets(0, &samples)]);
    let written = vault.written(Format::Wav, Layout::Channels);
    assert_eq!(wav(&written[0].0).1, [samples]);
}

#[test]
fn a_gap_is_silence_and_nothing_is_stretched_over_it() {
    let mut vault = Vault::new();
    let sound = Sound::PCMU;
    let entries = [sound.tone(100, 200, 440.0), sound.tone(700, 200, 440.0), vec![gap(900, 600)]].concat();
    vault.track(Party::Caller, &sound, &[entries]);
    let (_, channels) = wav(&vault.written(Format::Wav, Layout::Channels)[0].0);
    assert_eq!(channels[0].len(), 1500 * 8, "to the end of the last gap");
    for silent in [0..800, 2400..5600, 7200..12_000] {
        assert!(channels[0][silent].iter().all(|&sample| sample == 0));
    }
    assert_eq!(audible(&channels[0], 8000, 440.0), [(100, 300), (700, 900)]);
}

/// REC-05: what arrives a little off follows on, what arrives twice is heard once, lost packets leave their place.
#[test]
fn jitter_overlap_and_loss_keep_the_time() {
    let mut vault = Vault::new();
    let sound = Sound::PCMU;
    let mut entries = sound.tone(0, 4000, 440.0);
    for (index, entry) in entries.iter_mut().enumerate() {
        if let Entry::Packet { offset_us, .. } = entry {
            *offset_us += [0, 400, 125, 600][index % 4];
        }
    }
    entries.remove(100);
    let twice = entries[50].clone();
    entries.insert(51, twice);
    vault.track(Party::Caller, &sound, &[entries]);
    let (_, channels) = wav(&vault.written(Format::Wav, Layout::Channels)[0].0);
    assert!(channels[0].len().abs_diff(32_000) <= 8, "{}", channels[0].len());
    assert_heard(&audible(&channels[0], 8000, 440.0), &[(0, 2000), (2020, 4000)], "one packet is missing");
}

#[test]
fn a_track_goes_on_over_segments_and_codecs() {
    let mut vault = Vault::new();
    let opus = Sound::opus(8000);
    vault.track(Party::Caller, &opus, &[opus.tone(0, 1000, 440.0), opus.tone(1000, 1000, 440.0)]);
    let (_, channels) = wav(&vault.written(Format::Wav, Layout::Channels)[0].0);
    assert_heard(&audible(&channels[0], 8000, 440.0), &[(0, 2000)], "two segments");
    assert_eq!(channels[0].len(), 16_000);
}

#[test]
fn an_empty_track_keeps_its_channel() {
    let mut vault = Vault::new();
    vault.track(Party::Caller, &Sound::PCMU, &[]);
    vault.track(Party::Agent, &Sound::PCMU, &[Sound::PCMU.tone(0, 500, 1000.0)]);
    let (rate, channels) = wav(&vault.written(Format::Wav, Layout::Channels)[0].0);
    assert!(channels[0].iter().all(|&sample| sample == 0));
    assert_eq!(audible(&channels[1], rate, 1000.0), [(0, 500)]);
}

#[test]
fn mixed_tracks_add_up_and_do_not_wrap_around() {
    let mut vault = Vault::new();
    let sound = Sound::linear(8000, 1);
    let loud = vec![30_000_i16; 8000];
    for party in [Party::Caller, Party::Agent] {
        vault.track(party, &sound, &[sound.packets(0, &loud)]);
    }
    vault.track(Party::Joined, &sound, &[sound.packets(500_000, &vec![-20_000; 4000])]);
    let (_, channels) = wav(&vault.written(Format::Wav, Layout::Mix)[0].0);
    assert_eq!(channels.len(), 1);
    assert!(channels[0][..4000].iter().all(|&sample| sample == i16::MAX));
    assert!(channels[0][4000..].iter().all(|&sample| sample == i16::MAX));
    let mut pair = Vault::new();
    pair.track(Party::Caller, &sound, &[sound.packets(0, &[100; 8000])]);
    pair.track(Party::Agent, &sound, &[sound.packets(0, &[-30; 8000])]);
    let (_, channels) = wav(&pair.written(Format::Wav, Layout::Mix)[0].0);
    assert_eq!(channels, [vec![70; 8000]]);
}

#[test]
fn split_gives_a_file_per_track_named_after_its_party() {
    let vault = two_party_call(Sound::PCMU, Sound::opus(16_000));
    let written = vault.written(Format::Wav, Layout::Split);
    let names: Vec<_> = written.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
    let id = vault.recording;
    assert_eq!(names, [format!("{id}-1-caller.wav"), format!("{id}-2-agent.wav")]);
    assert_eq!((wav(&written[0].0).0, wav(&written[1].0).0), (8000, 16_000), "each at its own rate");
    assert_eq!(written[1].1.duration_ms, 2500, "from the recording's start to the track's end");
}

#[test]
fn sox_reads_the_wav() {
    let vault = two_party_call(Sound::PCMU, Sound::opus(8000));
    let path = vault.written(Format::Wav, Layout::Channels)[0].0.clone();
    let Some(said) = program("soxi", &[path.as_os_str()]) else { return };
    assert!(said.contains("Channels       : 2") && said.contains("00:00:03.00"), "{said}");
}

#[test]
fn opusinfo_and_opusdec_accept_every_opus_file() {
    // Encoded anew (mixed; G.711) and passed on as it came (a track of Opus).
    for (layout, sound) in [
        (Layout::Channels, Sound::opus(8000)),
        (Layout::Mix, Sound::PCMU),
        (Layout::Split, Sound::opus(8000)),
        (Layout::Split, Sound::opus(48_000)),
        (Layout::Split, Sound::PCMA),
    ] {
        let vault = two_party_call(sound, sound);
        for (path, figures) in vault.written(Format::Opus, layout) {
            let what = format!("{layout:?} {:?} {}", sound.codec, sound.rate);
            let Some(said) = program("opusinfo", &[path.as_os_str()]) else { return };
            assert!(!said.contains("WARNING") && !said.contains("ERROR"), "{what}: {said}");
            assert!(said.contains("Channels: 1") && said.contains("Pre-skip: 312"), "{what}: {said}");
            let out = path.with_extension("decoded.wav");
            let rate = OsStr::new("48000");
            let arguments = [OsStr::new("--quiet"), OsStr::new("--rate"), rate, path.as_os_str(), out.as_os_str()];
            let Some(_) = program("opusdec", &arguments) else { return };
            let (_, decoded) = wav(&out);
            let length = decoded[0].len() as u64 / 48;
            assert!(length.abs_diff(figures.duration_ms) <= 3, "{what}: {length} ms of {}", figures.duration_ms);
            heard_in(&decoded[0], &path, layout, &what);
        }
    }
}

fn heard_in(samples: &[i16], path: &Path, layout: Layout, what: &str) {
    let name = path.to_string_lossy();
    let (caller, agent) = match layout {
        Layout::Split => (name.contains("-caller"), name.contains("-agent")),
        Layout::Channels | Layout::Mix => (true, true),
    };
    let expected: &[(u64, u64)] = if caller { &[(0, 1000), (2000, 3000)] } else { &[] };
    assert_heard(&audible(samples, 48_000, 440.0), expected, what);
    let expected: &[(u64, u64)] = if agent { &[(500, 2500)] } else { &[] };
    assert_heard(&audible(samples, 48_000, 1000.0), expected, what);
}

#[test]
fn an_opus_track_is_not_encoded_a_second_time() {
    let mut vault = Vault::new();
    let sound = Sound::opus(16_000);
    let entries = sound.tone(0, 2000, 440.0);
    let packets: Vec<Vec<u8>> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Packet { data, .. } => Some(data.clone()),
            Entry::Gap { .. } => None,
        })
        .collect();
    vault.track(Party::Caller, &sound, &[entries]);
    let path = vault.written(Format::Opus, Layout::Split)[0].0.clone();
    let mut reader = ogg::PacketReader::new(std::fs::File::open(path).expect("there"));
    let mut found = Vec::new();
    while let Some(packet) = reader.read_packet().expect("Ogg") {
        found.push(packet.data);
    }
    assert!(found[0].starts_with(b"OpusHead") && found[1].starts_with(b"OpusTags"));
    assert_eq!(found[2..2 + packets.len()], packets);
}

/// What the encoder fills its last packet up with is neither heard nor in the way of what follows.
#[test]
fn runs_that_end_within_a_packet_keep_the_time() {
    let sound = Sound::opus(8000);
    let pieces = [(0, 305), (305, 293), (610, 390), (1030, 270)];
    let entries = pieces.map(|(at, long)| sound.tone(at, long, 440.0)).concat();
    let mut vault = Vault::new();
    vault.track(Party::Caller, &sound, &[entries]);
    let (path, figures) = vault.written(Format::Wav, Layout::Channels)[0].clone();
    let (_, channels) = wav(&path);
    assert_eq!((figures.duration_ms, channels[0].len()), (1300, 10_400));
    assert_heard(&audible(&channels[0], 8000, 440.0), &[(0, 600), (610, 1000), (1030, 1300)], "WAV");
    assert!(channels[0][8020..8220].iter().all(|sample| sample.abs() < 300), "silent where nothing was said");

    let path = vault.written(Format::Opus, Layout::Split)[0].0.clone();
    let out = path.with_extension("decoded.wav");
    let arguments =
        [OsStr::new("--quiet"), OsStr::new("--rate"), OsStr::new("48000"), path.as_os_str(), out.as_os_str()];
    if program("opusdec", &arguments).is_some() {
        let (_, channels) = wav(&out);
        assert_eq!(channels[0].len(), 62_400);
        assert_heard(&audible(&channels[0], 48_000, 440.0), &[(0, 600), (610, 1000), (1030, 1300)], "Opus");
    }
}

#[test]
fn a_packet_that_is_not_of_its_codec_is_silent_and_counted() {
    let mut vault = Vault::new();
    let sound = Sound::opus(8000);
    let mut entries = sound.tone(0, 1000, 440.0);
    if let Entry::Packet { data, .. } = &mut entries[25] {
        *data = vec![0xFF; 3];
    }
    if let Entry::Packet { data, .. } = &mut entries[26] {
        data.clear();
    }
    vault.track(Party::Caller, &sound, &[entries]);
    let (path, figures) = vault.written(Format::Wav, Layout::Channels)[0].clone();
    assert_eq!(figures.undecodable, 2);
    assert_eq!(wav(&path).1[0].len(), 8000);
}
