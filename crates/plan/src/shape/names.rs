//! Ids of steps and names of variables: each stands once in a plan.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::Lowering;
use crate::document::Place;
use crate::input::Input;

impl Lowering<'_, '_, '_> {
    /// Reports ids of steps that stand twice, true when none does; `hint` says what to do.
    pub(crate) fn check_step_ids<'w>(
        &mut self,
        steps: impl Iterator<Item = (&'w str, Place)>,
        hint: &'static str,
    ) -> bool {
        let before = self.report.errors();
        let mut seen = HashMap::new();
        for (id, place) in steps {
            if let Some(other) = seen.insert(id, place) {
                let finding = self.report.error(place, format!("two steps have the id `{id}`"));
                finding.note(other, "the other one").hint(hint);
            }
        }
        self.report.errors() == before
    }

    /// Reports variables that expressions could not use, or that two steps or a step and a run give a value.
    pub(crate) fn check_variables<'w>(
        &mut self,
        inputs: &IndexMap<String, Input>,
        variables: impl Iterator<Item = (&'w str, Place)>,
    ) {
        let mut seen = HashMap::new();
        for (name, place) in variables {
            self.check_name(name, place, "a variable");
            if inputs.contains_key(name) {
                self.report
                    .error(place, format!("`{name}` is an input already"))
                    .hint("store it under another name");
            }
            if let Some(other) = seen.insert(name, place) {
                let finding = self.report.error(place, format!("two steps store `{name}`"));
                finding.note(other, "the other one").hint("store them under different names");
            }
        }
    }
}
