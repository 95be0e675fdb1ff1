//! One phase: read as it is written, then lowered.

use std::collections::HashMap;
use std::time::Duration;

use super::entry::{self, Written as Entry};
use crate::document::{Fields, Node, Place, Table, Value, expect_table};
use crate::plan::{Phase, Retry, Step};
use crate::shape::{Lowering, User};

/// A phase as it is written.
#[derive(Default)]
pub(super) struct Written<'a> {
    pub(super) id: String,
    pub(super) place: Place,
    /// What it waits for; `None` when the plan does not say.
    pub(super) depends_on: Option<Vec<(&'a str, Place)>>,
    name: Option<&'a str>,
    description: &'a str,
    when: Option<&'a Node>,
    timeout: Option<Duration>,
    continue_on_failure: bool,
    is_parallel: bool,
    tools: Vec<Entry<'a>>,
    agents: Vec<Entry<'a>>,
    undo: Vec<Entry<'a>>,
}

/// What the agents of a phase take from it when they do not say it themselves.
#[derive(Default, Clone)]
pub(super) struct Defaults<'a> {
    pub(super) operation: Option<(&'a str, Place)>,
    pub(super) args: Option<&'a Table>,
    pub(super) retry: Option<Retry>,
}

impl<'a> Written<'a> {
    /// Its tools, then its agents.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.tools.iter().chain(&self.agents)
    }
}

/// Reads a phase.
pub(super) fn read<'a>(ctx: &mut Lowering<'_, '_>, at: usize, node: &'a Node) -> Written<'a> {
    let Some(table) = expect_table(node, "a phase", ctx.report) else {
        return Written { id: format!("#{}", at + 1), place: node.place, ..Written::default() };
    };
    let mut fields = Fields::new(table);
    let (id, place) = read_id(ctx, &mut fields, at, node.place);
    let retry = ctx.retry(&mut fields);
    let operation = fields.placed("operation", ctx.report);
    let defaults = Defaults { operation, args: fields.table("args", ctx.report), retry };
    let tools = fields.list("tools", ctx.report).unwrap_or_default();
    let agents = fields.list("agents", ctx.report).unwrap_or_default();
    let undo = fields.list("rollback", ctx.report).unwrap_or_default();
    let written = Written {
        depends_on: fields.texts("depends_on", ctx.report),
        name: fields.text("name", ctx.report),
        description: fields.text("description", ctx.report).unwrap_or_default(),
        when: fields.node("when"),
        timeout: fields.limit("timeout", ctx.report),
        continue_on_failure: fields.flag("continue_on_failure", ctx.report).unwrap_or(false),
        is_parallel: fields.flag("parallel", ctx.report).unwrap_or(false),
        tools: tools.iter().filter_map(|node| entry::tool(ctx, node, &defaults)).collect(),
        agents: agents.iter().filter_map(|node| entry::agent(ctx, node, &defaults)).collect(),
        undo: undo.iter().filter_map(|node| entry::undo(ctx, node)).collect(),
        id,
        place,
    };
    check_work(ctx, &mut fields, &written);
    fields.close(&format!("phase `{}`", written.id), ctx.report);
    written
}

fn read_id(ctx: &mut Lowering<'_, '_>, fields: &mut Fields<'_>, at: usize, place: Place) -> (String, Place) {
    match (fields.node("id").map(|node| node.place), fields.text("id", ctx.report)) {
        (Some(place), Some(id)) => {
            ctx.check_id(id, place);
            (id.to_owned(), place)
        }
        (Some(place), None) => (format!("#{}", at + 1), place),
        (None, _) => {
            ctx.report
                .error(place, "the phase has no id")
                .hint("add `id = \"...\"`: others refer to it by that");
            (format!("#{}", at + 1), place)
        }
    }
}

/// Reports a phase that does nothing, and keys on it that nothing takes.
fn check_work(ctx: &mut Lowering<'_, '_>, fields: &mut Fields<'_>, written: &Written<'_>) {
    let mut is_empty = |key| fields.node(key).is_none_or(|node| node.value == Value::List(Vec::new()));
    if is_empty("tools") && is_empty("agents") {
        let finding = ctx.report.error(written.place, format!("phase `{}` does nothing", written.id));
        finding.hint("add `tools = [...]` or `agents = [...]`");
    }
    let takes_operation = written.agents.iter().any(|entry| entry.takes_operation);
    for (key, is_taken) in [("operation", takes_operation), ("args", !written.agents.is_empty())] {
        if let (Some(entry), false) = (fields.entry(key), is_taken) {
            let message = format!("`{key}` of phase `{}` is taken by none of its agents", written.id);
            let finding = ctx.report.error(entry.key, message);
            finding
                .hint(format!("it is the default of entries of `agents` that have no `{key}` of their own"));
        }
    }
}

/// Lowers a phase; its dependencies and the default of its limit are filled in by the caller.
pub(super) fn lower(ctx: &mut Lowering<'_, '_>, at: usize, written: &Written<'_>) -> Phase {
    let ids = step_ids(written);
    let order = order(written);
    let steps = written.entries().zip(ids).zip(order).enumerate();
    let steps = steps.map(|(place, ((entry, id), after))| Step {
        id,
        after,
        ..entry::lower(ctx, entry, User::Step(at, place))
    });
    Phase {
        steps: steps.collect(),
        id: written.id.clone(),
        name: written.name.unwrap_or(&written.id).to_owned(),
        description: written.description.to_owned(),
        depends_on: Vec::new(),
        when: written.when.and_then(|node| ctx.condition(node, User::When(at))),
        timeout: written.timeout,
        continue_on_failure: written.continue_on_failure,
        undo: written.undo.iter().map(|entry| entry::lower_undo(ctx, entry, User::Undo(at))).collect(),
    }
}

/// The phase's id for its only step; otherwise the names of who is called, counted where one stands twice.
fn step_ids(written: &Written<'_>) -> Vec<String> {
    let names: Vec<_> = written.entries().map(|entry| entry.name.as_str()).collect();
    if let [_] = names.as_slice() {
        return vec![written.id.clone()];
    }
    let mut times = HashMap::new();
    let ids = names.into_iter().map(|name| {
        let time = times.entry(name).and_modify(|time| *time += 1).or_insert(1);
        let counted = if *time == 1 { String::new() } else { format!("_{time}") };
        format!("{}.{name}{counted}", written.id)
    });
    ids.collect()
}

/// Tools one after the other, then agents: one after the other, or all after the last tool.
fn order(written: &Written<'_>) -> Vec<Vec<usize>> {
    let tools = written.tools.len();
    let before =
        |at: usize| if at > tools && written.is_parallel { tools.checked_sub(1) } else { at.checked_sub(1) };
    (0..written.entries().count()).map(|at| before(at).into_iter().collect()).collect()
}
