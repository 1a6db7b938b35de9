//! The parameters of telling and agreeing: digits, times, sounds, what a dialplan may ask for.
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::policy::fault::quoted;
use crate::policy::parse::Reader;
use crate::policy::prompts::is_source;
use crate::policy::{DialplanMay, Digits, NoticeMode, Policy, Purpose, Uninformed};

/// The keys of a telephone.
const KEYS: &str = "0123456789*#";

impl Reader<'_> {
    pub(super) fn seconds(&mut self, name: &str, range: RangeInclusive<u64>, default: u64) -> Duration {
        Duration::from_secs(self.whole(name, range, default, "seconds"))
    }

    /// In which words the evidence says how parties are told that hear no notice.
    pub(super) fn told_by(&mut self) -> String {
        let value = self.values.get("told-by").copied().unwrap_or("other means");
        let good = (1..=200).contains(&value.len()) && !value.chars().any(char::is_control);
        if !good {
            self.fault("told-by", quoted(value), "how parties are told, in 1 to 200 printable characters");
        }
        value.to_owned()
    }

    pub(super) fn digits(&mut self) -> Digits {
        let notice = !matches!(self.values.get("notice-mode").copied(), Some("optout" | "optin"));
        let object = if notice { None } else { Some('9') };
        Digits {
            object: self.key("objection-digit", object),
            agree: self.key("agree-digit", Some('1')).unwrap_or('1'),
            decline: self.key("decline-digit", Some('2')).unwrap_or('2'),
            attest: self.code("attest-code", '1'),
            agent_object: self.code("agent-objection-code", '9'),
            pause: self.code("pause-code", '7'),
            resume: self.code("resume-code", '8'),
        }
    }

    /// One key; `none` where that may be.
    fn key(&mut self, name: &str, default: Option<char>) -> Option<char> {
        let Some(value) = self.values.get(name).copied() else { return default };
        if value == "none" && name == "objection-digit" {
            return None;
        }
        let mut keys = value.chars();
        match (keys.next(), keys.next()) {
            (Some(key), None) if KEYS.contains(key) => Some(key),
            _ => {
                self.fault(name, quoted(value), "one key of 0 to 9, * and #");
                default
            }
        }
    }

    /// `*` and a digit, or `none`: the digit.
    fn code(&mut self, name: &str, default: char) -> Option<char> {
        let Some(value) = self.values.get(name).copied() else { return Some(default) };
        if value == "none" {
            return None;
        }
        let mut keys = value.chars();
        match (keys.next(), keys.next(), keys.next()) {
            (Some('*'), Some(key), None) if key.is_ascii_digit() => Some(key),
            _ => {
                self.fault(name, quoted(value), "* and a digit, as \"*1\", or \"none\"");
                Some(default)
            }
        }
    }

    /// Names with commas between them; `none` for none.
    pub(super) fn names(&mut self, name: &str, default: &str) -> Vec<String> {
        let value = self.values.get(name).copied().unwrap_or(default);
        if value == "none" {
            return Vec::new();
        }
        let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
        let good = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        if names.iter().all(good) {
            return names;
        }
        self.fault(name, quoted(value), "names with commas between them, or \"none\"");
        Vec::new()
    }

    pub(super) fn waiting_sound(&mut self) -> Option<String> {
        let value = self.values.get("waiting-sound").copied().unwrap_or("tone_stream://%(100,2900,425);loops=-1");
        if value == "silence" {
            return None;
        }
        if !is_source(value) {
            self.fault(
                "waiting-sound",
                quoted(value),
                "a file's absolute path, a source as tone_stream://…, or \"silence\"",
            );
        }
        Some(value.to_owned())
    }

    pub(super) fn dialplan_may(&mut self) -> DialplanMay {
        let asked = self.names("dialplan-may", "language,mode,retention");
        let known = ["exempt", "language", "mode", "retention"];
        if let Some(unknown) = asked.iter().find(|name| !known.contains(&name.as_str())) {
            self.fault("dialplan-may", quoted(unknown), format!("\"none\", or some of {}", known.join(", ")));
        }
        let may = |name: &str| asked.iter().any(|asked| asked == name);
        DialplanMay { exempt: may("exempt"), language: may("language"), mode: may("mode"), retention: may("retention") }
    }

    /// Purposes may be disabled, never added (PUR-06).
    pub(super) fn purposes(&mut self) -> BTreeSet<Purpose> {
        let Some(value) = self.values.get("purposes").copied() else { return BTreeSet::from(Purpose::ALL) };
        let read: Result<BTreeSet<Purpose>, _> = value.split(',').map(|word| word.trim().parse()).collect();
        match read {
            Ok(purposes) => purposes,
            Err(_) => {
                let all = Purpose::ALL.map(Purpose::as_str).join(", ");
                self.fault("purposes", quoted(value), format!("some of {all}, with commas between them"));
                BTreeSet::new()
            }
        }
    }

    /// Times that follow each other, keys that mean two things, and agreement that nobody asks for.
    pub(super) fn in_order(&mut self, policy: &Policy) {
        if policy.uninformed == Uninformed::Record && policy.notice_mode == NoticeMode::OptIn {
            self.fault(
                "uninformed",
                quoted("record"),
                "\"play\" or \"refuse\": in notice-mode=optin parties must agree",
            );
        }
        if policy.attest_beep >= policy.attest_within {
            self.fault("attest-beep-seconds", "no less than attest-seconds", "less than attest-seconds");
        }
        let digits = policy.digits;
        let outside = [digits.object, Some(digits.agree), Some(digits.decline)];
        let outside = if policy.notice_mode == NoticeMode::OptIn { &outside[..] } else { &outside[..1] };
        let company = [digits.attest, digits.agent_object, digits.pause, digits.resume];
        for (keys, name) in [(outside, "objection-digit"), (&company[..], "attest-code")] {
            let set: Vec<char> = keys.iter().copied().flatten().collect();
            let twice = set.iter().enumerate().any(|(at, key)| set[..at].contains(key));
            if twice {
                self.fault(name, "a key that means two things", "a key of its own for each meaning");
            }
        }
    }
}

#[cfg(test)]
#[path = "parse_telling_tests.rs"]
mod tests;
