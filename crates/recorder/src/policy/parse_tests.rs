//! E12: a config is understood whole or refused whole, every fault with its place.
use super::*;
use crate::policy::{sample, sample_config};

fn faults_of(config: &RawConfig) -> Vec<String> {
    Policy::parse(config).expect_err("a bad config").iter().map(ToString::to_string).collect()
}

fn settings(config: &mut RawConfig) -> &mut RawElement {
    config.children.iter_mut().find(|child| child.name == "settings").expect("the sample has settings")
}

fn prompts(config: &mut RawConfig) -> &mut RawElement {
    config.children.iter_mut().find(|child| child.name == "prompts").expect("the sample has prompts")
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let policy = sample(&[]);
    assert_eq!(policy.notice_mode, NoticeMode::Notice);
    assert_eq!(policy.uninformed, Uninformed::Play);
    assert!(!policy.record_internal);
    assert_eq!(policy.retention, Duration::from_secs(30 * 86_400));
    assert_eq!(policy.profile, Profile::Opus);
    assert!(policy.encoder_threads >= 1);
    assert_eq!(policy.sync_interval, Duration::from_millis(2000));
    assert_eq!(policy.ticket_validity, Duration::from_secs(15 * 60));
    assert_eq!(policy.default_language, "nl");
    assert!(policy.company_numbers.is_none() && policy.exempt_numbers.is_none());
    assert_eq!(policy.prompts[0].version, "1");
    assert_eq!(policy.hash.len(), 64);
}

#[test]
fn each_bad_value_is_refused_at_its_own_place() {
    let bad: &[(&str, &[&str])] = &[
        (
            "retention-days",
            &["0", "-1", "31", "300", "forever", "", "3.5", "+30", " 30", "0x10", "99999999999999999999"],
        ),
        ("ticket-minutes", &["0", "16", "soon"]),
        ("sync-interval-ms", &["0", "99", "10001", "2s"]),
        ("encoder-threads", &["0", "257", "all"]),
        ("notice-mode", &["", "Notice", "none", "off"]),
        ("uninformed", &["", "PLAY", "ignore"]),
        ("record-internal", &["yes", "1", "True", ""]),
        ("system-track", &["true", "yes"]),
        ("profile", &["mp3", ""]),
        ("company-numbers", &["", "(", ".*", "06|"]),
        ("exempt-numbers", &["", "[0-9", ".+"]),
        ("emergency-numbers", &["", "*112", ".*"]),
        ("data-dir", &["", "callvault", "./x", "/", "/var/../etc", "/var/$${nothing}"]),
        ("keystore-dir", &["", "keys", "/var/lib/callvault"]),
        ("roster", &["", "roster"]),
        ("instance", &["", "pbx 1", "pbx/1", "é"]),
        ("default-language", &["", "NL", "n", "dutch", "nl-", "fr"]),
    ];
    for (name, values) in bad {
        for value in *values {
            let faults = faults_of(&sample_config(&[(name, value)]));
            assert_eq!(faults.len(), 1, "{name}={value}: {faults:?}");
            let place =
                if (*name, *value) == ("default-language", "fr") { "prompts/prompt[notice]" } else { &path_of(name) };
            assert!(faults[0].starts_with(&format!("{place}: found ")), "{name}={value}: {faults:?}");
            assert!(faults[0].contains("; right would be "), "{faults:?}");
        }
    }
}

#[test]
fn all_faults_come_at_once() {
    let mut config = sample_config(&[("retention-days", "0"), ("profile", "mp3"), ("data-dir", "relative")]);
    config.children.push(RawElement::new("recipients"));
    settings(&mut config).containing_mut(RawElement::new("param").with("name", "retention-weeks").with("value", "4"));
    prompts(&mut config).containing_mut(RawElement::new("prompt").with("id", "else").with("language", "nl"));
    let faults = faults_of(&config).join("\n");
    for place in [
        "recipients: found an unknown element",
        "settings/param[data-dir]: found \"relative\"",
        "settings/param[profile]: found \"mp3\"; right would be one of opus, economy, quality, native",
        "settings/param[retention-days]: found \"0\"; right would be a whole number of days from 1 to 30",
        "settings/param[retention-weeks]: found an unknown parameter",
        "prompts/prompt[else]: found no file",
    ] {
        assert!(faults.contains(place), "{place} in\n{faults}");
    }
    assert_eq!(faults.lines().count(), 6, "{faults}");
}

#[test]
fn what_is_required_is_missed_by_name() {
    let mut config = sample_config(&[]);
    settings(&mut config).children.clear();
    let faults = faults_of(&config);
    for name in ["data-dir", "keystore-dir", "roster", "instance"] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(&format!("{}: found nothing", path_of(name)))),
            "{faults:?}"
        );
    }
    assert_eq!(faults.len(), 4);
    config.children.clear();
    assert!(faults_of(&config).iter().any(|fault| fault.starts_with("settings: found nothing")));
}

#[test]
fn what_is_unknown_or_there_twice_is_a_fault() {
    type Edit = fn(&mut RawConfig);
    let edits: [(&str, Edit); 14] = [
        ("a second <settings>", |config| config.children.push(RawElement::new("settings"))),
        ("a second one", |config| {
            settings(config).containing_mut(RawElement::new("param").with("name", "instance").with("value", "pbx-1"));
        }),
        ("an unknown element", |config| settings(config).children[0].name = "parm".into()),
        ("an unknown attribute \"valeu\"", |config| settings(config).children[0].attributes[1].0 = "valeu".into()),
        ("a second attribute \"value\"", |config| {
            settings(config).children[0].attributes.push(("value".into(), "/var/lib/other".into()));
        }),
        ("no name", |config| settings(config).children[0].attributes[0].0 = "value".into()),
        ("elements inside", |config| settings(config).children[0].containing_mut(RawElement::new("param"))),
        ("an unknown attribute", |config| settings(config).attributes.push(("enabled".into(), "false".into()))),
        ("loose text", |config| settings(config).text = "\n param name=\"notice-mode\" value=\"optin\"/>\n".into()),
        ("the root <document>", |config| config.name = "document".into()),
        ("\"callvault\"", |config| config.attributes[0].1 = "callvault".into()),
        ("a second one in language \"nl\"", |config| {
            let again = prompts(config).children[0].clone();
            prompts(config).containing_mut(again);
        }),
        ("file \"notice-nl.wav\"", |config| prompts(config).children[0].attributes[2].1 = "notice-nl.wav".into()),
        ("language \"Dutch\"", |config| prompts(config).children[0].attributes[1].1 = "Dutch".into()),
    ];
    for (found, edit) in edits {
        let mut config = sample_config(&[]);
        edit(&mut config);
        let faults = faults_of(&config).join("\n");
        assert!(faults.contains(&format!("found {found}")), "{found} in\n{faults}");
    }
}

#[test]
fn parties_who_must_be_told_need_a_prompt_in_the_default_language() {
    let mut config = sample_config(&[]);
    prompts(&mut config).children.remove(0);
    assert!(faults_of(&config)[0].starts_with("prompts/prompt[notice]: found none in the default language"));
    settings(&mut config).containing_mut(RawElement::new("param").with("name", "uninformed").with("value", "record"));
    assert!(Policy::parse(&config).is_ok());
}

#[test]
fn a_prompt_may_come_from_any_source_that_names_its_kind() {
    for (source, good) in [
        ("tone_stream://%(1000,0,440)", true),
        ("file_string:///a.wav!/b.wav", true),
        ("/usr/share/callvault/notice nl.wav", true),
        ("notice.wav", false),
        ("/usr/../notice.wav", false),
        ("://x", false),
        ("tone_stream://", false),
        ("/dir/", false),
        ("/${caller}.wav", false),
    ] {
        let mut config = sample_config(&[]);
        prompts(&mut config).children[0].attributes[2].1 = source.into();
        assert_eq!(Policy::parse(&config).is_ok(), good, "{source}");
    }
}

/// E12: the hash names what the policy means.
#[test]
fn the_hash_changes_with_the_meaning_only() {
    let policy = sample(&[]);
    let mut reordered = sample_config(&[("retention-days", "30"), ("notice-mode", "notice")]);
    settings(&mut reordered).children.reverse();
    assert_eq!(Policy::parse(&reordered).expect("a good config").hash, policy.hash);
    let mut hashes = vec![policy.hash];
    for (name, value) in [
        ("retention-days", "29"),
        ("uninformed", "refuse"),
        ("record-internal", "true"),
        ("company-numbers", "06.*"),
        ("exempt-numbers", "06.*"),
        ("instance", "pbx-2"),
        ("sync-interval-ms", "1999"),
        ("ticket-minutes", "14"),
        ("profile", "native"),
        ("data-dir", "/srv/callvault"),
    ] {
        hashes.push(sample(&[(name, value)]).hash);
    }
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

impl RawElement {
    fn containing_mut(&mut self, child: RawElement) {
        self.children.push(child);
    }
}
