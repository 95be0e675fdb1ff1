//! A plan as a Mermaid flowchart: <https://mermaid.js.org/syntax/flowchart.html>.

use std::fmt::Write as _;

use super::lines;
use crate::plan::Plan;

/// The plan as the text of a Mermaid flowchart.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (at, phase) in plan.phases().iter().enumerate() {
        let mut label = format!("<b>{}</b>", escape(&phase.name));
        for line in lines(phase) {
            let _ = write!(label, "<br/>{}", escape(&line));
        }
        let _ = writeln!(text, "    p{at}[\"{label}\"]");
    }
    for (at, phase) in plan.phases().iter().enumerate() {
        for dependency in &phase.depends_on {
            let _ = writeln!(text, "    p{dependency} --> p{at}");
        }
    }
    text
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
