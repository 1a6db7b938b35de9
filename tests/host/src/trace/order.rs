//! Answers before questions.
use super::{Record, Trace, What};

impl Trace {
    /// Puts what the host answered within a callback in front of it: whoever replays the callback must know the answers
    /// before the module asks, however fast it asks. In an application, which lasts, levels keep their time.
    pub fn answers_first(&mut self) {
        let mut ordered: Vec<Record> = Vec::with_capacity(self.records.len());
        for mut record in std::mem::take(&mut self.records) {
            match place_of_question(&ordered, &record) {
                Some(place) => {
                    record.at_us = ordered[place].at_us;
                    ordered.insert(place, record);
                }
                None => ordered.push(record),
            }
        }
        self.records = ordered;
    }
}

/// The callback in which this was answered.
fn place_of_question(before: &[Record], answer: &Record) -> Option<usize> {
    if !answer.what.is_answer() {
        return None;
    }
    // How far the way out is is asked as often as it may change: what it was at first was so when the callback began.
    let is_first = |name: &str| {
        let same =
            |record: &&Record| matches!(&record.what, What::Is(own, _) if own == name) && record.leg == answer.leg;
        ["dtls", "unsettled"].contains(&name) && !before.iter().any(|record| same(&record))
    };
    let is_fixed =
        matches!(&answer.what, What::Variable(..)) || matches!(&answer.what, What::Is(name, _) if is_first(name));
    let place = before.iter().rposition(|record| record.thread == answer.thread && !record.what.is_answer())?;
    let question = &before[place];
    // What the host says at a callback's beginning stands in front of it already.
    let of_it = question.leg == answer.leg && !question.what.is_mark() && !question.what.is_frame();
    let may_move = is_fixed || (!matches!(question.what, What::Application(..)) && is_asked(answer, question));
    (of_it && may_move).then_some(place)
}

/// A level that the module asked for has the time of the callback, give or take its length; one that begins the next
/// callback comes later.
fn is_asked(answer: &Record, question: &Record) -> bool {
    const SHORT_US: u64 = 100;
    answer.at_us.saturating_sub(question.at_us) < SHORT_US
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callbacks_answers_come_before_it_and_an_applications_levels_when_they_came() {
        let record = |at_us, thread, what| Record { at_us, thread, leg: 1, what };
        let variable = |name: &str| What::Variable(name.into(), None);
        let is = |key: &str| What::Is(key.into(), "1".into());
        let records = vec![
            record(1, 1, is("uuid")),
            record(2, 1, What::Handler("pre-init".into())),
            record(3, 2, What::Change),
            record(4, 1, variable("first")),
            record(5, 1, is("answered")),
            record(6, 1, What::Application("notice".into(), String::new())),
            record(7, 1, variable("language")),
            record(8, 1, is("unsettled")),
            record(900, 1, is("hold")),
        ];
        let mut trace = Trace { records, ..Trace::default() };
        trace.answers_first();
        let order: Vec<What> = trace.records.iter().map(|record| record.what.clone()).collect();
        let due = [
            is("uuid"),
            variable("first"),
            is("answered"),
            What::Handler("pre-init".into()),
            What::Change,
            variable("language"),
            is("unsettled"),
            What::Application("notice".into(), String::new()),
            is("hold"),
        ];
        assert_eq!(order, due);
        assert!(trace.records.is_sorted_by_key(|record| record.at_us));
    }
}
