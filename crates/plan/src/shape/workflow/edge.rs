//! `edges = [{ from = "build.artifact", to = "docker_build.context" }]`: inputs, written beside their nodes.

use indexmap::IndexMap;

use super::is_bare;
use super::node::Written;
use crate::document::{Entry, Fields, Node, Place, Value, expect_table};
use crate::expression::is_identifier;
use crate::shape::Lowering;

/// Writes every edge into the inputs of the node that it leads to.
pub(super) fn join(
    ctx: &mut Lowering<'_, '_, '_>,
    written: &mut [Written<'_>],
    positions: &IndexMap<String, usize>,
    nodes: &[Node],
) {
    for node in nodes {
        let Some(table) = expect_table(node, "an edge", ctx.report) else { continue };
        let mut fields = Fields::new(table);
        let from = end(ctx, &mut fields, "from", node.place, positions);
        let to = end(ctx, &mut fields, "to", node.place, positions);
        fields.close("an edge", ctx.report);
        if let (Some(from), Some(to)) = (from, to) {
            connect(ctx, written, &from, &to);
        }
    }
}

/// A node, and the port that stands behind it; empty when none does.
struct End<'a> {
    node: usize,
    port: &'a str,
    place: Place,
}

fn end<'a>(
    ctx: &mut Lowering<'_, '_, '_>,
    fields: &mut Fields<'a>,
    key: &'static str,
    place: Place,
    positions: &IndexMap<String, usize>,
) -> Option<End<'a>> {
    if fields.node(key).is_none() {
        let finding = ctx.report.error(place, format!("the edge has no `{key}`"));
        finding.hint("write `{ from = \"node.port\", to = \"node.port\" }`");
    }
    let (text, place) = fields.placed(key, ctx.report)?;
    let found = split(text, positions);
    if found.is_none() {
        let name = text.split('.').next().unwrap_or(text);
        let finding = ctx.report.error(place, format!("unknown node `{name}`"));
        finding.meant(name, positions.keys().map(String::as_str));
    }
    let (node, port) = found?;
    Some(End { node, port, place })
}

/// The longest id of a node that a text begins with, and the port behind it: ids may have a `.` in them too.
fn split<'t>(text: &'t str, positions: &IndexMap<String, usize>) -> Option<(usize, &'t str)> {
    let cuts = text.rmatch_indices('.').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let mut cuts = std::iter::once((text, "")).chain(cuts);
    cuts.find_map(|(id, port)| Some((*positions.get(id)?, port)))
}

fn connect(ctx: &mut Lowering<'_, '_, '_>, written: &mut [Written<'_>], from: &End<'_>, to: &End<'_>) {
    if to.port.is_empty() {
        let id = &written[to.node].head.id;
        let finding =
            ctx.report.error(to.place, format!("the edge does not say into which input of `{id}` it leads"));
        finding.hint(format!("write `to = \"{id}.INPUT\"`"));
        return;
    }
    let text = format!("${{{}}}", source(&written[from.node].head.id, from.port));
    let node = Node { place: from.place, value: Value::Text(text) };
    let target = &mut written[to.node];
    if let Some(other) = target.inputs.get(to.port) {
        let message = format!("the input `{}` of `{}` is given twice", to.port, target.head.id);
        let finding = ctx.report.error(to.place, message);
        finding.note(other.key, "here too").hint("take one of the two out");
        return;
    }
    target.inputs.insert(to.port.to_owned(), Entry { key: to.place, node });
}

/// An output port as an expression.
fn source(id: &str, port: &str) -> String {
    let node = if is_bare(id) { id.to_owned() } else { format!("steps['{id}'].output") };
    port.split('.').filter(|name| !name.is_empty()).fold(node, |path, name| {
        if is_identifier(name) {
            format!("{path}.{name}")
        } else {
            format!("{path}['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
        }
    })
}
