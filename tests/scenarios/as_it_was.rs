//! REC-07: the host with the recorder in it is, to everybody who reads it, the host without: CDRs, `show channels`, what
//! is answered on the wire, how long it rings, what sounds before the answer. Each kind of call is made twice without
//! the recorder, so that a trial learns what differs by itself, and once with it.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callvault_test_support::freeswitch::Event;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallEvent, UserAgent};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::cast::{Cast, OUTSIDE, SOON, silent};
use crate::told::{never_told, telling};

/// The variables that README.md names.
const OURS: [&str; 4] = [
    "variable_callvault_id",
    "variable_callvault_former_ids",
    "variable_callvault_state",
    "variable_callvault_outcome",
];

/// What is measured of a call differs from call to call, in these words of a header's name.
const MEASURED: [&str; 21] = [
    "Event-",
    "Unique-ID",
    "UUID",
    "uuid",
    "Time",
    "sec",
    "stamp",
    "epoch",
    "rtp_",
    "quality",
    "mos",
    "port",
    "sdp",
    "jitter",
    "call_id",
    "via",
    "tag",
    "invite",
    "history",
    "cseq",
    "duration",
];

/// The thread of one leg writes this to the other, which may have been written off by then
/// (switch_ivr_bridge.c:switch_ivr_multi_threaded_bridge).
const RACED: &str = "variable_bridge_hangup_cause";

/// How long the dialplan lets an outside number ring.
const RINGS_FOR: Duration = Duration::from_secs(3);

/// A kind of call, and how it is made.
type Kind = (&'static str, fn(&Cast) -> Proof<Made>);

/// Nobody hears a notice in these.
const UNTOLD: [Kind; 5] = [
    ("an internal call", |cast| talked(cast, cast.third.call("2001", cast.host.sip_port(), silent())?, &cast.agent)),
    ("an exempt call", |cast| talked(cast, cast.third.call("0800123", cast.host.sip_port(), silent())?, &cast.agent)),
    ("an emergency call", |cast| talked(cast, cast.third.call("112", cast.host.sip_port(), silent())?, &cast.agent)),
    ("an internal call with early media", |cast| early(cast, "2002", &cast.third)),
    ("an outside number that refuses", refused),
];

/// Somebody hears one in these.
const TOLD: [Kind; 5] = [
    ("a caller", |cast| talked(cast, cast.caller.call("2001", cast.host.sip_port(), silent())?, &cast.agent)),
    ("a caller after early media", |cast| {
        talked(cast, cast.caller.call("early", cast.host.sip_port(), silent())?, &cast.agent)
    }),
    ("a callee", |cast| talked(cast, cast.agent.call(OUTSIDE, cast.host.sip_port(), silent())?, &cast.caller)),
    ("a callee after early media", |cast| early(cast, OUTSIDE, &cast.caller)),
    ("a caller who is transferred", transferred),
];

pub fn trials() -> Vec<Trial> {
    vec![
        on_freeswitch("untold_calls_are_as_without_the_recorder", |stage| same(stage, &UNTOLD)),
        on_freeswitch("told_calls_are_as_without_the_recorder", |stage| same(stage, &TOLD)),
        on_freeswitch("an_outside_number_rings_as_long_as_without_the_recorder", rings_as_long),
    ]
}

/// What could be read of one call.
struct Seen {
    /// Each leg as the host wrote it off, in the order of their birth.
    legs: Vec<BTreeMap<String, String>>,
    /// What `show channels` had of each while it lasted, in that order.
    channels: Vec<BTreeMap<String, String>>,
    /// What was said to whoever rang.
    answers: Vec<CallEvent>,
}

fn on_stage(stage: &Stage) -> Proof<Cast> {
    let casting = telling(stage, &[("exempt-numbers", r"^0800\d+$"), ("record-internal", "false")])?;
    let (agent, outside) = (casting.agent.dial_string(), casting.caller.dial_string());
    casting
        .extension("112", &[("bridge", &agent)])
        .extension("0800[0-9]*", &[("bridge", &agent)])
        .extension("early", &[("pre_answer", ""), ("playback", "tone_stream://%(300,0,620)"), ("bridge", &agent)])
        .extension(OUTSIDE, &[("set", "call_timeout=3"), ("bridge", &outside)])
        .start_without_module(stage)
}

fn same(stage: &Stage, kinds: &[Kind]) -> Proof {
    let cast = on_stage(stage)?;
    let all = |cast: &Cast| kinds.iter().map(|(_, call)| seen(cast, *call)).collect::<Proof<Vec<Seen>>>();
    let (one, other) = (all(&cast)?, all(&cast)?);
    cast.load()?;
    let with = all(&cast)?;
    let differ: Vec<String> = kinds
        .iter()
        .zip(one.iter().zip(&other).zip(&with))
        .flat_map(|((name, _), ((one, other), with))| {
            one.differences(other, with).into_iter().map(move |line| format!("{name}: {line}"))
        })
        .collect();
    promise!(differ.is_empty(), "with the recorder it is otherwise:\n{}", differ.join("\n"));
    Ok(())
}

impl Seen {
    /// What is otherwise with the recorder.
    fn differences(&self, other: &Self, with: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.answers != with.answers {
            lines.push(format!("who rang got {:?} without, {:?} with", self.answers, with.answers));
        }
        for (what, one, other, with) in [
            ("CDR", &self.legs, &other.legs, &with.legs),
            ("`show channels`", &self.channels, &other.channels, &with.channels),
        ] {
            if one.len() != with.len() {
                lines.push(format!("{what}: {} legs without, {} with", one.len(), with.len()));
            }
            for (leg, ((one, other), with)) in one.iter().zip(other).zip(with).enumerate() {
                lines.extend(
                    differences(one, other, with).into_iter().map(|line| format!("{what} of leg {leg}: {line}")),
                );
            }
        }
        lines
    }
}

/// What differs with the recorder, and not by itself.
fn differences(
    one: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
    with: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(with.keys()).collect();
    let is_ours = |name: &str| OURS.contains(&name) || name == RACED;
    let is_measured = |name: &str| MEASURED.iter().any(|word| name.contains(word));
    names
        .into_iter()
        .filter(|name| !is_ours(name) && !is_measured(name) && one.get(*name) == other.get(*name))
        .filter(|name| one.get(*name) != with.get(*name))
        .map(|name| format!("{name}: {:?} without, {:?} with", one.get(name), with.get(name)))
        .collect()
}

/// One call of its kind.
fn seen(cast: &Cast, call: fn(&Cast) -> Proof<Made>) -> Proof<Seen> {
    let before = cast.host.events().events().len();
    let (answers, rows) = call(cast)?;
    cast.wait_idle()?;
    let events = cast.host.events().events().split_off(before);
    let born: Vec<&str> = events.iter().filter(|event| event.name() == "CHANNEL_CREATE").map(Event::leg).collect();
    let all = |event: &Event| event.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let of = |leg: &&str, name: &str| events.iter().find(|event| event.name() == name && event.leg() == *leg);
    let legs = born.iter().filter_map(|leg| of(leg, "CHANNEL_HANGUP_COMPLETE")).map(all).collect();
    let of_leg = |leg: &&str| rows.iter().find(|row| row.get("uuid").and_then(Value::as_str) == Some(*leg));
    let channels = born.iter().filter_map(of_leg).map(shown).collect();
    Ok(Seen { legs, channels, answers })
}

/// The columns of `show channels` that say what a leg does.
fn shown(row: &Row) -> BTreeMap<String, String> {
    let said = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    let of_the_moment = ["uuid", "created", "created_epoch", "call_uuid", "name", "ip_addr"];
    row.iter().filter(|(name, _)| !of_the_moment.contains(&name.as_str())).filter_map(said).collect()
}

/// What was said to whoever rang, and `show channels` while the parties talked.
type Made = (Vec<CallEvent>, Vec<Row>);
/// One of its rows.
type Row = BTreeMap<String, Value>;

fn show(cast: &Cast) -> Proof<Vec<Row>> {
    let mut all: Value = serde_json::from_str(&cast.host.api("show channels as json")?)?;
    Ok(serde_json::from_value(all["rows"].take())?)
}

/// They are joined, talk, and the one who rang hangs up.
fn talked(cast: &Cast, out: Call, callee: &UserAgent) -> Proof<Made> {
    let into = callee.incoming(SOON)?;
    into.ring();
    out.wait("for the ringing", SOON, |event| matches!(event, CallEvent::Provisional(180 | 183)).then_some(()))?;
    into.answer()?;
    joined(cast, &out, &into)
}

/// They talk once they hear each other, and the one who rang hangs up.
fn joined(cast: &Cast, out: &Call, into: &Call) -> Proof<Made> {
    out.wait_answered(SOON)?;
    out.say(Speech::Tone(CALLER));
    into.say(Speech::Tone(AGENT));
    out.media().wait_heard(AGENT, SOON)?;
    into.media().wait_heard(CALLER, SOON)?;
    // The host writes its table a moment later.
    out.talk(Duration::from_millis(1_200))?;
    let shown = show(cast)?;
    out.hang_up()?;
    into.wait_ended(SOON)?;
    Ok((out.events(), shown))
}

/// The network's tones come before the answer, and whoever rings hears them.
fn early(cast: &Cast, number: &str, callee: &UserAgent) -> Proof<Made> {
    let out = cast.agent.call(number, cast.host.sip_port(), silent())?;
    let into = callee.incoming(SOON)?;
    into.say(Speech::Tone(AGENT));
    into.early_media()?;
    out.media().wait_heard(AGENT, SOON)?;
    into.say(Speech::Silence);
    into.answer()?;
    joined(cast, &out, &into)
}

fn refused(cast: &Cast) -> Proof<Made> {
    cast.caller.answering(Answering::Refuse(433), silent());
    let out = cast.agent.call(OUTSIDE, cast.host.sip_port(), silent())?;
    out.wait("for the refusal", SOON, |event| matches!(event, CallEvent::Refused(_)).then_some(()))?;
    cast.caller.answering(Answering::ByHand, silent());
    Ok((out.events(), Vec::new()))
}

/// A caller is told, talks to the agent, and is put through to a colleague.
fn transferred(cast: &Cast) -> Proof<Made> {
    let out = cast.caller.call("2001", cast.host.sip_port(), silent())?;
    let first = cast.agent.incoming(SOON)?;
    first.answer()?;
    out.wait_answered(SOON)?;
    // They are joined: a caller that is still told hears its prompt, and the agent a waiting sound.
    first.say(Speech::Tone(AGENT));
    out.media().wait_heard(AGENT, SOON)?;
    first.say(Speech::Silence);
    cast.host.must(&format!("uuid_transfer {} 2002", out.id()))?;
    let second = cast.third.incoming(SOON)?;
    second.answer()?;
    joined(cast, &out, &second)
}

/// An outside number that nobody answers rings as long as the dialplan says, and no longer for a notice that nobody
/// hears.
fn rings_as_long(stage: &Stage) -> Proof {
    let cast = on_stage(stage)?;
    let rings = |cast: &Cast| -> Proof<(Duration, Vec<CallEvent>)> {
        cast.caller.answering(Answering::Ring, silent());
        let began = Instant::now();
        let out = cast.agent.call(OUTSIDE, cast.host.sip_port(), silent())?;
        let into = cast.caller.incoming(SOON)?;
        out.wait("for the refusal", SOON, |event| matches!(event, CallEvent::Refused(_)).then_some(()))?;
        let rang = began.elapsed();
        into.wait_ended(SOON)?;
        promise!(into.heard().is_err() || never_told(&into).is_ok(), "nobody answered, nobody is told");
        cast.wait_idle()?;
        Ok((rang, out.events()))
    };
    let (without, answers) = rings(&cast)?;
    cast.load()?;
    let (with, answers_with) = rings(&cast)?;
    promise!(answers == answers_with, "who rang got {answers:?} without, {answers_with:?} with");
    // The host counts whole seconds, from wherever in one it began.
    let (least, most) = (RINGS_FOR - Duration::from_millis(1_100), RINGS_FOR + Duration::from_millis(1_100));
    promise!((least..most).contains(&with), "it rings {with:?} with the recorder, {without:?} without");
    Ok(())
}
