//! What is wrong with single lines.

use std::sync::LazyLock;

use regex::Regex;

use super::Finding;

/// Longest line, in letters.
const LONGEST: usize = 120;

/// Marks by which authors say that something is not done. Written apart, so that this file has none.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b[:\s]*(.{0,80})").expect("it is a regular expression")
});

/// Looks at every line.
pub(super) fn check(code: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        (1..).zip(code.lines()).flat_map(|(line, text)| check_line(line, text)).collect();
    findings.extend(different_indents(code));
    findings
}

fn check_line(line: usize, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |rule, message: String| findings.push(Finding::new(line, rule, message));
    let length = text.chars().count();
    if length > LONGEST {
        find("long_line", format!("the line has {length} letters; {LONGEST} are easy to read"));
    }
    if text.ends_with([' ', '\t']) {
        find("trailing_blank", "there are blanks at the end of the line".to_owned());
    }
    let indent = indent(text);
    if indent.contains(' ') && indent.contains('\t') {
        find("mixed_indent", "the line is indented by tabs and spaces".to_owned());
    }
    if let Some(mark) = MARK.captures(text) {
        let what = mark[2].trim();
        let what = if what.is_empty() { String::new() } else { format!(": {what}") };
        find("open_mark", format!("{}{what}", &mark[1]));
    }
    findings
}

fn indent(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches([' ', '\t']).len()]
}

/// Where a file that is indented by tabs has a line indented by spaces, or the other way round: the first such line. One
/// space alone is how comments are continued, and counts for nothing.
fn different_indents(code: &str) -> Option<Finding> {
    let lines = (1..).zip(code.lines()).map(|(line, text)| (line, indent(text), text));
    let mut indented = lines.filter(|(_, indent, text)| {
        !indent.is_empty()
            && *indent != " "
            && indent.len() < text.len()
            && !text.trim_start().starts_with('*')
    });
    let (first_line, first, _) = indented.next()?;
    let kind = |indent: &str| if indent.starts_with('\t') { "tabs" } else { "spaces" };
    let (line, other, _) = indented.find(|(_, indent, _)| kind(indent) != kind(first))?;
    let message =
        format!("the line is indented by {}, and line {first_line} by {}", kind(other), kind(first));
    Some(Finding::new(line, "mixed_indent", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(code: &str) -> Vec<(usize, &'static str)> {
        check(code).into_iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn lines_are_looked_at_one_by_one() {
        let code = format!("ok\n{}\nblank \n \tmixed\n// TODO: write it\n", "x".repeat(121));
        assert_eq!(
            rules(&code),
            [(2, "long_line"), (3, "trailing_blank"), (4, "mixed_indent"), (5, "open_mark")]
        );
        assert_eq!(check("x # FIXME later")[0].message, "FIXME: later");
        assert_eq!(rules(&format!("{}\nTODOS\n", "ü".repeat(120))), []);
    }

    #[test]
    fn lines_that_are_indented_differently_are_found_once() {
        assert_eq!(rules("a\n\tb\n    c\n    d\n"), [(3, "mixed_indent")]);
        assert_eq!(rules("/*\n * x\n */\n\tb\n"), []);
    }
}
