//! REC-01 under load: two hundred short calls at once are two hundred recordings, with no thread more.
use std::path::Path;
use std::time::Duration;

use callvault_test_support::clock::unix_ms;
use callvault_test_support::freeswitch::Process;
use callvault_test_support::intervals::total;
use callvault_test_support::sip::{Call, CallPlan};
use callvault_test_support::stand_in::{Edit, Replay};
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, silent};
use crate::taken::Taken;

const CALLS: usize = 200;
/// So many answers at once reach their callers late, ms.
const BURST: i64 = 400;
const LONG: Duration = Duration::from_secs(60);

pub fn trials() -> Vec<Trial> {
    let taken = Taken::of("answered_inbound");
    vec![
        on_freeswitch("two_hundred_short_calls", at_once),
        on_stand_in("two_hundred_short_calls", &taken.files(), move |directory| replayed_at_once(directory, &taken)),
    ]
}

/// One trace as two hundred calls, each under a uuid of its own.
fn replayed_at_once(directory: &Path, taken: &Taken) -> Proof {
    let (host, vault) = taken.host(directory)?;
    host.replay(&taken.trace(), &[Edit::Suffix("-warm".into())])?.wait()?;
    let threads = threads_of(&host.process())?;
    let replays: Vec<(String, Replay)> = (0..CALLS)
        .map(|call| format!("-{call}"))
        .map(|suffix| Ok((suffix.clone(), host.replay(&taken.trace(), &[Edit::Suffix(suffix)])?)))
        .collect::<Proof<_>>()?;
    let during = threads_of(&host.process())?;
    promise!(during == threads, "threads grow with calls: {threads} and {during}");
    let mut accounts = Vec::new();
    for (suffix, replay) in replays {
        let mut account = taken.account()?.later_by(replay.later_by);
        account.parts[0].leg += &suffix;
        accounts.push(account);
        replay.wait()?;
    }
    let rows = vault.wait_listed(&host, CALLS + 1)?;
    let unrecorded = rows.iter().filter(|row| row.outcome.as_deref() != Some("recorded")).count();
    promise!(unrecorded == 0, "{unrecorded} of {CALLS} calls are not recorded: {rows:#?}");
    let views = rows.iter().map(|row| vault.show(&host, &row.id)).collect::<Proof<Vec<_>>>()?;
    for account in accounts.iter().step_by(CALLS / 8) {
        let part = &account.parts[0];
        let Some(view) = views.iter().find(|view| view.tracks.iter().any(|track| track.leg == part.leg)) else {
            broken!("the leg {} is in no recording", part.leg)
        };
        let due = total(&part.spoken);
        let audible = total(&vault.opened(&host, &view.id)?.audible(0, CALLER));
        promise!((audible - due).abs() <= 100, "{due} ms were spoken, {audible} are audible");
    }
    Ok(())
}

fn at_once(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let warm = cast.dial("park", silent())?;
    warm.talk(Duration::from_millis(300))?;
    let threads = own_threads(&cast)?;

    let calls: Vec<Call> = (0..CALLS)
        .map(|_| cast.caller.call("park", cast.host.sip_port(), CallPlan::tone(CALLER)))
        .collect::<Proof<_>>()?;
    for call in &calls {
        call.wait_answered(LONG)?;
    }
    promise!(cast.host.legs()? == CALLS + 1, "all of them are up at once: {}", cast.host.legs()?);
    warm.talk(Duration::from_secs(2))?;
    promise!(own_threads(&cast)? == threads, "threads grow with calls: {threads} and {}", own_threads(&cast)?);
    for call in &calls {
        call.hang_up()?;
    }
    warm.hang_up()?;
    cast.host.wait_idle(LONG)?;

    let rows = cast.vault.wait_listed(&cast.host, CALLS + 1)?;
    let unrecorded = rows.iter().filter(|row| row.outcome.as_deref() != Some("recorded")).count();
    promise!(unrecorded == 0, "{unrecorded} of {CALLS} calls are not recorded: {rows:#?}");
    for call in calls.iter().step_by(CALLS / 8) {
        whole(&cast, call)?;
    }
    Ok(())
}

/// One of them: found by the id on its leg, audible all along, as long as it was.
fn whole(cast: &Cast, call: &Call) -> Proof {
    let rows = cast.vault.list(&cast.host)?;
    for row in rows {
        let view = cast.vault.show(&cast.host, &row.id)?;
        if view.tracks.iter().any(|track| track.leg == call.id()) {
            let (Some(answered), Some(ended)) = call.span() else { break };
            let length = unix_ms(ended) - unix_ms(answered);
            promise!(
                (view.duration_ms - length).abs() <= BURST,
                "{length} ms of call, {} of recording",
                view.duration_ms
            );
            let audible = total(&cast.vault.opened(&cast.host, &row.id)?.audible(0, CALLER));
            promise!(audible >= length - BURST, "{length} ms of call, audible for {audible} ms");
            return Ok(());
        }
    }
    broken!("the leg {} is in no recording", call.id())
}

fn own_threads(cast: &Cast) -> Proof<usize> {
    threads_of(&cast.host.process())
}

fn threads_of(host: &Process) -> Proof<usize> {
    Ok(host.threads()?.iter().filter(|(name, _)| name.contains("callvault")).map(|(_, count)| count).sum())
}
