//! Edits of a trace: the same call once more under other uuids, by another caller, or with a fault in it.
use std::collections::HashSet;

use callvault_stand_in::trace::{Trace, What, text_of};

/// What is changed before a trace is replayed.
#[derive(Debug, Default)]
pub struct Edits {
    suffix: String,
    variables: Vec<(String, String)>,
}

impl Edits {
    /// From words: `suffix=TEXT` after each uuid, `variable:NAME=VALUE` in place of what the trace has. Texts are
    /// written as in a trace.
    pub fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut edits = Self::default();
        for word in words {
            let parts = word.split_once('=').and_then(|(key, value)| Some((key, text_of(value)?.unwrap_or_default())));
            match parts {
                Some(("suffix", suffix)) => edits.suffix = suffix,
                Some((key, value)) if key.starts_with("variable:") => {
                    edits.variables.push((key["variable:".len()..].into(), value));
                }
                _ => return Err(format!("`{word}` is no edit; write suffix=TEXT or variable:NAME=VALUE")),
            }
        }
        Ok(edits)
    }

    /// The edited trace.
    pub fn apply(&self, mut trace: Trace) -> Trace {
        let uuids: HashSet<String> = trace
            .records
            .iter()
            .filter_map(|record| match &record.what {
                What::Is(key, value) if key == "uuid" => Some(value.clone()),
                _ => None,
            })
            .collect();
        let rename = |text: &mut String| {
            if uuids.contains(text) {
                text.push_str(&self.suffix);
            }
        };
        for record in &mut trace.records {
            match &mut record.what {
                What::Is(_, value) => rename(value),
                What::Variable(name, value) => {
                    value.iter_mut().for_each(rename);
                    if let Some((_, other)) = self.variables.iter().find(|(own, _)| own == name) {
                        *value = Some(other.clone());
                    }
                }
                What::Event(_, headers) => headers.iter_mut().for_each(|(_, value)| rename(value)),
                What::Message(message) => message.text.iter_mut().for_each(rename),
                _ => {}
            }
        }
        trace
    }
}

#[cfg(test)]
mod tests {
    use callvault_stand_in::trace::Record;

    use super::*;

    #[test]
    fn a_copy_has_other_uuids_and_another_caller() {
        let record = |what| Record { at_us: 0, thread: 1, leg: 1, what };
        let records = vec![
            record(What::Is("uuid".into(), "one".into())),
            record(What::Is("partner".into(), "one".into())),
            record(What::Variable("caller_id_number".into(), Some("061".into()))),
        ];
        let words = ["suffix=%2D2", "variable:caller_id_number=0%2099"];
        let edited = Edits::parse(words.into_iter()).expect("edits").apply(Trace { records, ..Trace::default() });
        let whats: Vec<What> = edited.records.into_iter().map(|record| record.what).collect();
        assert_eq!(
            whats,
            [
                What::Is("uuid".into(), "one-2".into()),
                What::Is("partner".into(), "one-2".into()),
                What::Variable("caller_id_number".into(), Some("0 99".into())),
            ]
        );
        assert!(Edits::parse(["louder"].into_iter()).is_err());
    }
}
