//! The ready `callvault.conf.xml`: the one an admin copies, with this recorder's places in it.
use std::path::Path;

const TEMPLATE: &str = include_str!("../../../freeswitch-conf/autoload_configs/callvault.conf.xml");

/// The configuration of a recorder in `directory`, an absolute path.
pub fn for_directory(directory: &Path) -> String {
    let place = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let values = [
        ("data-dir", place("data")),
        ("keystore-dir", place("keystore")),
        ("roster", place("roster.json")),
        ("instance", instance()),
    ];
    let text = values.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| with_parameter(&text, name, value));
    text.replace(PROMPTS_PLACE, &escaped(&place("prompts")))
}

/// Where the template looks for the prompts.
const PROMPTS_PLACE: &str = "$${sounds_dir}/callvault";

/// A shipped file by its name, with its bytes.
macro_rules! shipped {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../freeswitch-conf/prompts/", $name)))
    };
}

/// The shipped prompts that the template names, each with its manifest, by file name.
pub const PROMPTS: [(&str, &[u8]); 28] = [
    shipped!("notice-nl.wav"),
    shipped!("notice-nl.wav.prompt.json"),
    shipped!("notice-en.wav"),
    shipped!("notice-en.wav.prompt.json"),
    shipped!("notice-optout-nl.wav"),
    shipped!("notice-optout-nl.wav.prompt.json"),
    shipped!("notice-optout-en.wav"),
    shipped!("notice-optout-en.wav.prompt.json"),
    shipped!("notice-optin-nl.wav"),
    shipped!("notice-optin-nl.wav.prompt.json"),
    shipped!("notice-optin-en.wav"),
    shipped!("notice-optin-en.wav.prompt.json"),
    shipped!("notice-outbound-nl.wav"),
    shipped!("notice-outbound-nl.wav.prompt.json"),
    shipped!("notice-outbound-en.wav"),
    shipped!("notice-outbound-en.wav.prompt.json"),
    shipped!("notice-outbound-optout-nl.wav"),
    shipped!("notice-outbound-optout-nl.wav.prompt.json"),
    shipped!("notice-outbound-optout-en.wav"),
    shipped!("notice-outbound-optout-en.wav.prompt.json"),
    shipped!("notice-outbound-optin-nl.wav"),
    shipped!("notice-outbound-optin-nl.wav.prompt.json"),
    shipped!("notice-outbound-optin-en.wav"),
    shipped!("notice-outbound-optin-en.wav.prompt.json"),
    shipped!("stopped-nl.wav"),
    shipped!("stopped-nl.wav.prompt.json"),
    shipped!("stopped-en.wav"),
    shipped!("stopped-en.wav.prompt.json"),
];

/// This machine's name, as far as the configuration takes it.
fn instance() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = name.trim().chars().filter(|c| usable(*c)).take(64).collect();
    if name.is_empty() { "pbx-1".to_owned() } else { name }
}

fn with_parameter(text: &str, name: &str, value: &str) -> String {
    let start = text.find(&format!("<param name=\"{name}\" ")).expect("the template has every parameter that is set");
    let end = start + text[start..].find("/>").expect("its elements are closed");
    format!("{}<param name=\"{name}\" value=\"{}\"{}", &text[..start], escaped(value), &text[end..])
}

fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_set_and_everything_else_stays() {
        let text = for_directory(Path::new("/srv/a & b"));
        assert!(text.contains("<param name=\"data-dir\" value=\"/srv/a &amp; b/data\"/>"), "{text}");
        assert!(text.contains("<param name=\"roster\" value=\"/srv/a &amp; b/roster.json\"/>"), "{text}");
        assert_eq!(text.lines().count(), TEMPLATE.lines().count());
        let changed = text.lines().zip(TEMPLATE.lines()).filter(|(new, old)| new != old).count();
        assert!((17..=18).contains(&changed), "{changed} lines differ");
        for (name, _) in PROMPTS.into_iter().filter(|(name, _)| name.ends_with(".wav")) {
            assert!(text.contains(&format!("file=\"/srv/a &amp; b/prompts/{name}\"")), "{name}: {text}");
        }
    }
}
