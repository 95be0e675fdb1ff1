//! `[workstacks.ID]`: phases with dependencies, each calling tools and then agents.

mod entry;
mod order;
mod phase;

use std::collections::HashMap;

use super::{Lowering, User};
use crate::check::references;
use crate::document::{Fields, Node, Place, Table};
use crate::plan::{About, Draft, MAX_PHASES, Rollback, Shape};
use phase::Written;

/// How many steps run at the same time when the plan does not say.
const MAX_PARALLEL: u32 = 10;

/// Lowers one workstack.
pub(super) fn lower(ctx: &mut Lowering<'_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = head(ctx, id, &mut fields);
    let nodes = phases(ctx, id, key, &mut fields);
    let default_timeout = fields.limit("default_timeout", ctx.report);
    let group = fields.texts("parallel_phases", ctx.report);
    let output = fields.node("output");
    fields.close(&format!("workstack `{id}`"), ctx.report);

    let written: Vec<_> = nodes?.iter().enumerate().map(|(at, node)| phase::read(ctx, at, node)).collect();
    let order = order::resolve(ctx, &written, group.as_deref());
    let is_ordered = order.is_some();
    let order = order.unwrap_or_else(|| vec![Vec::new(); written.len()]);
    for (at, (phase, depends_on)) in written.iter().zip(order).enumerate() {
        let mut lowered = phase::lower(ctx, at, phase);
        lowered.timeout = lowered.timeout.or(default_timeout);
        lowered.depends_on = depends_on;
        draft.phases.push(lowered);
    }
    draft.output = output.and_then(|node| ctx.mapping(node, User::Output));
    check_names(ctx, &draft, &written);
    references::check(ctx.report, &draft, &ctx.uses, is_ordered);
    Some(draft)
}

/// Everything but the phases.
fn head(ctx: &mut Lowering<'_, '_>, id: &str, fields: &mut Fields<'_>) -> Draft {
    fields.flag("enabled", ctx.report);
    let mut text = |key| fields.text(key, ctx.report).unwrap_or_default().to_owned();
    let (description, version, category) = (text("description"), text("version"), text("category"));
    let tags = fields.texts("tags", ctx.report).unwrap_or_default();
    let tags = tags.into_iter().map(|(tag, _)| tag.to_owned()).collect();
    let inputs = fields.table("inputs", ctx.report);
    Draft {
        id: id.to_owned(),
        shape: Shape::Workstack,
        about: About { description, version, category, tags },
        inputs: ctx.inputs(inputs),
        phases: Vec::new(),
        max_parallel: fields.count("max_parallel", 1, 10_000, ctx.report).unwrap_or(MAX_PARALLEL) as usize,
        timeout: fields.limit("timeout", ctx.report),
        rollback: rollback(ctx, fields),
        output: None,
    }
}

fn rollback(ctx: &mut Lowering<'_, '_>, fields: &mut Fields<'_>) -> Rollback {
    match fields.text("rollback", ctx.report) {
        None | Some("phase") => Rollback::Phase,
        Some("run") => Rollback::Run,
        Some("none") => Rollback::None,
        Some(other) => {
            let place = fields.node("rollback").expect("its text was read").place;
            let finding = ctx.report.error(place, format!("unknown rollback `{other}`"));
            finding
                .hint("`phase` undoes the phase that failed, `run` every phase in reverse, `none` nothing");
            Rollback::None
        }
    }
}

fn phases<'a>(
    ctx: &mut Lowering<'_, '_>,
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

/// Reports ids and variables that stand twice.
fn check_names(ctx: &mut Lowering<'_, '_>, draft: &Draft, written: &[Written<'_>]) {
    let mut steps = HashMap::new();
    let mut variables = HashMap::new();
    for (phase, written) in draft.phases.iter().zip(written) {
        for (step, entry) in phase.steps.iter().zip(written.entries()) {
            if let Some(other) = steps.insert(step.id.as_str(), entry.place) {
                let finding = ctx.report.error(entry.place, format!("two steps have the id `{}`", step.id));
                finding.note(other, "the other one").hint("give one of the phases another id");
            }
            let Some((name, place)) = entry.store_as else { continue };
            ctx.check_name(name, place, "a variable");
            if draft.inputs.contains_key(name) {
                ctx.report
                    .error(place, format!("`{name}` is an input already"))
                    .hint("store it under another name");
            }
            if let Some(other) = variables.insert(name, place) {
                let finding = ctx.report.error(place, format!("two steps store `{name}`"));
                finding.note(other, "the other one").hint("store them under different names");
            }
        }
    }
}
