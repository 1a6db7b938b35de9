//! SEC-05: what a caller calls itself is data: stored sealed, never a format, a path, a query or a log line.
use std::path::Path;

use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::stand_in::Edit;
use callvault_test_support::suite::{Stage, on_freeswitch, on_stand_in};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, is_ours, silent};
use crate::taken::Taken;

pub fn trials() -> Vec<Trial> {
    let taken = Taken::of("answered_inbound");
    vec![
        on_freeswitch("hostile_caller_ids", hostile),
        on_stand_in("hostile_caller_ids", &taken.files(), move |directory| replayed(directory, &taken)),
    ]
}

/// As From has them.
fn names() -> Vec<String> {
    let long = "x".repeat(3_000);
    vec![
        "\"%s%s%n%n%x\" <sip:%25s%25n@127.0.0.1>".to_owned(),
        "\"'; DROP TABLE recordings; --\" <sip:0'%20OR%201=1@127.0.0.1>".to_owned(),
        "\"../../../../etc/passwd\" <sip:..%2f..%2fetc@127.0.0.1>".to_owned(),
        "\"\\\"}]},{\\\"id\\\":\\\"x\" <sip:%22%7D@127.0.0.1>".to_owned(),
        "\"<param name=x value=y/> &amp; ${system(true)} $${domain}\" <sip:a&b@127.0.0.1>".to_owned(),
        "\"\u{202e}\u{1f4de} \u{7}\u{1b}[31m\" <sip:%00%ff%fe@127.0.0.1>".to_owned(),
        format!("\"{long}\" <sip:{}@127.0.0.1>", &long[..900]),
        "<sip:anonymous@anonymous.invalid>".to_owned(),
    ]
}

/// The same texts as a channel's variables: what no SIP parser has cleaned.
fn replayed(directory: &Path, taken: &Taken) -> Proof {
    let (host, vault) = taken.host(directory)?;
    for (number, name) in names().into_iter().enumerate() {
        let edits = ["caller_id_name", "caller_id_number", "destination_number"];
        let edits = edits.map(|variable| Edit::Variable(variable, name.clone()));
        host.replay(&taken.trace(), &edits)?.wait()?;
        let rows = vault.wait_listed(&host, number + 1)?;
        promise!(
            rows.iter().all(|row| row.outcome.as_deref() == Some("recorded")),
            "a caller called {name:.60}: {rows:#?}"
        );
    }
    is_only_data(&vault, &host, &host.log())
}

fn hostile(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    for (number, name) in names().iter().enumerate() {
        let mut plan = silent();
        plan.from = Some(name.clone());
        let call = cast.dial("park", plan)?;
        converse(&[(&call, CALLER)])?;
        call.hang_up()?;
        let rows = cast.vault.wait_listed(&cast.host, number + 1)?;
        promise!(
            rows.iter().all(|row| row.outcome.as_deref() == Some("recorded")),
            "a caller called {:.60}: {rows:#?}",
            name
        );
    }
    cast.host.wait_idle(SOON)?;
    is_only_data(&cast.vault, &cast.host, &cast.host.log())
}

fn is_only_data(vault: &Vault, host: &dyn Commands, log: &str) -> Proof {
    for row in &vault.list(host)? {
        vault.show(host, &row.id)?;
        let opened = vault.opened(host, &row.id)?;
        promise!(!opened.audible(0, CALLER).is_empty(), "each of them is audible");
    }
    let ours = || log.lines().filter(|line| is_ours(line) && !line.contains("[DEBUG]"));
    for trace in ["DROP TABLE", "etc/passwd", "system(true)", &"x".repeat(64)] {
        promise!(!ours().any(|line| line.contains(trace)), "a caller's name is in the log: {trace}");
    }
    Ok(())
}
