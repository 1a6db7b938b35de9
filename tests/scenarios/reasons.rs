//! REC-02: each call in scope ends `recorded` or `not_recorded(reason)`: a call for each reason on one host.
use std::collections::BTreeSet;
use std::time::Duration;

use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Answering, Call, CallPlan, UserAgent};
use callvault_test_support::suite::Stage;
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, silent};
use crate::cdrs;
use crate::joiners::OTHER;
use crate::promise::{Account, Findings, Promise, on_each_host};
use crate::told::{begins, heard_whole, telling, told_and_joined};

pub fn trials() -> Vec<Trial> {
    on_each_host([Promise { name: "each_reason_once", act: each_reason, judge: once }])
}

/// Every reason but `recorder_fault`, which a faulty store shows.
const REASONS: [&str; 10] = [
    "refused_hangup",
    "objected",
    "exempt_line",
    "emergency",
    "internal",
    "not_informed",
    "no_company_party",
    "no_media_path",
    "no_speech",
    "operator_stop",
];

fn each_reason(stage: &Stage) -> Proof<(Cast, Account)> {
    let other = UserAgent::start(OTHER)?;
    other.answering(Answering::AtOnce, silent());
    let casting = telling(stage, &[("exempt-numbers", "0800[0-9]*"), ("record-internal", "false")])?;
    let (agent, outside) = (casting.agent.dial_string(), other.dial_string());
    let cast = casting
        .extension("112", &[("bridge", &agent)])
        .extension("0800[0-9]*", &[("bridge", &agent)])
        .extension("direct", &[("set", "bypass_media=true"), ("bridge", &agent)])
        .extension(OTHER, &[("bridge", &outside)])
        .start(stage)?;
    cast.agent.answering(Answering::AtOnce, silent());

    recorded(&cast)?;
    let call = cast.dial("line", silent())?;
    begins(&call)?;
    call.hang_up()?;

    let (out, into) = told_and_joined(&cast)?;
    into.press("*9")?;
    over(&out, &into)?;
    for number in ["08001234", "112", "direct"] {
        let (out, into) = cast.bridged_by(number, silent(), silent())?;
        // Longer than a notice: who leaves in one, or with its end, refuses.
        out.talk(Duration::from_secs(4))?;
        over(&out, &into)?;
    }
    let out = cast.third.call(cast.agent.name(), cast.host.sip_port(), silent())?;
    let into = cast.agent.incoming(SOON)?;
    out.wait_answered(SOON)?;
    over(&out, &into)?;

    broken_notice(&cast)?;
    let out = cast.dial(OTHER, silent())?;
    let into = other.incoming(SOON)?;
    out.talk(Duration::from_secs(5))?;
    over(&out, &into)?;

    let call = cast.dial("park", CallPlan::saying(Speech::Nothing))?;
    heard_whole(&call)?;
    call.hang_up()?;

    cast.command("callvault_admin stop")?;
    let (out, into) = cast.bridged_by("line", silent(), silent())?;
    over(&out, &into)?;
    cast.command("callvault_admin start")?;
    cast.wait_idle()?;
    let account = Account { recordings: REASONS.len() + 1, ..Account::default() };
    let rows = cast.vault.wait_listed_within(Duration::from_secs(60), &cast.host, account.recordings)?;
    cdrs::account_for(&cast.host, &rows)?;
    Ok((cast, account))
}

fn recorded(cast: &Cast) -> Proof {
    let (out, into) = told_and_joined(cast)?;
    converse(&[(&out, CALLER), (&into, AGENT)])?;
    over(&out, &into)
}

fn over(out: &Call, into: &Call) -> Proof {
    out.hang_up()?;
    into.wait_ended(SOON).map(drop)
}

/// `uuid_break` ends the notice before its end; the call goes on.
fn broken_notice(cast: &Cast) -> Proof {
    let out = cast.dial("line", silent())?;
    begins(&out)?;
    cast.host.must(&format!("uuid_break {}", out.id()))?;
    let into = cast.agent.incoming(SOON)?;
    into.wait_answered(SOON)?;
    out.talk(Duration::from_millis(500))?;
    over(&out, &into)
}

/// One row per call, one of them recorded, each reason once.
fn once(_: &Account, findings: &Findings) -> Proof {
    let reasons: BTreeSet<&str> = findings.views.iter().filter_map(|view| view.reason.as_deref()).collect();
    promise!(reasons == BTreeSet::from(REASONS), "each reason once: {:#?}", findings.views);
    Ok(())
}
