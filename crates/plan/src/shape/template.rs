//! `[templates.ID]`: steps without identities, played by whom each run casts.
//!
//! Every step is a phase of its own, called as the step is. Steps run in the order of `order`, then of the file; those that
//! follow each other with the same `parallel_group` run side by side, and what comes after waits for all of them. Nothing here
//! names a role: `--role "Step=role"` and `[casts.NAME]` do, and `default_role` plays what nobody is cast for.
//!
//! - `active = false` is a template that refuses to run: as with `enabled = false`, there is no such plan.
//! - `name` begins the description, which is what people see of a plan besides its id.
//! - A template without `inputs` takes what its steps ask of `context.input`: each such name must be given, as any value.
//! - `condition` is CEL, or a table that is turned into it; on a step of any type it says whether the step runs.
//! - A loop goes on as long as its condition holds. The condition is asked before each visit; one that looks at what the loop
//!   itself returns is asked only after each.
//! - A step of type `wait` is nothing but what it waits for (`delay`, `signal` or `approval`), and nobody plays it.
//! - A call has a limit of five minutes unless it says otherwise; waits for a signal and other plans have none.

mod condition;
mod lint;
mod names;
mod step;

use super::{Lowering, Use, User};
use crate::check::references;
use crate::document::{Fields, Node, Place, Table, Value};
use crate::expression::Reference;
use crate::input::{Input, InputType};
use crate::plan::{Draft, Rollback, Shape};
use names::Names;
use step::Written;

/// Most steps of a template: each of a group waits for each of the group before it.
const MAX_STEPS: usize = 1_000;

/// Lowers one template.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft> {
    if table.get("active").is_some_and(|entry| entry.node.value == Value::Boolean(false)) {
        return None;
    }
    ctx.check_id(id, key);
    let mut fields = Fields::new(table);
    let mut draft = ctx.head(id, Shape::Template, &mut fields, Rollback::Phase);
    fields.flag("active", ctx.report);
    let name = fields.placed("name", ctx.report);
    lint::template(ctx, name.unwrap_or((id, key)));
    draft.about.description = about(name.map(|(name, _)| name), draft.about.description);
    draft.default_role = default_role(ctx, &mut fields);
    let nodes = steps(ctx, id, key, &mut fields).unwrap_or_default();
    let mut written: Vec<_> =
        nodes.iter().enumerate().filter_map(|(at, node)| step::read(ctx, at, node)).collect();
    written.sort_by_key(|step| step.order);
    add_phases(ctx, &mut draft, &written);
    if fields.node("inputs").is_none() {
        draft.inputs = ctx.uses.iter().filter_map(asked).collect();
    }
    ctx.tail(&mut draft, &mut fields);
    fields.close(&format!("template `{id}`"), ctx.report);
    references::check(ctx.report, &draft, &ctx.uses, true);
    (!nodes.is_empty()).then_some(draft)
}

fn about(name: Option<&str>, description: String) -> String {
    match name {
        None => description,
        Some(name) if description.is_empty() => name.to_owned(),
        Some(name) => format!("{name}: {description}"),
    }
}

/// The role that plays what nobody is cast for; it must exist and say what its agent does.
fn default_role(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>) -> Option<String> {
    let (word, place) = fields.placed("default_role", ctx.report)?;
    let Some((name, role)) = ctx.catalogue.role(word) else {
        let finding = ctx.report.error(place, format!("unknown role `{word}`"));
        finding.meant(word, ctx.catalogue.roles.keys().map(String::as_str));
        return None;
    };
    if role.performer.operation.is_empty() {
        let agent = &role.performer.agent;
        let message = format!("role `{name}` cannot play any step: it names agent `{agent}` alone");
        let finding = ctx.report.error(place, message);
        finding.hint(format!("write `performer = \"{agent}.OPERATION\"` for the role"));
    }
    Some(name.to_owned())
}

fn steps<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    id: &str,
    key: Place,
    fields: &mut Fields<'a>,
) -> Option<&'a [Node]> {
    if fields.node("steps").is_none() {
        let finding =
            ctx.report.error(key, format!("template `{id}` has no steps, here or in any file below"));
        finding.hint(format!("a table without steps changes a template that exists: check the id, or add `[[templates.{id}.steps]]`"));
    }
    let nodes = fields.list("steps", ctx.report)?;
    if nodes.is_empty() || nodes.len() > MAX_STEPS {
        let message =
            format!("template `{id}` has {} steps, and it can have from 1 to {MAX_STEPS}", nodes.len());
        ctx.report.error(key, message);
        return None;
    }
    Some(nodes)
}

fn add_phases(ctx: &mut Lowering<'_, '_, '_>, draft: &mut Draft, written: &[Written<'_>]) {
    let names = Names::new(ctx, written);
    let order = order(ctx, written);
    for (at, (step, depends_on)) in written.iter().zip(order).enumerate() {
        let mut phase = step::lower(ctx, at, step, &names);
        phase.depends_on = depends_on;
        draft.phases.push(phase);
    }
    names::check_variables(ctx, draft, written);
}

/// What each step waits for: the whole group before its own.
fn order(ctx: &mut Lowering<'_, '_, '_>, written: &[Written<'_>]) -> Vec<Vec<usize>> {
    let mut order = Vec::new();
    let mut before = 0..0;
    for group in written.chunk_by(Written::is_beside) {
        if let Some((name, place)) = group[0].group
            && let Some(earlier) = written[..before.end].iter().find(|step| step.is_beside(&group[0]))
        {
            let between = &written[before.end - 1].name;
            let message = format!("`{between}` stands between steps of group `{name}`, so they run apart");
            let finding = ctx.report.warning(place, message);
            finding.note(earlier.place, "the group begins here");
            finding.hint("put the steps of a group after each other, or give these a group of their own");
        }
        order.extend(group.iter().map(|_| before.clone().collect()));
        before = before.end..before.end + group.len();
    }
    order
}

/// The input that a reference needs, in a template that declares none.
fn asked(used: &Use) -> Option<(String, Input)> {
    let Reference::Input(name) = &used.reference else { return None };
    debug_assert!(used.by != User::Output, "the output is read later");
    let input = Input {
        kind: InputType::Json,
        required: true,
        default: None,
        description: String::new(),
        choices: Vec::new(),
    };
    Some((name.clone(), input))
}
