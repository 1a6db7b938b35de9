//! REC-13: what is said in a pause for payment data is not captured; only the company's side pauses; it ends by itself.
use std::sync::Arc;
use std::time::Duration;

use callvault_test_support::codec::{Law, compress, expand};
use callvault_test_support::intervals::Interval;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::Call;
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;
use memchr::memmem::Finder;

use crate::cast::{Cast, Casting, SOON, converse, silent, speak};
use crate::oracle::{each_on_its_own_track, track_of, zero_of};
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::ours;

pub fn trials() -> Vec<Trial> {
    let mut trials = on_each_host([
        Promise { name: "paused_by_the_agents_code", act: by_code, judge: pause_is_a_gap },
        Promise { name: "paused_by_a_code_that_is_passed_on", act: by_code_passed_on, judge: pause_is_a_gap },
        Promise { name: "paused_by_command", act: by_command, judge: pause_is_a_gap },
        Promise { name: "pause_ends_by_itself", act: by_itself, judge: pause_is_a_gap },
        Promise { name: "outside_parties_do_not_pause", act: from_outside, judge: each_on_its_own_track },
    ]);
    trials.push(on_freeswitch("what_is_said_in_a_pause_is_nowhere_in_memory", nowhere_in_memory));
    trials
}

fn by_code(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    paused(cast, |_, into| into.press("*7").map(drop), |_, into| into.press("*8").map(drop))
}

/// With `pass-rfc2833` the host hears no digit itself.
fn by_code_passed_on(stage: &Stage) -> Proof<(Cast, Account)> {
    let mut casting = Casting::new(stage)?;
    casting.configuration = casting.configuration.profile_parameter("pass-rfc2833", "true");
    paused(casting.start(stage)?, |_, into| into.press("*7").map(drop), |_, into| into.press("*8").map(drop))
}

fn by_command(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let tell =
        |cast: &Cast, command: &str, leg: &Call| cast.command(&format!("callvault_admin {command} {}", leg.id()));
    paused(cast, |cast, into| tell(cast, "pause", into), |cast, into| tell(cast, "resume", into))
}

/// The pause of two seconds is over when its second event comes.
fn by_itself(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Casting::new(stage)?.policy(|vault| vault.with("pause-seconds", "2")).start(stage)?;
    let over = |cast: &Cast, _: &Call| {
        let mut seen = 0;
        let second = |event: &callvault_test_support::freeswitch::Event| {
            seen += usize::from(event.header("Event-Subclass") == "callvault::paused");
            seen == 2
        };
        cast.host.events().wait_for("the pause's end", Duration::from_secs(4), second).map(drop)
    };
    paused(cast, |_, into| into.press("*7").map(drop), over)
}

/// They converse; then payment data is said in a pause; then they converse again.
fn paused(
    cast: Cast,
    pause: impl FnOnce(&Cast, &Call) -> Proof,
    resume: impl FnOnce(&Cast, &Call) -> Proof,
) -> Proof<(Cast, Account)> {
    let (out, into) = cast.bridged(silent(), silent())?;
    let both = [(&out, CALLER), (&into, AGENT)];
    converse(&both)?;
    pause(&cast, &into)?;
    ours(&cast, "paused")?;
    speak(&out, CALLER, Duration::from_millis(500))?;
    speak(&into, AGENT, Duration::from_millis(300))?;
    into.talk(Duration::from_millis(200))?;
    resume(&cast, &into)?;
    out.talk(Duration::from_millis(300))?;
    converse(&both)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let mut account = Account::of(&both)?;
    let during = account.parts.iter_mut().map(|part| part.spoken.remove(2)).collect::<Vec<_>>();
    account.moments = vec![("from".into(), during[0].from), ("to".into(), during[1].to)];
    Ok((cast, account))
}

fn pause_is_a_gap(account: &Account, findings: &Findings) -> Proof {
    each_on_its_own_track(account, findings)?;
    let (view, _) = findings.recorded()?;
    let during = Interval::new(account.moments[0].1, account.moments[1].1).seen_from(zero_of(view)?);
    for part in &account.parts {
        let (_, track) = track_of(view, &part.leg)?;
        let covers = |gap: &&callvault_test_support::callvault::Gap| {
            gap.reason == "paused" && gap.offset_ms <= during.from && gap.offset_ms + gap.duration_ms >= during.to
        };
        promise!(track.gaps.iter().any(|gap| covers(&gap)), "paused around {during}: {:#?}", track.gaps);
    }
    Ok(())
}

fn from_outside(stage: &Stage) -> Proof<(Cast, Account)> {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    let both = [(&out, CALLER), (&into, AGENT)];
    out.talk(Duration::from_millis(300))?;
    out.press("*7")?;
    converse(&both)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let account = Account::of(&both)?;
    Ok((cast, account))
}

/// Card data is no longer in the host's process when the pause goes on: not as it came, not as samples. What was said
/// before the pause still is, which shows that the search finds.
fn nowhere_in_memory(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let (out, into) = cast.bridged(silent(), silent())?;
    out.talk(Duration::from_millis(400))?;
    let (before, during) = (Noise::of(1), Noise::of(2));
    say(&out, &before)?;
    into.press("*7")?;
    ours(&cast, "paused")?;
    say(&out, &during)?;
    say(&into, &during)?;
    // What the host itself keeps of a packet is the next one's place.
    out.talk(Duration::from_secs(1))?;
    let (mut kept, mut left) = (0, 0);
    cast.host.process().memory(Noise::LONGEST, |piece| {
        kept += before.found_in(piece);
        left += during.found_in(piece);
    })?;
    promise!(kept > 0, "what was said before the pause is in the ring");
    promise!(left == 0, "what was said in the pause is in memory, in {left} places");
    out.hang_up()?;
    into.wait_ended(SOON)?;
    cast.wait_idle()
}

/// A second of it.
fn say(call: &Call, noise: &Noise) -> Proof {
    call.say(noise.speech());
    call.talk(Duration::from_secs(1))?;
    call.say(Speech::Silence);
    call.talk(Duration::from_millis(200))
}

/// A second that is like nothing else: noise of a seed.
struct Noise {
    samples: Vec<i16>,
    /// What a few packets of it have in them, as it came (PCMU) and as samples.
    signs: Vec<Finder<'static>>,
}

impl Noise {
    /// So many samples in a row are nothing else by chance.
    const SAMPLES: usize = 24;
    /// As linear samples.
    const LONGEST: usize = 2 * Self::SAMPLES;

    fn of(seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 52) as i16 * 2
        };
        let samples: Vec<i16> = (0..8_000).map(|_| next()).collect();
        // Wherever packets begin, one of two places half a packet apart is whole in one.
        let places = samples.chunks_exact(80).enumerate().filter(|(half, _)| half % 10 < 2);
        let signs = places.flat_map(|(_, place)| signs_of(&place[..Self::SAMPLES])).collect();
        Self { samples, signs }
    }

    fn speech(&self) -> Speech {
        Speech::Recording(Arc::new(self.samples.clone()), 8_000)
    }

    /// How many of its signs are in these bytes.
    fn found_in(&self, bytes: &[u8]) -> usize {
        self.signs.iter().filter(|sign| sign.find(bytes).is_some()).count()
    }
}

/// The bytes by which samples are known: their codes in PCMU, and what a decoder makes of these.
fn signs_of(samples: &[i16]) -> [Finder<'static>; 2] {
    let coded: Vec<u8> = samples.iter().map(|&sample| compress(Law::Mu, sample)).collect();
    let linear: Vec<u8> = coded.iter().flat_map(|&code| expand(Law::Mu, code).to_le_bytes()).collect();
    [coded, linear].map(|bytes| Finder::new(&bytes).into_owned())
}
