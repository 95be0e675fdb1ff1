//! One phase: read as it is written, then lowered.

use std::collections::HashMap;
use std::time::Duration;

use super::entry::{self, Defaults};
use crate::document::{Fields, Node, Place, Value, expect_table};
use crate::plan::{Accept, Phase};
use crate::shape::gate::Waits;
use crate::shape::heading::Heading;
use crate::shape::steps::{Entry, Steps};
use crate::shape::wishes::Items;
use crate::shape::{Lowering, User};

/// A phase as it is written.
#[derive(Default)]
pub(super) struct Written<'a> {
    pub(super) head: Heading<'a>,
    /// What it waits for; `None` when the plan does not say.
    pub(super) depends_on: Option<Vec<(&'a str, Place)>>,
    repeat: Option<&'a Node>,
    timeout: Option<Duration>,
    continue_on_failure: bool,
    is_parallel: bool,
    waits: Waits<'a>,
    tools: Vec<entry::Written<'a>>,
    plan: Option<entry::Written<'a>>,
    agents: Vec<entry::Written<'a>>,
    undo: &'a [Node],
}

/// A phase, and where each of its steps is written.
pub(super) struct Lowered {
    pub(super) phase: Phase,
    pub(super) places: Vec<Place>,
}

impl<'a> Written<'a> {
    /// Its tools, then the plan it runs, then its agents.
    pub(super) fn entries(&self) -> impl Iterator<Item = &entry::Written<'a>> {
        self.tools.iter().chain(&self.plan).chain(&self.agents)
    }
}

/// Reads a phase.
pub(super) fn read<'a>(ctx: &mut Lowering<'_, '_, '_>, at: usize, node: &'a Node) -> Written<'a> {
    let Some(table) = expect_table(node, "a phase", ctx.report) else {
        return Written { head: Heading::nameless(at, node.place), ..Written::default() };
    };
    let mut fields = Fields::new(table);
    let head = ctx.heading(&mut fields, at, node.place, ("phase", "others refer to it"));
    let defaults = defaults(ctx, &mut fields);
    let tools = fields.list("tools", ctx.report).unwrap_or_default();
    let agents = fields.list("agents", ctx.report).unwrap_or_default();
    let written = Written {
        depends_on: fields.texts("depends_on", ctx.report),
        repeat: fields.node("repeat"),
        timeout: fields.limit("timeout", ctx.report),
        continue_on_failure: fields.flag("continue_on_failure", ctx.report).unwrap_or(false),
        is_parallel: fields.flag("parallel", ctx.report).unwrap_or(false),
        waits: Waits::note(table, &mut fields),
        tools: tools.iter().filter_map(|node| entry::tool(ctx, node, &defaults)).collect(),
        plan: fields.placed("plan", ctx.report).map(|plan| entry::plan(plan, &defaults)),
        agents: agents.iter().filter_map(|node| entry::agent(ctx, node, &defaults)).collect(),
        undo: fields.list("rollback", ctx.report).unwrap_or_default(),
        head,
    };
    check_work(ctx, &mut fields, &written);
    check_defaults(ctx, &mut fields, &written);
    fields.close(&format!("phase `{}`", written.head.id), ctx.report);
    written
}

fn defaults<'a>(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'a>) -> Defaults<'a> {
    Defaults {
        operation: fields.placed("operation", ctx.report),
        args: fields.table("args", ctx.report),
        retry: ctx.retry(fields),
        items: ctx.items(fields, Items::default()),
        skills: ctx.skills(fields),
    }
}

/// Reports a phase that does nothing.
fn check_work(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, written: &Written<'_>) {
    let mut is_empty = |key| fields.node(key).is_none_or(|node| node.value == Value::List(Vec::new()));
    let has_entries = !is_empty("tools") || !is_empty("agents") || !is_empty("plan");
    if !has_entries && written.waits.is_empty() {
        let finding =
            ctx.report.error(written.head.place, format!("phase `{}` does nothing", written.head.id));
        finding.hint("add `tools = [...]` or `agents = [...]`");
    }
    if let ([entry], false) = (written.entries().collect::<Vec<_>>().as_slice(), written.waits.is_empty()) {
        ctx.check_waits(written.waits, entry.entry.waits);
    }
}

/// Reports defaults on a phase that nothing takes, or that two kinds of entries would take.
fn check_defaults(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, written: &Written<'_>) {
    let takes_operation = written.agents.iter().any(|entry| entry.takes_operation);
    let takes_args = !written.agents.is_empty() || written.plan.is_some();
    for (key, is_taken) in [("operation", takes_operation), ("args", takes_args)] {
        if let (Some(entry), false) = (fields.entry(key), is_taken) {
            let message = format!("`{key}` of phase `{}` is taken by none of its agents", written.head.id);
            let finding = ctx.report.error(entry.key, message);
            finding
                .hint(format!("it is the default of entries of `agents` that have no `{key}` of their own"));
        }
    }
    check_calls(ctx, fields, written);
    if let (Some(args), Some(plan), false) =
        (fields.entry("args"), fields.entry("plan"), written.agents.is_empty())
    {
        let message = "`args` could be those of the plan or of the agents";
        let finding = ctx.report.error(args.key, message).note(plan.key, "the plan");
        finding.hint("give each agent its own `args`, or run the plan in a phase of its own");
    }
}

/// Reports what is said on a phase of calls that it does not have.
fn check_calls(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, written: &Written<'_>) {
    if let (Some(entry), true, true) =
        (fields.entry("skills"), written.tools.is_empty(), written.agents.is_empty())
    {
        let message =
            format!("`skills` of phase `{}` are given to calls, and it makes none", written.head.id);
        let finding = ctx.report.error(entry.key, message);
        finding.hint("name them on the steps that call somebody");
    }
    let takes_items = written.entries().any(|entry| entry.takes_items);
    if let (Some(entry), false) = (fields.entry("for_each"), takes_items) {
        let message = format!("`for_each` of phase `{}` is taken by none of its entries", written.head.id);
        let finding = ctx.report.error(entry.key, message);
        finding.hint("it is the default of entries that have no `for_each` of their own");
    }
    for key in ["retry", "max_retries"] {
        if let (Some(entry), None, false) =
            (fields.entry(key), written.entries().next(), written.waits.is_empty())
        {
            let message = format!("phase `{}` only waits, and `{key}` is about a call", written.head.id);
            ctx.report
                .error(entry.key, message)
                .hint("add `tools = [...]` or `agents = [...]`, or take it out");
        }
    }
}

/// Lowers a phase; its dependencies and the default of its limit are filled in by the caller.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, at: usize, written: &Written<'_>) -> Lowered {
    let Steps { lowered, places, .. } = steps(ctx, at, written);
    let phase = Phase {
        repeat: written.repeat.and_then(|node| super::repeat::read(ctx, node, at)),
        timeout: written.timeout,
        continue_on_failure: written.continue_on_failure,
        undo: ctx.undo(written.undo, User::Undo(at)),
        ..ctx.headed(&written.head, at, lowered)
    };
    Lowered { phase, places }
}

/// Waits first, then tools one after the other, the plan, and agents: one after the other, or all after what is before them.
fn steps(ctx: &mut Lowering<'_, '_, '_>, at: usize, written: &Written<'_>) -> Steps {
    let mut steps = Steps::new(at, Accept::Any);
    let entries: Vec<_> = written.entries().map(|entry| &entry.entry).collect();
    if let [entry] = entries.as_slice() {
        steps.push(ctx, &written.head.id, &[written.waits, entry.waits], Vec::new(), entry);
        return steps;
    }
    steps.wait(ctx, &written.head.id, written.waits, written.head.place);
    if let ([], [step]) = (entries.as_slice(), steps.lowered.as_mut_slice()) {
        step.id.clone_from(&written.head.id);
    }
    let agents = entries.len() - written.agents.len();
    let mut base = Vec::new();
    for (place, (entry, id)) in entries.iter().zip(step_ids(&written.head.id, &entries)).enumerate() {
        if place <= agents {
            base = steps.last();
        }
        let after = if written.is_parallel && place > agents { base.clone() } else { steps.last() };
        steps.push(ctx, &id, &[entry.waits], after, entry);
    }
    steps
}

/// The names of who is called, counted where one stands twice.
fn step_ids(phase: &str, entries: &[&Entry<'_>]) -> Vec<String> {
    let mut times = HashMap::new();
    let ids = entries.iter().map(|entry| {
        let name = entry.name.as_str();
        let time = times.entry(name).and_modify(|time| *time += 1).or_insert(1);
        let counted = if *time == 1 { String::new() } else { format!("_{time}") };
        format!("{phase}.{name}{counted}")
    });
    ids.collect()
}
