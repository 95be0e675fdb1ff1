//! `[….inputs]`: what a run must be given.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{Lowering, TAKEN};
use crate::document::{Entry, Fields, Place, Table, expect_table};
use crate::expression::is_identifier;
use crate::input::{Input, InputType};

impl Lowering<'_, '_, '_> {
    pub(crate) fn inputs(&mut self, table: Option<&Table>) -> IndexMap<String, Input> {
        let entries = table.into_iter().flatten();
        entries.filter_map(|(name, entry)| Some((name.clone(), self.input(name, entry)?))).collect()
    }

    fn input(&mut self, name: &str, entry: &Entry) -> Option<Input> {
        self.check_name(name, entry.key, "an input");
        let what = format!("input `{name}`");
        let table = expect_table(&entry.node, &what, self.report)?;
        let mut fields = Fields::new(table);
        let kind = self.kind(&mut fields);
        let description = fields.text("description", self.report).unwrap_or_default().to_owned();
        let required = fields.flag("required", self.report);
        let default = self.default(&mut fields, name, kind, required);
        let choices = self.choices(&mut fields, name, kind, default.as_ref());
        fields.close(&what, self.report);
        Some(Input { kind, required: required.unwrap_or(default.is_none()), default, description, choices })
    }

    /// Reports a name that no expression could use.
    pub(crate) fn check_name(&mut self, name: &str, place: Place, what: &str) {
        if TAKEN.contains(&name) {
            let message = format!("`{name}` means something else in expressions and cannot name {what}");
            self.report.error(place, message).hint(format!("these are taken: {}", TAKEN.join(", ")));
        } else if !is_identifier(name) {
            let message = format!("`{name}` cannot name {what}: expressions could not refer to it");
            self.report.error(place, message).hint("use letters, digits and `_`, beginning with a letter");
        }
    }

    fn kind(&mut self, fields: &mut Fields<'_>) -> InputType {
        let Some(word) = fields.text("type", self.report) else { return InputType::String };
        let found = InputType::ALL.into_iter().find(|kind| kind.word() == word);
        found.unwrap_or_else(|| {
            let place = fields.node("type").expect("its text was read").place;
            let finding = self.report.error(place, format!("unknown type `{word}`"));
            finding.meant(word, InputType::ALL.iter().map(|kind| kind.word()));
            InputType::Json
        })
    }

    fn default(
        &mut self,
        fields: &mut Fields<'_>,
        name: &str,
        kind: InputType,
        required: Option<bool>,
    ) -> Option<Json> {
        let node = fields.node("default")?;
        let value = node.to_json();
        if kind == InputType::Secret {
            let finding = self.report.error(node.place, format!("the secret `{name}` has a default"));
            finding.hint("a secret is the name of a credential; let each run give it");
        } else if required == Some(true) {
            let finding =
                self.report.error(node.place, format!("`{name}` is required, so its default is never taken"));
            finding.hint("leave out `required`, or the default");
        } else if !kind.accepts(&value) {
            self.report.error(node.place, format!("the default of `{name}` must be {}", kind.phrase()));
        }
        Some(value)
    }

    fn choices(
        &mut self,
        fields: &mut Fields<'_>,
        name: &str,
        kind: InputType,
        default: Option<&Json>,
    ) -> Vec<Json> {
        let Some(nodes) = fields.list("choices", self.report) else { return Vec::new() };
        let place = fields.entry("choices").expect("its list was read").key;
        let choices: Vec<_> = nodes.iter().map(|node| (node.to_json(), node.place)).collect();
        if choices.is_empty() {
            self.report
                .error(place, format!("`{name}` has no choice at all"))
                .hint("leave `choices` out to allow every value");
        }
        if kind == InputType::Secret {
            self.report.error(place, format!("the secret `{name}` has choices"));
        }
        for (_, place) in choices.iter().filter(|(choice, _)| !kind.accepts(choice)) {
            self.report.error(*place, format!("a choice of `{name}` must be {}", kind.phrase()));
        }
        let choices: Vec<_> = choices.into_iter().map(|(choice, _)| choice).collect();
        if let (Some(default), Some(node)) = (default, fields.node("default"))
            && !choices.contains(default)
        {
            self.report.error(node.place, format!("the default of `{name}` is none of its choices"));
        }
        choices
    }
}
