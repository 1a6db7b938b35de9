//! What the ear of the suite says: who is audible when, on which track only, and how long it all was.
use callvault_test_support::callvault::{Gap, Opened, Track, View};
use callvault_test_support::intervals::{Interval, clipped, expect_near, joined, listed, total};
use callvault_test_support::tones::{AGENT, CALLER, THIRD};
use callvault_test_support::{Proof, broken, promise};

use crate::promise::{Account, Findings, Part};

/// How far a track may be from what was said, ms.
pub const WHEN: i64 = 40;
/// How far a length may be from the call's, ms.
pub const LENGTH: i64 = 60;
/// How late a track may begin: the host throws away the first moments of a leg, ms.
const BEGINNING: i64 = 120;
/// A pause shorter than this is lost packets, ms.
const HICCUP: i64 = 110;

/// One recording; each party on a track of its own, audible when it spoke and nobody else there; lengths the call's.
pub fn each_on_its_own_track(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track_in_packets(20, account, findings)
}

/// The same for parties whose packets are this long: what the host throws away at the answer are whole packets, and the
/// last one, sent as the party leaves, reaches as far beyond.
pub fn each_on_its_own_track_in_packets(ms: i64, account: &Account, findings: &Findings) -> Proof {
    let (beginning, beyond) = (BEGINNING.max(3 * ms), LENGTH.max(ms + WHEN));
    let (view, opened) = findings.recorded()?;
    promise!(view.state == "kept", "a recording that ended is kept, not {}", view.state);
    let zero = zero_of(view)?;
    for part in &account.parts {
        let (channel, track) = track_of(view, &part.leg)?;
        heard_when_said(part, opened, channel, zero)?;
        alone_on(part.frequency, opened, channel)?;
        lasts_as_long_as(part, track, zero, beginning, beyond)?;
    }
    promise!(
        view.tracks.iter().filter(|track| track.party != "system").count() == account.parts.len(),
        "{} parties were there; the recording has the tracks {:#?}",
        account.parts.len(),
        view.tracks
    );
    lengths_match(account, view, opened, beyond)
}

/// One recording; each party audible on its own track when it spoke, and nobody else there. Tracks may begin later than
/// their calls.
pub fn heard_all(account: &Account, findings: &Findings) -> Proof {
    let (view, opened) = findings.recorded()?;
    let zero = zero_of(view)?;
    for part in &account.parts {
        let (channel, _) = track_of(view, &part.leg)?;
        heard_when_said(part, opened, channel, zero)?;
        alone_on(part.frequency, opened, channel)?;
    }
    Ok(())
}

/// Each party's words are in the recordings exactly once, when they were said, alone on that leg's tracks.
pub fn each_heard_once(account: &Account, findings: &Findings) -> Proof {
    for part in &account.parts {
        let found = found_of(part, findings)?;
        let due = clipped(&part.spoken, part.call);
        let what = format!("{} Hz of the leg {}", part.frequency, part.leg);
        let zero = part.call.from;
        let since = |all: &[Interval]| all.iter().map(|one| one.seen_from(zero)).collect::<Vec<_>>();
        expect_near(&what, &since(&due), &since(&found), WHEN)?;
    }
    Ok(())
}

/// When a party is audible on its tracks, in any of the recordings, Unix ms; it is alone on them.
fn found_of(part: &Part, findings: &Findings) -> Proof<Vec<Interval>> {
    let mut found = Vec::new();
    for (view, opened) in findings.views.iter().zip(&findings.opened) {
        let Some(opened) = opened else { continue };
        let Ok((channel, _)) = track_of(view, &part.leg) else { continue };
        let zero = zero_of(view)?;
        found.extend(opened.audible(channel, part.frequency).into_iter().map(|heard| heard.seen_from(-zero)));
        alone_on(part.frequency, opened, channel)?;
    }
    found.sort_by_key(|heard| heard.from);
    Ok(joined(&found, HICCUP))
}

/// The gaps of that reason in a party's track of the only recording.
pub fn gaps_of(part: &Part, reason: &str, findings: &Findings) -> Proof<Vec<Gap>> {
    let (view, _) = findings.recorded()?;
    let (_, track) = track_of(view, &part.leg)?;
    Ok(track.gaps.iter().filter(|gap| gap.reason == reason).cloned().collect())
}

/// REC-05: each party is on its own track, and where no packet was lost no track has a hole.
pub fn whole(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    has_no_hole(account, findings)
}

/// REC-05: where no packet was lost no track has a hole. In a leg's first second the host itself flushes packets.
pub fn has_no_hole(account: &Account, findings: &Findings) -> Proof {
    let (view, _) = findings.recorded()?;
    for part in &account.parts {
        let (_, track) = track_of(view, &part.leg)?;
        let mut holes = gaps_of(part, "not_received", findings)?;
        holes.retain(|gap| Some(gap.offset_ms) > track.offset_ms.map(|offset| offset + 1000));
        promise!(holes.is_empty(), "nothing was lost on the leg {}; its track has {holes:#?}", part.leg);
    }
    Ok(())
}

/// The recording's zero, Unix ms.
pub fn zero_of(view: &View) -> Proof<i64> {
    match view.answered_at_ms {
        Some(zero) => Ok(zero),
        None => broken!("a recorded call was answered: {view:#?}"),
    }
}

/// A leg's track, and its place among the opened channels.
pub fn track_of<'a>(view: &'a View, leg: &str) -> Proof<(usize, &'a Track)> {
    let mut tracks: Vec<&Track> = view.tracks.iter().collect();
    tracks.sort_by_key(|track| track.number);
    match tracks.iter().position(|track| track.leg == leg && track.party != "system") {
        Some(place) => Ok((place, tracks[place])),
        None => broken!("the leg {leg} has no track; there are {:#?}", view.tracks),
    }
}

/// Audible on its track exactly when it spoke in its call.
fn heard_when_said(part: &Part, opened: &Opened, channel: usize, zero: i64) -> Proof {
    let due: Vec<Interval> = clipped(&part.spoken, part.call).into_iter().map(|said| said.seen_from(zero)).collect();
    let found = joined(&opened.audible(channel, part.frequency), HICCUP);
    expect_near(&format!("{} Hz on its track", part.frequency), &due, &found, WHEN)
}

/// No other party's tone on this channel.
pub fn alone_on(own: u32, opened: &Opened, channel: usize) -> Proof {
    for other in [CALLER, AGENT, THIRD].into_iter().filter(|frequency| *frequency != own) {
        let found = opened.plainly_audible(channel, other);
        promise!(total(&found) == 0, "{other} Hz is on the track of {own} Hz: {}", listed(&found));
    }
    Ok(())
}

/// The track ends with its party's call.
fn lasts_as_long_as(part: &Part, track: &Track, zero: i64, beginning: i64, beyond: i64) -> Proof {
    let (Some(offset), Some(duration)) = (track.offset_ms, track.duration_ms) else {
        broken!("a track of a call that ended has an offset and a length: {track:#?}")
    };
    let call = part.call.seen_from(zero);
    promise!(
        (-LENGTH..=beginning).contains(&(offset - call.from))
            && (-LENGTH..=beyond).contains(&(offset + duration - call.to)),
        "the call of {} Hz was {call}; its track is {}",
        part.frequency,
        Interval::new(offset, offset + duration)
    );
    Ok(())
}

fn lengths_match(account: &Account, view: &View, opened: &Opened, beyond: i64) -> Proof {
    let from = account.parts.iter().map(|part| part.call.from).min().unwrap_or(0);
    let to = account.parts.iter().map(|part| part.call.to).max().unwrap_or(0);
    let length = to - from;
    promise!((view.duration_ms - length).abs() <= LENGTH, "{length} ms of call, {} ms of recording", view.duration_ms);
    let wav = opened.length_ms();
    promise!((-LENGTH..=beyond).contains(&(wav - length)), "{length} ms of call, {wav} ms of WAV");
    Ok(())
}

/// Each party is on its track when it spoke from the moment named by its leg on (its notice's end), or from its answer
/// where there is none; nobody else is there. Capture may begin some packets after that moment, never before.
pub fn each_from_its_moment_on(account: &Account, findings: &Findings) -> Proof {
    findings.recorded()?;
    from_its_moment_on_in_all(account, findings)
}

/// The same, whichever of the call's recordings it is in.
pub fn from_its_moment_on_in_all(account: &Account, findings: &Findings) -> Proof {
    for part in &account.parts {
        let moment = account.moments.iter().find(|(leg, _)| *leg == part.leg).map_or(part.call.from, |(_, at)| *at);
        let due = clipped(&part.spoken, Interval::new(moment, part.call.to));
        let found = found_of(part, findings)?;
        let late = |due: &Interval, found: &Interval| {
            let beginning = if due.from == moment { BEGINNING } else { WHEN };
            (-WHEN..=beginning).contains(&(found.from - due.from)) && (found.to - due.to).abs() <= WHEN
        };
        let alike = due.len() == found.len() && due.iter().zip(&found).all(|(due, found)| late(due, found));
        let since = |all: &[Interval]| listed(&all.iter().map(|one| one.seen_from(part.call.from)).collect::<Vec<_>>());
        promise!(alike, "{} Hz: due {}; found {}", part.frequency, since(&due), since(&found));
    }
    Ok(())
}

/// Nothing is kept of the only call, for this reason.
pub fn not_recorded(reason: &str, findings: &Findings) -> Proof {
    promise!(findings.views.len() == 1, "one call is due: {:#?}", findings.views);
    none_recorded(reason, findings)
}

/// Nothing is kept of any call, each for this reason.
pub fn none_recorded(reason: &str, findings: &Findings) -> Proof {
    for view in &findings.views {
        let outcome = (view.outcome.as_deref(), view.reason.as_deref());
        promise!(outcome == (Some("not_recorded"), Some(reason)), "not_recorded({reason}) is due: {view:#?}");
        promise!(matches!(view.state.as_str(), "none" | "destroyed"), "no audio is kept: {}", view.state);
    }
    Ok(())
}
