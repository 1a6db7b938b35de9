//! REC-02: the host's own records of calls, and the recorder's list, say the same.
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use callvault_test_support::callvault::Row;
use callvault_test_support::freeswitch::{Event, Instance};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, silent};
use crate::told::alarm_within;

/// How soon a call that nobody can account for is an alarm.
const FOUND: Duration = Duration::from_secs(60);

pub fn trials() -> Vec<Trial> {
    vec![on_freeswitch("a_leg_that_no_hook_saw_is_an_alarm", unseen)]
}

/// Each answered leg's CDR names a call of the list, each call of the list is named by one; and the last leg that was
/// written off of each has its outcome. One that leaves before has the outcome as it looked then.
pub fn account_for(host: &Instance, rows: &[Row]) -> Proof {
    let events = host.events().events();
    let answered = |event: &&Event| !["", "0"].contains(&event.header("Caller-Channel-Answered-Time"));
    let is_party = |event: &&Event| !event.header("Channel-Name").starts_with("loopback/");
    let ended = events.iter().filter(|event| event.name() == "CHANNEL_HANGUP_COMPLETE");
    let mut last = BTreeMap::new();
    for cdr in ended.filter(answered).filter(is_party) {
        last.insert(cdr.header("variable_callvault_id"), cdr);
    }
    let listed: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let named: BTreeSet<&str> = last.keys().copied().collect();
    let differ: Vec<_> = named.symmetric_difference(&listed).collect();
    promise!(differ.is_empty(), "CDRs and list differ in {differ:?}");
    for row in rows {
        let due = match &row.reason {
            Some(reason) => format!("not_recorded({reason})"),
            None => row.outcome.clone().unwrap_or_default(),
        };
        let said = last[row.id.as_str()].header("variable_callvault_outcome");
        promise!(said == due, "the call {} ended {due}; the last CDR of it says {said:?}", row.id);
    }
    Ok(())
}

/// The CDR of an answered leg of which the recorder never heard; one that did hear is accounted for.
fn unseen(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let call = cast.dial("park", silent())?;
    call.talk(Duration::from_millis(500))?;
    call.hang_up()?;
    cast.wait_idle()?;
    let written_off = Instant::now();
    cast.host.events().fire(
        "CHANNEL_HANGUP_COMPLETE",
        &[
            ("Unique-ID", UNSEEN),
            ("Channel-Name", "sofia/internal/0612345678"),
            ("Caller-Channel-Answered-Time", "1764000000000000"),
            ("Hangup-Cause", "NORMAL_CLEARING"),
        ],
    )?;
    let alarm = alarm_within(&cast, "unreconciled", FOUND)?;
    promise!(alarm.at.duration_since(written_off) <= FOUND, "found within {FOUND:?}");
    let status = cast.vault.status(&cast.host)?;
    let legs: Vec<&str> =
        status["unreconciled_calls"].as_array().into_iter().flatten().filter_map(|call| call["leg"].as_str()).collect();
    promise!(legs == [UNSEEN], "it alone is named: {status:#}");
    cast.host.must("callvault_admin acknowledge")?;
    let left = cast.vault.status(&cast.host)?;
    promise!(left["unreconciled"] == 0, "who has read of it ends the alarm: {left:#}");
    Ok(())
}

/// Its uuid.
const UNSEEN: &str = "0b5c0de0-0000-4000-8000-00000000c0de";
