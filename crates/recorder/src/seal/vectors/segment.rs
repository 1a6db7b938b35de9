//! Segments, whole and attacked.
use super::super::nonce::RecordNonces;
use super::super::record::{Binding, RecordHead};
use super::super::secret::seal_in_place;
use super::super::tests::{MemoryFile, borders, header};
use super::super::*;
use super::{KEY, Vector, entries_text, hex, track_key};
use crate::evidence::{GapReason, Party, Standing, StandingChange};
use crate::ids::TrackNumber;
use crate::time::UnixMillis;

const OTHER_KEY: [u8; 48] = [0x77; 48];

pub(super) fn vectors() -> Vec<Vector> {
    let key = track_key(&KEY);
    let head = header(&key);
    let whole = segment_of(&head, &key, 1, &records());
    let at = borders(&whole);
    let record = |n: usize| &whole[at[n]..at[n + 1]];
    let prologue = &whole[..at[0]];
    let edit = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        bytes
    };
    let replaced = |from: &str, to: &str| {
        let json = std::str::from_utf8(&whole[36..at[0]]).expect("JSON").replacen(from, to, 1);
        [&whole[..32], &(json.len() as u32).to_be_bytes(), json.as_bytes(), &whole[at[0]..]].concat()
    };

    // The same recording's second track, under its own key; and the first track's second segment.
    let other_key = track_key(&OTHER_KEY);
    let second_track =
        SegmentHeader { track: TrackNumber(2.try_into().expect("not 0")), party: Party::Agent, ..header(&other_key) };
    let of_second_track = segment_of(&second_track, &other_key, 2, &records());
    let next_segment = segment_of(&SegmentHeader { segment: 1, ..header(&key) }, &key, 3, &records());
    let stereo =
        SegmentHeader { codec: StoredCodec::L16, sample_rate: 48_000, channels: 2, notices: vec![], ..header(&key) };
    let agreed = StandingChange {
        leg: head.leg.clone(),
        standing: Standing::Consented,
        at_ms: UnixMillis(head.recording_started_at.0 + 1_500),
        by: "digit".into(),
    };
    let consented = segment_of(&SegmentHeader { standings: vec![agreed], ..header(&key) }, &key, 7, &records());
    let same_id = {
        let mut bytes = KEY;
        bytes[16..].fill(0x55);
        bytes
    };

    let all = entries_text(&records().concat());
    let first = entries_text(&records()[0]);
    let first_two = entries_text(&records()[..2].concat());
    let vector = |name, comment: &str, expect: &str, without_key: &str, body: Vec<u8>| {
        segment_vector(name, comment, &KEY, expect, without_key, body)
    };
    vec![
        vector(
            "whole",
            "three records, the second with a gap of each reason",
            &format!("whole entries {all}"),
            "whole",
            whole.clone(),
        ),
        vector(
            "whole_stereo_l16",
            "other codec, no notices",
            &format!("whole entries {all}"),
            "whole",
            segment_of(&stereo, &key, 4, &records()),
        ),
        vector(
            "whole_empty_last_record",
            "the last record holds no entry",
            &format!("whole entries {first}"),
            "whole",
            segment_of(&head, &key, 5, &[records()[0].clone(), vec![]]),
        ),
        vector(
            "whole_only_record",
            "the first record is the last, and empty",
            &format!("whole entries {}", entries_text(&[])),
            "whole",
            segment_of(&head, &key, 6, &[vec![]]),
        ),
        vector(
            "whole_consented",
            "the party had agreed when the track began",
            &format!("whole entries {all}"),
            "whole",
            consented.clone(),
        ),
        vector(
            "no_last_record",
            "the process was killed before it could finish the segment",
            &format!("torn entries {first_two}"),
            "torn",
            whole[..at[2]].to_vec(),
        ),
        vector(
            "no_record",
            "killed after the header",
            &format!("torn entries {}", entries_text(&[])),
            "torn",
            prologue.to_vec(),
        ),
        vector(
            "cut_between_records",
            "cannot be told from a crash; the catalogue and the manifest know better",
            &format!("torn entries {first}"),
            "torn",
            whole[..at[1]].to_vec(),
        ),
        vector(
            "cut_in_record",
            "the third record is not whole",
            &format!("torn entries {first_two}"),
            "torn",
            whole[..at[3] - 5].to_vec(),
        ),
        vector(
            "cut_in_record_head",
            "five bytes of the second record's head",
            &format!("torn entries {first}"),
            "torn",
            whole[..at[1] + 5].to_vec(),
        ),
        vector(
            "cut_in_header",
            "killed while the header was written",
            "header_cut",
            "header_cut",
            whole[..at[0] - 1].to_vec(),
        ),
        vector("cut_in_magic", "killed at the very beginning", "header_cut", "header_cut", whole[..9].to_vec()),
        vector(
            "zeros_after_power_cut",
            "the last record's place is there, its bytes are not",
            &format!("torn entries {first_two}"),
            "torn",
            edit(&|bytes| bytes[at[2] + 20..].fill(0)),
        ),
        vector(
            "zeros_for_a_head",
            "nothing but zeros after the first record",
            &format!("torn entries {first}"),
            "torn",
            edit(&|bytes| bytes[at[1]..].fill(0)),
        ),
        vector(
            "flip_in_text",
            "one bit of the second record's ciphertext",
            "tampered at-record 1",
            "whole",
            edit(&|bytes| bytes[at[1] + 12] ^= 1),
        ),
        vector(
            "flip_in_tag",
            "one bit of the last record's tag",
            "tampered at-record 2",
            "whole",
            edit(&|bytes| bytes[at[3] - 1] ^= 0x80),
        ),
        vector(
            "flip_in_until",
            "one bit of the first record's time",
            "tampered at-record 0",
            "whole",
            edit(&|bytes| bytes[at[0] + 11] ^= 1),
        ),
        vector("flip_in_salt", "one bit of the salt", "tampered at-record 0", "whole", edit(&|bytes| bytes[16] ^= 1)),
        vector(
            "length_shorter",
            "the first record's length is one less",
            "tampered at-record 0",
            "tampered",
            edit(&|bytes| bytes[at[0] + 3] -= 1),
        ),
        vector(
            "length_below_a_tag",
            "a length that leaves no room for a tag",
            "tampered at-record 1",
            "tampered",
            edit(&|bytes| bytes[at[1]..at[1] + 4].copy_from_slice(&[0, 0, 0, 15])),
        ),
        vector(
            "length_beyond_limit",
            "a length that no writer writes",
            "tampered at-record 1",
            "tampered",
            edit(&|bytes| bytes[at[1]] = 0x7F),
        ),
        vector(
            "drop_record",
            "the second record is gone",
            "tampered at-record 1",
            "whole",
            [prologue, record(0), record(2)].concat(),
        ),
        vector(
            "drop_first_record",
            "the first record is gone",
            "tampered at-record 0",
            "whole",
            [prologue, record(1), record(2)].concat(),
        ),
        vector(
            "duplicate_record",
            "the second record comes twice",
            "tampered at-record 2",
            "whole",
            [prologue, record(0), record(1), record(1), record(2)].concat(),
        ),
        vector(
            "swap_records",
            "first and second change places",
            "tampered at-record 0",
            "whole",
            [prologue, record(1), record(0), record(2)].concat(),
        ),
        vector(
            "swap_segments_of_two_tracks",
            "this track's header, the other track's records",
            "tampered at-record 0",
            "whole",
            [prologue, &of_second_track[borders(&of_second_track)[0]..]].concat(),
        ),
        vector(
            "swap_segments_of_one_track",
            "segment 0's header, segment 1's records, both under one track's key",
            "tampered at-record 0",
            "whole",
            [prologue, &next_segment[borders(&next_segment)[0]..]].concat(),
        ),
        vector(
            "splice_of_one_track",
            "a record of segment 1 in segment 0",
            "tampered at-record 1",
            "whole",
            [prologue, record(0), &next_segment[borders(&next_segment)[1]..borders(&next_segment)[2]], record(2)]
                .concat(),
        ),
        vector(
            "second_last_record",
            "the last record comes twice",
            "tampered at-record 3",
            "tampered",
            [prologue, record(0), record(1), record(2), record(2)].concat(),
        ),
        vector(
            "byte_after_last",
            "a byte after the last record",
            "tampered at-record 3",
            "tampered",
            edit(&|bytes| bytes.push(0)),
        ),
        vector(
            "last_too_early",
            "the second record is marked as the last, the third is gone",
            "tampered at-record 1",
            "whole",
            edit(&|bytes| {
                bytes[at[1]] |= 0x80;
                bytes.truncate(at[2])
            }),
        ),
        vector(
            "last_denied",
            "the last record's mark is gone",
            "tampered at-record 2",
            "torn",
            edit(&|bytes| bytes[at[2]] &= 0x7F),
        ),
        vector(
            "changed_header_slot",
            "another slot in the header",
            "tampered at-record 0",
            "whole",
            replaced("\"slot\":7", "\"slot\":8"),
        ),
        vector(
            "changed_header_party",
            "another party in the header",
            "tampered at-record 0",
            "whole",
            replaced("\"party\":\"caller\"", "\"party\":\"callee\""),
        ),
        vector(
            "changed_header_notice",
            "the notice's evidence made better than it was",
            "tampered at-record 0",
            "whole",
            replaced("\"frames_written\":650", "\"frames_written\":651"),
        ),
        vector("changed_header_standing", "how the party stood is changed", "tampered at-record 0", "whole", {
            let at = borders(&consented)[0];
            let json = std::str::from_utf8(&consented[36..at]).expect("JSON");
            let json = json.replacen("\"standing\":\"consented\"", "\"standing\":\"informed\"", 1);
            [&consented[..32], &(json.len() as u32).to_be_bytes(), json.as_bytes(), &consented[at..]].concat()
        }),
        vector(
            "changed_header_space",
            "a space in the header: same meaning, other bytes",
            "tampered at-record 0",
            "whole",
            replaced("\"slot\":7", "\"slot\": 7"),
        ),
        vector(
            "header_unknown_field",
            "a field that version 1 does not have",
            "header",
            "header",
            replaced("\"slot\":7", "\"slot\":7,\"x\":1"),
        ),
        vector(
            "header_field_twice",
            "a field comes twice",
            "header",
            "header",
            replaced("\"slot\":7", "\"slot\":7,\"slot\":7"),
        ),
        vector(
            "header_three_channels",
            "out of range",
            "header",
            "header",
            replaced("\"channels\":1", "\"channels\":3"),
        ),
        vector(
            "header_too_long",
            "a length beyond 65 536",
            "header",
            "header",
            edit(&|bytes| bytes[32..36].copy_from_slice(&[0, 1, 0, 1])),
        ),
        vector("other_version", "version 2", "version", "version", edit(&|bytes| bytes[14] = b'2')),
        vector(
            "not_a_segment",
            "an Ogg page",
            "not_a_segment",
            "not_a_segment",
            b"OggS\0\x02 and so on, as any player would have it".to_vec(),
        ),
        vector(
            "unknown_entry",
            "sealed as it should be, but with a kind of entry that version 1 does not have",
            "content at-record 0",
            "whole",
            segment_of_raw(&head, &key, &[11, 0, 0]),
        ),
        vector(
            "entry_cut",
            "sealed as it should be, but an entry ends before its data does",
            "content at-record 0",
            "whole",
            segment_of_raw(&head, &key, &[0, 0, 1, 5, 1, 2]),
        ),
        segment_vector("wrong_key", "a key with another id", &OTHER_KEY, "wrong_key", "whole", whole.clone()),
        segment_vector(
            "wrong_key_of_same_id",
            "another key behind the same id",
            &same_id,
            "tampered at-record 0",
            "whole",
            whole.clone(),
        ),
    ]
}

/// `expect` is the outcome, and behind it `entries …` or `at-record …`, which become lines of their own.
fn segment_vector(
    name: &'static str,
    comment: &str,
    key: &[u8; 48],
    expect: &str,
    without_key: &str,
    body: Vec<u8>,
) -> Vector {
    let (outcome, detail) = expect.split_once(' ').unwrap_or((expect, ""));
    let mut head = vec![("expect", outcome.to_owned())];
    if let Some((field, value)) = detail.split_once(' ') {
        head.push((if field == "entries" { "entries" } else { "at-record" }, value.to_owned()));
    }
    head.extend([("without-key", without_key.to_owned()), ("key", hex(key)), ("comment", comment.to_owned())]);
    Vector { name, head, body }
}

/// Three records: packets, a gap of each reason, packets.
fn records() -> Vec<Vec<Entry>> {
    let packet = |n: u8| Entry::Packet { offset_us: u64::from(n) * 20_000, duration_us: 20_000, data: vec![n; 12] };
    let reasons = [
        GapReason::NotReceived,
        GapReason::RingFull,
        GapReason::Hold,
        GapReason::Muted,
        GapReason::Paused,
        GapReason::Undecodable,
        GapReason::StoreFault,
        GapReason::Withheld,
        GapReason::NoMedia,
        GapReason::NoKey,
    ];
    let gap = |(n, reason): (u64, GapReason)| Entry::Gap { offset_us: 60_000 + n * 4_000, duration_us: 4_000, reason };
    vec![(0..3).map(packet).collect(), (0..).zip(reasons).map(gap).collect(), (5..8).map(packet).collect()]
}

fn segment_of(header: &SegmentHeader, key: &TrackKey, salt: u8, records: &[Vec<Entry>]) -> Vec<u8> {
    let file = MemoryFile::default();
    let mut writer = SegmentWriter::create_salted(file.clone(), header, key, [salt; 16]).expect("created");
    let (last, before) = records.split_last().expect("a record at least");
    for record in before {
        writer.append(record).expect("appended");
    }
    writer.finish(last).expect("finished");
    file.bytes()
}

/// A whole segment whose only record holds these bytes.
fn segment_of_raw(header: &SegmentHeader, key: &TrackKey, plain: &[u8]) -> Vec<u8> {
    let whole = segment_of(header, key, 1, &records());
    let prologue = &whole[..borders(&whole)[0]];
    let nonce = RecordNonces::of_segment(header.segment).last();
    let head = RecordHead { length: plain.len() as u32 + 16, last: true, until_us: 0 };
    let mut text = plain.to_vec();
    let bound = Binding::new(prologue, header).of_record(&nonce, head).to_vec();
    let tag = seal_in_place(&key.segment_key(&[1; 16]).expect("a key"), nonce.bytes(), &bound, &mut text);
    [prologue, &head.to_bytes(), &text, &tag].concat()
}
