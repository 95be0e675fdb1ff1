//! `retry = { … }` and its short form `max_retries = N`.

use std::collections::BTreeSet;

use super::Lowering;
use crate::document::{Fields, Place};
use crate::plan::{FailureKind, Retry};

/// More repeats than this are a mistake in the plan.
const MAX_REPEATS: u32 = 1_000;

impl Lowering<'_, '_, '_> {
    /// What the fields of a step or phase say about repeats; `None` when they say nothing.
    pub(crate) fn retry(&mut self, fields: &mut Fields<'_>) -> Option<Retry> {
        let short = fields.count("max_retries", 0, MAX_REPEATS, self.report);
        let short_key = fields.entry("max_retries").map(|entry| entry.key);
        let table = fields.table("retry", self.report);
        if let (Some(place), Some(entry)) = (short_key, fields.entry("retry")) {
            let finding = self.report.error(place, "`max_retries` and `retry` say the same thing twice");
            finding.note(entry.key, "the other one").hint("write `retry = { max = N }` alone");
        }
        match (table, short) {
            (Some(table), _) => {
                let place = fields.entry("retry").expect("its table was read").key;
                Some(self.retry_table(Fields::new(table), place))
            }
            (None, Some(max)) => Some(Retry { max, ..Retry::default() }),
            (None, None) => None,
        }
    }

    fn retry_table(&mut self, mut fields: Fields<'_>, place: Place) -> Retry {
        let usual = Retry::default();
        let max = fields.count("max", 0, MAX_REPEATS, self.report);
        if fields.node("max").is_none() {
            self.report.error(place, "`retry` does not say how often").hint("add `max = 3`");
        }
        let delay = fields.duration("delay", self.report);
        let max_delay = fields.duration("max_delay", self.report);
        if let (Some(delay), Some(max_delay)) = (delay, max_delay)
            && max_delay < delay
        {
            let place = fields.node("max_delay").expect("its duration was read").place;
            self.report.error(place, "`max_delay` is shorter than `delay`");
        }
        let delay = delay.unwrap_or(usual.delay.min(max_delay.unwrap_or(usual.delay)));
        let max_delay = max_delay.unwrap_or(usual.max_delay.max(delay));
        let backoff = self.backoff(&mut fields).unwrap_or(usual.backoff);
        let on = self.kinds(&mut fields);
        fields.close("`retry`", self.report);
        Retry { max: max.unwrap_or(0), delay, backoff, max_delay, on: on.unwrap_or(usual.on) }
    }

    fn backoff(&mut self, fields: &mut Fields<'_>) -> Option<f64> {
        let (backoff, place) = fields.number("backoff", self.report)?;
        if !(1.0..=100.0).contains(&backoff) {
            let finding = self.report.error(place, "`backoff` must be from 1 to 100");
            finding.hint("1 waits the same time before each repeat, 2 doubles it");
        }
        Some(backoff)
    }

    fn kinds(&mut self, fields: &mut Fields<'_>) -> Option<BTreeSet<FailureKind>> {
        let words = fields.texts("on", self.report)?;
        if words.is_empty() {
            let place = fields.entry("on").expect("its list was read").key;
            self.report
                .error(place, "`on` names no kind of failure, so nothing is repeated")
                .hint("leave `on` out, or `retry`");
        }
        Some(words.into_iter().filter_map(|(word, place)| self.failure(word, place)).collect())
    }

    fn failure(&mut self, word: &str, place: Place) -> Option<FailureKind> {
        use FailureKind::{Cancelled, Unresolved};
        let kinds = FailureKind::ALL.into_iter().filter(|kind| !matches!(kind, Cancelled | Unresolved));
        let known: Vec<_> =
            kinds.map(|kind| (kind.word(), kind)).chain([("timeout", FailureKind::TimedOut)]).collect();
        match known.iter().find(|(name, _)| *name == word) {
            Some((_, kind)) => Some(*kind),
            None if [Cancelled.word(), Unresolved.word()].contains(&word) => {
                self.report.error(place, format!("`{word}` is never repeated: it would end the same way"));
                None
            }
            None => {
                let finding = self.report.error(place, format!("unknown kind of failure `{word}`"));
                finding.meant(word, known.iter().map(|(name, _)| *name));
                None
            }
        }
    }
}
