//! `callvault metrics`: the status as OpenMetrics text, made anew for each request.
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::status::Status;
use super::tally::{OutcomeCounts, StandingCounts};

type ByReason = Family<Vec<(&'static str, String)>, Counter<u64, AtomicU64>>;

/// The text, ending in `# EOF`. `outcomes` are those since start: counters never fall.
pub(super) fn text(status: &Status, outcomes: &OutcomeCounts, standings: &StandingCounts) -> String {
    let mut registry = Registry::with_prefix("callvault");
    let mut gauge = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    gauge("can_record", "1 where a call that begins now is recorded", u64::from(status.cannot_record.is_none()));
    gauge("legs", "Legs known", status.legs as u64);
    gauge("recordings_active", "Recordings being made", status.active as u64);
    gauge("recordings_kept", "Recordings kept", status.recordings.kept);
    gauge("recordings_overdue", "Recordings past their expiry that are not destroyed yet", status.expiry.overdue);
    gauge("keys_ready", "Keys ready for new tracks", status.keys.ready as u64);
    gauge("rows_waiting", "Rows that wait for the catalogue", status.books.rows_waiting as u64);
    gauge("pauses", "Pauses for payment data that run", status.pauses.len() as u64);
    gauge("taps_missing", "Legs whose tap was taken off and is not back yet", status.tap_watch.missing as u64);
    gauge("calls_unreconciled", "Calls without an outcome that nobody has read of", status.unreconciled);
    gauge(
        "prompts_unusable",
        "Prompts that no notice counts with",
        status.prompts.prompts.iter().filter(|prompt| !prompt.usable).count() as u64,
    );
    gauge("alarms", "Alarms that stand", status.alarms.len() as u64);
    gauge(
        "clock_doubted",
        "1 where the wall clock jumped and destruction waits",
        u64::from(status.expiry.clock_jump_ms.is_some()),
    );
    registry.register_with_unit(
        "memory_locked",
        "Memory locked for keys by the process",
        Unit::Bytes,
        ConstGauge::new(i64::try_from(status.memlock.locked).unwrap_or(i64::MAX)),
    );
    if let Some(free) = status.books.store_free {
        registry.register_with_unit(
            "store_free",
            "Free space of the store",
            Unit::Bytes,
            ConstGauge::new(i64::try_from(free).unwrap_or(i64::MAX)),
        );
    }
    let mut counter = |name: &str, help: &str, value: u64| registry.register(name, help, ConstCounter::new(value));
    counter("frames_taken", "Frames that taps took", status.taps.frames);
    counter("frames_lost", "Frames lost because a ring was full", status.taps.ring_full + status.taps.oversized);
    counter("keys_refused", "Tracks that got no key", status.keys.refused);
    counter("rows_lost", "Rows that the catalogue never took", status.books.rows_lost);
    counter(
        "catalogue_faults",
        "Groups of rows that the catalogue did not take at once",
        status.books.catalogue_faults,
    );
    counter("sync_faults", "Flushes of the store or the keystore that failed", status.books.sync_faults);
    counter("track_faults", "Faults of tracks in the encoder pool", status.pool.faults);
    counter("encoder_overloads", "Times that G.711 was kept as it came to save time", status.pool.overloads);
    counter(
        "entries_lost_to_store",
        "Entries lost because more waited for the store than may",
        status.pool.lost_to_store,
    );
    counter("released", "Copies released", status.released);
    counter("releases_refused", "Releases refused or failed", status.releases_refused);
    counter("destroyed", "Recordings destroyed", status.expiry.destroyed);
    counter("taps_removed", "Taps that others took off a leg", status.tap_watch.removed);
    counter("taps_repaired", "Taps that were put back", status.tap_watch.repaired);
    counter("foreign_taps", "Taps of others on legs in scope", status.tap_watch.foreign);
    counter("panics", "Panics caught", status.panics);
    counter("answers_late", "Answers to session threads that came too late", status.answers_late);
    registry.register("outcomes", "Calls that ended, by outcome and reason", by_reason(outcomes));
    registry.register("standings", "How parties came to stand towards being recorded", by_standing(standings));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => text,
        // Writing to a String does not fail; an empty exposition is still a valid one.
        Err(_) => "# EOF\n".to_owned(),
    }
}

fn by_standing(standings: &StandingCounts) -> ByReason {
    let family = ByReason::default();
    for (&standing, &n) in standings {
        family.get_or_create(&vec![("standing", standing.to_owned())]).inc_by(n);
    }
    family
}

fn by_reason(outcomes: &OutcomeCounts) -> ByReason {
    let family = ByReason::default();
    let recorded = vec![("outcome", "recorded".to_owned()), ("reason", String::new())];
    family.get_or_create(&recorded).inc_by(outcomes.recorded);
    for (&reason, &n) in &outcomes.not_recorded {
        let labels = vec![("outcome", "not_recorded".to_owned()), ("reason", reason.to_owned())];
        family.get_or_create(&labels).inc_by(n);
    }
    family
}
