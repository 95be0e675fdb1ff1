//! `on_success` and `on_failure`: a step or an end, or a list of `{ when, to }` of which the first that holds is taken.

use std::collections::HashMap;

use super::end::ENDS;
use super::step::{Step, Written};
use crate::document::{Fields, Node, Place, Value, expect_table};
use crate::plan::{Target, Terminal, Transition};
use crate::shape::{Lowering, User};

/// A way as it is written.
pub(super) struct Way<'a> {
    pub(super) to: &'a str,
    pub(super) place: Place,
    pub(super) when: Option<&'a Node>,
}

/// Reads the ways under a key; `None` when there is no such key.
pub(super) fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'a>,
    key: &'static str,
) -> Option<Vec<Way<'a>>> {
    let node = fields.node(key)?;
    match &node.value {
        Value::Text(to) => return Some(vec![Way { to, place: node.place, when: None }]),
        Value::List(nodes) if !nodes.is_empty() => {
            let last = nodes.len() - 1;
            let ways = nodes.iter().enumerate().map(|(at, node)| branch(ctx, node, key, at == last));
            return Some(ways.collect::<Vec<_>>().into_iter().flatten().collect());
        }
        _ => {}
    }
    let finding = ctx.report.error(node.place, format!("`{key}` does not say which step is next"));
    finding.hint(format!(
        "write `{key} = \"STEP\"`, or `[{{ when = \"...\", to = \"STEP\" }}, {{ to = \"STEP\" }}]`"
    ));
    Some(Vec::new())
}

fn branch<'a>(ctx: &mut Lowering<'_, '_, '_>, node: &'a Node, key: &str, is_last: bool) -> Option<Way<'a>> {
    let what = format!("an entry of `{key}`");
    let mut fields = Fields::new(expect_table(node, &what, ctx.report)?);
    let when = fields.node("when");
    let to = fields.placed("to", ctx.report);
    if to.is_none() && fields.node("to").is_none() {
        ctx.report
            .error(node.place, format!("{what} does not say where it leads"))
            .hint("add `to = \"STEP\"`");
    }
    fields.close(&what, ctx.report);
    match (when, is_last) {
        (Some(when), true) => {
            let finding = ctx
                .report
                .error(when.place, format!("nothing says where `{key}` leads when this does not hold"));
            finding.hint("end the list with `{ to = \"STEP\" }`, without `when`");
        }
        (None, false) => {
            let finding = ctx.report.error(node.place, "the entries after this one are never looked at");
            finding.hint("add `when = \"...\"`, or make it the last one");
        }
        (Some(_), false) | (None, true) => {}
    }
    let (to, place) = to?;
    Some(Way { to, place, when })
}

/// Where the names of a machine lead.
pub(super) struct Names<'w> {
    targets: HashMap<&'w str, Target>,
    /// In the order of the file, then the ends that every machine has.
    order: Vec<&'w str>,
}

impl<'w> Names<'w> {
    pub(super) fn new(written: &'w [Written<'_>]) -> Self {
        let mut names = Self { targets: HashMap::new(), order: Vec::new() };
        let mut phases = 0..;
        for written in written {
            match written {
                Written::Step(step) => {
                    names.add(&step.head.id, Target::Phase(phases.next().unwrap_or_default()));
                }
                Written::End(end) => names.add(&end.id, Target::End(end.terminal.clone())),
            }
        }
        for (name, is_success) in ENDS {
            let terminal = Terminal { name: name.to_owned(), is_success, message: String::new() };
            names.add(name, Target::End(terminal));
        }
        names
    }

    fn add(&mut self, name: &'w str, target: Target) {
        if !self.targets.contains_key(name) {
            self.targets.insert(name, target);
            self.order.push(name);
        }
    }

    /// The phase that a machine begins with.
    pub(super) fn initial(&self, ctx: &mut Lowering<'_, '_, '_>, id: &str, place: Place) -> Option<usize> {
        match self.find(ctx, id, place)? {
            Target::Phase(phase) => Some(phase),
            Target::End(_) => {
                let finding = ctx.report.error(place, format!("the machine begins with its end `{id}`"));
                finding.hint("name the step that a run begins with");
                None
            }
        }
    }

    fn find(&self, ctx: &mut Lowering<'_, '_, '_>, id: &str, place: Place) -> Option<Target> {
        let target = self.targets.get(id);
        if target.is_none() {
            let finding = ctx.report.error(place, format!("unknown step `{id}`"));
            finding.meant(id, self.order.iter().copied());
        }
        target.cloned()
    }
}

/// Lowers the ways of a step, those for success first.
pub(super) fn lower(
    ctx: &mut Lowering<'_, '_, '_>,
    step: &Step<'_>,
    phase: usize,
    names: &Names<'_>,
) -> Vec<Transition> {
    if step.on_success.is_none() {
        let message = format!("step `{}` does not say where it goes from there", step.head.id);
        let finding = ctx.report.error(step.head.place, message);
        finding.hint("add `on_success = \"STEP\"`, or `on_success = \"completed\"` to end the run");
    }
    let success = step.on_success.iter().flatten().map(|way| (true, way));
    let failure = step.on_failure.iter().flatten().map(|way| (false, way));
    let ways = success.chain(failure).filter_map(|(on_success, way)| {
        let when = way.when.and_then(|node| ctx.condition_of("when", node, User::Next(phase)));
        Some(Transition { on_success, when, to: names.find(ctx, way.to, way.place)? })
    });
    ways.collect()
}
