//! What digits mean. The digits themselves are forgotten here (REC-12): of what a party presses the recorder keeps
//! whether the last key was a star, for three seconds.
use std::time::Duration;

use crate::conversation::{Side, Signal, Wishes};
use crate::policy::{NoticeMode, Policy};
use crate::time::Monotonic;

/// How soon the key of a code follows its star.
const CODE_WITHIN: Duration = Duration::from_secs(3);

/// One leg's memory of what was pressed.
#[derive(Debug, Clone, Copy, Default)]
pub struct DigitMemory {
    star: Option<Monotonic>,
}

/// What a channel's variables ask for, as text; empty or `None` where they do not.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskedFor<'a> {
    /// `callvault_exempt`.
    pub exempt: Option<&'a str>,
    /// `callvault_mode`.
    pub mode: Option<&'a str>,
    /// `callvault_retention`, in days.
    pub retention: Option<&'a str>,
}

impl Policy {
    /// What this key means, if anything, on a leg of that side; the host sees and handles the digit all the same.
    pub fn signal(&self, side: Side, memory: &mut DigitMemory, key: char, at: Monotonic) -> Option<Signal> {
        let digits = &self.digits;
        match side {
            Side::Outside if Some(key) == self.objection_key() => Some(Signal::Object),
            Side::Outside if key == digits.agree => Some(Signal::Agree),
            Side::Outside if key == digits.decline => Some(Signal::Decline),
            Side::Outside => None,
            Side::Company if key == '*' => {
                memory.star = Some(at);
                None
            }
            Side::Company => {
                memory.star.take().filter(|star| at.since(*star) <= CODE_WITHIN)?;
                let codes = [
                    (digits.attest, Signal::Attest),
                    (digits.agent_object, Signal::Object),
                    (digits.pause, Signal::Pause),
                    (digits.resume, Signal::Resume),
                ];
                codes.into_iter().find(|(code, _)| *code == Some(key)).map(|(_, signal)| signal)
            }
        }
    }

    /// The key that objects. Where the policy's mode names none, a leg of a stricter mode, which a dialplan may ask for,
    /// has the usual one; on any other leg it means nothing to the recorder.
    fn objection_key(&self) -> Option<char> {
        let usual = self.notice_mode == NoticeMode::Notice && self.digits.agree != '9' && self.digits.decline != '9';
        self.digits.object.or(usual.then_some('9'))
    }

    /// What a dialplan asks for, as far as it may, and the names of variables that were refused: those that it may not
    /// set, that mean nothing, or that would make the policy weaker (RET-02).
    pub fn wishes(&self, asked: AskedFor<'_>) -> (Wishes, Vec<&'static str>) {
        let said = |value: Option<&str>| value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned);
        let mut refused = Vec::new();
        let mut wishes = Wishes::default();
        match said(asked.exempt).as_deref() {
            Some("true") if self.dialplan_may.exempt => wishes.exempt = true,
            None | Some("false") => {}
            Some(_) => refused.push("callvault_exempt"),
        }
        if let Some(mode) = said(asked.mode) {
            let mode = match mode.as_str() {
                "notice" => Some(NoticeMode::Notice),
                "optout" => Some(NoticeMode::OptOut),
                "optin" => Some(NoticeMode::OptIn),
                _ => None,
            };
            match mode.filter(|mode| self.dialplan_may.mode && *mode >= self.notice_mode) {
                Some(mode) => wishes.mode = Some(mode),
                None => refused.push("callvault_mode"),
            }
        }
        if let Some(days) = said(asked.retention) {
            let days = Some(&days).filter(|days| days.bytes().all(|byte| byte.is_ascii_digit()));
            let wanted = days
                .and_then(|days| days.parse().ok())
                .map(|days: u64| Duration::from_secs(days.saturating_mul(86_400)));
            match wanted.filter(|wanted| self.dialplan_may.retention && !wanted.is_zero() && *wanted <= self.retention)
            {
                Some(wanted) => wishes.retention = Some(wanted),
                None => refused.push("callvault_retention"),
            }
        }
        (wishes, refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    fn at(ms: u64) -> Monotonic {
        Monotonic(ms * 1_000_000)
    }

    fn pressed(policy: &Policy, side: Side, keys: &str) -> Vec<Signal> {
        let mut memory = DigitMemory::default();
        (0..).zip(keys.chars()).filter_map(|(n, key)| policy.signal(side, &mut memory, key, at(n * 500))).collect()
    }

    /// NOT-05, STF-01, REC-13.
    #[test]
    fn keys_mean_what_the_policy_says_and_only_on_their_side() {
        let policy = sample(&[("notice-mode", "optout")]);
        assert_eq!(
            pressed(&policy, Side::Outside, "4111*79"),
            [Signal::Agree, Signal::Agree, Signal::Agree, Signal::Object]
        );
        assert_eq!(
            pressed(&policy, Side::Company, "94*1*9*7*8*5"),
            [Signal::Attest, Signal::Object, Signal::Pause, Signal::Resume]
        );
        assert_eq!(pressed(&sample(&[]), Side::Outside, "9"), [Signal::Object], "for legs of a stricter mode");
        assert_eq!(pressed(&sample(&[("notice-mode", "optout"), ("objection-digit", "none")]), Side::Outside, "9"), []);
        assert_eq!(pressed(&sample(&[("objection-digit", "0")]), Side::Outside, "90"), [Signal::Object]);
        assert_eq!(pressed(&sample(&[("pause-code", "none")]), Side::Company, "*7"), []);
    }

    #[test]
    fn a_code_follows_its_star_at_once_or_is_none() {
        let policy = sample(&[]);
        let mut memory = DigitMemory::default();
        assert_eq!(policy.signal(Side::Company, &mut memory, '*', at(0)), None);
        assert_eq!(policy.signal(Side::Company, &mut memory, '1', at(3_500)), None);
        assert_eq!(policy.signal(Side::Company, &mut memory, '1', at(3_600)), None);
    }

    /// RET-02, REC-01: a dialplan makes the policy stricter or does nothing.
    #[test]
    fn a_dialplan_asks_for_less_never_for_more() {
        let policy = sample(&[("retention-days", "10"), ("notice-mode", "optout")]);
        let mode = |mode| policy.wishes(AskedFor { mode: Some(mode), ..AskedFor::default() });
        assert_eq!(mode("optin").0.mode, Some(NoticeMode::OptIn));
        assert_eq!(mode("notice"), (Wishes::default(), vec!["callvault_mode"]));
        let kept = |days| policy.wishes(AskedFor { retention: Some(days), ..AskedFor::default() });
        assert_eq!(kept("3").0.retention, Some(Duration::from_secs(3 * 86_400)));
        for refused in ["0", "11", "-1", "ever", "99999999999999999999"] {
            assert_eq!(kept(refused), (Wishes::default(), vec!["callvault_retention"]), "{refused}");
        }
        let exempt = |policy: &Policy| policy.wishes(AskedFor { exempt: Some("true"), ..AskedFor::default() });
        assert_eq!(exempt(&policy), (Wishes::default(), vec!["callvault_exempt"]));
        assert!(exempt(&sample(&[("dialplan-may", "exempt")])).0.exempt);
    }
}
