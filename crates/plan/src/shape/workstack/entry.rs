//! Entries of `tools`, `agents` and `rollback`: each a call.

use std::time::Duration;

use super::phase::Defaults;
use crate::catalogue::Performer;
use crate::document::{Fields, Node, Place, Table, Value, expect_table, expect_text};
use crate::plan::{Action, Call, Part, Retry, Step, Undo};
use crate::shape::{Lowering, User};

/// An entry as it is written.
pub(super) struct Written<'a> {
    /// What its step is called in a phase of several.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) store_as: Option<(&'a str, Place)>,
    /// Whether it leaves its operation to the phase.
    pub(super) takes_operation: bool,
    part: Part,
    args: Table,
    retry: Retry,
    timeout: Option<Duration>,
}

/// Reads an entry of `tools`: `{ tool, args, store_as, retry, max_retries, timeout }`.
pub(super) fn tool<'a>(
    ctx: &mut Lowering<'_, '_>,
    node: &'a Node,
    defaults: &Defaults<'a>,
) -> Option<Written<'a>> {
    if let Value::Text(name) = &node.value {
        let part = Part::Performer(ctx.tool(name, node.place));
        return Some(bare(name.clone(), node.place, part, Table::new(), defaults));
    }
    let mut fields = Fields::new(expect_table(node, "an entry of `tools`", ctx.report)?);
    let (name, place) = named(ctx, &mut fields, "tool", node.place)?;
    let part = Part::Performer(ctx.tool(name, place));
    let written = rest(ctx, &mut fields, bare(name.to_owned(), place, part, Table::new(), defaults));
    fields.close("an entry of `tools`", ctx.report);
    Some(written)
}

/// Reads an entry of `agents`: `"agent"`, `"agent.operation"`, or a table.
pub(super) fn agent<'a>(
    ctx: &mut Lowering<'_, '_>,
    node: &'a Node,
    defaults: &Defaults<'a>,
) -> Option<Written<'a>> {
    let args = defaults.args.cloned().unwrap_or_default();
    if let Value::Text(name) = &node.value {
        let (agent, performer, takes_operation) =
            performer(ctx, (name, node.place), None, defaults.operation);
        let written = bare(agent, node.place, Part::Performer(performer), args, defaults);
        return Some(Written { takes_operation, ..written });
    }
    let what = "an entry of `agents`";
    let mut fields = Fields::new(expect_table(node, what, ctx.report)?);
    let (name, place, part, takes_operation) = who(ctx, &mut fields, node.place, defaults.operation)?;
    let written = Written { takes_operation, ..bare(name, place, part, args, defaults) };
    let written = rest(ctx, &mut fields, written);
    fields.close(what, ctx.report);
    Some(written)
}

/// Reads an entry of `rollback`: `{ tool | agent, operation, args, retry, max_retries, timeout }`.
pub(super) fn undo<'a>(ctx: &mut Lowering<'_, '_>, node: &'a Node) -> Option<Written<'a>> {
    let what = "an entry of `rollback`";
    let mut fields = Fields::new(expect_table(node, what, ctx.report)?);
    let (name, place, part) = undoes(ctx, &mut fields, node.place)?;
    let written = bare(name, place, part, Table::new(), &Defaults::default());
    let written = common(ctx, &mut fields, written);
    fields.close(what, ctx.report);
    Some(written)
}

fn undoes(
    ctx: &mut Lowering<'_, '_>,
    fields: &mut Fields<'_>,
    place: Place,
) -> Option<(String, Place, Part)> {
    match (fields.entry("tool"), fields.entry("agent")) {
        (Some(entry), None) => {
            let tool = expect_text(&entry.node, "`tool`", ctx.report)?;
            if let Some(entry) = fields.entry("operation") {
                let finding = ctx.report.error(entry.key, "a tool has no operations");
                finding.hint("name an `agent`, or leave `operation` out");
            }
            Some((tool.to_owned(), entry.node.place, Part::Performer(ctx.tool(tool, entry.node.place))))
        }
        (None, Some(_)) => who(ctx, fields, place, None).map(|(name, place, part, _)| (name, place, part)),
        (Some(entry), Some(_)) => {
            let finding = ctx.report.error(entry.key, "a call is either of a tool or of an agent");
            finding.hint("make two entries of it");
            None
        }
        (None, None) => {
            ctx.report.error(place, "the entry names neither `tool` nor `agent`");
            None
        }
    }
}

/// Lowers an entry; its id and order are filled in by the caller.
pub(super) fn lower(ctx: &mut Lowering<'_, '_>, written: &Written<'_>, by: User) -> Step {
    Step {
        id: String::new(),
        after: Vec::new(),
        action: Action::Call(call(ctx, written, by)),
        retry: written.retry.clone(),
        timeout: written.timeout,
        store_as: written.store_as.map(|(name, _)| name.to_owned()),
    }
}

/// Lowers an entry of `rollback`.
pub(super) fn lower_undo(ctx: &mut Lowering<'_, '_>, written: &Written<'_>, by: User) -> Undo {
    Undo { call: call(ctx, written, by), timeout: written.timeout, retry: written.retry.clone() }
}

fn call(ctx: &mut Lowering<'_, '_>, written: &Written<'_>, by: User) -> Call {
    ctx.call(written.part.clone(), written.args.clone(), written.place, by)
}

/// An entry that says nothing but who is called.
fn bare<'a>(name: String, place: Place, part: Part, args: Table, defaults: &Defaults<'a>) -> Written<'a> {
    let retry = defaults.retry.clone().unwrap_or_default();
    Written { name, place, store_as: None, takes_operation: false, part, args, retry, timeout: None }
}

/// What every step may say besides who is called.
fn rest<'a>(ctx: &mut Lowering<'_, '_>, fields: &mut Fields<'a>, written: Written<'a>) -> Written<'a> {
    let store_as = fields.placed("store_as", ctx.report);
    common(ctx, fields, Written { store_as, ..written })
}

/// What every call may say besides who is called.
fn common<'a>(ctx: &mut Lowering<'_, '_>, fields: &mut Fields<'a>, mut written: Written<'a>) -> Written<'a> {
    if let Some(args) = fields.table("args", ctx.report) {
        written.args.extend(args.iter().map(|(name, entry)| (name.clone(), entry.clone())));
    }
    if let Some(retry) = ctx.retry(fields) {
        written.retry = retry;
    }
    written.timeout = fields.limit("timeout", ctx.report);
    written
}

/// Who an entry with `agent` or `role` calls: what it is called in ids, where it stands, and whether the operation is
/// that of the phase.
fn who(
    ctx: &mut Lowering<'_, '_>,
    fields: &mut Fields<'_>,
    place: Place,
    default: Option<(&str, Place)>,
) -> Option<(String, Place, Part, bool)> {
    let operation = fields.placed("operation", ctx.report);
    let (agent, role) = (fields.placed("agent", ctx.report), fields.placed("role", ctx.report));
    match (agent, role) {
        (Some(agent), None) => {
            let (name, performer, takes) = performer(ctx, agent, operation, default);
            Some((name, agent.1, Part::Performer(performer), takes))
        }
        (None, Some((role, place))) => {
            let part = ctx.role(role, place, operation.or(default));
            Some((role.to_owned(), place, part, operation.is_none()))
        }
        (Some(_), Some((_, place))) => {
            ctx.report
                .error(place, "a call is either of an agent or of a role")
                .hint("take one of the two out");
            None
        }
        (None, None) => {
            if fields.node("agent").is_none() && fields.node("role").is_none() {
                ctx.report.error(place, "the entry names neither `agent` nor `role`");
            }
            None
        }
    }
}

/// An agent with the operation that stands behind its name, in the entry, or on the phase: the nearest one.
fn performer(
    ctx: &mut Lowering<'_, '_>,
    (text, place): (&str, Place),
    operation: Option<(&str, Place)>,
    default: Option<(&str, Place)>,
) -> (String, Performer, bool) {
    let Some((agent, own)) = text.split_once('.') else {
        let performer = ctx.agent(text, place, operation.or(default));
        return (text.to_owned(), performer, operation.is_none());
    };
    if let Some((other, at)) = operation {
        let finding = ctx.report.error(at, format!("the entry names two operations, `{own}` and `{other}`"));
        finding.hint("take one of them out");
    }
    (agent.to_owned(), ctx.agent(agent, place, Some((own, place))), false)
}

/// The text of a key that must be there.
fn named<'a>(
    ctx: &mut Lowering<'_, '_>,
    fields: &mut Fields<'a>,
    key: &'static str,
    place: Place,
) -> Option<(&'a str, Place)> {
    let Some(node) = fields.node(key) else {
        ctx.report.error(place, format!("the entry does not name its `{key}`"));
        return None;
    };
    Some((expect_text(node, &format!("`{key}`"), ctx.report)?, node.place))
}
