//! A layout as text.

use std::fmt::Write as _;

use super::layout::{Item, LINE, Layout, Line, PADDING, label_width};
use crate::drawing::mark::{Colours, DARK, LIGHT, Tint};
use crate::drawing::sketch::{Kind, Node, Sketch};

/// Most phases whose state is told to those who only hear of the image.
const MAX_TOLD: usize = 200;

/// Length of the head of an arrow.
const HEAD: f64 = 8.0;

/// Colour of ways, to be seen on light and dark pages.
const WAY: &str = "#64748b";

/// Colour of ways after failure.
const FAILURE: &str = "#c2410c";

/// Fonts in which all letters are equally wide.
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

pub(super) fn write(id: &str, sketch: &Sketch<'_>, layout: &Layout) -> String {
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let label = escape(&told(id, sketch));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"op-plan\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{label}\" font-family=\"{FONT}\" font-size=\"13\">\n"
    );
    let _ = writeln!(text, "<title>Plan {}</title>", escape(id));
    let _ = writeln!(text, "<style>{}</style>", style());
    layout.lines.iter().for_each(|line| way(&mut text, layout, line));
    sketch.nodes.iter().enumerate().for_each(|(at, node)| boxed(&mut text, layout, at, node));
    layout.lines.iter().for_each(|line| label_of(&mut text, line));
    text + "</svg>\n"
}

/// The image in one paragraph: the plan, and how each phase stands if that is known.
fn told(id: &str, sketch: &Sketch<'_>) -> String {
    let phases = sketch.nodes.iter().filter(|node| !node.is_end);
    let states = phases.clone().filter_map(|node| Some(format!("{}: {}", node.name, node.mark?.word)));
    let states: Vec<_> = states.take(MAX_TOLD).collect();
    let (count, more) = (phases.count(), if states.is_empty() { "" } else { ". " });
    let word = if count == 1 { "phase" } else { "phases" };
    format!("Plan {id}, {count} {word}{more}{}", states.join(", "))
}

/// Colours for a dark page; those of a light one stand at the shapes.
fn style() -> String {
    let rules = Tint::ALL.into_iter().map(|tint| rule(&format!("op-{}", tint.name()), tint.dark()));
    let label = Colours { stroke: "none", ..DARK };
    let rules: String = rules.chain([rule("op-plain", DARK), rule("op-label", label)]).collect();
    format!("@media (prefers-color-scheme: dark) {{ {rules}}}")
}

fn rule(class: &str, colours: Colours) -> String {
    let Colours { fill, stroke, text } = colours;
    format!(
        ".op-plan .{class} rect {{ fill: {fill}; stroke: {stroke} }} .op-plan .{class} text {{ fill: {text} }} "
    )
}

fn boxed(text: &mut String, layout: &Layout, at: usize, node: &Node<'_>) {
    let item = &layout.items[at];
    let (class, colours) = match node.mark {
        Some(mark) => (mark.tint.name(), mark.tint.light()),
        None => ("plain", LIGHT),
    };
    let round = if node.is_end { (item.height / 2.0).min(18.0) } else { 4.0 };
    let dashes = match node.mark.map(|mark| mark.tint) {
        Some(Tint::Gone | Tint::Pending) => " stroke-dasharray=\"4 3\"",
        _ => "",
    };
    let whole: Vec<_> = std::iter::once(node.name.as_str()).chain(node.said()).collect();
    let _ = writeln!(text, "<g class=\"op-{class}\"><title>{}</title>", escape(&whole.join("\n")));
    let _ = writeln!(
        text,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round:.1}\" fill=\"{}\" stroke=\"{}\"{dashes}/>",
        item.x - item.width / 2.0,
        item.y,
        item.width,
        item.height,
        colours.fill,
        colours.stroke,
    );
    lines(text, item, colours.text);
    *text += "</g>\n";
}

fn lines(text: &mut String, item: &Item, fill: &str) {
    let (x, mut y) = (item.x, item.y + PADDING / 2.0 + LINE * 0.75);
    for (at, line) in item.text.iter().enumerate() {
        let weight = if at == 0 { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"{fill}\"{weight}>{}</text>",
            escape(line)
        );
        y += LINE;
    }
}

fn way(text: &mut String, layout: &Layout, line: &Line) {
    let (colour, dashes) = match line.kind {
        Kind::Failure => (FAILURE, " stroke-dasharray=\"6 4\""),
        Kind::Before | Kind::Success | Kind::Perhaps => (WAY, ""),
    };
    let mut path = String::new();
    let pieces = line.leaves.iter().zip(&line.enters).enumerate();
    for (piece, (from, to)) in pieces {
        let upper = &layout.items[line.items[piece]];
        let (mut top, mut bottom) = (upper.y + upper.height, layout.items[line.items[piece + 1]].y);
        top += if line.is_up && piece == 0 { HEAD } else { 0.0 };
        bottom -= if !line.is_up && piece + 1 == line.leaves.len() { HEAD } else { 0.0 };
        let middle = f64::midpoint(top, bottom);
        let _ = write!(path, "{}{from:.1} {top:.1} ", if piece == 0 { "M" } else { "L" });
        let _ = write!(path, "C{from:.1} {middle:.1} {to:.1} {middle:.1} {to:.1} {bottom:.1} ");
    }
    let path = path.trim_end();
    let _ =
        writeln!(text, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"{dashes}/>");
    head(text, layout, line, colour);
}

fn head(text: &mut String, layout: &Layout, line: &Line, colour: &str) {
    let last = line.items.len() - 1;
    let upper = &layout.items[line.items[0]];
    let (x, tip, base) = if line.is_up {
        let tip = upper.y + upper.height;
        (line.leaves[0], tip, tip + HEAD)
    } else {
        let tip = layout.items[line.items[last]].y;
        (line.enters[last - 1], tip, tip - HEAD)
    };
    let (left, right) = (x - HEAD / 2.0, x + HEAD / 2.0);
    let _ = writeln!(
        text,
        "<path d=\"M{x:.1} {tip:.1} L{left:.1} {base:.1} L{right:.1} {base:.1} Z\" fill=\"{colour}\"/>"
    );
}

fn label_of(text: &mut String, line: &Line) {
    if line.label.is_empty() {
        return;
    }
    let ((x, y), width) = (line.at, label_width(&line.label));
    let left = x - width / 2.0;
    let top = y - LINE / 2.0;
    let _ = writeln!(
        text,
        "<g class=\"op-label\"><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{LINE:.1}\" rx=\"3\" \
         fill=\"{}\" stroke=\"none\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11.7\" fill=\"{}\">{}</text></g>",
        escape(&line.whole),
        LIGHT.fill,
        y + LINE * 0.25,
        LIGHT.text,
        escape(&line.label)
    );
}

/// Text that XML reads as nothing but text; what XML cannot hold becomes a blank.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' => escaped += "&#10;",
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn no_text_leaves_its_element() {
        assert_eq!(escape("<a b='c'>&\"\u{0}\u{ffff}\n"), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;  &#10;");
    }
}
