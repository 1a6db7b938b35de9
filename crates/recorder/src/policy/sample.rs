//! A good policy for tests.
use crate::policy::{Policy, RawConfig, RawElement};

/// A good config with these parameters besides (or instead of) its own.
pub(crate) fn sample_config(params: &[(&str, &str)]) -> RawConfig {
    let own = [
        ("data-dir", "/var/lib/callvault"),
        ("keystore-dir", "/var/lib/callvault-keys"),
        ("roster", "/etc/callvault/roster"),
        ("instance", "pbx-1"),
    ];
    let kept = own.iter().filter(|(name, _)| params.iter().all(|(other, _)| other != name));
    let settings = kept.chain(params).fold(RawElement::new("settings"), |settings, (name, value)| {
        settings.containing(RawElement::new("param").with("name", *name).with("value", *value))
    });
    let prompt = |language: &str| {
        let file = format!("/usr/share/callvault/notice-{language}.wav");
        RawElement::new("prompt").with("id", "notice").with("language", language).with("file", file)
    };
    let prompts = RawElement::new("prompts").containing(prompt("nl")).containing(prompt("en"));
    RawElement::new("configuration").with("name", "callvault.conf").containing(settings).containing(prompts)
}

/// The policy of [`sample_config`].
pub(crate) fn sample(params: &[(&str, &str)]) -> Policy {
    Policy::parse(&sample_config(params)).unwrap_or_else(|faults| panic!("{faults:?}"))
}
