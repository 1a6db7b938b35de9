//! A promise is acted once, by parties on a host, and judged from what they did and what the recorder has of it.
//! Acted on a real host; on the stand-in the same account is judged against what the recorder makes of the replay.
use std::path::Path;

use callvault_test_support::callvault::{Commands, Opened, Row, Vault, View};
use callvault_test_support::clock::{unix_ms, until};
use callvault_test_support::intervals::Interval;
use callvault_test_support::sip::Call;
use callvault_test_support::suite::{Stage, on_freeswitch, on_freeswitch_with_browser, on_stand_in};
use callvault_test_support::{Proof, broken};
use libtest_mimic::Trial;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cast::{Cast, leaves_no_personal_data_in};
use crate::taken::{TAKE, Taken};

/// What one party did, by its own clock in Unix ms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    /// The host's uuid of its leg.
    pub leg: String,
    /// Its tone, Hz.
    pub frequency: u32,
    /// When it spoke.
    pub spoken: Vec<Interval>,
    /// From its answer to its end.
    pub call: Interval,
}

impl Part {
    /// What a party did in a call that is over.
    pub fn of(call: &Call, frequency: u32) -> Proof<Self> {
        let (Some(answered), Some(ended)) = call.span() else {
            broken!("the call of {frequency} Hz is not over: {:?}", call.events())
        };
        let said = call.media().said();
        let own = said.iter().filter(|said| said.speech.frequency() == Some(frequency));
        let spoken = own.map(|said| Interval::new(unix_ms(said.from), unix_ms(said.to))).collect();
        let span = Interval::new(unix_ms(answered), unix_ms(ended));
        Ok(Self { leg: call.id().to_owned(), frequency, spoken, call: span })
    }
}

/// What happened, seen from the parties' side.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Account {
    /// Who took part, in the order in which they came.
    pub parts: Vec<Part>,
    /// How many recordings are due.
    pub recordings: usize,
    /// Other moments that the judge needs, Unix ms.
    pub moments: Vec<(String, i64)>,
    /// What an operator told the recorder, and when, Unix ms.
    #[serde(default)]
    pub commands: Vec<(i64, String)>,
}

impl Account {
    /// One recording, in which each of these calls is a party of this tone.
    pub fn of(calls: &[(&Call, u32)]) -> Proof<Self> {
        let parts = calls.iter().map(|(call, frequency)| Part::of(call, *frequency)).collect::<Proof<_>>()?;
        Ok(Self { parts, recordings: 1, ..Self::default() })
    }

    /// The same, this many ms later: as a replay has it.
    #[must_use]
    pub fn later_by(mut self, ms: i64) -> Self {
        for part in &mut self.parts {
            part.call = part.call.seen_from(-ms);
            part.spoken.iter_mut().for_each(|said| *said = said.seen_from(-ms));
        }
        self.moments.iter_mut().for_each(|(_, at)| *at += ms);
        self.commands.iter_mut().for_each(|(at, _)| *at += ms);
        self
    }
}

/// What the recorder has of it: each recording in the order of its beginning, opened where it was recorded.
#[derive(Debug)]
pub struct Findings {
    /// `show` of each.
    pub views: Vec<View>,
    /// Its tracks.
    pub opened: Vec<Option<Opened>>,
    /// `callvault status` when all of it was over.
    pub status: Value,
}

impl Findings {
    /// Waits until all that is due is listed, then shows, releases and opens it.
    pub fn gather(vault: &Vault, host: &dyn Commands, recordings: usize) -> Proof<Self> {
        let mut rows: Vec<Row> = vault.wait_listed(host, recordings)?;
        rows.sort_by_key(|row| row.started_at_ms);
        let mut findings = Self { views: Vec::new(), opened: Vec::new(), status: vault.status(host)? };
        for row in rows {
            let recorded = row.outcome.as_deref() == Some("recorded");
            findings.views.push(if recorded { vault.show(host, &row.id)? } else { vault.wait_gone(host, &row.id)? });
            findings.opened.push(if recorded { Some(vault.opened(host, &row.id)?) } else { None });
        }
        Ok(findings)
    }

    /// What was recorded, and what was not.
    pub fn recorded_and_others(&self) -> (Self, Self) {
        let none = || Self { views: Vec::new(), opened: Vec::new(), status: self.status.clone() };
        let mut parted = (none(), none());
        for (view, opened) in self.views.iter().zip(&self.opened) {
            let part = if opened.is_some() { &mut parted.0 } else { &mut parted.1 };
            part.views.push(view.clone());
            part.opened.push(opened.clone());
        }
        parted
    }

    /// Whether an alarm of this code was raised.
    pub fn alarmed(&self, code: &str) -> bool {
        let alarms = self.status["alarms"].as_array();
        alarms.is_some_and(|alarms| alarms.iter().any(|alarm| alarm["code"] == code))
    }

    /// The only recording, which must have been recorded.
    pub fn recorded(&self) -> Proof<(&View, &Opened)> {
        match (self.views.as_slice(), self.opened.as_slice()) {
            ([view], [Some(opened)]) => Ok((view, opened)),
            _ => broken!("one recorded call is due; found {:#?}", self.views),
        }
    }
}

/// A promise that both hosts can show.
#[derive(Clone, Copy)]
pub struct Promise {
    /// Its name, without the host's.
    pub name: &'static str,
    /// The parties' side, on a real host.
    pub act: fn(&Stage) -> Proof<(Cast, Account)>,
    /// Whether what the recorder has is what was promised.
    pub judge: fn(&Account, &Findings) -> Proof,
}

/// Each promise on each host.
pub fn on_each_host<const N: usize>(promises: [Promise; N]) -> Vec<Trial> {
    let on_both = |promise: Promise| {
        let taken = Taken::of(promise.name);
        [
            on_freeswitch(promise.name, move |stage| promise.on_a_real_host(stage)),
            on_stand_in(promise.name, &taken.files(), move |directory| promise.on_the_stand_in(directory)),
        ]
    };
    promises.into_iter().flat_map(on_both).collect()
}

/// A promise with a party in a browser, on a real host, and its replay.
pub fn with_browser(name: &'static str, act: ActWithBrowser, judge: fn(&Account, &Findings) -> Proof) -> [Trial; 2] {
    let taken = Taken::of(name);
    let kept = move |(cast, account), stage: &Stage| kept(name, judge, stage, cast, account);
    let replayed = Promise { name, act: |_| Err("a browser acts it".into()), judge };
    [
        on_freeswitch_with_browser(name, move |stage, browser| kept(act(stage, browser)?, stage)),
        on_stand_in(name, &taken.files(), move |directory| replayed.on_the_stand_in(directory)),
    ]
}

/// What parties do, one of them in the browser whose program this is.
pub type ActWithBrowser = fn(&Stage, &Path) -> Proof<(Cast, Account)>;

/// Judges what was acted on a real host, and keeps it where traces are taken.
fn kept(
    name: &'static str,
    judge: fn(&Account, &Findings) -> Proof,
    stage: &Stage,
    cast: Cast,
    mut account: Account,
) -> Proof {
    cast.wait_idle()?;
    account.commands = cast.commanded();
    let findings = Findings::gather(&cast.vault, &cast.host, account.recordings)?;
    judge(&account, &findings)?;
    leaves_no_personal_data_in(&cast.host.log())?;
    if std::env::var_os(TAKE).is_some() {
        Taken::of(name).keep(stage, &cast, &account)?;
    }
    Ok(())
}

impl Promise {
    fn on_a_real_host(self, stage: &Stage) -> Proof {
        let (cast, account) = (self.act)(stage)?;
        kept(self.name, self.judge, stage, cast, account)
    }

    fn on_the_stand_in(self, directory: &Path) -> Proof {
        let taken = Taken::of(self.name);
        let (host, vault) = taken.host(directory)?;
        let replay = host.replay(&taken.trace(), &[])?;
        let account = taken.account()?.later_by(replay.later_by);
        for (at, command) in &account.commands {
            std::thread::sleep(until(*at));
            host.must(command)?;
        }
        replay.wait()?;
        let findings = Findings::gather(&vault, &host, account.recordings)?;
        (self.judge)(&account, &findings)?;
        leaves_no_personal_data_in(&host.log())
    }
}
