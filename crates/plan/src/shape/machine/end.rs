//! Ends: `completed` and `failed`, and steps that stand for one of the two.

use crate::document::{Fields, Place};
use crate::plan::Terminal;
use crate::shape::Lowering;

/// Ends that every machine has, and whether a run that comes there did what its plan says.
pub(super) const ENDS: [(&str, bool); 2] = [("completed", true), ("failed", false)];

/// An end as it is written.
pub(super) struct End {
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) terminal: Terminal,
}

/// Reads a step with `terminal`: it has an id, a name, a description and a message, which is the description if not given.
pub(super) fn read(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, id: String, place: Place) -> End {
    let name = fields.text("name", ctx.report).unwrap_or(&id).to_owned();
    let description = fields.placed("description", ctx.report);
    let message = fields.placed("message", ctx.report).or(description);
    if let Some((text, place)) = message {
        ctx.check_plain(text, place, "what an end says", "what a step returned is in the output of the plan");
    }
    let is_success = ctx.word(fields, "terminal", &ENDS);
    if let (Some(is_success), Some((_, own))) = (is_success, ENDS.iter().find(|(end, _)| *end == id))
        && is_success != *own
    {
        let place = fields.node("terminal").map_or(place, |node| node.place);
        let finding = ctx.report.error(place, format!("`{id}` cannot stand for the opposite"));
        finding.hint(format!("write `terminal = \"{id}\"`, or give the end another id"));
    }
    let message = message.map(|(text, _)| text.to_owned()).unwrap_or_default();
    End { place, terminal: Terminal { name, is_success: is_success.unwrap_or(false), message }, id }
}

/// Reports an id of a step that only an end can have.
pub(super) fn check_id(ctx: &mut Lowering<'_, '_, '_>, id: &str, place: Place) {
    if ENDS.iter().any(|(end, _)| *end == id) {
        let finding = ctx.report.error(place, format!("`{id}` is an end, where nothing is done any more"));
        finding.hint(format!("add `terminal = \"{id}\"` and take out what it does, or give it another id"));
    }
}
