//! Diagnostics as text, laid out the way Rust programmers know.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::{Diagnostic, Severity, Spot};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Every diagnostic as people read it, with an empty line between two.
pub fn render_all(diagnostics: &[Diagnostic], color: bool) -> String {
    let texts: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(color)).collect();
    texts.join("\n")
}

pub(super) fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let paint = Paint { color };
    let (word, tone) = match diagnostic.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let notes = diagnostic.notes.iter().map(|note| note.spot.line);
    let gutter = notes.chain([diagnostic.spot.line]).max().unwrap_or(1).to_string().len();
    let mut text =
        format!("{}{}\n", paint.on(tone, word), paint.on(BOLD, &format!(": {}", clean(&diagnostic.message))));
    text += &snippet(&diagnostic.spot, gutter, '^', tone, paint);
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(text, "{} {}: {}", paint.bar(gutter, "="), paint.on(BOLD, "help"), clean(hint));
    }
    for note in &diagnostic.notes {
        let _ = writeln!(text, "{}: {}", paint.on(BLUE, "note"), clean(&note.message));
        text += &snippet(&note.spot, gutter, '-', BLUE, paint);
    }
    if diagnostic.more > 0 {
        let _ = writeln!(text, "\n... and {} more in {}", diagnostic.more, clean(&diagnostic.spot.file));
    }
    text
}

fn snippet(spot: &Spot, gutter: usize, mark: char, tone: &str, paint: Paint) -> String {
    let before = clean(&spot.text[..spot.start]).width();
    let marked = clean(&spot.text[spot.start..spot.end]).width().max(1);
    let number = paint.on(BLUE, &format!("{:gutter$} |", spot.line));
    let line = clean(&spot.text);
    let marks = paint.on(tone, &mark.to_string().repeat(marked));
    let arrow = paint.on(BLUE, &format!("{:gutter$}-->", ""));
    let bar = paint.bar(gutter, "|");
    let file = clean(&spot.file);
    format!(
        "{arrow} {file}:{}:{}\n{bar}\n{}\n{bar} {:before$}{marks}\n",
        spot.line,
        spot.column,
        format!("{number} {line}").trim_end(),
        ""
    )
}

/// Text without anything that would move a terminal's cursor.
fn clean(text: &str) -> String {
    let visible = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() || is_direction(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(visible).collect()
}

/// Marks that make a terminal show text in another order than it is read.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn on(self, tone: &str, text: &str) -> String {
        if self.color { format!("{tone}{text}{PLAIN}") } else { text.to_owned() }
    }

    fn bar(self, gutter: usize, bar: &str) -> String {
        self.on(BLUE, &format!("{:gutter$} {bar}", ""))
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Report;
    use crate::document::Place;
    use crate::load::Source;

    fn rendered(text: &str, start: usize, end: usize, color: bool) -> String {
        let sources = [Source { name: "plans.toml".to_owned(), text: text.to_owned() }];
        let mut report = Report::new(&sources);
        report.error(Place { file: 0, start, end }, "it is \u{1b}[2Jwrong").hint("write it right");
        report.finish()[0].render(color)
    }

    #[test]
    fn the_caret_stands_under_its_place_also_after_wide_text() {
        let text = rendered("a = 1\n漢字 = \"x\"\n", 15, 18, false);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], " --> plans.toml:2:6");
        assert_eq!(lines[3], "2 | 漢字 = \"x\"");
        assert_eq!(lines[4], "  |        ^^^");
        assert_eq!(lines[5], "  = help: write it right");
    }

    #[test]
    fn nothing_in_a_file_or_message_reaches_the_terminal_as_a_control() {
        let text = rendered("a = \u{1b}[31m\u{202e}\u{7}\n", 0, 1, false);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'));
    }

    #[test]
    fn color_adds_nothing_but_color() {
        let (plain, color) = (rendered("a = 1", 0, 1, false), rendered("a = 1", 0, 1, true));
        assert_ne!(plain, color);
        let mut stripped = String::new();
        let mut parts = color.split('\x1b');
        stripped.push_str(parts.next().unwrap_or_default());
        parts.for_each(|part| stripped.push_str(part.split_once('m').map_or(part, |(_, rest)| rest)));
        assert_eq!(stripped, plain);
    }

    #[test]
    fn an_endless_line_is_cut_around_the_place() {
        let text = format!("{}HERE{}", "x".repeat(100_000), "y".repeat(100_000));
        let text = rendered(&text, 100_000, 100_004, false);
        assert!(text.len() < 2_000 && text.contains("HERE") && text.contains(":1:100001"), "{text}");
    }

    #[test]
    fn a_place_at_the_end_of_the_file_has_a_caret() {
        assert!(rendered("a = ", 4, 4, false).contains("  |     ^\n"));
        assert!(rendered("", 0, 0, false).contains('^'));
        assert!(rendered("a = [\n", 6, 6, false).contains(":2:1"));
    }
}
