//! E12 for the parameters of telling and agreeing: each bad value at its own place, each default as documented.
use std::time::Duration;

use crate::policy::{BypassedMedia, ForeignTaps, OutboundNotice, Policy, Purpose, sample, sample_config};

fn faults_of(params: &[(&str, &str)]) -> Vec<String> {
    Policy::parse(&sample_config(params)).expect_err("a bad config").iter().map(ToString::to_string).collect()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let policy = sample(&[]);
    assert_eq!(policy.told_by, "other means");
    assert_eq!(policy.outbound_notice, OutboundNotice::Play);
    assert_eq!((policy.attest_beep, policy.attest_within), (seconds(15), seconds(30)));
    assert_eq!((policy.consent_within, policy.objection_within), (seconds(8), seconds(300)));
    assert_eq!(policy.pause_at_most, seconds(120));
    assert!(!policy.inband_digits && !policy.staff_beep && !policy.manifests_required);
    assert_eq!(policy.queue_applications, ["fifo", "callcenter"]);
    assert!(policy.waiting_sound.as_deref().is_some_and(|sound| sound.starts_with("tone_stream://")));
    assert_eq!((policy.bypassed_media, policy.foreign_taps), (BypassedMedia::Leave, ForeignTaps::Report));
    let may = policy.dialplan_may;
    assert_eq!((may.exempt, may.language, may.mode, may.retention), (false, true, true, true));
    assert_eq!(policy.purposes.into_iter().collect::<Vec<_>>(), Purpose::ALL);
    let digits = policy.digits;
    assert_eq!((digits.object, digits.agree, digits.decline), (None, '1', '2'));
    assert_eq!((digits.attest, digits.agent_object), (Some('1'), Some('9')));
    assert_eq!((digits.pause, digits.resume), (Some('7'), Some('8')));
}

/// NOT-05: where the prompt names a digit there is one, without it being configured.
#[test]
fn the_objection_digit_is_9_where_the_mode_has_one() {
    assert_eq!(sample(&[("notice-mode", "optout")]).digits.object, Some('9'));
    assert_eq!(sample(&[("notice-mode", "optin")]).digits.object, Some('9'));
    assert_eq!(sample(&[("objection-digit", "#")]).digits.object, Some('#'));
    assert_eq!(sample(&[("notice-mode", "optout"), ("objection-digit", "none")]).digits.object, None);
}

/// NOT-04: who is told by other means has agreed to nothing.
#[test]
fn agreement_cannot_be_told_of_elsewhere() {
    let faults = faults_of(&[("notice-mode", "optin"), ("uninformed", "record")]);
    assert!(faults.len() == 1 && faults[0].contains("uninformed"), "{faults:?}");
}

#[test]
fn each_bad_value_is_refused_at_its_own_place() {
    let long = "x".repeat(201);
    let bad: &[(&str, &[&str])] = &[
        ("told-by", &["", "a letter\nof May", &long]),
        ("outbound-notice", &["", "Play", "none", "agent"]),
        ("attest-beep-seconds", &["0", "-1", "601", "15s", "", "30"]),
        ("attest-seconds", &["0", "601", "soon"]),
        ("objection-digit", &["", "99", "A", "*9", "nine"]),
        ("agree-digit", &["", "12", "a", "none"]),
        ("decline-digit", &["", "12", "a", "none"]),
        ("attest-code", &["", "1", "**", "*#", "*12", "*a"]),
        ("agent-objection-code", &["", "9", "*99"]),
        ("pause-code", &["", "7", "*x"]),
        ("resume-code", &["", "8", "* 8"]),
        ("consent-seconds", &["0", "61", "eight"]),
        ("objection-seconds", &["-1", "86401", "5m"]),
        ("inband-digits", &["yes", "1", ""]),
        ("pause-seconds", &["0", "601", "forever"]),
        ("queue-applications", &["", "fifo,", "fifo callcenter", "${queue}"]),
        ("waiting-sound", &["", "moh.wav", "local_stream://", "/a/../b.wav", "none"]),
        ("staff-beep", &["yes", "on"]),
        ("bypassed-media", &["", "refuse", "true"]),
        ("foreign-taps", &["", "kill", "hang-up"]),
        ("dialplan-may", &["", "all", "exempt,everything", "mode retention"]),
        ("purposes", &["", "none", "marketing", "complaint,", "Complaint"]),
        ("prompt-manifests", &["", "yes", "true"]),
    ];
    for (name, values) in bad {
        for value in *values {
            let faults = faults_of(&[(name, value)]);
            assert_eq!(faults.len(), 1, "{name}={value}: {faults:?}");
            assert!(
                faults[0].starts_with(&format!("settings/param[{name}]: found "))
                    && faults[0].contains("; right would be "),
                "{name}={value}: {faults:?}"
            );
        }
    }
}

#[test]
fn what_may_be_none_or_nothing_may() {
    let policy = sample(&[
        ("attest-code", "none"),
        ("agent-objection-code", "none"),
        ("pause-code", "none"),
        ("resume-code", "none"),
        ("queue-applications", "none"),
        ("waiting-sound", "silence"),
        ("dialplan-may", "none"),
        ("objection-seconds", "0"),
    ]);
    let digits = policy.digits;
    assert_eq!([digits.attest, digits.agent_object, digits.pause, digits.resume], [None; 4]);
    assert!(policy.queue_applications.is_empty() && policy.waiting_sound.is_none());
    let may = policy.dialplan_may;
    assert!(!(may.exempt || may.language || may.mode || may.retention));
}

/// STF-02: a reminder that comes when it is too late reminds nobody.
#[test]
fn the_reminder_comes_before_it_is_too_late() {
    for (beep, within) in [("30", "30"), ("31", "30")] {
        let faults = faults_of(&[("attest-beep-seconds", beep), ("attest-seconds", within)]);
        assert!(faults[0].starts_with("settings/param[attest-beep-seconds]"), "{faults:?}");
    }
    sample(&[("attest-beep-seconds", "29"), ("attest-seconds", "30")]);
}

#[test]
fn no_key_means_two_things_to_one_party() {
    for (params, name) in [
        (&[("notice-mode", "optin"), ("objection-digit", "1")][..], "objection-digit"),
        (&[("notice-mode", "optin"), ("agree-digit", "2")][..], "objection-digit"),
        (&[("attest-code", "*9")][..], "attest-code"),
        (&[("pause-code", "*8")][..], "attest-code"),
    ] {
        let faults = faults_of(params);
        assert_eq!(faults.len(), 1, "{params:?}: {faults:?}");
        assert!(faults[0].starts_with(&format!("settings/param[{name}]")), "{params:?}: {faults:?}");
    }
    // Where nobody is asked to agree, 1 is as good as 9; and the two sides have their own telephones.
    sample(&[("notice-mode", "optout"), ("objection-digit", "1")]);
}

/// PUR-06: the enumeration is closed; the config takes away.
#[test]
fn purposes_are_disabled_by_leaving_them_out() {
    let policy = sample(&[("purposes", "complaint, safety_crime,complaint")]);
    assert_eq!(policy.purposes.into_iter().collect::<Vec<_>>(), [Purpose::Complaint, Purpose::SafetyCrime]);
}

/// E12: the hash names what the policy means, telling included.
#[test]
fn the_hash_changes_with_each_of_them() {
    let defaults: &[(&str, &str)] = &[
        ("attest-seconds", "30"),
        ("attest-code", "*1"),
        ("purposes", "training,legal_compliance,safety_crime,spotcheck,complaint"),
        ("dialplan-may", "retention,language,mode"),
        ("prompt-manifests", "optional"),
    ];
    assert_eq!(sample(defaults).hash, sample(&[]).hash, "what is written as it is by default means the same");
    let mut hashes = vec![sample(&[]).hash];
    for (name, value) in [
        ("told-by", "the contract"),
        ("outbound-notice", "attest"),
        ("attest-beep-seconds", "14"),
        ("attest-seconds", "31"),
        ("objection-digit", "9"),
        ("agree-digit", "3"),
        ("decline-digit", "3"),
        ("attest-code", "*2"),
        ("agent-objection-code", "none"),
        ("pause-code", "*5"),
        ("resume-code", "*5"),
        ("consent-seconds", "9"),
        ("objection-seconds", "299"),
        ("inband-digits", "true"),
        ("pause-seconds", "119"),
        ("queue-applications", "fifo"),
        ("waiting-sound", "silence"),
        ("staff-beep", "true"),
        ("bypassed-media", "return"),
        ("foreign-taps", "hangup"),
        ("dialplan-may", "exempt"),
        ("purposes", "complaint"),
        ("prompt-manifests", "required"),
    ] {
        hashes.push(sample(&[(name, value)]).hash);
    }
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}
