//! One step: read as it is written, then lowered.

use std::time::Duration;

use super::condition;
use super::lint;
use super::names::Names;
use crate::document::{Fields, Node, Place, Table, Value, expect_table};
use crate::plan::{Action, Gate, Loop, Part, Phase, Retry, Step};
use crate::shape::wishes::Wishes;
use crate::shape::{Lowering, User};

/// Limit of a call that does not say otherwise.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Most visits of a loop that does not say otherwise.
const MAX_ITERATIONS: u32 = 10;

/// Keys that would give a step an identity.
const IDENTITIES: [&str; 9] =
    ["role", "role_id", "roleId", "role_name", "roleName", "agent", "agents", "performer", "participant"];

/// What is special about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sequential,
    Parallel,
    Conditional,
    Loop,
    SubPlan,
    Wait,
}

/// The types of steps, by their words.
const KINDS: [(&str, Kind); 7] = [
    ("sequential", Kind::Sequential),
    ("parallel", Kind::Parallel),
    ("conditional", Kind::Conditional),
    ("loop", Kind::Loop),
    ("sub_plan", Kind::SubPlan),
    ("sub_orchestration", Kind::SubPlan),
    ("wait", Kind::Wait),
];

/// A step as it is written.
pub(super) struct Written<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) id: Option<(&'a str, Place)>,
    pub(super) order: i64,
    pub(super) group: Option<(&'a str, Place)>,
    pub(super) store_as: Option<(&'a str, Place)>,
    pub(super) outputs: Option<&'a Table>,
    pub(super) condition: Option<&'a Node>,
    description: &'a str,
    kind: Kind,
    max_iterations: Option<u32>,
    plan: Option<(&'a str, Place)>,
    inputs: Option<&'a Table>,
    wishes: Wishes<'a>,
    table: &'a Table,
}

impl Written<'_> {
    /// Whether both are of the same group.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let name = self.group.map(|(name, _)| name);
        name.is_some() && name == other.group.map(|(name, _)| name)
    }
}

/// Reads a step.
pub(super) fn read<'a>(ctx: &mut Lowering<'_, '_, '_>, at: usize, node: &'a Node) -> Option<Written<'a>> {
    let table = expect_table(node, "a step", ctx.report)?;
    let mut fields = Fields::new(table);
    let (name, place) = read_name(ctx, &mut fields, at, node.place);
    refuse_identities(ctx, &mut fields, table, &name);
    let kind = ctx.word(&mut fields, "step_type", &KINDS).unwrap_or(Kind::Sequential);
    let mut wishes = ctx.wishes(&mut fields);
    read_delay(ctx, &mut fields, &mut wishes);
    let written = Written {
        id: fields.placed("id", ctx.report),
        order: read_order(ctx, &mut fields, at),
        group: fields.placed("parallel_group", ctx.report),
        store_as: fields.placed("store_as", ctx.report),
        outputs: fields.table("output_mapping", ctx.report),
        condition: fields.node("condition"),
        description: fields.text("description", ctx.report).unwrap_or_default(),
        max_iterations: fields.count("max_iterations", 1, 10_000, ctx.report),
        plan: fields.placed("plan", ctx.report),
        inputs: fields.table("input_mapping", ctx.report),
        name,
        place,
        kind,
        wishes,
        table,
    };
    check(ctx, &mut fields, &written);
    fields.close(&format!("step `{}`", written.name), ctx.report);
    Some(written)
}

fn read_name(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'_>,
    at: usize,
    place: Place,
) -> (String, Place) {
    let number = format!("#{}", at + 1);
    match (fields.node("name").map(|node| node.place), fields.text("name", ctx.report)) {
        (Some(place), Some(name)) if !name.trim().is_empty() => {
            lint::step(ctx, name, place);
            (name.to_owned(), place)
        }
        (Some(_), None) => (number, place),
        (named, _) => {
            let finding = ctx.report.error(named.unwrap_or(place), "the step has no name");
            finding.hint("add `name = \"...\"`: roles are assigned by it, and others refer to it by that");
            (number, place)
        }
    }
}

fn read_order(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, at: usize) -> i64 {
    let position = i64::try_from(at).unwrap_or(i64::MAX);
    match fields.node("order").map(|node| (node.place, &node.value)) {
        None => position,
        Some((_, Value::Integer(order))) => *order,
        Some((place, other)) => {
            let message = format!("`order` must be a whole number, and this is {}", other.kind());
            ctx.report.error(place, message);
            position
        }
    }
}

fn refuse_identities(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, table: &Table, name: &str) {
    for key in IDENTITIES.into_iter().filter(|key| table.contains_key(*key)) {
        let Some(entry) = fields.entry(key) else { continue };
        let finding =
            ctx.report.error(entry.key, format!("step `{name}` has `{key}`, and a template has none"));
        finding.hint(format!(
            "take it out; say who plays it when it is run, `--role \"{name}=ROLE\"`, or in `[casts.NAME.parts]`"
        ));
    }
}

/// `retry_delay` goes with `max_retries`; the table `retry` has a key of its own for it.
fn read_delay(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, wishes: &mut Wishes<'_>) {
    let Some(delay) = fields.duration("retry_delay", ctx.report) else { return };
    let place = fields.entry("retry_delay").expect("its duration was read").key;
    match (fields.node("retry"), &mut wishes.retry) {
        (None, Some(retry)) => {
            let max_delay = retry.max_delay.max(delay);
            *retry = Retry { delay, max_delay, ..retry.clone() };
        }
        (Some(_), _) => {
            let finding = ctx.report.error(place, "`retry_delay` and `retry` say the same thing twice");
            finding.hint("write `retry = { max = N, delay = \"1s\" }` alone");
        }
        (None, None) => {
            let finding = ctx.report.error(place, "`retry_delay` without `max_retries` waits for nothing");
            finding.hint("add `max_retries = 3`");
        }
    }
}

/// Reports what the type of the step needs and does not have, and what it has and cannot use.
fn check(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, written: &Written<'_>) {
    let (name, kind) = (&written.name, written.kind);
    // Read only when the place of the step in the plan is known.
    let waits = ["delay", "signal", "approval"].into_iter().filter(|key| fields.node(key).is_some()).count();
    if let Some((what, line)) = needed(written, waits) {
        let place = fields.node("step_type").map_or(written.place, |node| node.place);
        let finding = ctx.report.error(place, format!("step `{name}` needs {what}, by its type"));
        finding.hint(format!("add `{line}`, or leave `step_type` out"));
    }
    if waits > 1 {
        let finding = ctx.report.error(written.place, format!("step `{name}` waits for several things"));
        finding.hint("a step waits for one; put a step with `step_type = \"wait\"` before it for another");
    }
    if let (Some(entry), false) = (fields.entry("max_iterations"), kind == Kind::Loop) {
        let finding = ctx.report.error(entry.key, format!("step `{name}` is no loop"));
        finding.hint("add `step_type = \"loop\"`, or leave `max_iterations` out");
    }
    if kind == Kind::Wait {
        check_wait(ctx, fields, name);
    }
}

/// What the type of a step needs and does not have, and a line that would give it that.
fn needed(written: &Written<'_>, waits: usize) -> Option<(&'static str, &'static str)> {
    match written.kind {
        Kind::Parallel if written.group.is_none() => Some(("a group", "parallel_group = \"NAME\"")),
        Kind::Conditional | Kind::Loop if written.condition.is_none() => {
            Some(("a condition", "condition = \"context['Step Name'].score < 0.8\""))
        }
        Kind::SubPlan if written.plan.is_none() => Some(("a plan", "plan = \"ID\"")),
        Kind::Wait if waits == 0 => Some(("something to wait for", "approval = \"Go on?\"")),
        Kind::Sequential | Kind::Parallel | Kind::Conditional | Kind::Loop | Kind::SubPlan | Kind::Wait => {
            None
        }
    }
}

/// Nobody plays a step that only waits.
fn check_wait(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, name: &str) {
    let idle = ["input_mapping", "plan", "for_each", "accept", "max_retries", "retry"];
    for key in idle {
        if let Some(entry) = fields.entry(key) {
            let finding =
                ctx.report.error(entry.key, format!("step `{name}` only waits: `{key}` says nothing"));
            finding.hint(format!("leave out `{key}`, or `step_type`"));
        }
    }
}

/// Lowers a step; what it waits for is filled in by the caller.
pub(super) fn lower(
    ctx: &mut Lowering<'_, '_, '_>,
    at: usize,
    written: &Written<'_>,
    names: &Names,
) -> Phase {
    let by = User::Step(at, 0);
    let gate = ctx.gates(&mut Fields::new(written.table), by).into_iter().next();
    let action = action(ctx, written, by).unwrap_or(Action::Pass);
    let is_call = action.call().is_some() && !matches!(gate, Some(Gate::Signal(_)));
    let step = Step { gate, timeout: is_call.then_some(TIMEOUT), ..Step::new(names.id(at), action) };
    let step = ctx.wished(step, &written.wishes, by);
    let mut phase = Phase {
        name: written.name.clone(),
        description: written.description.to_owned(),
        ..Phase::new(names.id(at), vec![step])
    };
    add_condition(ctx, at, written, names, &mut phase);
    phase
}

fn action(ctx: &mut Lowering<'_, '_, '_>, written: &Written<'_>, by: User) -> Option<Action> {
    let args = written.inputs.cloned().unwrap_or_default();
    ctx.with_locals(written.wishes.locals(), |ctx| match (written.kind, written.plan) {
        (Kind::Wait, _) => Some(Action::Pass),
        (_, Some((plan, place))) => ctx.child(plan, place, args, by),
        (_, None) => Some(Action::Call(ctx.call(Part::Open, args, written.place, by))),
    })
}

/// A condition says whether the step runs; that of a loop also whether it runs again.
fn add_condition(
    ctx: &mut Lowering<'_, '_, '_>,
    at: usize,
    written: &Written<'_>,
    names: &Names,
    phase: &mut Phase,
) {
    let Some(node) = written.condition else { return };
    let Some(node) = condition::to_cel(ctx, node, names) else { return };
    if written.kind != Kind::Loop {
        phase.when = ctx.condition_of("condition", &node, User::When(at));
        return;
    }
    let Some(condition) = ctx.condition_of("condition", &node, User::Next(at)) else { return };
    if !condition.references().iter().any(|reference| names.is_own(at, phase, reference)) {
        phase.when = ctx.condition_of("condition", &node, User::When(at));
    }
    phase.repeat = Some(Loop { condition, max: written.max_iterations.unwrap_or(MAX_ITERATIONS) });
}
