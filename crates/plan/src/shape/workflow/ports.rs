//! What comes out of one node against what goes into another.

use std::collections::HashMap;

use super::node::Written;
use crate::catalogue::{Catalogue, Operation};
use crate::check::ports::{self, Types};
use crate::document::{Node, Place, Table};
use crate::expression::{Access, Reference, StepField};
use crate::mapping::Key;
use crate::plan::{Action, Draft, Step};
use crate::shape::values::find;
use crate::shape::{Lowering, Use};

/// Reports ports that no node has, and ends of a connection that cannot fit.
pub(super) fn check(ctx: &mut Lowering<'_, '_, '_>, draft: &Draft, written: &[Written<'_>]) {
    let outputs = Outputs::new(draft);
    let uses = std::mem::take(&mut ctx.uses);
    for used in uses.iter().filter(|used| !used.keys.is_empty()) {
        check_there(ctx, &outputs, used);
    }
    ctx.uses = uses;
    for (phase, written) in draft.phases.iter().zip(written) {
        if let Some(step) = phase.steps.last() {
            check_types(ctx, &outputs, step, written);
        }
    }
}

/// Steps by every name of their whole output.
struct Outputs<'a> {
    draft: &'a Draft,
    variables: HashMap<&'a str, &'a Step>,
    steps: HashMap<&'a str, &'a Step>,
}

impl<'a> Outputs<'a> {
    fn new(draft: &'a Draft) -> Self {
        // Backwards, so that of two of a name, which was reported, the first one stays.
        let steps = || draft.phases.iter().rev().filter_map(|phase| phase.steps.last());
        let variables = steps().flat_map(|step| {
            // Of what a step stores beside its output, only its own id stands for the whole.
            let own = step.outputs.contains_key(&step.id).then_some(step.id.as_str());
            step.store_as.as_deref().into_iter().chain(own).map(move |name| (name, step))
        });
        let by_id = steps().map(|step| (step.id.as_str(), step));
        Self { draft, variables: variables.collect(), steps: by_id.collect() }
    }

    fn step(&self, reference: &Reference) -> Option<&'a Step> {
        match reference {
            Reference::Variable(name) if self.draft.inputs.contains_key(name) => None,
            Reference::Variable(name) => self.variables.get(name.as_str()).copied(),
            Reference::Step { id, field: StepField::Output } => self.steps.get(id.as_str()).copied(),
            _ => None,
        }
    }

    /// The types of what is asked for; `None` when it is there for certain but nothing is known of it, or is not there.
    fn types(&self, catalogue: &'a Catalogue, access: &Access) -> Option<Types<'a>> {
        let input = match &access.reference {
            Reference::Variable(name) | Reference::Input(name) => self.draft.inputs.get(name),
            _ => None,
        };
        match (input, self.step(&access.reference)) {
            (Some(input), _) if access.keys.is_empty() => Some(Types::of_input(input.kind)),
            (None, Some(step)) => output(catalogue, step, &access.keys)?.ok(),
            _ => None,
        }
    }
}

/// What a step answers at some keys; `None` when nothing is known of its answers.
fn output<'c>(
    catalogue: &'c Catalogue,
    step: &Step,
    keys: &[Option<String>],
) -> Option<Result<Types<'c>, ports::Missing<'c>>> {
    let schema = &operation(catalogue, step)?.output;
    if step.for_each.is_none() {
        return Some(ports::output(schema, keys));
    }
    Some(match keys {
        [] => Ok(Types::list()),
        [Some(_), ..] => Err(ports::Missing { depth: 0, known: Vec::new(), of: Types::list() }),
        [None, keys @ ..] => ports::output(schema, keys)
            .map_err(|missing| ports::Missing { depth: missing.depth + 1, ..missing }),
    })
}

fn operation<'c>(catalogue: &'c Catalogue, step: &Step) -> Option<&'c Operation> {
    catalogue.operation(step.action.call()?.part.default_performer()?)
}

fn check_there(ctx: &mut Lowering<'_, '_, '_>, outputs: &Outputs<'_>, used: &Use) {
    let Some(step) = outputs.step(&used.reference) else { return };
    let Some(Err(missing)) = output(ctx.catalogue, step, &used.keys) else { return };
    let name = used.keys[missing.depth].as_deref().unwrap_or_default();
    let before = Access { reference: used.reference.clone(), keys: used.keys[..missing.depth].to_vec() };
    let message = if missing.depth == 0 && step.for_each.is_none() {
        format!("node `{}` has no output port `{name}`", step.id)
    } else {
        format!("`{before}` has no `{name}`")
    };
    let place = whole_place(ctx, used);
    let finding = ctx.report.error(place, message);
    if missing.known.is_empty() {
        finding.hint(format!("it is {}", missing.of));
    } else {
        finding.meant(name, missing.known);
    }
}

/// The place of a reference with the way into its value, where it is written as usual.
fn whole_place(ctx: &Lowering<'_, '_, '_>, used: &Use) -> Place {
    let access = Access { reference: used.reference.clone(), keys: used.keys.clone() }.to_string();
    let place = Place { end: used.place.start + access.len(), ..used.place };
    if ctx.report.text(place) == access { place } else { used.place }
}

/// Reports every input of a node that is wholly the output of another and can never be of its type.
fn check_types(ctx: &mut Lowering<'_, '_, '_>, outputs: &Outputs<'_>, step: &Step, written: &Written<'_>) {
    let Some(arguments) = step.action.arguments() else { return };
    for text in arguments.texts().into_iter().filter(|text| text.is_whole) {
        let keys = text.place;
        let Some(node) = at(&written.inputs, &keys) else { continue };
        let Some(access) = text.expressions.first().and_then(|(_, expression)| expression.as_access()) else {
            continue;
        };
        let Some(given) = outputs.types(ctx.catalogue, access) else { continue };
        let taken = taken(ctx.catalogue, step, &keys);
        if given.fit(&taken) {
            continue;
        }
        let port = keys.iter().fold(written.head.id.clone(), |port, key| match key {
            Key::Name(name) => format!("{port}.{name}"),
            Key::At(at) => format!("{port}[{at}]"),
        });
        let finding =
            ctx.report.error(node.place, format!("`{access}` is {given}, and `{port}` takes {taken}"));
        if let Some(from) = outputs.step(&access.reference) {
            finding
                .hint(format!("connect another output of `{}`, or make it one with an expression", from.id));
        }
    }
}

/// The types that a step takes at some keys.
fn taken<'c>(catalogue: &'c Catalogue, step: &Step, keys: &[Key]) -> Types<'c> {
    match (&step.action, keys) {
        (Action::Plan { plan, .. }, [Key::Name(name)]) => {
            plan.draft().inputs.get(name).map(|input| Types::of_input(input.kind)).unwrap_or_default()
        }
        _ => operation(catalogue, step)
            .map(|operation| ports::input(&operation.input, keys))
            .unwrap_or_default(),
    }
}

fn at<'t>(inputs: &'t Table, keys: &[Key]) -> Option<&'t Node> {
    let (Key::Name(first), rest) = keys.split_first()? else { return None };
    Some(find(&inputs.get(first)?.node, rest))
}
