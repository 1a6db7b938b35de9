//! Decision 5: kill -9 in a call loses at most the last second; the rest opens after the next start.
use std::path::Path;
use std::time::{Duration, Instant};

use callvault_test_support::clock::{unix_ms, until};
use callvault_test_support::freeswitch::Configuration;
use callvault_test_support::intervals::{joined, listed};
use callvault_test_support::rtp::Speech;
use callvault_test_support::stand_in::StandIn;
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, silent};
use crate::taken::Taken;

/// What a crash may cost, ms.
const LOST: i64 = 1_000;

pub fn trials() -> Vec<Trial> {
    let replayed = Taken::of(CALL);
    vec![
        on_freeswitch("kill_9_in_a_call", killed),
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
