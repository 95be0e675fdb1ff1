//! A plan in the language of Graphviz: <https://graphviz.org/doc/info/lang.html>.

use std::fmt::Write as _;

use super::mark::{LIGHT, Mark};
use super::plain;
use super::sketch::{Kind, Node, Sketch};
use crate::plan::Plan;

/// The plan as the text of a directed graph. `marks` are those of its phases, by position; none leaves it plain.
pub fn dot(plan: &Plan, marks: &[Mark<'_>]) -> String {
    let sketch = Sketch::new(plan, marks);
    let mut text = format!("digraph {} {{\n", quote(plan.id()));
    text += "    graph [rankdir=TB, bgcolor=transparent, fontname=\"sans-serif\"];\n";
    text += "    node [shape=box, fontname=\"sans-serif\", fontsize=11, margin=\"0.15,0.08\"];\n";
    text += "    edge [fontname=\"sans-serif\", fontsize=10, color=\"#64748b\", fontcolor=\"#64748b\"];\n";
    for (at, node) in sketch.nodes.iter().enumerate() {
        let _ = writeln!(text, "    p{at} [label={}, {}];", quote(&label(node)), look(node));
    }
    for way in &sketch.ways {
        let label = if way.label.is_empty() { String::new() } else { format!("label={}", quote(&way.label)) };
        let style = if way.kind == Kind::Failure { "style=dashed" } else { "" };
        let wishes: Vec<_> = [label.as_str(), style].into_iter().filter(|wish| !wish.is_empty()).collect();
        let wishes = if wishes.is_empty() { String::new() } else { format!(" [{}]", wishes.join(", ")) };
        let _ = writeln!(text, "    p{} -> p{}{wishes};", way.from, way.to);
    }
    text + "}\n"
}

fn label(node: &Node<'_>) -> String {
    let lines = std::iter::once(node.title(false)).chain(node.said().map(str::to_owned));
    lines.map(|line| plain(&line)).collect::<Vec<_>>().join("\n")
}

fn look(node: &Node<'_>) -> String {
    let colours = node.mark.map_or(LIGHT, |mark| mark.tint.light());
    let style = if node.is_end { "rounded,filled" } else { "filled" };
    let (fill, stroke, text) = (colours.fill, colours.stroke, colours.text);
    format!("style=\"{style}\", fillcolor=\"{fill}\", color=\"{stroke}\", fontcolor=\"{text}\"")
}

/// Text in quotes, in which nothing but a new line is a sign of Graphviz.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(quote("a \"b\" \\n\nc"), r#""a \"b\" \\n\nc""#);
    }
}
