//! `pipeline = [["analyze", "product_manager", "Analyze requirements"], ...]`: steps one after the other.

use super::end::{self, ENDS};
use super::step::{Step, Written, usual_arguments};
use super::way::Way;
use crate::document::{Node, Place, Value, expect_text};
use crate::shape::Lowering;
use crate::shape::heading::Heading;
use crate::shape::work::Work;

/// Reads steps of id, role and description, each of which goes on to the next one; the last completes the run.
pub(super) fn read<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    nodes: &'a [Node],
    inputs: &[String],
) -> Vec<Written<'a>> {
    let entries: Vec<_> = nodes.iter().filter_map(|node| entry(ctx, node)).collect();
    let next = entries.iter().skip(1).map(|entry| entry.id.0).chain([ENDS[0].0]);
    let steps = entries.iter().zip(next).map(|(entry, next)| {
        let (id, place) = entry.id;
        ctx.check_id(id, place);
        end::check_id(ctx, id, place);
        let work = Work::Call(ctx.role(entry.role.0, entry.role.1, None), Vec::new());
        let args = usual_arguments(ctx, &work, entry.role.1, inputs);
        let on_success = Some(vec![Way { to: next, place, when: None }]);
        let head = Heading { id: id.to_owned(), place, description: entry.description, ..Heading::default() };
        Written::Step(Box::new(Step { on_success, ..Step::new(head, work, args) }))
    });
    steps.collect()
}

struct Entry<'a> {
    id: (&'a str, Place),
    role: (&'a str, Place),
    description: &'a str,
}

fn entry<'a>(ctx: &mut Lowering<'_, '_, '_>, node: &'a Node) -> Option<Entry<'a>> {
    let nodes = match &node.value {
        Value::List(nodes) if matches!(nodes.len(), 2 | 3) => nodes,
        _ => {
            let finding =
                ctx.report.error(node.place, "an entry of `pipeline` is an id, a role and a description");
            finding.hint("write it like `[\"analyze\", \"product_manager\", \"Analyze requirements\"]`");
            return None;
        }
    };
    let mut text = |at: usize, what: &str| {
        let node: &'a Node = nodes.get(at)?;
        Some((expect_text(node, what, ctx.report)?, node.place))
    };
    let description = text(2, "the description of a step").map_or("", |(text, _)| text);
    Some(Entry { id: text(0, "the id of a step")?, role: text(1, "the role of a step")?, description })
}
