//! One node: read as it is written, then lowered to a phase of its own.

use super::work::{self, Work};
use super::{is_bare, undo};
use crate::document::{Fields, Node, Place, Table, expect_table};
use crate::mapping::Mapping;
use crate::plan::{Action, Gate, Phase, Step, Undo};
use crate::shape::heading::Heading;
use crate::shape::wishes::Wishes;
use crate::shape::{Lowering, User};

/// A node as it is written.
#[derive(Default)]
pub(super) struct Written<'a> {
    pub(super) head: Heading<'a>,
    /// What it waits for by name, beside what its inputs refer to.
    pub(super) depends_on: Vec<(&'a str, Place)>,
    pub(super) store_as: Option<(&'a str, Place)>,
    /// Its inputs; edges are added to them.
    pub(super) inputs: Table,
    pub(super) work: Work<'a>,
    gates: Vec<Gate>,
    wishes: Wishes<'a>,
    continue_on_failure: bool,
    rollback: Option<&'a [Node]>,
}

/// Reads a node.
pub(super) fn read<'a>(ctx: &mut Lowering<'_, '_, '_>, at: usize, node: &'a Node) -> Written<'a> {
    let Some(table) = expect_table(node, "a node", ctx.report) else {
        return Written { head: Heading::nameless(at, node.place), ..Written::default() };
    };
    let mut fields = Fields::new(table);
    let what = ("node", "edges and other nodes refer to it");
    let head = ctx.heading(&mut fields, at, node.place, what);
    let gates = ctx.gates(&mut fields, User::Step(at, 0));
    let written = Written {
        depends_on: fields.texts("depends_on", ctx.report).unwrap_or_default(),
        store_as: fields.placed("store_as", ctx.report),
        inputs: fields.table("inputs", ctx.report).cloned().unwrap_or_default(),
        work: work::read(ctx, &mut fields, &head.id, head.place, !gates.is_empty()),
        wishes: ctx.wishes(&mut fields),
        continue_on_failure: fields.flag("continue_on_failure", ctx.report).unwrap_or(false),
        rollback: fields.list("rollback", ctx.report),
        gates,
        head,
    };
    fields.close(&format!("node `{}`", written.head.id), ctx.report);
    written
}

/// Lowers a node; its dependencies are filled in by the caller.
pub(super) fn lower(ctx: &mut Lowering<'_, '_, '_>, at: usize, written: &Written<'_>) -> Phase {
    let by = User::Step(at, 0);
    let (delay, action) = ctx.with_locals(written.wishes.locals(), |ctx| work::lower(ctx, written, by));
    let undo = undo(ctx, at, written, &action);
    let gates = delay.into_iter().chain(written.gates.iter().cloned()).collect();
    let step = ctx.wished(Step::new(&written.head.id, action), &written.wishes, by);
    if step.for_each.is_some() && written.work.is_wait() {
        let message = format!("node `{}` only waits, and has nothing to do for each item", written.head.id);
        ctx.report
            .error(written.head.place, message)
            .hint("add the `type` that does it, or take `for_each` out");
    }
    Phase {
        continue_on_failure: written.continue_on_failure,
        undo,
        ..ctx.headed(&written.head, at, gated(named(step), gates))
    }
}

/// The step stores what it returned under the id of its node too, which is how others refer to it.
fn named(mut step: Step) -> Step {
    match &step.store_as {
        _ if !is_bare(&step.id) => {}
        None => step.store_as = Some(step.id.clone()),
        Some(own) if *own == step.id => {}
        Some(_) => {
            let output = Mapping::parse("${output}".into()).expect("a reference");
            step.outputs.insert(step.id.clone(), output);
        }
    }
    step
}

/// A step behind its gates. It can stand behind one only, so the others stand in steps of their own before it.
fn gated(mut step: Step, mut gates: Vec<Gate>) -> Vec<Step> {
    step.gate = gates.pop();
    let mut steps = Vec::new();
    for gate in gates {
        let (word, timeout) = match &gate {
            Gate::Delay(_) => ("delay", None),
            Gate::Signal(_) => ("signal", step.timeout),
            Gate::Approval(_) => ("approval", None),
        };
        let after = steps.len().checked_sub(1).into_iter().collect();
        let waits = Step::new(format!("{}.{word}", step.id), Action::Pass);
        steps.push(Step { gate: Some(gate), after, timeout, ..waits });
    }
    step.after = steps.len().checked_sub(1).into_iter().collect();
    steps.push(step);
    steps
}

/// What undoes the node: its own list, or what undoes its type.
fn undo(ctx: &mut Lowering<'_, '_, '_>, at: usize, written: &Written<'_>, action: &Action) -> Vec<Undo> {
    if let Some(nodes) = written.rollback {
        return ctx.undo(nodes, User::Undo(at));
    }
    let Some(usual) = undo::usual(ctx.catalogue, &written.head.id, action) else { return Vec::new() };
    if !written.wishes.locals().is_empty() {
        let message = format!(
            "what undoes `{}` is for one call, and this node makes one for each item",
            written.head.id
        );
        let finding = ctx.report.error(written.head.place, message);
        finding.hint("say what undoes all of them with `rollback = [...]`; `[]` undoes nothing");
    }
    vec![usual]
}
