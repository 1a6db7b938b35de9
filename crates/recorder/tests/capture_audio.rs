//! What a party says is what opens again, where it was said (REC-05, REC-06): through ring, timeline, pool, seal and
//! store, opened with the reader and libopus.
mod capture_support;

use callvault_recorder::capture::FrameFormat;
use callvault_recorder::encoding::RingSide;
use callvault_recorder::evidence::{Gap, GapReason};
use callvault_recorder::policy::Profile;
use callvault_recorder::seal::{Ending, Entry, StoredCodec};
use capture_support::*;

fn pcmu() -> FrameFormat {
    FrameFormat::new(b"PCMU", 8000, 8000, 1, 20_000)
}

/// Every stretch of 100 ms that is wholly within has the tone and its loudness.
fn assert_tone(line: &[i16], rate: u32, from_ms: usize, to_ms: usize, hertz: f64) {
    let at = |ms: usize| ms * rate as usize / 1000;
    for ms in (from_ms..to_ms - 100).step_by(50) {
        let stretch = &line[at(ms)..at(ms + 100)];
        assert!(share_of(stretch, hertz, rate) > 0.9, "at {ms} ms: {}", share_of(stretch, hertz, rate));
        assert!(loudness(stretch) > 4000.0, "at {ms} ms: {}", loudness(stretch));
    }
}

#[test]
fn a_tone_opens_where_it_was_said_in_every_profile_and_packet_size() {
    for profile in [Profile::Opus, Profile::Economy, Profile::Quality, Profile::Native] {
        for ms in [10, 20, 30, 40, 60] {
            let mut rig = rig(profile);
            let mut party = rig.leg(pcmu());
            rig.open(&party, generation(1));
            party.now_us = 500_000;
            party.tone(440.0, 3000, ms);
            party.pause(1_000_000);
            party.tone(440.0, 3000, ms);
            let (told, segments) = rig.finish(&party);
            let case = format!("{profile:?}, {ms} ms");
            assert_eq!((told.offset_ms, told.duration_ms, told.frames_lost), (500, 7000, 0), "{case}");
            assert_eq!(
                told.gaps,
                [Gap { offset_ms: 3500, duration_ms: 1000, reason: GapReason::NotReceived }],
                "{case}"
            );
            assert_eq!((told.opened.len(), told.closed.len(), told.faults), (1, 1, vec![]), "{case}");
            assert!(matches!(segments[0].ending, Ending::Whole), "{case}");
            let line = play(&segments, 8000);
            assert_eq!(line.len(), 7500 * 8, "{case}");
            assert_tone(&line, 8000, 500, 3500, 440.0);
            assert_tone(&line, 8000, 4500, 7500, 440.0);
            assert_eq!(loudness(&line[3505 * 8..4495 * 8]), 0.0, "{case}");
            // The edges are where they were, to 3 ms.
            assert!(loudness(&line[..500 * 8]) == 0.0 && loudness(&line[503 * 8..510 * 8]) > 3000.0, "{case}");
            assert!(loudness(&line[3490 * 8..3497 * 8]) > 3000.0, "{case}");
        }
    }
}

#[test]
fn mixed_packet_sizes_with_loss_lose_no_more_than_was_lost() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    let mut lost = 0;
    for (number, ms) in [20, 30, 40, 10, 20, 60].into_iter().cycle().take(600).enumerate() {
        if number % 50 == 20 {
            lost += u64::from(ms);
            party.lose(ms * 1000);
        } else {
            party.tone(440.0, ms, ms);
        }
    }
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.duration_ms, told.frames, told.frames_lost), (18_000, 588, 0));
    assert_eq!((told.gaps.len() as u64, told.gaps.iter().map(|gap| gap.duration_ms).sum::<u64>()), (12, lost));
    let line = play(&segments, 48_000);
    for gap in &told.gaps {
        let (from, to) = (gap.offset_ms as usize * 48, (gap.offset_ms + gap.duration_ms) as usize * 48);
        assert_eq!(loudness(&line[from..to]), 0.0, "{gap:?}");
        assert!(loudness(&line[from - 240..from]) > 1000.0, "the last 5 ms before {gap:?}");
    }
}

#[test]
fn native_g711_is_kept_byte_for_byte() {
    let mut rig = rig(Profile::Native);
    let mut party = rig.leg(FrameFormat::new(b"PCMA", 8000, 8000, 1, 20_000));
    rig.open(&party, generation(1));
    let frames: Vec<Vec<u8>> = (0..200_u32).map(|n| (0..160).map(|b| (n * 7 + b) as u8).collect()).collect();
    for frame in &frames {
        party.send(frame, 20_000);
    }
    let (_, segments) = rig.finish(&party);
    assert_eq!(segments[0].header.codec, StoredCodec::Pcma);
    let stored: Vec<Vec<u8>> = segments[0].packets().iter().map(|packet| packet.2.to_vec()).collect();
    assert_eq!(stored, frames);
}

#[test]
fn an_opus_leg_is_kept_as_it_came_with_the_duration_of_each_packet() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(FrameFormat::new(b"opus", 48_000, 48_000, 2, 20_000));
    rig.open(&party, generation(1));
    let packets: [(&[u8], u32); 4] =
        [(&[0x78, 1, 2, 3], 20_000), (&[0x58, 9], 60_000), (&[0x43, 2, 1], 20_000), (&[0x7d, 1, 1], 40_000)];
    for (packet, us) in packets.into_iter().cycle().take(100) {
        party.send(packet, us);
    }
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.duration_ms, told.gaps.len()), (3500, 0));
    let header = &segments[0].header;
    assert_eq!(
        (header.codec, header.sample_rate, header.channels, header.pre_skip_us),
        (StoredCodec::Opus, 48_000, 2, 0)
    );
    for ((_, duration, data), (packet, us)) in segments[0].packets().into_iter().zip(packets.into_iter().cycle()) {
        assert_eq!((data, duration), (packet, us));
    }
}

#[test]
fn a_change_of_codec_ends_a_segment_and_the_track_goes_on() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    party.tone(440.0, 2000, 20);
    party.format = FrameFormat::new(b"L16", 16_000, 16_000, 1, 20_000);
    party.timestamp = 1;
    for _ in 0..100 {
        let from = party.now_us * 16 / 1000;
        let samples = (from..from + 320).flat_map(|n| tone(440.0, n, 16_000).to_le_bytes());
        let payload: Vec<u8> = if cfg!(target_endian = "little") { samples.collect() } else { return };
        party.send(&payload, 20_000);
    }
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.opened.len(), told.closed.len(), told.duration_ms, told.gaps.len()), (2, 2, 4000, 0));
    let rates: Vec<u32> = segments.iter().map(|segment| segment.header.sample_rate).collect();
    assert_eq!(rates, [8000, 16_000]);
    assert_eq!((segments[0].header.segment, segments[1].header.segment), (0, 1));
    let line = play(&segments, 16_000);
    assert_eq!(line.len(), 64_000);
    assert_tone(&line, 16_000, 0, 4000, 440.0);
}

/// What Opus does not take is kept as samples, not refused.
#[test]
fn l16_at_odd_rates_is_kept_as_samples() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(FrameFormat::new(b"L16", 44_100, 44_100, 2, 10_000));
    rig.open(&party, generation(1));
    for _ in 0..50 {
        party.send(&[1, 2, 3, 4].repeat(441), 10_000);
    }
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.duration_ms, told.frames_lost, told.faults), (500, 0, vec![]));
    let header = &segments[0].header;
    assert_eq!((header.codec, header.sample_rate, header.channels), (StoredCodec::L16, 44_100, 2));
    assert_eq!(segments[0].packets().len(), 50);
}

/// REC-08: what was said while the gate was shut is nowhere, and the interval is marked.
#[test]
fn a_hold_is_a_gap_of_that_name() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    party.tone(440.0, 2000, 20);
    party.gate.shut();
    party.tone(1700.0, 3000, 20);
    rig.pool.reopen(party.leg, RingSide::Read, generation(2), party.track, GapReason::Hold);
    party.gate.open(generation(2));
    party.tone(440.0, 2000, 20);
    let (told, segments) = rig.finish(&party);
    assert_eq!(told.gaps, [Gap { offset_ms: 2000, duration_ms: 3000, reason: GapReason::Hold }]);
    let line = play(&segments, 8000);
    assert_tone(&line, 8000, 0, 2000, 440.0);
    assert_eq!(loudness(&line[2000 * 8..5000 * 8]), 0.0);
    assert_tone(&line, 8000, 5000, 7000, 440.0);
    let sealed = segments[0].entries.iter().any(|entry| {
        matches!(entry, Entry::Gap { offset_us: 2_000_000, duration_us: 3_000_000, reason: GapReason::Hold })
    });
    assert!(sealed);
}

#[test]
fn a_segment_ends_after_an_hour() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(FrameFormat::new(b"OPUS", 48_000, 48_000, 1, 60_000));
    rig.open(&party, generation(1));
    for _ in 0..61 * 1000 {
        party.send(&[0x18, 1], 60_000);
    }
    let (told, segments) = rig.finish(&party);
    assert_eq!((told.duration_ms, told.gaps.len(), told.frames), (61 * 60_000, 0, 61_000));
    assert_eq!(segments[0].packets().len(), 60_000);
    assert_eq!(segments[1].packets().first().map(|packet| packet.0), Some(3_600_000_000));
}

/// Decision 5: a record is at most a second of the track, however much is handed over at once.
#[test]
fn records_are_short() {
    let mut rig = rig(Profile::Opus);
    let mut party = rig.leg(pcmu());
    rig.open(&party, generation(1));
    party.tone(440.0, 10_000, 20);
    let (told, _) = rig.finish(&party);
    let file = rig.store.open_segment(&told.opened[0]).expect("the file is there");
    let reader = callvault_recorder::seal::SegmentReader::new(callvault_recorder::store::StoreReader::from(file));
    let mut records = reader.expect("a segment").open(&party.key).expect("the party's key");
    while let Some(entries) = records.next_record().expect("whole") {
        let Some(Entry::Packet { offset_us, .. }) = entries.first() else { continue };
        let end = entries.last().map_or(0, Entry::end_us);
        assert!(end - offset_us <= 1_000_000, "{offset_us} to {end}");
    }
}
