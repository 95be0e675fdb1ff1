//! A plan as a Mermaid flowchart: <https://mermaid.js.org/syntax/flowchart.html>.

use std::fmt::Write as _;

use super::mark::{Mark, Tint};
use super::sketch::{Kind, Node, Sketch};
use crate::plan::Plan;

/// The plan as the text of a Mermaid flowchart. `marks` are those of its phases, by position; none leaves it plain.
pub fn mermaid(plan: &Plan, marks: &[Mark<'_>]) -> String {
    let sketch = Sketch::new(plan, marks);
    let mut text = "flowchart TD\n".to_owned();
    for (at, node) in sketch.nodes.iter().enumerate() {
        let (open, close) = if node.is_end { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(text, "    p{at}{open}\"{}\"{close}", label(node));
    }
    for way in &sketch.ways {
        let arrow = if way.kind == Kind::Failure { "-.->" } else { "-->" };
        let label =
            if way.label.is_empty() { String::new() } else { format!("|\"{}\"|", escape(&way.label)) };
        let _ = writeln!(text, "    p{} {arrow}{label} p{}", way.from, way.to);
    }
    colour(&mut text, &sketch);
    text
}

fn label(node: &Node<'_>) -> String {
    let title = format!("<b>{}</b>", escape(&node.title(false)));
    node.said().fold(title, |label, line| format!("{label}<br/>{}", escape(line)))
}

fn colour(text: &mut String, sketch: &Sketch<'_>) {
    for tint in Tint::ALL {
        let is_marked = |node: &Node<'_>| node.mark.is_some_and(|mark| mark.tint == tint);
        let marked = sketch.nodes.iter().enumerate().filter(|(_, node)| is_marked(node));
        let marked: Vec<_> = marked.map(|(at, _)| format!("p{at}")).collect();
        if !marked.is_empty() {
            let (name, colours) = (tint.name(), tint.light());
            let style = format!("fill:{},stroke:{},color:{}", colours.fill, colours.stroke, colours.text);
            let _ = writeln!(text, "    classDef {name} {style}");
            let _ = writeln!(text, "    class {} {name}", marked.join(","));
        }
    }
}

/// Text that neither Mermaid nor the page around it reads as anything but text: everything else becomes its code.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | ',' | '(' | ')' | '=') {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn no_text_leaves_its_label() {
        assert_eq!(escape("a \"b\"]; <script>"), "a #34;b#34;#93;#59; #60;script#62;");
        assert_eq!(escape("x\ny#1"), "x#10;y#35;1");
    }
}
