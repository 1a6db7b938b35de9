//! The config that is shipped says what the program does by itself, and no slip of the pen in it makes a weaker
//! policy (E12).
mod config_support;

use std::time::Duration;

use callvault_recorder::conversation::Direction;
use callvault_recorder::policy::{LegSigns, OutboundNotice, Policy, RawElement, Uninformed};
use config_support::read;
use proptest::prelude::*;

const SHIPPED: &str = include_str!("../../../freeswitch-conf/autoload_configs/callvault.conf.xml");
const DIALPLANS: [&str; 5] = [
    include_str!("../../../freeswitch-conf/dialplan/callvault_click_to_call.xml"),
    include_str!("../../../freeswitch-conf/dialplan/callvault_conference.xml"),
    include_str!("../../../freeswitch-conf/dialplan/callvault_inbound.xml"),
    include_str!("../../../freeswitch-conf/dialplan/callvault_outbound.xml"),
    include_str!("../../../freeswitch-conf/dialplan/callvault_queue.xml"),
];

fn shipped() -> Policy {
    Policy::parse(&read(SHIPPED).expect("the shipped file is XML")).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn every_shipped_file_is_well_formed() {
    for text in DIALPLANS.into_iter().chain([SHIPPED]) {
        roxmltree::Document::parse(text).expect("well-formed XML");
    }
}

/// The forgiving reader of these tests reads the shipped file as an XML parser does.
#[test]
fn the_shipped_file_reads_the_same_by_any_parser() {
    fn element(node: roxmltree::Node<'_, '_>) -> RawElement {
        let of = |value: &str| value.replace("$${sounds_dir}", "/usr/share/freeswitch/sounds");
        let mut raw = RawElement::new(node.tag_name().name());
        raw.attributes = node.attributes().map(|a| (a.name().to_owned(), of(a.value()))).collect();
        raw.children = node.children().filter(roxmltree::Node::is_element).map(element).collect();
        raw.text = node.children().filter_map(|child| child.text().filter(|_| child.is_text())).collect();
        raw
    }
    let document = roxmltree::Document::parse(SHIPPED).expect("well-formed XML");
    assert_eq!(Some(element(document.root_element())), read(SHIPPED));
}

/// What the file shows is what holds where it is left out.
#[test]
fn the_shipped_values_are_the_defaults() {
    let mut bare = read(SHIPPED).expect("the shipped file is XML");
    let required = ["data-dir", "keystore-dir", "roster", "instance"];
    bare.children[0].children.retain(|param| required.contains(&param.attributes[0].1.as_str()));
    let bare = Policy::parse(&bare).expect("a good config");
    assert_eq!(bare.retention, Duration::from_secs(30 * 24 * 3600));
    // The emergency number alone is written and built in: the hash knows it as written.
    assert!(is_emergency(&bare, "112"));
    // What is shipped has manifests; prompts of before go on where the line is left out, with a warning.
    assert!(!bare.manifests_required && shipped().manifests_required);
    let (emergency_numbers, hash) = (shipped().emergency_numbers, shipped().hash);
    let differs = Policy { emergency_numbers, hash, manifests_required: true, ..bare };
    assert_eq!(format!("{differs:?}"), format!("{:?}", shipped()));
}

/// Every parameter that the program knows is in the file, explained: in force or as an example.
#[test]
fn the_shipped_file_names_every_parameter() {
    let mut unknown = read(SHIPPED).expect("the shipped file is XML");
    unknown.children[0].children.push(RawElement::new("param").with("name", "x").with("value", "x"));
    let faults = Policy::parse(&unknown).expect_err("an unknown parameter");
    let known = faults[0].right.strip_prefix("one of ").expect("a list").split(", ");
    let missing: Vec<&str> = known.filter(|name| !SHIPPED.contains(&format!("<param name=\"{name}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What stands in a comment as an example can be taken out of it as it stands.
#[test]
fn the_examples_in_comments_are_good() {
    let mut found = 0;
    for line in SHIPPED.lines().map(str::trim).filter(|line| line.starts_with("<param ")) {
        let param = read(line).expect("an element");
        let mut config = read(SHIPPED).expect("the shipped file is XML");
        let settings = &mut config.children[0].children;
        if !settings.contains(&param) {
            settings.push(param);
            found += 1;
            assert!(Policy::parse(&config).is_ok(), "{line}");
        }
    }
    assert_eq!(found, 4, "company-numbers, exempt-numbers, encoder-threads, objection-digit");
}

fn is_emergency(policy: &Policy, number: &str) -> bool {
    policy.emergency(&signs(number))
}

fn signs(number: &str) -> LegSigns<'_> {
    LegSigns {
        direction: Direction::Outbound,
        authenticated: false,
        dialled_as_user: false,
        caller_number: "",
        dialled_number: number,
        born_for_exempt: false,
        born_for_emergency: false,
    }
}

/// Why this policy promises less than the shipped one.
fn weaker(policy: &Policy, shipped: &Policy) -> Option<&'static str> {
    let ordinary = ["0201234567", "+31612345678", "0031201234567", "1001", "", "anonymous"];
    let reasons = [
        (policy.notice_mode < shipped.notice_mode, "a notice mode that asks less"),
        (policy.uninformed == Uninformed::Record, "untold parties are recorded"),
        (policy.record_internal, "internal calls are recorded"),
        (policy.retention > shipped.retention, "kept for longer"),
        (policy.ticket_validity > shipped.ticket_validity, "tickets live longer"),
        (policy.sync_interval > Duration::from_secs(10), "flushed too seldom"),
        (!is_emergency(policy, "112"), "emergency calls are told and recorded"),
        (ordinary.iter().any(|number| is_emergency(policy, number)), "ordinary calls count as emergencies"),
        (ordinary.iter().any(|number| policy.exempt(&signs(number))), "ordinary lines are exempt"),
        (
            ordinary.iter().any(|n| policy.classify(&signs(n)) != shipped.classify(&signs(n))),
            "outsiders count as the company's",
        ),
        (policy.prompt("notice", &policy.default_language).is_none(), "nothing to tell parties with"),
        (!policy.data_dir.is_absolute() || !policy.keystore_dir.is_absolute(), "a path that depends on where it runs"),
        (policy.data_dir == policy.keystore_dir, "keys among the recordings"),
        (policy.system_track, "a track that is not made"),
        (policy.outbound_notice != OutboundNotice::Play, "parties that are rung hear no notice"),
        (policy.dialplan_may.exempt, "whoever edits a dialplan makes exceptions"),
        (!policy.purposes.is_subset(&shipped.purposes), "opened for more"),
    ];
    reasons.into_iter().find_map(|(holds, why)| holds.then_some(why))
}

/// One slip: where (as a share of the file), what, and with which character or word.
fn slip() -> impl Strategy<Value = (u8, f64, usize)> {
    (0_u8..12, 0.0..1.0_f64, any::<usize>())
}

const CHARACTERS: &[char] = &['0', '1', '9', '-', '+', '.', '*', '|', '"', '<', '>', '/', ' ', 'a', 'n', '!', '=', '^'];
const WORDS: &[&str] = &[
    "",
    "0",
    "-1",
    "31",
    "365",
    "9999999999999999999999",
    "forever",
    "true",
    "yes",
    "off",
    "none",
    "optin",
    "optout",
    ".*",
    ".+",
    "^",
    "112|",
    "(",
    "[0-9]*",
    "../keys",
    "/",
    "relative/dir",
    "$${unset}",
    "notice.wav",
    "1e3",
    "３０",
];

fn slipped(text: &str, (kind, place, choice): (u8, f64, usize)) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let share = |n: usize| ((n as f64 * place) as usize).min(n.saturating_sub(1));
    let characters: Vec<char> = text.chars().collect();
    let lines: Vec<&str> = text.lines().collect();
    // Half of the slips are made where something is in force, the others anywhere.
    let elements: Vec<usize> = (0..lines.len()).filter(|n| lines[*n].trim_start().starts_with(['<'])).collect();
    let line =
        if choice % 2 == 0 && !elements.is_empty() { elements[share(elements.len())] } else { share(lines.len()) };
    let with_line = |edited: &[String]| {
        let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        all.splice(line..=line, edited.iter().cloned());
        all.join("\n")
    };
    let here = lines.get(line).copied().unwrap_or_default();
    let values: Vec<&str> = here.split('"').skip(1).step_by(2).collect();
    let value = values.get(choice / 7 % values.len().max(1)).copied().unwrap_or_default();
    let quoted = format!("\"{value}\"");
    let at = share(characters.len());
    match kind {
        0 => characters.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, c)| c).collect(),
        1 => {
            let mut edited = characters;
            edited[at] = CHARACTERS[choice % CHARACTERS.len()];
            edited.into_iter().collect()
        }
        2 => {
            let mut edited = characters;
            edited.insert(at, CHARACTERS[choice % CHARACTERS.len()]);
            edited.into_iter().collect()
        }
        3 => {
            let mut edited = characters;
            let next = (at + 1).min(edited.len() - 1);
            edited.swap(at, next);
            edited.into_iter().collect()
        }
        4 => with_line(&[]),
        5 => with_line(&[here.to_owned(), here.to_owned()]),
        6 => with_line(&[here.replacen(&quoted, &format!("\"{}\"", WORDS[choice % WORDS.len()]), 1)]),
        7 => with_line(&[format!("<!-- {here} -->")]),
        8 => with_line(&[here.replacen(&format!(" value={quoted}"), "", 1)]),
        9 => with_line(&[here.replacen(" value=", " valeu=", 1)]),
        10 => with_line(&[here.replacen(&quoted, &format!("\"{}\"", value.to_uppercase()), 1)]),
        _ => {
            let cut: String = here.chars().take(choice % here.chars().count().max(1)).collect();
            with_line(&[cut])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// E12: refused, the same, or stricter; up to three slips at once.
    #[test]
    fn no_slip_of_the_pen_makes_a_weaker_policy(slips in proptest::collection::vec(slip(), 1..=3)) {
        let text = slips.into_iter().fold(SHIPPED.to_owned(), |text, slip| slipped(&text, slip));
        if let Some(Ok(policy)) = read(&text).map(|config| Policy::parse(&config)) {
            prop_assert_eq!(weaker(&policy, &shipped()), None, "{}", text);
        }
    }

    /// Whatever the host's XML holds, the answer is a policy or faults with a place, never a panic.
    #[test]
    fn any_tree_is_answered(names in proptest::collection::vec("[a-z<\u{0}é-]{0,12}", 0..8), value in ".{0,40}") {
        let mut settings = RawElement::new("settings");
        for name in &names {
            settings = settings.containing(RawElement::new("param").with("name", name).with("value", &value));
        }
        for word in ["data-dir", "retention-days", "company-numbers", "uninformed", "instance", "encoder-threads"] {
            settings = settings.containing(RawElement::new("param").with("name", word).with("value", &value));
        }
        let config = RawElement::new("configuration").containing(settings);
        let faults = Policy::parse(&config).expect_err("it has no keystore");
        prop_assert!(faults.iter().all(|fault| !fault.path.is_empty() && !fault.found.is_empty() && !fault.right.is_empty()));
        prop_assert!(faults.iter().all(|fault| !fault.to_string().chars().any(char::is_control)));
    }
}

/// The slips do reach what is in force: many are refused, some are taken.
#[test]
fn slips_are_refused_and_taken() {
    let (mut refused, mut taken) = (0, 0);
    for n in 0..1200_u32 {
        let slip = ((n % 12) as u8, f64::from(n * 7919 % 1200) / 1200.0, n as usize);
        match read(&slipped(SHIPPED, slip)).map(|config| Policy::parse(&config)) {
            Some(Ok(_)) => taken += 1,
            Some(Err(_)) | None => refused += 1,
        }
    }
    assert!(refused > 200 && taken > 200, "{refused} refused, {taken} taken");
}
