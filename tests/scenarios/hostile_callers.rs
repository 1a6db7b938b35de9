//! SEC-05: what a caller calls itself is data: stored sealed, never a format, a path, a query or a log line.
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::CALLER;
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, SOON, converse, is_ours, silent};

pub fn trials() -> Vec<Trial> {
    vec![on_freeswitch("hostile_caller_ids", hostile)]
}

fn hostile(stage: &Stage) -> Proof {
    let cast = Cast::on(stage)?;
    let long = "x".repeat(3_000);
    let names = [
        "\"%s%s%n%n%x\" <sip:%25s%25n@127.0.0.1>".to_owned(),
        "\"'; DROP TABLE recordings; --\" <sip:0'%20OR%201=1@127.0.0.1>".to_owned(),
        "\"../../../../etc/passwd\" <sip:..%2f..%2fetc@127.0.0.1>".to_owned(),
        "\"\\\"}]},{\\\"id\\\":\\\"x\" <sip:%22%7D@127.0.0.1>".to_owned(),
        "\"<param name=x value=y/> &amp; ${system(true)} $${domain}\" <sip:a&b@127.0.0.1>".to_owned(),
        "\"\u{202e}\u{1f4de} \u{7}\u{1b}[31m\" <sip:%00%ff%fe@127.0.0.1>".to_owned(),
        format!("\"{long}\" <sip:{}@127.0.0.1>", &long[..900]),
        "<sip:anonymous@anonymous.invalid>".to_owned(),
    ];
    for (number, name) in names.iter().enumerate() {
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
    let rows = cast.vault.list(&cast.host)?;
    for row in &rows {
        cast.vault.show(&cast.host, &row.id)?;
        let opened = cast.vault.opened(&cast.host, &row.id)?;
        promise!(!opened.audible(0, CALLER).is_empty(), "each of them is audible");
    }
    let log = cast.host.log();
    let ours = || log.lines().filter(|line| is_ours(line) && !line.contains("[DEBUG]"));
    for trace in ["DROP TABLE", "etc/passwd", "system(true)", &long[..64]] {
        promise!(!ours().any(|line| line.contains(trace)), "a caller's name is in the log: {trace}");
    }
    Ok(())
}
