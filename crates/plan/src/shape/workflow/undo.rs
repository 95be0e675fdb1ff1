//! What undoes a node: an entry of its `rollback`, or the operation that undoes its own.

use serde_json::json;

use crate::catalogue::{Catalogue, Performer};
use crate::document::{Fields, Node, Place, expect_table};
use crate::mapping::Mapping;
use crate::plan::{Action, Call, Part, Retry, Undo};
use crate::shape::{Lowering, User};

/// Reads an entry of `rollback`: `{ tool | agent, operation, args, retry, max_retries, timeout }`.
pub(super) fn read(ctx: &mut Lowering<'_, '_, '_>, node: &Node, by: User) -> Option<Undo> {
    let what = "an entry of `rollback`";
    let mut fields = Fields::new(expect_table(node, what, ctx.report)?);
    let part = who(ctx, &mut fields, node.place);
    let args = fields.table("args", ctx.report).cloned().unwrap_or_default();
    let retry = ctx.retry(&mut fields).unwrap_or_default();
    let timeout = fields.limit("timeout", ctx.report);
    fields.close(what, ctx.report);
    let (performer, place) = part?;
    Some(Undo { call: ctx.call(Part::Performer(performer), args, place, by), timeout, retry })
}

fn who(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, place: Place) -> Option<(Performer, Place)> {
    let (tool, agent) = (fields.placed("tool", ctx.report), fields.placed("agent", ctx.report));
    let operation = fields.placed("operation", ctx.report);
    match (tool, agent) {
        (Some((tool, place)), None) => {
            if let Some((_, place)) = operation {
                let finding = ctx.report.error(place, "a tool has no operations");
                finding.hint("name an `agent`, or leave `operation` out");
            }
            Some((ctx.tool(tool, place), place))
        }
        (None, Some((agent, place))) => {
            let (agent, own) =
                agent.split_once('.').map_or((agent, None), |(agent, own)| (agent, Some((own, place))));
            if let (Some(_), Some((_, place))) = (own, operation) {
                let finding = ctx.report.error(place, "the entry names two operations");
                finding.hint("take one of them out");
            }
            Some((ctx.agent(agent, place, own.or(operation)), place))
        }
        (Some(_), Some((_, place))) => {
            let finding = ctx.report.error(place, "a call is either of a tool or of an agent");
            finding.hint("make two entries of it");
            None
        }
        (None, None) => {
            if fields.node("tool").is_none() && fields.node("agent").is_none() {
                ctx.report.error(place, "the entry names neither `tool` nor `agent`");
            }
            None
        }
    }
}

/// What undoes the type of a node: it is told what was asked for and what came of it.
pub(super) fn usual(catalogue: &Catalogue, id: &str, action: &Action) -> Option<Undo> {
    // Somebody who plays a role may do it in another way, which its usual performer cannot undo.
    let Action::Call(Call { part: Part::Performer(performer), arguments }) = action else { return None };
    let undo = catalogue.operation(performer)?.undo.as_ref()?;
    let undo = match undo.split_once('.') {
        Some((agent, operation)) => Performer::new(agent, operation),
        None => Performer::new(&performer.agent, undo),
    };
    let told = json!({ "arguments": arguments.source(), "output": format!("${{steps['{id}'].output}}") });
    // The arguments were read before, one level higher.
    let arguments = Mapping::parse(told).ok()?;
    Some(Undo {
        call: Call { part: Part::Performer(undo), arguments },
        timeout: None,
        retry: Retry::default(),
    })
}
