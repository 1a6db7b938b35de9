//! Tables of packets and what must come of them (REC-05). A packet's item is the moment, in milliseconds of the
//! call, at which its audio was spoken; so a placed frame is right where its offset equals its item.
use proptest::prelude::*;

use super::*;

const CLOCK: u32 = 8000;

/// A party that speaks from 0 on, and a network with one fixed delay of zero unless told otherwise.
struct Call {
    timeline: Timeline<u64>,
    steps: Vec<Step<u64>>,
    packet: Arrival,
    spoken_us: u64,
}

impl Call {
    fn new() -> Self {
        Self::from(90_000, 500)
    }

    fn from(timestamp: u32, sequence: u16) -> Self {
        let packet = Arrival { at_us: 0, timestamp, sequence, duration_us: 20_000, clock_rate: CLOCK, divisible: true };
        Self { timeline: Timeline::new(), steps: Vec::new(), packet, spoken_us: 0 }
    }

    /// The next packet, of so many milliseconds, as the sender makes it.
    fn packet(&mut self, ms: u32) -> (Arrival, u64) {
        let packet = Arrival { at_us: self.spoken_us, duration_us: ms * 1000, ..self.packet };
        let spoken = self.spoken_us / 1000;
        self.silence(ms);
        self.packet.sequence = self.packet.sequence.wrapping_add(1);
        (packet, spoken)
    }

    /// The sender sends nothing for so long (DTX): the timestamp goes on, the sequence does not.
    fn silence(&mut self, ms: u32) {
        self.packet.timestamp = self.packet.timestamp.wrapping_add(ms * (CLOCK / 1000));
        self.spoken_us += u64::from(ms) * 1000;
    }

    fn deliver(&mut self, (packet, spoken): (Arrival, u64)) {
        self.timeline.push(packet, false, spoken, &mut self.steps);
    }

    fn deliver_late(&mut self, (mut packet, spoken): (Arrival, u64), late_ms: u64) {
        packet.at_us += late_ms * 1000;
        self.deliver((packet, spoken));
    }

    fn speak(&mut self, packets: u32, ms: u32) {
        for _ in 0..packets {
            let packet = self.packet(ms);
            self.deliver(packet);
        }
    }

    fn end(&mut self) -> &[Step<u64>] {
        self.timeline.discontinue(GapReason::NotReceived, &mut self.steps);
        assert_touching(&self.steps);
        &self.steps
    }

    fn gaps(&self) -> Vec<(u64, u64, GapReason)> {
        let gap = |step: &Step<u64>| match *step {
            Step::Gap { offset_us, duration_us, reason } => Some((offset_us / 1000, duration_us / 1000, reason)),
            Step::Frame { .. } => None,
        };
        self.steps.iter().filter_map(gap).collect()
    }

    fn frames(&self) -> Vec<(u64, u64)> {
        let frame = |step: &Step<u64>| match *step {
            Step::Frame { offset_us, skip_us, item, .. } => Some(((offset_us - u64::from(skip_us)) / 1000, item)),
            Step::Gap { .. } => None,
        };
        self.steps.iter().filter_map(frame).collect()
    }

    /// By how much the frame that lies most wrongly does so, in milliseconds.
    fn worst(&self) -> u64 {
        self.frames().iter().map(|&(offset, spoken)| offset.abs_diff(spoken)).max().unwrap_or(0)
    }
}

fn assert_touching(steps: &[Step<u64>]) {
    let mut end = None;
    for step in steps {
        let (offset, duration) = match *step {
            Step::Frame { offset_us, duration_us, .. } => (offset_us, u64::from(duration_us)),
            Step::Gap { offset_us, duration_us, .. } => (offset_us, duration_us),
        };
        assert!(duration > 0, "an empty step: {step:?}");
        assert!(end.is_none_or(|end| end == offset), "{step:?} does not begin where the last one ended, {end:?}");
        end = Some(offset + duration);
    }
}

use GapReason::{Hold as OnHold, NotReceived, RingFull};

#[test]
fn a_steady_stream_is_placed_where_it_came_without_a_gap() {
    for ms in [10, 20, 30, 40, 60] {
        let mut call = Call::new();
        call.speak(500, ms);
        call.end();
        assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 500), "{ms} ms");
    }
}

#[test]
fn mixed_packet_sizes_leave_no_gap() {
    let mut call = Call::new();
    for ms in [20, 30, 40, 20, 10, 60, 30].into_iter().cycle().take(700) {
        call.speak(1, ms);
    }
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 700));
}

#[test]
fn jitter_is_no_gap_and_the_least_delayed_packet_anchors_the_track() {
    let mut call = Call::new();
    for late in [60, 35, 0, 14, 70, 5, 0, 40].into_iter().cycle().take(800) {
        let packet = call.packet(20);
        call.deliver_late(packet, late);
    }
    call.end();
    assert_eq!((call.worst(), call.gaps()), (0, vec![]));
}

#[test]
fn two_lost_in_a_hundred_are_gaps_in_their_places() {
    let mut call = Call::new();
    let mut lost = Vec::new();
    for number in 0..1000 {
        let packet = call.packet(20);
        if number % 50 == 17 {
            lost.push((packet.1, 20, NotReceived));
        } else {
            call.deliver(packet);
        }
    }
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, lost, 980));
}

#[test]
fn packets_out_of_order_are_put_in_order_and_twins_dropped() {
    let mut call = Call::new();
    call.speak(20, 20);
    for _ in 0..50 {
        let (first, second, third) = (call.packet(20), call.packet(20), call.packet(20));
        let now = third.0.at_us;
        for packet in [third, first, second, first] {
            call.deliver((Arrival { at_us: now, ..packet.0 }, packet.1));
        }
    }
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 170));
    assert_eq!(call.timeline.count().late, 50);
}

#[test]
fn a_packet_that_comes_after_its_place_was_given_up_is_dropped_and_counted() {
    let mut call = Call::new();
    call.speak(20, 20);
    let missing = call.packet(20);
    call.speak(6, 20);
    call.deliver_late(missing, 130);
    call.speak(20, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![(400, 20, NotReceived)], 46));
    assert_eq!(call.timeline.count().late, 1);
}

#[test]
fn silence_suppression_leaves_gaps_of_true_length() {
    let mut call = Call::new();
    let mut silences = Vec::new();
    for ms in [40, 1000, 60_000, 100, 20] {
        call.speak(100, 20);
        silences.push((call.spoken_us / 1000, u64::from(ms), NotReceived));
        call.silence(ms);
    }
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps()), (0, silences));
}

#[test]
fn timestamp_and_sequence_may_wrap_around() {
    let mut call = Call::from(u32::MAX - 160 * 10 + 1, u16::MAX - 10);
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 100));
    assert_eq!(call.timeline.count().anchored, 1);
}

#[test]
fn a_jump_of_the_timestamp_is_placed_by_arrival() {
    for jump in [1_000_000_u32, 4_000_000_000, 12_345] {
        let mut call = Call::new();
        call.speak(100, 20);
        call.packet.timestamp = call.packet.timestamp.wrapping_add(jump);
        call.speak(100, 20);
        call.end();
        assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 200), "{jump}");
    }
}

#[test]
fn another_source_is_anchored_anew_and_the_time_between_is_a_gap() {
    let mut call = Call::new();
    call.speak(100, 20);
    call.spoken_us += 700_000;
    call.packet.sequence = 40_000;
    call.packet.timestamp = 77;
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![(2000, 700, NotReceived)], 200));
}

#[test]
fn another_source_just_behind_the_old_one_is_not_taken_for_late_packets_for_long() {
    let mut call = Call::new();
    call.speak(100, 20);
    call.packet.sequence -= 30;
    call.packet.timestamp -= 8 * 200;
    call.speak(300, 20);
    call.end();
    assert!(call.frames().len() >= 390, "{}", call.frames().len());
    assert_eq!(call.worst(), 0);
}

#[test]
fn without_timestamps_frames_follow_each_other_and_pauses_are_gaps() {
    let mut call = Call::new();
    for ms in [0, 400, 0, 90, 5000] {
        call.spoken_us += ms * 1000;
        for late in [9, 0, 14, 3].into_iter().cycle().take(100) {
            let (packet, spoken) = call.packet(20);
            call.deliver_late((Arrival { timestamp: 0, sequence: 0, ..packet }, spoken), late);
        }
    }
    call.end();
    assert_eq!(call.worst(), 0);
    assert_eq!(call.gaps(), [(2000, 400, NotReceived), (6400, 90, NotReceived), (8490, 5000, NotReceived)]);
}

#[test]
fn a_sequence_number_that_stands_still_is_none() {
    let mut call = Call::new();
    for _ in 0..200 {
        let (packet, spoken) = call.packet(20);
        call.deliver((Arrival { sequence: 0, ..packet }, spoken));
    }
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 200));
}

#[test]
fn a_stall_that_catches_up_is_no_gap() {
    let mut call = Call::new();
    call.speak(100, 20);
    for number in 0..25 {
        let packet = call.packet(20);
        call.deliver_late(packet, (25 - number) * 20);
    }
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![], 225));
}

#[test]
fn a_pause_in_which_the_timestamp_stood_still_is_a_gap() {
    let mut call = Call::new();
    call.speak(100, 20);
    call.spoken_us += 3_000_000;
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps(), call.frames().len()), (0, vec![(2000, 3000, NotReceived)], 200));
}

/// REC-05: after 30 minutes a marker is off by at most 20 ms, whichever way the sender's clock is wrong.
#[test]
fn a_sender_whose_clock_is_wrong_is_followed_for_half_an_hour() {
    for (parts_per_million, divisible) in [(-200, true), (200, true), (-200, false), (200, false), (-20, true)] {
        let mut call = Call::new();
        for number in 0..90_000_u64 {
            let (packet, _) = call.packet(20);
            let spoken = (number as i64 * 20_000 * (1_000_000 - parts_per_million) / 1_000_000) as u64;
            let at_us = spoken + [0, 9_000, 4_000, 19_000][number as usize % 4];
            call.deliver((Arrival { at_us, divisible, ..packet }, spoken / 1000));
        }
        call.end();
        let case = format!("{parts_per_million} ppm, divisible: {divisible}");
        assert!(call.worst() <= 20, "{case}: off by {} ms", call.worst());
        let gaps: u64 = call.gaps().iter().map(|gap| gap.1).sum();
        let cut = call.timeline.count().trimmed_us / 1000;
        let moved = 1_800_000 * parts_per_million.unsigned_abs() / 1_000_000;
        let (expected, other) = if parts_per_million > 0 { (cut, gaps) } else { (gaps, cut) };
        assert!(expected.abs_diff(moved) <= 20 && other == 0, "{case}: gaps {gaps} ms, cut {cut} ms");
    }
}

/// What was found after an answer: the host, which read each packet as it came, reads them a packet later from then on.
#[test]
fn a_host_that_begins_to_read_later_or_earlier_leaves_no_hole() {
    for ms in [10, 20, 40, 60] {
        for (first, then) in [(0, 17), (0, ms), (ms, 0), (0, ms + 18), (3, ms + 20)] {
            let mut call = Call::new();
            for number in 0..2000 / ms * 10 {
                let packet = call.packet(ms);
                let late = if number < 2000 / ms { first } else { then };
                call.deliver_late(packet, u64::from(late));
            }
            call.end();
            let case = format!("{ms} ms, {first} then {then}");
            assert_eq!((call.gaps(), call.timeline.count().trimmed_us), (vec![], 0), "{case}");
            assert!(call.worst() <= u64::from(first), "{case}: off by {} ms", call.worst());
        }
    }
}

/// Drift that a host's timer of 20 ms makes steps of is followed all the same.
#[test]
fn a_wrong_clock_is_followed_through_a_timer() {
    for parts_per_million in [-200_i64, 200] {
        let mut call = Call::new();
        for number in 0..90_000_i64 {
            let (packet, _) = call.packet(20);
            let spoken = number * 20_000 * (1_000_000 - parts_per_million) / 1_000_000;
            let read = (spoken as u64 + 7_000).next_multiple_of(20_000);
            call.deliver((Arrival { at_us: read, ..packet }, spoken as u64 / 1000));
        }
        call.end();
        assert!(call.worst() <= 80, "{parts_per_million} ppm: off by {} ms", call.worst());
        let (offset, spoken) = *call.frames().last().expect("placed");
        assert!(offset.abs_diff(spoken) <= 40, "{parts_per_million} ppm: at its end at {offset}, spoken at {spoken}");
    }
}

#[test]
fn a_gap_has_the_reason_it_was_made_for() {
    let mut call = Call::new();
    call.speak(100, 20);
    call.timeline.discontinue(OnHold, &mut call.steps);
    call.silence(1500);
    call.speak(100, 20);
    let lost = [call.packet(20), call.packet(20)];
    let (packet, spoken) = call.packet(20);
    call.timeline.push(packet, true, spoken, &mut call.steps);
    call.speak(100, 20);
    call.end();
    assert_eq!((call.worst(), call.gaps()), (0, vec![(2000, 1500, OnHold), (lost[0].1, 40, RingFull)]));
}

#[test]
fn ring_loss_without_timestamps_is_a_gap_by_arrival() {
    let mut call = Call::new();
    for number in 0..100 {
        let (packet, spoken) = call.packet(20);
        if number != 50 {
            let packet = Arrival { timestamp: 0, ..packet };
            call.timeline.push(packet, number == 51, spoken, &mut call.steps);
        }
    }
    call.end();
    assert_eq!((call.worst(), call.gaps()), (0, vec![(1000, 20, RingFull)]));
}

#[test]
fn a_first_frame_is_placed_soon_after_it_came() {
    let mut call = Call::new();
    call.speak(1, 20);
    call.timeline.release_until(149_000, &mut call.steps);
    assert_eq!(call.steps, []);
    call.timeline.release_until(150_000, &mut call.steps);
    assert_eq!(call.frames(), [(0, 0)]);
}

#[test]
fn two_sources_at_once_do_not_run_ahead_of_time() {
    let (mut one, mut two) = (Call::from(1000, 100), Call::from(3_000_000, 40_000));
    for _ in 0..5000 {
        let (first, second) = (one.packet(20), two.packet(20));
        one.deliver(first);
        one.deliver(second);
    }
    one.end();
    let ahead = one.timeline.end_us().unwrap_or(0).saturating_sub(5000 * 20_000);
    assert!(ahead <= 1_100_000, "{ahead} us ahead");
    assert!(one.timeline.count().surplus > 0);
}

proptest! {
    /// A hole is only where a packet is missing: however the host reads, whose timer may be late by some packets and catch
    /// up, or stay behind by one.
    #[test]
    fn holes_are_where_packets_are_missing(
        ms in prop::sample::select(vec![10_u32, 20, 30, 40, 60]),
        phase in 0_u64..20_000,
        behind in prop::collection::vec((0_usize..1500, 0_u64..=1), 0..6),
        lost in prop::collection::btree_set(20_usize..1480, 0..20),
        jitter in prop::collection::vec(0_u64..15_000, 50),
        divisible: bool,
    ) {
        let mut call = Call::new();
        let mut due = Vec::new();
        let (mut late, mut read) = (0, 0);
        for number in 0..1500 {
            let (packet, spoken) = call.packet(ms);
            if let Some(&(_, packets)) = behind.iter().find(|(from, _)| *from == number) {
                late = packets * u64::from(ms) * 1000;
            }
            if lost.contains(&number) {
                due.push((spoken, u64::from(ms)));
                continue;
            }
            let came = packet.at_us + jitter[number % jitter.len()];
            // Read at a tick of a timer of 20 ms, in order, and a packet late where the host is behind.
            read = ((came + late - phase.min(came)).next_multiple_of(20_000) + phase).max(read);
            call.deliver((Arrival { at_us: read, divisible, ..packet }, spoken));
        }
        call.end();
        let holes: u64 = call.gaps().iter().map(|gap| gap.1).sum();
        let missing: u64 = due.iter().map(|(_, ms)| ms).sum();
        // A frame that lay later than it came takes its place where a packet is missing: the hole is that much shorter.
        prop_assert!(call.gaps().len() <= due.len() && holes <= missing, "{:?} for {:?}", call.gaps(), due);
        for (offset, duration, _) in call.gaps() {
            let near = |(spoken, ms): &(u64, u64)| offset + duration + 100 >= *spoken && offset <= spoken + ms + 100;
            prop_assert!(due.iter().any(near), "a hole at {offset} ms for {due:?}");
        }
        prop_assert_eq!(call.timeline.count().trimmed_us, 0);
        prop_assert_eq!(call.frames().len(), 1500 - lost.len());
    }

    /// Whatever arrives, what comes out touches, is in order, and does not run away from time.
    #[test]
    fn nothing_breaks_the_line(packets in prop::collection::vec(
        (0_u64..200_000, any::<u32>(), any::<u16>(), 0_u32..130_000, prop::sample::select(vec![0_u32, 8000, 48_000]),
         any::<bool>(), any::<bool>(), 0_u8..10), 0..300)) {
        let mut timeline = Timeline::new();
        let mut steps = Vec::new();
        let (mut at_us, mut timestamp, mut sequence) = (0, 1_u32, 1_u16);
        for (later, other_timestamp, other_sequence, duration_us, clock_rate, divisible, after_loss, chaos) in packets {
            at_us += later;
            timestamp = if chaos == 0 { other_timestamp } else { timestamp.wrapping_add(160) };
            sequence = if chaos <= 1 { other_sequence } else { sequence.wrapping_add(1) };
            if chaos == 2 {
                timeline.discontinue(GapReason::Muted, &mut steps);
            }
            let duration_us = if chaos == 3 { duration_us } else { 20_000 };
            let clock_rate = if chaos < 5 { clock_rate } else { 8000 };
            let arrival = Arrival { at_us, timestamp, sequence, duration_us, clock_rate, divisible };
            timeline.push(arrival, after_loss && chaos == 4, 0_u64, &mut steps);
        }
        timeline.discontinue(GapReason::Muted, &mut steps);
        assert_touching(&steps);
        prop_assert!(timeline.end_us().unwrap_or(0) <= at_us + 1_500_000);
    }
}
