//! Entries of `tools` and `agents`: each a call.

use crate::document::{Fields, Node, Place, Table, Value, expect_table, expect_text};
use crate::plan::{Part, Retry};
use crate::shape::Lowering;
use crate::shape::gate::Waits;
use crate::shape::part::Called;
use crate::shape::steps::Entry;
use crate::shape::wishes::{Items, Skilled, Wishes};
use crate::shape::work::Work;

/// What the entries of a phase take from it when they do not say it themselves.
#[derive(Default, Clone)]
pub(super) struct Defaults<'a> {
    pub(super) operation: Option<(&'a str, Place)>,
    pub(super) args: Option<&'a Table>,
    pub(super) retry: Option<Retry>,
    pub(super) items: Items<'a>,
    pub(super) skills: Option<Skilled>,
}

/// An entry as it is written.
pub(super) struct Written<'a> {
    pub(super) entry: Entry<'a>,
    /// Whether it leaves its operation to the phase.
    pub(super) takes_operation: bool,
    /// Whether it leaves its list to the phase.
    pub(super) takes_items: bool,
}

/// Reads an entry of `tools`: a name, or a table with `tool`.
pub(super) fn tool<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    node: &'a Node,
    defaults: &Defaults<'a>,
) -> Option<Written<'a>> {
    if let Value::Text(name) = &node.value {
        let part = Part::Performer(ctx.tool(name, node.place));
        let entry = bare(name, node.place, Work::Call(part, Vec::new()), Table::new(), defaults);
        return Some(Written { entry, takes_operation: false, takes_items: true });
    }
    let what = "an entry of `tools`";
    let table = expect_table(node, what, ctx.report)?;
    let mut fields = Fields::new(table);
    let (name, place) = named(ctx, &mut fields, "tool", node.place)?;
    let work = Work::Call(Part::Performer(ctx.tool(name, place)), Vec::new());
    let entry = rest(ctx, table, &mut fields, bare(name, place, work, Table::new(), defaults));
    let takes_items = fields.entry("for_each").is_none();
    fields.close(what, ctx.report);
    Some(Written { entry, takes_operation: false, takes_items })
}

/// Reads an entry of `agents`: `"agent"`, `"agent.operation"`, or a table.
pub(super) fn agent<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    node: &'a Node,
    defaults: &Defaults<'a>,
) -> Option<Written<'a>> {
    let args = defaults.args.cloned().unwrap_or_default();
    if let Value::Text(name) = &node.value {
        let called = ctx.called_agent((name, node.place), None, defaults.operation);
        let Called { name, place, part, takes_operation } = called;
        let entry = bare(&name, place, Work::Call(part, Vec::new()), args, defaults);
        return Some(Written { entry, takes_operation, takes_items: true });
    }
    let what = "an entry of `agents`";
    let table = expect_table(node, what, ctx.report)?;
    let mut fields = Fields::new(table);
    let called = ctx.called(&mut fields, node.place, defaults.operation)?;
    let Called { name, place, part, takes_operation } = called;
    let understudies = ctx.fallback(&mut fields, &part);
    let entry = bare(&name, place, Work::Call(part, understudies), args, defaults);
    let entry = rest(ctx, table, &mut fields, entry);
    let takes_items = fields.entry("for_each").is_none();
    fields.close(what, ctx.report);
    Some(Written { entry, takes_operation, takes_items })
}

/// The plan that a phase runs.
pub(super) fn plan<'a>((id, place): (&'a str, Place), defaults: &Defaults<'a>) -> Written<'a> {
    let args = defaults.args.cloned().unwrap_or_default();
    let mut entry = bare(id, place, Work::Plan(id), args, defaults);
    // They are for the calls of the phase.
    entry.wishes.skills = None;
    Written { entry, takes_operation: false, takes_items: true }
}

/// An entry that says nothing but what it does.
fn bare<'a>(name: &str, place: Place, work: Work<'a>, args: Table, defaults: &Defaults<'a>) -> Entry<'a> {
    let mut wishes = Wishes::default();
    (wishes.items, wishes.retry) = (defaults.items, defaults.retry.clone());
    wishes.skills.clone_from(&defaults.skills);
    Entry { name: name.to_owned(), place, work, args, wishes, waits: Waits::default() }
}

/// What an entry may say besides what it does.
fn rest<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    table: &'a Table,
    fields: &mut Fields<'a>,
    mut entry: Entry<'a>,
) -> Entry<'a> {
    if let Some(args) = fields.table("args", ctx.report) {
        entry.args.extend(args.iter().map(|(name, entry)| (name.clone(), entry.clone())));
    }
    let (usual, skills) = (entry.wishes.retry, entry.wishes.skills);
    let mut wishes = ctx.wishes_over(fields, entry.wishes.items);
    wishes.retry = wishes.retry.or(usual);
    wishes.skills = wishes.skills.or(skills);
    Entry { wishes, waits: Waits::note(table, fields), ..entry }
}

/// The text of a key that must be there.
fn named<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
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
