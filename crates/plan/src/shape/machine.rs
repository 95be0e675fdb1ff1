//! `[machines.ID]`: steps with targets for success and failure. Loops are allowed and bounded.
//!
//! - A step is one phase. It names a `role`, an `agent`, a `tool` or a `plan`, or only waits. One that says nothing of its
//!   arguments is given the goal of the machine as `goal` and what was returned last, which is null before the first answer,
//!   as `input`, as far as it takes them; a plan is given only what it has no default for.
//! - An answer with `approved = false` is a rejection and takes the way of failure, unless `accept` says which answers count.
//! - `on_success` stands on every step; `on_failure` may be left out, and the run fails then.
//! - A run ends at `completed` or `failed`, or at a step of its own that is `terminal` and names one of the two.
//! - `pipeline` writes steps one after the other; steps that stand beside it follow it in the file.

mod end;
mod goal;
mod paths;
mod pipeline;
mod step;
mod way;

use super::{Lowering, User};
use crate::check::references;
use crate::document::{Fields, Place, Table};
use crate::plan::{Accept, Draft, Flow, MAX_PHASES, Phase, Rollback, Shape};
use crate::shape::steps::Steps;
use step::{Step, Written};
use way::Names;

/// Most visits of all steps together when the plan does not say.
const USUAL_VISITS: u32 = 100;

/// Most visits that a plan may ask for.
const MOST_VISITS: u32 = 1_000_000;

/// Lowers one machine.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = ctx.head(id, Shape::Machine, &mut fields, Rollback::Phase);
    goal::read(ctx, &mut fields, &mut draft);
    let initial = fields.placed("initial", ctx.report);
    let max_visits = fields.count("max_visits", 1, MOST_VISITS, ctx.report).unwrap_or(USUAL_VISITS);
    let inputs = goal::told(&draft);
    let written = read(ctx, id, key, &mut fields, &inputs);
    ctx.tail(&mut draft, &mut fields);
    fields.close(&format!("machine `{id}`"), ctx.report);

    let written = written?;
    let names = Names::new(&written);
    let places = phases(ctx, &mut draft, &written);
    let before = ctx.report.errors();
    for (at, step) in steps(&written).enumerate() {
        draft.phases[at].next = way::lower(ctx, step, at, &names);
    }
    let begin = initial.map_or(Some(0), |(id, place)| names.initial(ctx, id, place));
    let is_ordered = ctx.report.errors() == before;
    draft.flow = Flow::Machine { initial: begin.unwrap_or(0), max_visits };
    if check_names(ctx, &draft, &written, &places) && is_ordered {
        let limit = table.get("max_visits").map_or(key, |entry| entry.node.place);
        paths::check(ctx.report, &draft, &written, limit);
    }
    references::check(ctx.report, &draft, &ctx.uses, is_ordered);
    Some(draft)
}

/// Steps and ends, as they are written; `None` when there is nothing to do.
fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    id: &str,
    key: Place,
    fields: &mut Fields<'a>,
    inputs: &[String],
) -> Option<Vec<Written<'a>>> {
    let line = fields.list("pipeline", ctx.report);
    let nodes = fields.list("steps", ctx.report);
    let is_read = fields.node("pipeline").is_some() == line.is_some()
        && fields.node("steps").is_some() == nodes.is_some();
    let mut written = pipeline::read(ctx, line.unwrap_or_default(), inputs);
    for node in nodes.unwrap_or_default() {
        written.push(step::read(ctx, written.len(), node, inputs));
    }
    let count = steps(&written).count();
    if count == 0 && is_read {
        let finding =
            ctx.report.error(key, format!("machine `{id}` has no steps, here or in any file below"));
        finding.hint(format!("a table without steps changes a machine that exists: check the id, or add `[[machines.{id}.steps]]`"));
    }
    if count > MAX_PHASES {
        ctx.report
            .error(key, format!("machine `{id}` has {count} steps, and a plan has from 1 to {MAX_PHASES}"));
    }
    (1..=MAX_PHASES).contains(&count).then_some(written)
}

/// Those that are no ends, in the order of the phases.
fn steps<'w, 'a>(written: &'w [Written<'a>]) -> impl Iterator<Item = &'w Step<'a>> {
    written.iter().filter_map(|written| match written {
        Written::Step(step) => Some(&**step),
        Written::End(_) => None,
    })
}

/// Lowers every step to a phase, without its ways; returns where each of their steps is written.
fn phases(ctx: &mut Lowering<'_, '_, '_>, draft: &mut Draft, written: &[Written<'_>]) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, step) in steps(written).enumerate() {
        let mut steps = Steps::new(at, Accept::Approved);
        steps.push(ctx, &step.head.id, &[step.entry.waits], Vec::new(), &step.entry);
        places.extend(steps.places.iter().map(|_| step.head.place));
        draft.phases.push(Phase {
            max_visits: Some(step.max_visits),
            undo: ctx.undo(step.undo, User::Undo(at)),
            ..ctx.headed(&step.head, at, steps.lowered)
        });
    }
    places
}

/// Reports names that stand twice; true when every id stands for one step.
fn check_names(
    ctx: &mut Lowering<'_, '_, '_>,
    draft: &Draft,
    written: &[Written<'_>],
    places: &[Place],
) -> bool {
    let ids = draft.phases.iter().flat_map(|phase| &phase.steps).map(|step| step.id.as_str());
    let ends = written.iter().filter_map(|written| match written {
        Written::Step(_) => None,
        Written::End(end) => Some((end.id.as_str(), end.place)),
    });
    let ids = ids.zip(places.iter().copied()).chain(ends);
    let is_clear = ctx.check_step_ids(ids, "give one of them another id");
    let variables = steps(written).flat_map(|step| step.entry.wishes.variables());
    ctx.check_variables(&draft.inputs, variables);
    is_clear && !steps(written).any(|step| end::ENDS.iter().any(|(end, _)| *end == step.head.id))
}
