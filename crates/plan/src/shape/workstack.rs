//! `[workstacks.ID]`: phases with dependencies, each calling tools and then agents.
//!
//! - `plan` of a phase runs another plan, after its tools and before its agents.
//! - `delay`, `signal` and `approval` of a phase stand before all of its entries, or are all it has; those of an entry stand
//!   before that. What they stand on is said in [`super::steps`].
//! - `for_each` (with `max_parallel`) and `retry` of a phase are those of entries that have none of their own.
//! - `repeat` does a phase again, as long as a condition holds after it succeeded.

mod entry;
mod order;
mod phase;
mod repeat;

use super::Lowering;
use crate::check::references;
use crate::document::{Fields, Node, Place, Table};
use crate::plan::{Draft, MAX_PHASES, Phase, Rollback, Shape};
use phase::Written;

/// Lowers one workstack.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = ctx.head(id, Shape::Workstack, &mut fields, Rollback::Phase);
    let nodes = phases(ctx, id, key, &mut fields);
    let default_timeout = fields.limit("default_timeout", ctx.report);
    let group = fields.texts("parallel_phases", ctx.report);
    ctx.tail(&mut draft, &mut fields);
    fields.close(&format!("workstack `{id}`"), ctx.report);

    let written: Vec<_> = nodes?.iter().enumerate().map(|(at, node)| phase::read(ctx, at, node)).collect();
    let order = order::resolve(ctx, &written, group.as_deref());
    let is_ordered = order.is_some();
    let order = order.unwrap_or_else(|| vec![Vec::new(); written.len()]);
    let mut places = Vec::new();
    for (at, (phase, depends_on)) in written.iter().zip(order).enumerate() {
        let lowered = phase::lower(ctx, at, phase);
        places.extend(lowered.places);
        let timeout = lowered.phase.timeout.or(default_timeout);
        draft.phases.push(Phase { depends_on, timeout, ..lowered.phase });
    }
    let ids = draft.phases.iter().flat_map(|phase| &phase.steps).map(|step| step.id.as_str());
    ctx.check_step_ids(ids.zip(places), "give one of the phases another id");
    let entries = written.iter().flat_map(Written::entries);
    ctx.check_variables(&draft.inputs, entries.flat_map(|entry| entry.entry.wishes.variables()));
    references::check(ctx.report, &draft, &ctx.uses, is_ordered);
    Some(draft)
}

fn phases<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    id: &str,
    key: Place,
    fields: &mut Fields<'a>,
) -> Option<&'a [Node]> {
    if fields.node("phases").is_none() {
        let finding =
            ctx.report.error(key, format!("workstack `{id}` has no phases, here or in any file below"));
        finding.hint(format!("a table without phases changes a workstack that exists: check the id, or add `[[workstacks.{id}.phases]]`"));
    }
    let nodes = fields.list("phases", ctx.report)?;
    if nodes.is_empty() || nodes.len() > MAX_PHASES {
        let message =
            format!("workstack `{id}` has {} phases, and a plan has from 1 to {MAX_PHASES}", nodes.len());
        ctx.report.error(key, message);
        return None;
    }
    Some(nodes)
}
