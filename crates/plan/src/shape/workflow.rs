//! `[workflows.ID]`: nodes and edges of a data flow, undone as one transaction.
//!
//! A node starts as soon as its inputs are there: it waits for what `depends_on` names, for the node at the other end of an
//! edge, and for every node that its values refer to. In a workflow the id of a node is a name for what it returned, so
//! `${build.artifact}` is the output port `artifact` of `build`, and an edge is another way to write such an input. Ports
//! have the types of the operation's schemas; what can never fit is an error here and not in the middle of a run.
//!
//! A `type` is a tool by its bare name, `agent.operation`, or one of `delay`, `http` and `dbus_method`; a `role` with the
//! `inputs` it is told, another `plan`, or nothing but a gate stand in its place. A type whose operation names another one
//! that undoes it brings its own undo: that one is told `arguments` and `output` of the node. `rollback = [...]` on a node says
//! otherwise.

mod edge;
mod node;
mod order;
mod ports;
mod undo;
mod work;

use std::collections::HashMap;

use super::{Lowering, TAKEN};
use crate::check::references;
use crate::document::{Fields, Node, Place, Table};
use crate::expression::is_identifier;
use crate::plan::{Draft, MAX_PHASES, Rollback, Shape, Step};
use node::Written;

/// Lowers one workflow.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = ctx.head(id, Shape::Workflow, &mut fields, Rollback::Run);
    let nodes = nodes(ctx, id, key, &mut fields);
    let edges = fields.list("edges", ctx.report).unwrap_or_default();
    ctx.tail(&mut draft, &mut fields);
    fields.close(&format!("workflow `{id}`"), ctx.report);

    let mut written: Vec<_> = nodes?.iter().enumerate().map(|(at, node)| node::read(ctx, at, node)).collect();
    let positions = order::positions(ctx, &written);
    edge::join(ctx, &mut written, &positions, edges);
    draft.phases = written.iter().enumerate().map(|(at, node)| node::lower(ctx, at, node)).collect();
    check_names(ctx, &draft, &written);
    let order = order::resolve(ctx, &draft, &written, &positions);
    let is_ordered = order.is_some();
    for (phase, depends_on) in draft.phases.iter_mut().zip(order.unwrap_or_default()) {
        phase.depends_on = depends_on;
    }
    references::check(ctx.report, &draft, &ctx.uses, is_ordered);
    ports::check(ctx, &draft, &written);
    Some(draft)
}

fn nodes<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    id: &str,
    key: Place,
    fields: &mut Fields<'a>,
) -> Option<&'a [Node]> {
    if fields.node("nodes").is_none() {
        let finding =
            ctx.report.error(key, format!("workflow `{id}` has no nodes, here or in any file below"));
        finding.hint(format!("a table without nodes changes a workflow that exists: check the id, or add `[[workflows.{id}.nodes]]`"));
    }
    let nodes = fields.list("nodes", ctx.report)?;
    if nodes.is_empty() || nodes.len() > MAX_PHASES {
        let message =
            format!("workflow `{id}` has {} nodes, and a plan has from 1 to {MAX_PHASES}", nodes.len());
        ctx.report.error(key, message);
        return None;
    }
    Some(nodes)
}

/// Whether a node's id can stand in expressions for what it returned.
fn is_bare(id: &str) -> bool {
    is_identifier(id) && !TAKEN.contains(&id)
}

/// Reports names that mean two things.
fn check_names(ctx: &mut Lowering<'_, '_, '_>, draft: &Draft, written: &[Written<'_>]) {
    let mut names = HashMap::new();
    for (phase, written) in draft.phases.iter().zip(written) {
        if let Some((name, place)) = written.store_as {
            ctx.check_name(name, place, "a variable");
        }
        for name in phase.steps.iter().flat_map(Step::variables) {
            let place = match written.store_as {
                Some((stored, place)) if stored == name => place,
                _ => written.head.place,
            };
            if draft.inputs.contains_key(name) {
                let finding = ctx.report.error(place, format!("`{name}` is an input already"));
                finding.hint("the id of a node names what it returned: give one of the two another name");
            }
            if let Some(other) = names.insert(name, (place, &phase.id)).filter(|(_, id)| *id != &phase.id) {
                let finding = ctx.report.error(place, format!("two nodes store `{name}`"));
                finding.note(other.0, "the other one").hint("give one of the two another name");
            }
        }
    }
}
