//! Decision 5: kill -9 in a call loses at most the last second; the rest opens after the next start. NOT-01: where the host
//! resurrects the call (`sofia recover`), nobody is told twice, and its recordings name each other.
use std::path::Path;
use std::time::{Duration, Instant};

use callvault_test_support::clock::{unix_ms, until};
use callvault_test_support::freeswitch::{Configuration, Instance};
use callvault_test_support::intervals::{joined, listed};
use callvault_test_support::rtp::Speech;
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::{AGENT, CALLER};
use callvault_test_support::{Proof, broken, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, hear_each_other, silent};
use crate::taken::Taken;
use crate::told::{PROMPT, telling, told_and_joined};

/// What a crash may cost, ms.
const LOST: i64 = 1_000;

pub fn trials() -> Vec<Trial> {
    let replayed = Taken::of(CALL);
    vec![
        on_freeswitch("kill_9_in_a_call", killed),
        on_freeswitch("a_resurrected_call_is_not_told_again", resurrected),
        on_stand_in("kill_9_in_a_call", &replayed.files(), move |directory| killed_in_a_replay(directory, &replayed)),
    ]
}

/// The longest that is taken.
const CALL: &str = "demonstration_inbound";

fn killed_in_a_replay(directory: &Path, taken: &Taken) -> Proof {
    let (host, vault) = taken.host(directory)?;
    let replay = host.replay(&taken.trace(), &[])?;
    let account = taken.account()?.later_by(replay.later_by);
    let agent = &account.parts[1];
    // In the middle of the agent's first words, which come right after its answer.
    let moment = agent.call.from + 6_000;
    std::thread::sleep(until(moment));
    let end = unix_ms(Instant::now());
    host.kill()?;

    let host = StandIn::start(&vault.installed(Configuration::new()), &directory.join("again"))?;
    host.must("load mod_callvault")?;
    let rows = vault.wait_listed(&host, 1)?;
    let row = &rows[0];
    promise!(row.outcome.as_deref() == Some("recorded") && row.state == "truncated", "cut short, and kept: {row:#?}");
    let view = vault.show(&host, &row.id)?;
    let zero = crate::oracle::zero_of(&view)?;
    let opened = vault.opened(&host, &row.id)?;
    let lost = end - zero - opened.length_ms();
    promise!(lost <= LOST, "killed at {} ms; kept are {}: {lost} ms are lost", end - zero, opened.length_ms());
    promise!(view.expires_at_ms.is_some(), "it expires as any other: {view:#?}");
    Ok(())
}

fn killed(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let call = cast.dial("park", silent())?;
    call.talk(Duration::from_millis(500))?;
    call.say(Speech::Tone(CALLER));
    call.talk(Duration::from_secs(5))?;
    let configuration = cast.vault.installed(Configuration::new());
    let (end, spoken) = (unix_ms(Instant::now()), call.media().said());
    cast.host.kill()?;

    let host = stage.start_named("again", &configuration)?;
    host.must("load mod_callvault")?;
    let rows = cast.vault.wait_listed(&host, 1)?;
    let row = &rows[0];
    promise!(row.outcome.as_deref() == Some("recorded") && row.state == "truncated", "cut short, and kept: {row:#?}");
    let view = cast.vault.show(&host, &row.id)?;
    let zero = crate::oracle::zero_of(&view)?;
    let opened = cast.vault.opened(&host, &row.id)?;
    let found = joined(&opened.audible(0, CALLER), 70);
    let due =
        spoken.iter().find(|said| said.speech == Speech::Tone(CALLER)).map_or(0, |said| unix_ms(said.from) - zero);
    promise!(found.len() == 1 && (found[0].from - due).abs() <= 40, "spoken from {due} ms; found {}", listed(&found));
    let lost = end - zero - found[0].to;
    promise!(lost <= LOST, "killed at {} ms; audible until {}: {lost} ms are lost", end - zero, found[0].to);
    promise!(view.expires_at_ms.is_some(), "it expires as any other: {view:#?}");
    Ok(())
}

/// The host is killed while a caller who was told talks to the agent, starts anew, and takes the call up again.
fn resurrected(stage: &Stage) -> Proof {
    let mut casting = telling(stage, &[])?;
    casting.configuration = casting.configuration.profile_parameter("track-calls", "true");
    let configuration = casting.vault.installed(casting.configuration.clone());
    let cast = casting.start(stage)?;
    let (out, into) = told_and_joined(&cast)?;
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    let of = |host: &Instance, name: &str| host.variable(out.id(), name);
    let Some(before) = of(&cast.host, "callvault_id")? else { broken!("the leg has no id") };
    // The host writes its table a moment later.
    out.talk(Duration::from_millis(1_500))?;
    let Cast { host, vault, .. } = cast;
    let host = host.killed_and_again(stage.installation(), &configuration)?;
    host.must("load mod_callvault")?;
    let recovered = host.api("sofia recover")?;
    promise!(recovered.contains("Recovered 2"), "both legs are resurrected: {recovered}");
    hear_each_other((&out, CALLER), (&into, AGENT))?;
    let prompts = out.heard()?.audible(PROMPT);
    promise!(joined(&prompts, 100).len() == 1, "the caller is told once: {}", listed(&prompts));
    let (now, former) = (of(&host, "callvault_id")?, of(&host, "callvault_former_ids")?);
    promise!(now.is_some() && now.as_ref() != Some(&before), "it is another recording: {now:?} after {before}");
    promise!(former.as_ref() == Some(&before), "the leg names the recording that it was in: {former:?}, not {before}");
    out.hang_up()?;
    into.wait_ended(SOON)?;
    let rows = vault.wait_listed(&host, 2)?;
    for (id, state) in [(Some(before), "truncated"), (now, "kept")] {
        let row = rows.iter().find(|row| Some(&row.id) == id.as_ref());
        let is_kept = row.is_some_and(|row| row.outcome.as_deref() == Some("recorded") && row.state == state);
        promise!(is_kept, "{id:?} is recorded and {state}: {rows:#?}");
    }
    Ok(())
}
