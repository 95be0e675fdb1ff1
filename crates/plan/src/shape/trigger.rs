//! `schedule` and `concurrency`.

use indexmap::IndexMap;

use super::{Lowering, User};
use crate::document::{Fields, Place, Table, Value, table_to_json};
use crate::expression::Reference;
use crate::input::Input;
use crate::plan::{Concurrency, Missed, OnConflict, Schedule};

impl Lowering<'_, '_, '_> {
    /// When a plan starts by itself: a text, or `{ cron, inputs, missed }`.
    pub(crate) fn schedule(
        &mut self,
        fields: &mut Fields<'_>,
        inputs: &IndexMap<String, Input>,
    ) -> Option<Schedule> {
        let node = fields.node("schedule")?;
        let schedule = if let Value::Text(cron) = &node.value {
            self.check_cron(cron, node.place);
            Schedule { cron: cron.clone(), inputs: serde_json::Map::new(), missed: Missed::default() }
        } else {
            let mut fields = Fields::new(fields.table("schedule", self.report)?);
            let (cron, place) = fields.placed("cron", self.report).unwrap_or(("", node.place));
            self.check_cron(cron, place);
            let given = fields.table("inputs", self.report);
            let missed = [("skip", Missed::Skip), ("once", Missed::Once), ("all", Missed::All)];
            let missed = self.word(&mut fields, "missed", &missed).unwrap_or_default();
            fields.close("`schedule`", self.report);
            let given = given.map(table_to_json).and_then(|json| json.as_object().cloned());
            Schedule { cron: cron.to_owned(), inputs: given.unwrap_or_default(), missed }
        };
        self.check_given(&schedule, inputs, node.place);
        Some(schedule)
    }

    fn check_cron(&mut self, cron: &str, place: Place) {
        if let Err(error) = Schedule::read(cron) {
            let finding = self.report.error(place, format!("`{cron}` is no schedule: {error}"));
            finding.hint(
                "write minute, hour, day, month and weekday, such as `0 3 * * *` for every night at three",
            );
        }
    }

    /// Nobody is there to give what is missing.
    fn check_given(&mut self, schedule: &Schedule, inputs: &IndexMap<String, Input>, place: Place) {
        for (name, _) in
            inputs.iter().filter(|(name, input)| input.required && !schedule.inputs.contains_key(*name))
        {
            let finding =
                self.report.error(place, format!("the schedule does not give the required input `{name}`"));
            finding.hint(format!(
                "write `schedule = {{ cron = \"{}\", inputs = {{ {name} = ... }} }}`",
                schedule.cron
            ));
        }
        for name in schedule.inputs.keys().filter(|name| !inputs.contains_key(*name)) {
            let finding = self.report.error(place, format!("the schedule gives `{name}`, which is no input"));
            finding.meant(name, inputs.keys().map(String::as_str));
        }
    }

    /// How many runs go at the same time: `{ key, limit, on_conflict }`.
    pub(crate) fn concurrency(
        &mut self,
        fields: &mut Fields<'_>,
        inputs: &IndexMap<String, Input>,
    ) -> Option<Concurrency> {
        let table: &Table = fields.table("concurrency", self.report)?;
        let mut fields = Fields::new(table);
        let key = fields.node("key").and_then(|node| {
            let mapping = self.mapping(node, User::Output)?;
            for reference in mapping.references() {
                let is_input = match reference {
                    Reference::Input(_) => true,
                    Reference::Variable(name) => inputs.contains_key(name),
                    _ => false,
                };
                if !is_input {
                    let message = format!("`{reference}` is not known before the run starts");
                    self.report.error(node.place, message).hint("a key is made of inputs alone");
                }
            }
            Some(mapping)
        });
        let limit = fields.count("limit", 1, 10_000, self.report).unwrap_or(1) as usize;
        let words =
            [("queue", OnConflict::Queue), ("skip", OnConflict::Skip), ("cancel", OnConflict::Cancel)];
        let on_conflict = self.word(&mut fields, "on_conflict", &words).unwrap_or_default();
        fields.close("`concurrency`", self.report);
        let key = key.unwrap_or_else(|| crate::mapping::Mapping::literal("".into()));
        Some(Concurrency { key, limit, on_conflict })
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        fields: &mut Fields<'_>,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let (word, place) = fields.placed(key, self.report)?;
        let found = words.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let finding = self.report.error(place, format!("`{key}` cannot be `{word}`"));
            finding.meant(word, words.iter().map(|(word, _)| *word));
        }
        found.map(|(_, value)| *value)
    }
}
