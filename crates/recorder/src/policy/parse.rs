//! The config into a policy, or every fault of it at once (decision 15, E12). No partial defaults: one fault
//! refuses the whole.
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::policy::fault::{PolicyFault, quoted};
use crate::policy::numbers::{BadNumbers, parse_numbers};
use crate::policy::prompts::read_prompts;
use crate::policy::raw::{RawConfig, RawElement};
use crate::policy::{BypassedMedia, ForeignTaps, NoticeMode, OutboundNotice, Policy, Profile, Uninformed};

/// Every parameter of `<settings>`.
const PARAMETERS: [&str; 40] = [
    "data-dir",
    "keystore-dir",
    "roster",
    "instance",
    "notice-mode",
    "uninformed",
    "company-numbers",
    "exempt-numbers",
    "emergency-numbers",
    "record-internal",
    "retention-days",
    "profile",
    "encoder-threads",
    "sync-interval-ms",
    "ticket-minutes",
    "system-track",
    "default-language",
    "told-by",
    "outbound-notice",
    "attest-beep-seconds",
    "attest-seconds",
    "objection-digit",
    "agree-digit",
    "decline-digit",
    "attest-code",
    "agent-objection-code",
    "pause-code",
    "resume-code",
    "consent-seconds",
    "objection-seconds",
    "inband-digits",
    "pause-seconds",
    "queue-applications",
    "waiting-sound",
    "staff-beep",
    "bypassed-media",
    "foreign-taps",
    "dialplan-may",
    "purposes",
    "prompt-manifests",
];

/// A recording is kept no longer than this many times 24 h.
const RETENTION_CEILING: u64 = 30;

impl Policy {
    /// Reads the whole config.
    ///
    /// # Errors
    /// Every fault there is, each with its element's path, what was found and what would be right.
    pub fn parse(config: &RawConfig) -> Result<Self, Vec<PolicyFault>> {
        let mut faults = Vec::new();
        let (settings, prompts) = sections(config, &mut faults);
        let mut reader = Reader::new(settings, faults);
        let mut policy = Self {
            data_dir: reader.directory("data-dir"),
            keystore_dir: reader.directory("keystore-dir"),
            roster: reader.directory("roster"),
            instance: reader.instance(),
            notice_mode: reader.notice_mode(),
            uninformed: reader.word(
                "uninformed",
                &[("play", Uninformed::Play), ("refuse", Uninformed::Refuse), ("record", Uninformed::Record)],
            ),
            company_numbers: reader.numbers("company-numbers"),
            exempt_numbers: reader.numbers("exempt-numbers"),
            emergency_numbers: reader.numbers("emergency-numbers"),
            record_internal: reader.word("record-internal", &[("false", false), ("true", true)]),
            retention: Duration::from_secs(
                reader.whole("retention-days", 1..=RETENTION_CEILING, RETENTION_CEILING, "days") * 86_400,
            ),
            profile: reader.word(
                "profile",
                &[
                    ("opus", Profile::Opus),
                    ("economy", Profile::Economy),
                    ("quality", Profile::Quality),
                    ("native", Profile::Native),
                ],
            ),
            encoder_threads: usize::try_from(reader.whole("encoder-threads", 1..=256, spare_cores(), "threads"))
                .unwrap_or(1),
            sync_interval: Duration::from_millis(reader.whole("sync-interval-ms", 100..=10_000, 2_000, "milliseconds")),
            ticket_validity: Duration::from_secs(reader.whole("ticket-minutes", 1..=15, 15, "minutes") * 60),
            system_track: reader.system_track(),
            default_language: reader.language(),
            told_by: reader.told_by(),
            outbound_notice: reader
                .word("outbound-notice", &[("play", OutboundNotice::Play), ("attest", OutboundNotice::Attest)]),
            attest_beep: reader.seconds("attest-beep-seconds", 1..=600, 15),
            attest_within: reader.seconds("attest-seconds", 1..=600, 30),
            digits: reader.digits(),
            consent_within: reader.seconds("consent-seconds", 1..=60, 8),
            objection_within: reader.seconds("objection-seconds", 0..=86_400, 300),
            inband_digits: reader.word("inband-digits", &[("false", false), ("true", true)]),
            pause_at_most: reader.seconds("pause-seconds", 1..=600, 120),
            queue_applications: reader.names("queue-applications", "fifo,callcenter"),
            waiting_sound: reader.waiting_sound(),
            staff_beep: reader.word("staff-beep", &[("false", false), ("true", true)]),
            bypassed_media: reader
                .word("bypassed-media", &[("leave", BypassedMedia::Leave), ("return", BypassedMedia::Return)]),
            foreign_taps: reader
                .word("foreign-taps", &[("report", ForeignTaps::Report), ("hangup", ForeignTaps::HangUp)]),
            dialplan_may: reader.dialplan_may(),
            manifests_required: reader.word("prompt-manifests", &[("optional", false), ("required", true)]),
            purposes: reader.purposes(),
            prompts: Vec::new(),
            hash: String::new(),
        };
        reader.in_order(&policy);
        reader.apart(&policy.data_dir, &policy.keystore_dir);
        let mut faults = reader.faults;
        policy.prompts = read_prompts(prompts, &policy, &mut faults);
        if faults.is_empty() {
            policy.hash = policy.canonical_hash();
            Ok(policy)
        } else {
            Err(faults)
        }
    }
}

/// The encoder's share: all cores but one, at least one.
fn spare_cores() -> u64 {
    thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).clamp(1, 256) as u64)
}

/// The children of `<settings>` and of `<prompts>`.
fn sections<'a>(
    config: &'a RawConfig,
    faults: &mut Vec<PolicyFault>,
) -> (Option<&'a RawElement>, Option<&'a RawElement>) {
    if config.name != "configuration" {
        faults.push(PolicyFault::new(&config.name, format!("the root <{}>", config.name), "<configuration>"));
    }
    only_attributes(config, "configuration", &["name", "description"], faults);
    no_text(config, "configuration", faults);
    if let Some(name) = config.attribute("name").filter(|name| *name != "callvault.conf") {
        faults.push(PolicyFault::new("configuration[name]", quoted(name), "\"callvault.conf\""));
    }
    let mut settings = None;
    let mut prompts = None;
    for child in &config.children {
        let place = match child.name.as_str() {
            "settings" => &mut settings,
            "prompts" => &mut prompts,
            other => {
                faults.push(PolicyFault::new(
                    other,
                    format!("an unknown element <{other}>"),
                    "<settings> or <prompts>",
                ));
                continue;
            }
        };
        if place.is_some() {
            faults.push(PolicyFault::new(&child.name, format!("a second <{}>", child.name), "one of them"));
            continue;
        }
        *place = Some(child);
        only_attributes(child, &child.name, &[], faults);
        no_text(child, &child.name, faults);
    }
    if settings.is_none() {
        faults.push(PolicyFault::new("settings", "nothing", "<settings> with a <param> for each setting"));
    }
    (settings, prompts)
}

/// Attributes that have no meaning here, or are there twice.
pub(super) fn only_attributes(element: &RawElement, path: &str, known: &[&str], faults: &mut Vec<PolicyFault>) {
    for (position, (name, _)) in element.attributes.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let right = if known.is_empty() { "no attribute".to_owned() } else { known.join(", ") };
            faults.push(PolicyFault::new(path, format!("an unknown attribute {}", quoted(name)), right));
        } else if element.attributes[..position].iter().any(|(earlier, _)| earlier == name) {
            faults.push(PolicyFault::new(path, format!("a second attribute {}", quoted(name)), "one of it"));
        }
    }
}

/// Text between elements is what is left of an element that lost a bracket or a comment that lost its end.
pub(super) fn no_text(element: &RawElement, path: &str, faults: &mut Vec<PolicyFault>) {
    let text = element.text.trim();
    if !text.is_empty() {
        faults.push(PolicyFault::new(path, format!("loose text {}", quoted(text)), "elements and comments only"));
    }
}

/// Reads `<param>`s one by one and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) values: BTreeMap<&'a str, &'a str>,
    /// Parameters that are there but unreadable as elements: they are not reported as missing too.
    broken: Vec<&'a str>,
    faults: Vec<PolicyFault>,
}

impl<'a> Reader<'a> {
    fn new(settings: Option<&'a RawElement>, faults: Vec<PolicyFault>) -> Self {
        let mut reader = Self { values: BTreeMap::new(), broken: Vec::new(), faults };
        let params = settings.map_or(&[][..], |settings| &settings.children);
        for (position, param) in params.iter().enumerate() {
            reader.take(position + 1, param);
        }
        reader
    }

    fn take(&mut self, position: usize, param: &'a RawElement) {
        if param.name != "param" {
            let path = format!("settings/{}[#{position}]", param.name);
            self.faults.push(PolicyFault::new(path, "an unknown element", "<param name=\"…\" value=\"…\"/>"));
            return;
        }
        let name = param.attribute("name");
        let path = name.map_or_else(|| format!("settings/param[#{position}]"), path_of);
        only_attributes(param, &path, &["name", "value"], &mut self.faults);
        no_text(param, &path, &mut self.faults);
        if !param.children.is_empty() {
            self.faults.push(PolicyFault::new(&path, "elements inside", "<param name=\"…\" value=\"…\"/>"));
        }
        let Some(name) = name else {
            self.faults.push(PolicyFault::new(path, "no name", "<param name=\"…\" value=\"…\"/>"));
            return;
        };
        if !PARAMETERS.contains(&name) {
            self.faults.push(PolicyFault::new(
                path,
                "an unknown parameter",
                format!("one of {}", PARAMETERS.join(", ")),
            ));
            return;
        }
        let Some(value) = param.attribute("value") else {
            self.broken.push(name);
            self.faults.push(PolicyFault::new(path, "no value", "<param name=\"…\" value=\"…\"/>"));
            return;
        };
        if self.values.insert(name, value).is_some() {
            self.faults.push(PolicyFault::new(path, "a second one", "one of it"));
        }
    }

    pub(super) fn fault(&mut self, name: &str, found: impl Into<String>, right: impl Into<String>) {
        self.faults.push(PolicyFault::new(path_of(name), found, right));
    }

    fn missing(&mut self, name: &str, right: &str) {
        if !self.broken.contains(&name) {
            self.fault(name, "nothing", right);
        }
    }

    /// One of these words; the first is the default.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> T {
        let (_, default) = words[0];
        let Some(value) = self.values.get(name).copied() else { return default };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == value) {
            return *meaning;
        }
        let right = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        self.fault(name, quoted(value), format!("one of {right}"));
        default
    }

    /// A whole number in digits alone.
    pub(super) fn whole(&mut self, name: &str, range: std::ops::RangeInclusive<u64>, default: u64, unit: &str) -> u64 {
        let Some(value) = self.values.get(name).copied() else { return default };
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse::<u64>() {
            Ok(number) if digits && range.contains(&number) => number,
            _ => {
                let right = format!("a whole number of {unit} from {} to {}", range.start(), range.end());
                self.fault(name, quoted(value), right);
                default
            }
        }
    }

    /// An absolute path without `..`.
    fn directory(&mut self, name: &str) -> PathBuf {
        const RIGHT: &str = "an absolute path without \"..\"";
        let Some(value) = self.values.get(name).copied() else {
            self.missing(name, RIGHT);
            return PathBuf::new();
        };
        let path = Path::new(value);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        let printable = !value.chars().any(char::is_control) && !value.contains("${");
        if !path.is_absolute() || path == Path::new("/") || climbs || !printable {
            self.fault(name, quoted(value), RIGHT);
        }
        path.to_owned()
    }

    /// Slots are overwritten in place, segments are appended to: each in its own directory.
    fn apart(&mut self, data: &Path, keystore: &Path) {
        if !data.as_os_str().is_empty() && data == keystore {
            self.fault("keystore-dir", "the same as data-dir", "a directory of its own");
        }
    }

    fn instance(&mut self) -> String {
        const RIGHT: &str = "a name of 1 to 64 letters, digits, dots, hyphens and underscores";
        let Some(value) = self.values.get("instance").copied() else {
            self.missing("instance", RIGHT);
            return String::new();
        };
        let good = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        if !good || !(1..=64).contains(&value.len()) {
            self.fault("instance", quoted(value), RIGHT);
        }
        value.to_owned()
    }

    fn language(&mut self) -> String {
        let value = self.values.get("default-language").copied().unwrap_or("nl");
        if is_language(value) {
            return value.to_owned();
        }
        self.fault("default-language", quoted(value), "a language as \"nl\" or \"en-GB\"");
        "nl".to_owned()
    }

    fn numbers(&mut self, name: &str) -> Option<regex::Regex> {
        let value = self.values.get(name).copied()?;
        let (found, right) = match parse_numbers(value) {
            Ok(list) => return Some(list),
            Err(BadNumbers::Empty) => ("nothing".to_owned(), "a regular expression, or no such parameter at all"),
            Err(BadNumbers::TooLarge) => ("too large an expression".to_owned(), "one of at most 4096 bytes"),
            Err(BadNumbers::Unreadable(why)) => {
                (format!("no regular expression ({why})"), "a regular expression such as \"1007|0800.*\"")
            }
            Err(BadNumbers::MatchesNothing) => {
                ("an expression that also matches a withheld number".to_owned(), "one that needs at least one digit")
            }
            Err(BadNumbers::MatchesEverything) => {
                ("an expression that matches every number".to_owned(), "one that lists some numbers only")
            }
        };
        self.fault(name, found, right);
        None
    }

    fn notice_mode(&mut self) -> NoticeMode {
        let words = [("notice", NoticeMode::Notice), ("optout", NoticeMode::OptOut), ("optin", NoticeMode::OptIn)];
        self.word("notice-mode", &words)
    }

    fn system_track(&mut self) -> bool {
        let wanted = self.word("system-track", &[("false", false), ("true", true)]);
        if wanted {
            self.fault("system-track", "\"true\"", "\"false\": this version keeps no track of what the PBX says yet");
        }
        wanted
    }
}

fn path_of(name: &str) -> String {
    format!("settings/param[{}]", name.chars().take(60).filter(|c| !c.is_control()).collect::<String>())
}

/// `nl`, `en-GB`.
pub(crate) fn is_language(text: &str) -> bool {
    let (tongue, region) = text.split_once('-').unwrap_or((text, "XX"));
    (2..=3).contains(&tongue.len())
        && tongue.bytes().all(|byte| byte.is_ascii_lowercase())
        && (2..=8).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
