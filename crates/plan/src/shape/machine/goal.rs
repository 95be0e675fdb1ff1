//! `goal`: what a machine is for. It is the default of an input of that name, so that a run may be for something else.

use crate::document::Fields;
use crate::input::{Input, InputType};
use crate::plan::Draft;
use crate::shape::Lowering;

/// The input.
pub(super) const GOAL: &str = "goal";

/// Reads the goal, and puts it first among the inputs.
pub(super) fn read(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, draft: &mut Draft) {
    let Some((goal, place)) = fields.placed("goal", ctx.report) else { return };
    ctx.check_plain(goal, place, "the goal", "refer to inputs in `args` of a step");
    if draft.inputs.contains_key(GOAL) {
        let table = fields.table("inputs", ctx.report);
        let key = table.and_then(|table| table.get(GOAL)).map_or(place, |entry| entry.key);
        let finding = ctx.report.error(key, "`goal` is an input of the machine already");
        finding.note(place, "its default").hint("leave the input out: a run may give another goal");
        return;
    }
    let input = Input {
        kind: InputType::String,
        required: false,
        default: Some(goal.into()),
        description: "what it is for".to_owned(),
        choices: Vec::new(),
    };
    draft.inputs.shift_insert(0, GOAL.to_owned(), input);
}

/// Inputs that a step is told which does not say what it takes: all but secrets.
pub(super) fn told(draft: &Draft) -> Vec<String> {
    let told = draft.inputs.iter().filter(|(_, input)| input.kind != InputType::Secret);
    told.map(|(name, _)| name.clone()).collect()
}
