//! What a node does: by its `type`, by a `role`, by another `plan`, or nothing but wait.

use super::node::Written;
use crate::catalogue::{Operations, Performer, TOOLS};
use crate::check::arguments;
use crate::document::{Fields, Node, Place, Value};
use crate::mapping::Mapping;
use crate::plan::{Action, Call, Gate, Part};
use crate::shape::{Lowering, User};

/// Node types that are tools of another name.
const ALIASES: [(&str, &str); 2] = [("http", "http_request"), ("dbus_method", "dbus_call")];

/// The node type that waits.
const DELAY: &str = "delay";

/// What a node does.
#[derive(Default)]
pub(super) enum Work<'a> {
    /// It calls somebody.
    Call(Part, Place),
    /// It waits for as long as its input says.
    Delay(Place),
    /// It runs another plan.
    Plan(&'a str, Place),
    /// It is its gate.
    #[default]
    Pass,
}

impl Work<'_> {
    /// Whether nobody does anything.
    pub(super) fn is_wait(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::Pass)
    }
}

/// Reads `type`, `role` with `operation`, or `plan`.
pub(super) fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'a>,
    id: &str,
    place: Place,
    is_gated: bool,
) -> Work<'a> {
    let kind = fields.placed("type", ctx.report);
    let role = fields.placed("role", ctx.report);
    let plan = fields.placed("plan", ctx.report);
    let operation = fields.placed("operation", ctx.report);
    if let (Some((_, place)), None) = (operation, role) {
        let finding =
            ctx.report.error(place, "`operation` says what a role does, and the node has no `role`");
        finding.hint("write `type = \"agent.operation\"`");
    }
    match (kind, role, plan) {
        (Some((kind, place)), None, None) => by_type(ctx, kind, place),
        (None, Some((role, place)), None) => Work::Call(ctx.role(role, place, operation), place),
        (None, None, Some((plan, place))) => Work::Plan(plan, place),
        (None, None, None) => {
            let is_said = ["type", "role", "plan"].iter().any(|key| fields.node(key).is_some());
            if !is_gated && !is_said {
                let finding = ctx.report.error(place, format!("node `{id}` does nothing"));
                finding.hint("add `type = \"...\"`, `role`, or `plan`; or let it wait with `delay`, `signal` or `approval`");
            }
            Work::Pass
        }
        (_, second, third) => {
            let place = third.or(second).map_or(place, |(_, place)| place);
            let finding = ctx.report.error(place, format!("node `{id}` does more than one thing"));
            finding.hint("take one of `type`, `role` and `plan`, and make two nodes of it");
            Work::Pass
        }
    }
}

fn by_type<'a>(ctx: &mut Lowering<'_, '_, '_>, kind: &str, place: Place) -> Work<'a> {
    if kind == DELAY {
        return Work::Delay(place);
    }
    if let Some((agent, operation)) = kind.split_once('.') {
        let performer = ctx.agent(agent, place, Some((operation, place)));
        return Work::Call(Part::Performer(performer), place);
    }
    let tool = ALIASES.iter().find(|(alias, _)| *alias == kind).map_or(kind, |(_, tool)| tool);
    let performer = Performer::new(TOOLS, tool);
    if ctx.catalogue.has(&performer) {
        ctx.tool(tool, place);
    } else {
        refuse_type(ctx, kind, place);
    }
    Work::Call(Part::Performer(performer), place)
}

fn refuse_type(ctx: &mut Lowering<'_, '_, '_>, kind: &str, place: Place) {
    let finding = ctx.report.error(place, format!("unknown node type `{kind}`"));
    if ctx.catalogue.agents.contains_key(kind) {
        finding.hint(format!("`{kind}` is an agent: write `type = \"{kind}.OPERATION\"`"));
    } else if ctx.catalogue.role(kind).is_some() {
        finding.hint(format!("`{kind}` is a role: write `role = \"{kind}\"`"));
    } else {
        let tools = match ctx.catalogue.agents.get(TOOLS) {
            Some(Operations::Known(tools)) => tools.keys().map(String::as_str).collect(),
            Some(Operations::Open) | None => Vec::new(),
        };
        let aliases = ALIASES.iter().map(|(alias, _)| *alias);
        finding.meant(kind, tools.into_iter().chain(aliases).chain([DELAY]));
    }
}

/// Lowers what a node does, with the time that it waits before.
pub(super) fn lower(
    ctx: &mut Lowering<'_, '_, '_>,
    written: &Written<'_>,
    by: User,
) -> (Option<Gate>, Action) {
    match &written.work {
        Work::Call(part, place) => (None, Action::Call(call(ctx, written, part, *place, by))),
        Work::Delay(place) => (delay(ctx, written, *place), Action::Pass),
        Work::Plan(plan, place) => {
            (None, ctx.child(plan, *place, written.inputs.clone(), by).unwrap_or(Action::Pass))
        }
        Work::Pass => {
            if let Some(entry) = written.inputs.values().next() {
                let message = format!("node `{}` only waits, and takes no inputs", written.head.id);
                ctx.report.error(entry.key, message).hint("add the `type` that takes them");
            }
            (None, Action::Pass)
        }
    }
}

fn call(ctx: &mut Lowering<'_, '_, '_>, written: &Written<'_>, part: &Part, place: Place, by: User) -> Call {
    if let Some(performer) = part.default_performer()
        && let Some(operation) = ctx.catalogue.operation(performer)
    {
        let (inputs, schema) = (&written.inputs, &operation.input);
        arguments::check_under("inputs", ctx.report, inputs, schema, performer, place);
    }
    let arguments = if written.inputs.is_empty() {
        None
    } else {
        ctx.mapping(&Node { place, value: Value::Table(written.inputs.clone()) }, by)
    };
    Call { part: part.clone(), arguments: arguments.unwrap_or_else(Mapping::empty) }
}

fn delay(ctx: &mut Lowering<'_, '_, '_>, written: &Written<'_>, place: Place) -> Option<Gate> {
    let mut fields = Fields::new(&written.inputs);
    let duration = fields.duration("duration", ctx.report);
    if fields.node("duration").is_none() {
        let finding = ctx.report.error(place, "`delay` needs the input `duration`");
        finding.hint("add `inputs = { duration = \"30s\" }`");
    }
    fields.close("the inputs of `delay`", ctx.report);
    duration.map(Gate::Delay)
}
