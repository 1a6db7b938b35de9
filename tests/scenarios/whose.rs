//! Decision 18: whose party a leg is, by each way that it can come; by nothing that its far end writes. Who is outside
//! hears the notice, who is the company's does not.
use std::time::Duration;

use callvault_test_support::callvault::{Commands, Vault};
use callvault_test_support::freeswitch::Configuration;
use callvault_test_support::rtp::Speech;
use callvault_test_support::sip::{Call, CallPlan, Credentials, UserAgent};
use callvault_test_support::suite::{Stage, on_freeswitch};
use callvault_test_support::tones::{CALLER, THIRD};
use callvault_test_support::{Proof, promise};
use libtest_mimic::Trial;

use crate::cast::{Cast, Casting, INSIDE, OUTSIDE, SOON, hear_each_other, silent};
use crate::told::{heard_whole, never_told, telling};

/// A user of another domain, and that domain.
const TENANT: (&str, &str) = ("3001", "tenant.test");

/// One way for a leg to come.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    /// What the policy says of it.
    policy: &'static [(&'static str, &'static str)],
    /// How the host is set up for it.
    host: fn(Configuration) -> Configuration,
    /// Who rings in, or is rung.
    by: By,
    is_told: bool,
}

#[derive(Clone, Copy)]
enum By {
    /// Rings the extension by this plan, as this user or as nobody.
    RingingIn { user: Option<&'static str>, plan: fn() -> CallPlan, extension: &'static str },
    /// Is rung by this dial string, in which `ADDRESS` is its own.
    Rung(&'static str),
}

const RINGS: By = By::RingingIn { user: None, plan: silent, extension: "echo" };
const PROVES: By = By::RingingIn { user: Some(INSIDE[0]), plan: silent, extension: "echo" };

fn as_it_is(configuration: Configuration) -> Configuration {
    configuration
}

/// A list of addresses that are let in.
fn with_list(configuration: Configuration, nodes: &str) -> Configuration {
    let lists = format!("<network-lists><list name=\"in\" default=\"deny\">{nodes}</list></network-lists>");
    let acl = format!("<configuration name=\"acl.conf\" description=\"a test's\">{lists}</configuration>");
    configuration.file("acl.conf.xml", &acl).profile_parameter("auth-calls", "true")
}

fn let_in_by_address(configuration: Configuration) -> Configuration {
    let list = with_list(configuration, "<node type=\"allow\" cidr=\"127.0.0.0/8\"/>");
    list.profile_parameter("apply-inbound-acl", "in")
}

fn let_in_as_a_user(configuration: Configuration) -> Configuration {
    let list = with_list(configuration, "<node type=\"allow\" domain=\"127.0.0.1\"/>");
    list.user_at("2009", "127.0.0.1/32").profile_parameter("apply-inbound-acl", "in")
}

fn let_in_by_a_proxys_word(configuration: Configuration) -> Configuration {
    let list = with_list(configuration, "<node type=\"allow\" cidr=\"192.0.2.0/24\"/>");
    list.profile_parameter("apply-inbound-acl", "in").profile_parameter("apply-proxy-acl", "loopback.auto")
}

fn let_in_blindly(configuration: Configuration) -> Configuration {
    configuration.profile_parameter("auth-calls", "true").profile_parameter("accept-blind-auth", "true")
}

/// To whoever it is that the test has at this address.
fn with_gateway(configuration: Configuration) -> Configuration {
    configuration.gateway("carrier", "127.0.0.1:9")
}

fn calling_itself(user: &str) -> CallPlan {
    CallPlan { from: Some(format!("<sip:{user}@127.0.0.1>")), ..silent() }
}

fn saying(name: &str, value: &str) -> CallPlan {
    CallPlan { headers: vec![(name.into(), value.into())], ..silent() }
}

fn rings(plan: fn() -> CallPlan) -> By {
    By::RingingIn { user: None, plan, extension: "echo" }
}

fn ways() -> Vec<Way> {
    let way = |name, by, is_told| Way { name, policy: &[], host: as_it_is, by, is_told };
    vec![
        way("by_digest", PROVES, false),
        way("by_nothing", RINGS, true),
        Way { host: let_in_by_address, ..way("by_an_acl", RINGS, true) },
        Way { host: let_in_as_a_user, ..way("by_an_acl_that_names_a_user", RINGS, false) },
        Way { host: let_in_by_a_proxys_word, ..way("by_x_auth_ip", rings(|| saying("X-AUTH-IP", "192.0.2.1")), true) },
        Way { host: let_in_blindly, ..way("by_blind_auth", rings(|| calling_itself(INSIDE[0])), true) },
        way("by_the_companys_caller_id", rings(|| calling_itself("2003")), true),
        way("by_the_name_of_its_channel", rings(|| saying("X-FS-Channel-Name", "loopback/2001-a")), true),
        Way { policy: &[("trunk-users", "2001@127\\.0\\.0\\.1")], ..way("by_digest_as_a_trunk", PROVES, true) },
        Way { policy: &[("trunk-profiles", "test")], ..way("by_digest_on_a_trunks_profile", PROVES, true) },
        Way { policy: &[("staff-addresses", "127.0.0.0/8")], ..way("by_an_address_of_staff", RINGS, false) },
        Way {
            policy: &[("staff-gateways", "carrier")],
            host: with_gateway,
            ..way(
                "by_a_gateway_that_it_names",
                By::RingingIn { user: None, plan: silent, extension: "gw+carrier" },
                true,
            )
        },
        way("rung_as_a_user", By::Rung("user/2001"), false),
        way("rung_by_its_contact", By::Rung("sofia/test/0612345678@ADDRESS"), true),
        way("rung_by_a_company_number", By::Rung("sofia/test/2003@ADDRESS"), false),
        Way {
            host: with_gateway,
            ..way("rung_by_a_gateway", By::Rung("{sip_route_uri=sip:ADDRESS}sofia/gateway/carrier/0612345678"), true)
        },
        Way {
            policy: &[("staff-gateways", "carrier")],
            host: with_gateway,
            ..way(
                "rung_by_a_gateway_of_staff",
                By::Rung("{sip_route_uri=sip:ADDRESS}sofia/gateway/carrier/7001"),
                false,
            )
        },
        Way {
            policy: &[("trunk-addresses", "127.0.0.1"), ("staff-profiles", "test")],
            ..way("rung_at_a_trunks_address", By::Rung("sofia/test/7001@ADDRESS"), true)
        },
    ]
}

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = ways()
        .into_iter()
        .map(|way| on_freeswitch(&format!("whose_{}", way.name), move |stage| comes(stage, way)))
        .collect();
    trials.push(on_freeswitch("a_claimed_caller_id_switches_nothing_off", claims));
    trials.push(on_freeswitch("users_of_two_domains_are_outside_to_each_other", |stage| tenants(stage, "none", true)));
    trials.push(on_freeswitch("domains_of_one_company_are_inside", |stage| {
        tenants(stage, "127.0.0.1,tenant.test", false)
    }));
    trials
}

fn cast(stage: &Stage, way: Way) -> Proof<Cast> {
    let mut casting = telling(stage, &[("record-internal", "false")])?
        .policy(|vault: Vault| way.policy.iter().fold(vault, |vault, (name, value)| vault.with(name, value)));
    casting.configuration = (way.host)(casting.configuration);
    casting.start(stage)
}

/// The leg comes that way, and is told or not; `callvault_state` says whose it was.
fn comes(stage: &Stage, way: Way) -> Proof {
    let cast = cast(stage, way)?;
    let (party, call) = match way.by {
        By::RingingIn { user, plan, extension } => {
            let party = UserAgent::start_with("0611111111", user.map(Credentials::of))?;
            let call = party.call(extension, cast.host.sip_port(), plan())?;
            (party, call)
        }
        By::Rung(dial) => {
            let party = UserAgent::start(OUTSIDE)?;
            let dial = dial.replace("ADDRESS", &format!("127.0.0.1:{}", party.port()));
            cast.host.must(&format!("bgapi originate {dial} &echo()"))?;
            let rung = if dial.starts_with("user/") { &cast.agent } else { &party };
            let call = rung.incoming(SOON)?;
            call.answer()?;
            (party, call)
        }
    };
    call.wait_answered(SOON)?;
    is_told(&call, way.is_told)?;
    call.hang_up()?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    let (outcome, reason) = if way.is_told { ("recorded", None) } else { ("not_recorded", Some("internal")) };
    promise!(rows[0].outcome.as_deref() == Some(outcome), "{} comes to {rows:#?}", way.name);
    promise!(rows[0].reason.as_deref() == reason, "{} comes to {rows:#?}", way.name);
    drop(party);
    Ok(())
}

/// It hears the notice whole and speaks after it; or hears none while it would be heard.
fn is_told(call: &Call, told: bool) -> Proof {
    if told {
        heard_whole(call)?;
        call.say(Speech::Tone(CALLER));
        call.talk(Duration::from_millis(600))
    } else {
        call.say(Speech::Tone(CALLER));
        call.talk(Duration::from_millis(1_000))?;
        never_told(call)
    }
}

/// Its own caller id reads 112, an exempt number, a company number: it is told and recorded all the same, by itself and
/// in a bridge, and the refused matches are counted.
fn claims(stage: &Stage) -> Proof {
    let cast = telling(stage, &[("exempt-numbers", "1007")])?.start(stage)?;
    for (n, claimed) in ["112", "1007", "2003"].into_iter().enumerate() {
        let party = UserAgent::start("0611111111")?;
        let call = party.call("line", cast.host.sip_port(), calling_itself(claimed))?;
        heard_whole(&call)?;
        let agent = cast.agent.incoming(SOON)?;
        agent.answer()?;
        agent.wait_answered(SOON)?;
        call.say(Speech::Tone(CALLER));
        agent.media().wait_heard(CALLER, SOON)?;
        call.hang_up()?;
        agent.wait_ended(SOON)?;
        cast.wait_idle()?;
        let rows = cast.vault.wait_listed(&cast.host, n + 1)?;
        let all = rows.iter().all(|row| row.outcome.as_deref() == Some("recorded"));
        promise!(all, "who calls itself {claimed} is recorded: {rows:#?}");
    }
    let status = cast.vault.status(&cast.host)?;
    let counted = ["emergency", "exempt", "company"].map(|kind| status["whose"][kind].as_u64());
    promise!(counted == [Some(1); 3], "each refused match is counted: {}", status["whose"]);
    let text = Commands::api(&cast.host, "callvault status")?;
    promise!(text.contains("not believed"), "status says so: {text}");
    Ok(())
}

/// A user of one domain rings a user of another.
fn tenants(stage: &Stage, one_company: &str, told: bool) -> Proof {
    let (user, domain) = TENANT;
    let other = UserAgent::start(user)?;
    let mut casting: Casting = telling(stage, &[("record-internal", "false"), ("company-domains", one_company)])?
        .extension(user, &[("bridge", &format!("user/{user}@{domain}"))]);
    casting.configuration = casting.configuration.user_of(&other, domain);
    let cast = casting.start(stage)?;
    let ringing = cast.third.call(user, cast.host.sip_port(), silent())?;
    let rung = other.incoming(SOON)?;
    rung.answer()?;
    rung.wait_answered(SOON)?;
    if told {
        heard_whole(&rung)?;
    }
    ringing.wait_answered(SOON)?;
    hear_each_other((&ringing, THIRD), (&rung, CALLER))?;
    never_told(&ringing)?;
    if !told {
        never_told(&rung)?;
    }
    ringing.hang_up()?;
    rung.wait_ended(SOON)?;
    cast.wait_idle()?;
    let rows = cast.vault.wait_listed(&cast.host, 1)?;
    let outcome = if told { "recorded" } else { "not_recorded" };
    promise!(rows[0].outcome.as_deref() == Some(outcome), "told: {told}: {rows:#?}");
    Ok(())
}
