//! The policy's hash: what the audit log and the catalogue name it by.
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::policy::{BypassedMedia, ForeignTaps, NoticeMode, OutboundNotice, Policy, Profile, Uninformed};

impl Policy {
    /// SHA-256, in hexadecimal, over the canonical JSON (RFC 8785) of every setting; two policies that mean the
    /// same have the same.
    pub(super) fn canonical_hash(&self) -> String {
        let canonical = serde_json_canonicalizer::to_vec(&self.as_json()).expect("texts, whole numbers and booleans");
        Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn as_json(&self) -> Value {
        let numbers = |list: &Option<regex::Regex>| list.as_ref().map(|list| list.as_str().to_owned());
        let prompts: Vec<Value> = self
            .prompts
            .iter()
            .map(|p| json!({"id": p.id, "language": p.language, "file": p.file, "version": p.version}))
            .collect();
        json!({
            "data-dir": self.data_dir.to_string_lossy(),
            "keystore-dir": self.keystore_dir.to_string_lossy(),
            "roster": self.roster.to_string_lossy(),
            "instance": self.instance,
            "notice-mode": match self.notice_mode {
                NoticeMode::Notice => "notice",
                NoticeMode::OptOut => "optout",
                NoticeMode::OptIn => "optin",
            },
            "uninformed": match self.uninformed {
                Uninformed::Play => "play",
                Uninformed::Refuse => "refuse",
                Uninformed::Record => "record",
            },
            "company-numbers": numbers(&self.company_numbers),
            "exempt-numbers": numbers(&self.exempt_numbers),
            "emergency-numbers": numbers(&self.emergency_numbers),
            "record-internal": self.record_internal,
            "retention-s": self.retention.as_secs(),
            "profile": match self.profile {
                Profile::Opus => "opus",
                Profile::Economy => "economy",
                Profile::Quality => "quality",
                Profile::Native => "native",
            },
            "encoder-threads": self.encoder_threads,
            "sync-interval-ms": self.sync_interval.as_secs() * 1000 + u64::from(self.sync_interval.subsec_millis()),
            "ticket-s": self.ticket_validity.as_secs(),
            "system-track": self.system_track,
            "default-language": self.default_language,
            "told-by": self.told_by,
            "outbound-notice": match self.outbound_notice {
                OutboundNotice::Play => "play",
                OutboundNotice::Attest => "attest",
            },
            "attest-beep-s": self.attest_beep.as_secs(),
            "attest-s": self.attest_within.as_secs(),
            "digits": {
                "object": self.digits.object,
                "agree": self.digits.agree,
                "decline": self.digits.decline,
                "attest": self.digits.attest,
                "agent-object": self.digits.agent_object,
                "pause": self.digits.pause,
                "resume": self.digits.resume,
            },
            "consent-s": self.consent_within.as_secs(),
            "objection-s": self.objection_within.as_secs(),
            "inband-digits": self.inband_digits,
            "pause-s": self.pause_at_most.as_secs(),
            "queue-applications": self.queue_applications,
            "waiting-sound": self.waiting_sound,
            "staff-beep": self.staff_beep,
            "bypassed-media": match self.bypassed_media {
                BypassedMedia::Leave => "leave",
                BypassedMedia::Return => "return",
            },
            "foreign-taps": match self.foreign_taps {
                ForeignTaps::Report => "report",
                ForeignTaps::HangUp => "hangup",
            },
            "dialplan-may": {
                "exempt": self.dialplan_may.exempt,
                "language": self.dialplan_may.language,
                "mode": self.dialplan_may.mode,
                "retention": self.dialplan_may.retention,
            },
            "prompt-manifests": self.manifests_required,
            "purposes": self.purposes.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>(),
            "prompts": prompts,
        })
    }
}
