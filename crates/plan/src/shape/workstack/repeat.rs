//! `repeat = { while = "CEL", max = 10 }`: a phase again, as long as a condition holds after it succeeded.

use crate::document::{Fields, Node, expect_table};
use crate::plan::Loop;
use crate::shape::{Lowering, User};

/// How often a phase is done at most, the first time included, when the plan does not say.
const USUAL: u32 = 10;

/// Most often that a plan may ask for.
const MOST: u32 = 10_000;

/// Reads the loop of a phase.
pub(super) fn read(ctx: &mut Lowering<'_, '_, '_>, node: &Node, phase: usize) -> Option<Loop> {
    let mut fields = Fields::new(expect_table(node, "`repeat`", ctx.report)?);
    let condition = fields.node("while");
    if condition.is_none() {
        let finding = ctx.report.error(node.place, "`repeat` does not say how long");
        finding.hint("add `while = \"tests.failed > 0\"`");
    }
    let max = fields.count("max", 2, MOST, ctx.report).unwrap_or(USUAL);
    fields.close("`repeat`", ctx.report);
    let condition = ctx.condition_of("while", condition?, User::Next(phase))?;
    Some(Loop { condition, max })
}
