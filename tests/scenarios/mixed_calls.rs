//! REC-01: calls of every kind, many at once: each leg that answered is accounted for, and its CDR says how its call ended.
//! Some in a test run; `CALLVAULT_CALLS=1000` makes them a thousand.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use callvault_test_support::callvault::{Commands, Row, Vault};
use callvault_test_support::sip::{Answering, Call, UserAgent};
use callvault_test_support::stand_in::{Edit, Replay};
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, INSIDE, SOON, silent, silent_to_loopbacks};
use crate::cdrs;
use crate::joiners::OTHER;
use crate::taken::Taken;
use crate::told::{PROMPT, PROMPT_MS, telling};

/// How many rounds of all kinds go on at once.
const AT_ONCE: usize = 4;
/// How long the catalogue may take with all of them.
const LONG: Duration = Duration::from_secs(60);

/// Traces of calls under one policy, and how each ends; rooms have names of their own, so a conference is alone.
const TRACES: [(&str, &str); 6] = [
    ("inbound_in_notice", "recorded"),
    ("inbound_in_notice_hangs_up", "refused_hangup"),
    ("outbound_in_notice", "recorded"),
    ("outbound_in_notice_hangs_up", "refused_hangup"),
    ("queue_in_notice", "recorded"),
    ("blind_transfer_in_notice", "recorded"),
];

pub fn trials() -> Vec<Trial> {
    let files: Vec<_> = TRACES.iter().flat_map(|(name, _)| Taken::of(name).files()).collect();
    vec![on_freeswitch("mixed_calls", mixed), on_stand_in("mixed_calls", &files, replayed)]
}

/// How many calls, in whole rounds of so many.
fn rounds_of(calls: usize) -> Proof<usize> {
    let wanted = match std::env::var("CALLVAULT_CALLS") {
        Ok(number) => number.parse()?,
        Err(_) => 4 * calls,
    };
    Ok(wanted.div_ceil(calls))
}

/// How the calls of a list ended, and how many so.
fn tally<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<&'a str, usize> {
    let mut tally = BTreeMap::new();
    for row in rows {
        let word = row.reason.as_deref().or(row.outcome.as_deref()).unwrap_or("no outcome");
        *tally.entry(word).or_default() += 1;
    }
    tally
}

fn ended_as_due(vault: &Vault, host: &dyn Commands, due: &BTreeMap<&str, usize>) -> Proof<Vec<Row>> {
    let rows = vault.wait_listed_within(LONG, host, due.values().sum())?;
    let found = tally(&rows);
    promise!(found == *due, "{due:?} are due; the list has {found:?}");
    Ok(rows)
}

fn replayed(directory: &Path) -> Proof {
    let (host, vault) = Taken::of(TRACES[0].0).host(directory)?;
    let rounds = rounds_of(TRACES.len())?;
    let mut due = BTreeMap::new();
    for (name, outcome) in TRACES {
        *due.entry(outcome).or_default() += rounds * Taken::of(name).account()?.recordings;
    }
    for batch in (0..rounds).collect::<Vec<_>>().chunks(4 * AT_ONCE) {
        let begun = |round: &usize| {
            let suffix = format!("-{round}");
            TRACES.map(|(name, _)| host.replay(&Taken::of(name).trace(), &[Edit::Suffix(suffix.clone())]))
        };
        let replays: Vec<Proof<Replay>> = batch.iter().flat_map(begun).collect();
        replays.into_iter().try_for_each(|replay| replay?.wait())?;
    }
    ended_as_due(&vault, &host, &due).map(drop)
}

/// How a call of a kind comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Told by its dialplan.
    Line,
    /// Told by the module alone.
    Direct,
    DialledOut,
    ClickToCall,
    /// Who asked to be called back is rung first.
    CallBack,
    Loopback,
    Queue,
    Park,
    Conference,
    Internal,
    Exempt,
    Emergency,
    LeavesInItsNotice,
}

const KINDS: [(Kind, &str); 13] = [
    (Kind::Line, "recorded"),
    (Kind::Direct, "recorded"),
    (Kind::DialledOut, "recorded"),
    (Kind::ClickToCall, "recorded"),
    (Kind::CallBack, "recorded"),
    (Kind::Loopback, "recorded"),
    (Kind::Queue, "recorded"),
    (Kind::Park, "recorded"),
    (Kind::Conference, "recorded"),
    (Kind::Internal, "internal"),
    (Kind::Exempt, "exempt_line"),
    (Kind::Emergency, "emergency"),
    (Kind::LeavesInItsNotice, "refused_hangup"),
];

fn mixed(stage: &Stage) -> Proof {
    let other = UserAgent::start(OTHER)?;
    let casting = telling(stage, &[("exempt-numbers", "0800[0-9]*"), ("record-internal", "false")])?;
    let (agent, outside) = (casting.agent.dial_string(), other.dial_string());
    let cast = casting
        .extension("112", &[("bridge", &agent)])
        .extension("0800[0-9]*", &[("bridge", &agent)])
        .extension(OTHER, &[("bridge", &outside)])
        .extension("queue-(.+)", &[("answer", ""), ("callvault_notice", ""), ("fifo", "$1@test in")])
        .extension("take-(.+)", &[("answer", ""), ("fifo", "$1@test out nowait")])
        .start(stage)?;
    for party in [&cast.caller, &cast.agent, &cast.third, &other] {
        party.answering(Answering::AtOnce, silent_to_loopbacks());
    }
    let rounds = rounds_of(KINDS.len())?;
    let mut due = BTreeMap::new();
    KINDS.iter().for_each(|(_, outcome)| *due.entry(*outcome).or_default() += rounds);
    for rounds in (0..rounds).collect::<Vec<_>>().chunks(AT_ONCE) {
        round_of_calls(&cast, rounds)?;
    }
    let rows = ended_as_due(&cast.vault, &cast.host, &due)?;
    cdrs::account_for(&cast.host, &rows)
}

/// All kinds, each so many times at once: begun, told, joined, talked, over.
fn round_of_calls(cast: &Cast, rounds: &[usize]) -> Proof {
    let mut calls = Vec::new();
    // The last of them leave at once.
    for (kind, _) in KINDS {
        for round in rounds {
            let call = begun(cast, kind, *round)?;
            if kind == Kind::LeavesInItsNotice {
                call.wait_answered(SOON)?;
                call.media().wait_heard(PROMPT, SOON)?;
                call.hang_up()?;
            } else {
                calls.push(call);
            }
        }
    }
    for call in &calls {
        call.wait_answered(SOON)?;
    }
    all_talk(&calls, Duration::from_millis(PROMPT_MS as u64 + 800))?;
    for round in rounds {
        for place in ["take", "conference"] {
            calls.push(cast.third.call(&format!("{place}-{round}"), cast.host.sip_port(), silent())?);
        }
    }
    all_talk(&calls, Duration::from_millis(1_500))?;
    for call in &calls {
        call.hang_up()?;
    }
    cast.wait_idle()
}

fn all_talk(calls: &[Call], length: Duration) -> Proof {
    calls.first().map_or(Ok(()), |call| call.talk(length))
}

/// The leg by whose hanging up the call will end.
fn begun(cast: &Cast, kind: Kind, round: usize) -> Proof<Call> {
    let dialled = |party: &UserAgent, number: &str| party.call(number, cast.host.sip_port(), silent());
    let placed = |from: &str, to: &str| {
        cast.host.must(&format!("bgapi originate {from} &bridge({to})"))?;
        cast.caller.incoming(SOON)
    };
    let (agent, caller) = (cast.agent.dial_string(), cast.caller.dial_string());
    match kind {
        Kind::Line | Kind::LeavesInItsNotice => dialled(&cast.caller, "line"),
        Kind::Direct => dialled(&cast.caller, cast.agent.name()),
        Kind::DialledOut => dialled(&cast.third, OTHER),
        Kind::ClickToCall => placed(&agent, &caller),
        Kind::CallBack => placed(&caller, &agent),
        Kind::Loopback => placed(&format!("loopback/{}/default", INSIDE[0]), &caller),
        Kind::Queue => dialled(&cast.caller, &format!("queue-{round}")),
        Kind::Park => dialled(&cast.caller, "park"),
        Kind::Conference => dialled(&cast.caller, &format!("conference-{round}")),
        Kind::Internal => dialled(&cast.third, cast.agent.name()),
        Kind::Exempt => dialled(&cast.caller, "08001234"),
        Kind::Emergency => dialled(&cast.third, "112"),
    }
}
