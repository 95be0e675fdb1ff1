//! One step: read as it is written.

use super::end::{self, End};
use super::way::{self, Way};
use crate::check::arguments;
use crate::document::{Entry as Keyed, Fields, Node, Place, Table, Value, expect_table, expect_text};
use crate::plan::Part;
use crate::shape::Lowering;
use crate::shape::gate::Waits;
use crate::shape::heading::Heading;
use crate::shape::steps::Entry;
use crate::shape::wishes::Wishes;
use crate::shape::work::Work;

/// How often a step is visited at most when the plan does not say.
const USUAL_VISITS: u32 = 10;

/// Who can do a step. It names one of them.
const DOERS: [&str; 4] = ["role", "agent", "tool", "plan"];

/// A step or an end, as it is written.
pub(super) enum Written<'a> {
    Step(Box<Step<'a>>),
    End(End),
}

/// A step as it is written.
pub(super) struct Step<'a> {
    pub(super) head: Heading<'a>,
    pub(super) max_visits: u32,
    pub(super) undo: &'a [Node],
    pub(super) on_success: Option<Vec<Way<'a>>>,
    pub(super) on_failure: Option<Vec<Way<'a>>>,
    pub(super) entry: Entry<'a>,
}

impl<'a> Step<'a> {
    /// A step that wishes for nothing.
    pub(super) fn new(head: Heading<'a>, work: Work<'a>, args: Table) -> Self {
        let entry = Entry {
            name: head.id.clone(),
            place: head.place,
            work,
            args,
            wishes: Wishes::default(),
            waits: Waits::default(),
        };
        Self { head, max_visits: USUAL_VISITS, undo: &[], on_success: None, on_failure: None, entry }
    }
}

/// Reads an entry of `steps`.
pub(super) fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    at: usize,
    node: &'a Node,
    inputs: &[String],
) -> Written<'a> {
    let Some(table) = expect_table(node, "a step", ctx.report) else {
        let step = Step::new(Heading::nameless(at, node.place), Work::Nothing, Table::new());
        return Written::Step(Box::new(Step { on_success: Some(Vec::new()), ..step }));
    };
    let mut fields = Fields::new(table);
    let head = ctx.named(&mut fields, at, node.place, ("step", "others lead to it"));
    let what = format!("step `{}`", head.id);
    if fields.entry("terminal").is_some() {
        let end = end::read(ctx, &mut fields, head.id, head.place);
        fields.close(&format!("{what}, which is an end"), ctx.report);
        return Written::End(end);
    }
    check_end(ctx, &mut fields, &head.id, head.place);
    let entry = entry(ctx, table, &mut fields, &head.id, head.place, inputs);
    let step = Step {
        head: ctx.described(&mut fields, head),
        max_visits: fields.count("max_visits", 1, super::MOST_VISITS, ctx.report).unwrap_or(USUAL_VISITS),
        undo: fields.list("rollback", ctx.report).unwrap_or_default(),
        on_success: way::read(ctx, &mut fields, "on_success"),
        on_failure: way::read(ctx, &mut fields, "on_failure"),
        entry,
    };
    check_work(ctx, &mut fields, &step);
    fields.close(&what, ctx.report);
    Written::Step(Box::new(step))
}

fn entry<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    table: &'a Table,
    fields: &mut Fields<'a>,
    id: &str,
    place: Place,
    inputs: &[String],
) -> Entry<'a> {
    let (work, place) = work(ctx, fields, place);
    let args = match args(ctx, fields) {
        Some(args) => args.clone(),
        None => usual_arguments(ctx, &work, place, inputs),
    };
    let (wishes, waits) = (ctx.wishes(fields), Waits::note(table, fields));
    Entry { name: id.to_owned(), place, work, args, wishes, waits }
}

/// Reports what only an end can be called or say.
fn check_end(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, id: &str, place: Place) {
    end::check_id(ctx, id, place);
    if let Some(entry) = fields.entry("message") {
        let finding = ctx.report.error(entry.key, format!("`message` is said by an end, and `{id}` is none"));
        finding.hint("write `description`, or add `terminal = \"failed\"`");
    }
}

/// Who does it.
fn work<'a>(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'a>, place: Place) -> (Work<'a>, Place) {
    let given: Vec<_> = DOERS.iter().filter_map(|key| Some((*key, fields.entry(key)?))).collect();
    if let [(first, one), (second, other), ..] = given.as_slice() {
        let message = format!("the step is done by `{first}` and by `{second}`");
        ctx.report.error(other.key, message).note(one.key, "the other one").hint("take one of the two out");
    }
    let work = match given.first() {
        Some(("tool", entry)) => {
            let tool = expect_text(&entry.node, "`tool`", ctx.report);
            tool.map(|tool| Work::Call(Part::Performer(ctx.tool(tool, entry.node.place)), Vec::new()))
        }
        Some(("plan", entry)) => expect_text(&entry.node, "`plan`", ctx.report).map(Work::Plan),
        Some(_) if given.len() == 1 => {
            let called = ctx.called(fields, place, None);
            called.map(|called| Work::Call(called.part, Vec::new()))
        }
        Some(_) | None => None,
    };
    let has_operations = given.iter().any(|(key, _)| ["role", "agent"].contains(key));
    if let (Some(entry), false) = (fields.entry("operation"), has_operations) {
        let finding = ctx.report.error(entry.key, "only an agent or a role has operations");
        finding.hint("name an `agent` or a `role`, or leave `operation` out");
    }
    let place = given.first().map_or(place, |(_, entry)| entry.node.place);
    (work.unwrap_or(Work::Nothing), place)
}

/// `args`, which may be called `input_mapping` too.
fn args<'a>(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'a>) -> Option<&'a Table> {
    let (args, mapping) = (fields.table("args", ctx.report), fields.table("input_mapping", ctx.report));
    if let (Some(one), Some(other)) = (fields.entry("args"), fields.entry("input_mapping")) {
        let finding = ctx.report.error(other.key, "`args` and `input_mapping` say the same thing twice");
        finding.note(one.key, "the other one").hint("take one of the two out");
    }
    args.or(mapping)
}

/// Reports a step that does nothing, and what is said of the doing of one that only waits.
fn check_work(ctx: &mut Lowering<'_, '_, '_>, fields: &mut Fields<'_>, step: &Step<'_>) {
    if DOERS.iter().any(|key| fields.entry(key).is_some()) {
        return;
    }
    if step.entry.waits.is_empty() {
        let finding = ctx.report.error(step.head.place, format!("step `{}` does nothing", step.head.id));
        finding.hint("name the `role`, `agent`, `tool` or `plan` that does it, or what it waits for");
        return;
    }
    for key in ["args", "input_mapping", "for_each", "accept", "retry", "max_retries"] {
        if let Some(entry) = fields.entry(key) {
            let message = format!("step `{}` only waits, and `{key}` is about a call", step.head.id);
            let finding = ctx.report.error(entry.key, message);
            finding.hint("name the `role`, `agent`, `tool` or `plan` that does it");
        }
    }
    if let (Some(entry), None) = (fields.entry("timeout"), fields.entry("signal")) {
        let message = format!("step `{}` waits for no signal, and `timeout` is about one", step.head.id);
        ctx.report.error(entry.key, message).hint("an approval has a `timeout` of its own");
    }
}

/// The goal, the other inputs and what was returned last, as far as they are taken: what a step is given that does not say.
pub(super) fn usual_arguments(
    ctx: &mut Lowering<'_, '_, '_>,
    work: &Work<'_>,
    place: Place,
    inputs: &[String],
) -> Table {
    let own = inputs.iter().map(|name| (name.clone(), format!("${{{name}}}")));
    let given = own.chain([("input".to_owned(), "${last_output()}".to_owned())]);
    let taken = given.filter(|(name, _)| takes(ctx, work, place, name));
    let entries = taken.map(|(name, text)| {
        let node = Node { place, value: Value::Text(text) };
        (name, Keyed { key: place, node })
    });
    entries.collect()
}

/// Whether it can be given this; a plan that has a value of its own is left with that.
fn takes(ctx: &mut Lowering<'_, '_, '_>, work: &Work<'_>, place: Place, name: &str) -> bool {
    match work {
        Work::Call(part, _) => {
            let operation = part.default_performer().and_then(|performer| ctx.catalogue.operation(performer));
            operation.is_none_or(|operation| arguments::takes(&operation.input, name))
        }
        Work::Plan(id) => {
            let plan = ctx.find_child(id, place);
            let input = plan.as_ref().and_then(|plan| plan.draft().inputs.get(name));
            input.is_some_and(|input| input.default.is_none())
        }
        Work::Nothing => false,
    }
}
