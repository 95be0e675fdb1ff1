//! What every plan can say, whatever its shape.

use super::{Lowering, User};
use crate::document::{Fields, Node};
use crate::plan::{About, Draft, MAX_PARALLEL, Rollback, Shape};

impl Lowering<'_, '_, '_> {
    /// Reads what every plan can say; `rollback` is what holds when the plan says nothing of it. The output is read when all
    /// that it may refer to is known.
    pub(crate) fn head(
        &mut self,
        id: &str,
        shape: Shape,
        fields: &mut Fields<'_>,
        rollback: Rollback,
    ) -> Draft {
        fields.flag("enabled", self.report);
        let mut text = |key| fields.text(key, self.report).unwrap_or_default().to_owned();
        let (description, version, category) = (text("description"), text("version"), text("category"));
        let tags = fields.texts("tags", self.report).unwrap_or_default();
        let tags = tags.into_iter().map(|(tag, _)| tag.to_owned()).collect();
        let inputs = fields.table("inputs", self.report);
        let max_parallel = fields.count("max_parallel", 1, 10_000, self.report);
        Draft {
            about: About { description, version, category, tags },
            inputs: self.inputs(inputs),
            max_parallel: max_parallel.map_or(MAX_PARALLEL, |count| count as usize),
            timeout: fields.limit("timeout", self.report),
            rollback: self.rollback(fields).unwrap_or(rollback),
            ..Draft::new(id, shape, Vec::new())
        }
    }

    /// Reads what is left of the head once inputs and steps are known.
    pub(crate) fn tail(&mut self, draft: &mut Draft, fields: &mut Fields<'_>) {
        let output: Option<&Node> = fields.node("output");
        draft.output = output.and_then(|node| self.mapping(node, User::Output));
        draft.schedule = self.schedule(fields, &draft.inputs);
        draft.concurrency = self.concurrency(fields, &draft.inputs);
    }

    fn rollback(&mut self, fields: &mut Fields<'_>) -> Option<Rollback> {
        let (word, place) = fields.placed("rollback", self.report)?;
        match word {
            "phase" => Some(Rollback::Phase),
            "run" => Some(Rollback::Run),
            "none" => Some(Rollback::None),
            other => {
                let finding = self.report.error(place, format!("unknown rollback `{other}`"));
                finding.hint(
                    "`phase` undoes the phase that failed, `run` every phase in reverse, `none` nothing",
                );
                None
            }
        }
    }
}
