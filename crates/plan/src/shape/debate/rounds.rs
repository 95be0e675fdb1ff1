//! `rounds = { min, max, consensus_threshold }`.

use super::script::Script;
use crate::document::Fields;
use crate::shape::Lowering;

/// Most rounds: more are a mistake in the plan.
const MAX_ROUNDS: u32 = 100;

/// Rounds when the plan does not say: one to argue, one to answer.
const USUAL: u32 = 2;

/// The score from which participants agree when the plan does not say.
const THRESHOLD: f64 = 0.8;

/// How long a debate goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounds {
    /// Rounds before agreement counts.
    pub(super) min: u32,
    /// Rounds after which it is over.
    pub(super) max: u32,
    /// The score from which participants agree.
    pub(super) threshold: f64,
}

/// Reads how long the debate goes on.
pub(super) fn read(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'_>,
    script: Option<&Script<'_>>,
) -> Rounds {
    let usual = if script.is_some_and(|script| script.round.is_empty()) { 1 } else { USUAL };
    let Some(table) = fields.table("rounds", ctx.report) else {
        return Rounds { min: 1, max: usual, threshold: THRESHOLD };
    };
    let place = fields.entry("rounds").expect("its table was read").key;
    let mut fields = Fields::new(table);
    let min = fields.count("min", 1, MAX_ROUNDS, ctx.report);
    let max = fields.count("max", 1, MAX_ROUNDS, ctx.report);
    let threshold = threshold(ctx, &mut fields);
    fields.close("`rounds`", ctx.report);
    let rounds = Rounds { min: min.unwrap_or(1), max: max.unwrap_or(usual.max(min.unwrap_or(1))), threshold };
    if rounds.min > rounds.max {
        ctx.report.error(place, format!("`min` is {} rounds and `max` is {}", rounds.min, rounds.max));
    }
    if let Some(script) = script {
        check_used(ctx, rounds, script, place);
    }
    rounds
}

fn threshold(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>) -> f64 {
    let Some((threshold, place)) = fields.number("consensus_threshold", ctx.report) else { return THRESHOLD };
    if threshold <= 0.0 || threshold > 1.0 {
        let finding = ctx.report.error(place, "`consensus_threshold` must be above 0 and at most 1");
        finding.hint("0.8 asks for strong agreement, 1 for all of them without a doubt");
    }
    threshold
}

/// Reports rounds in which nothing would be said, and steps for which no round is left.
fn check_used(
    ctx: &mut Lowering<'_, '_, '_>,
    rounds: Rounds,
    script: &Script<'_>,
    place: crate::document::Place,
) {
    match script.round.first() {
        None if rounds.max > 1 => {
            let finding =
                ctx.report.error(place, "the debate has more than one round and no `counter_arguments`");
            finding.hint("add `{ type = \"counter_arguments\" }` to `steps`, or write `max = 1`");
        }
        Some(step) if rounds.max == 1 && script.is_written => {
            let finding = ctx.report.error(step.place, "no round is left for this step: `max` is 1");
            finding.hint("take it out, or allow more rounds");
        }
        None | Some(_) => {}
    }
}
