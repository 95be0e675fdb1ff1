//! How deep code is nested, and how long its functions are, by braces or, where there are none, by indentation.

use std::sync::LazyLock;

use regex::Regex;

use super::Finding;

/// Deepest nesting that is easy to follow.
const DEEPEST: usize = 5;

/// Most lines of a function that fits on a screen.
const LONGEST: usize = 60;

/// A function.
#[derive(Debug, PartialEq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The line of its name, counted from 1.
    pub(super) line: usize,
    /// How many lines it has.
    pub(super) lines: usize,
}

/// A word that begins functions, or a name with parameters before a brace.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:fn|func|fun|function|def|sub)\s+(\w+)|\b(\w+)\s*\([^;{}()]*\)\s*(?:const\s*)?(?:->\s*[\w<>]+\s*)?\{")
        .expect("it is a regular expression")
});

/// What stands before parameters and a brace and names no function.
const CONTROL: [&str; 9] = ["if", "for", "while", "switch", "match", "catch", "with", "return", "foreach"];

/// The level of each line.
pub(super) fn levels(bare: &str) -> Vec<usize> {
    if bare.contains('{') { by_braces(bare) } else { by_indent(bare) }
}

fn by_braces(bare: &str) -> Vec<usize> {
    let mut depth: usize = 0;
    let levels = bare.lines().map(|line| {
        let closes = line.trim_start().chars().take_while(|letter| *letter == '}').count();
        let level = depth.saturating_sub(closes);
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        level
    });
    levels.collect()
}

fn by_indent(bare: &str) -> Vec<usize> {
    // A stack of the widths that are open: each wider line is one level deeper, however wide.
    let mut widths: Vec<usize> = Vec::new();
    let levels = bare.lines().map(|line| {
        if !line.trim().is_empty() {
            let width = line.len() - line.trim_start().len();
            while widths.last().is_some_and(|last| *last >= width) {
                widths.pop();
            }
            if width > 0 {
                widths.push(width);
            }
        }
        widths.len()
    });
    levels.collect()
}

/// The functions of code whose literals and comments are blanked.
pub(super) fn functions(bare: &str) -> Vec<Function> {
    let levels = levels(bare);
    let is_braced = bare.contains('{');
    let lines: Vec<&str> = bare.lines().collect();
    let mut functions = Vec::new();
    for (at, text) in lines.iter().enumerate() {
        let Some(found) = HEADER.captures(text) else { continue };
        let name = found.get(1).or_else(|| found.get(2)).map_or("", |name| name.as_str());
        let length =
            if is_braced { braced(&lines[at..]) } else { Some(indented(&lines[at..], &levels[at..])) };
        if let Some(lines) = length.filter(|_| !CONTROL.contains(&name)) {
            functions.push(Function { name: name.to_owned(), line: at + 1, lines });
        }
    }
    functions
}

/// How many lines there are up to the brace that closes the first one; none when a statement ends before any brace.
fn braced(lines: &[&str]) -> Option<usize> {
    let (mut depth, mut rounds) = (0_usize, 0_usize);
    for (count, line) in (1..).zip(lines) {
        for letter in line.chars() {
            match letter {
                '(' | '[' => rounds += 1,
                ')' | ']' => rounds = rounds.saturating_sub(1),
                '{' => depth += 1,
                '}' if depth <= 1 => return (depth == 1).then_some(count),
                '}' => depth -= 1,
                ';' if depth == 0 && rounds == 0 => return None,
                _ => {}
            }
        }
    }
    None
}

/// How many lines there are up to the last one that is deeper than the first.
fn indented(lines: &[&str], levels: &[usize]) -> usize {
    let deeper = (1..lines.len()).take_while(|at| levels[*at] > levels[0] || lines[*at].trim().is_empty());
    let last = deeper.filter(|at| !lines[*at].trim().is_empty()).last();
    last.unwrap_or(0) + 1
}

/// Judges levels and lengths.
pub(super) fn check(levels: &[usize], functions: &[Function]) -> Vec<Finding> {
    let deep = |at: &usize| levels[*at] > DEEPEST && (*at == 0 || levels[*at - 1] <= DEEPEST);
    let nested = (0..levels.len()).filter(deep).map(|at| {
        let deepest = levels[at..].iter().take_while(|level| **level > DEEPEST).max().copied().unwrap_or(0);
        let message = format!("code is nested {deepest} levels deep; {DEEPEST} are easy to follow");
        Finding::new(at + 1, "deep_nesting", message)
    });
    let long = functions.iter().filter(|function| function.lines > LONGEST).map(|function| {
        let Function { name, line, lines } = function;
        let message = format!("the function `{name}` has {lines} lines; {LONGEST} fit on a screen");
        Finding::new(*line, "long_function", message)
    });
    nested.chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<(String, usize, usize)> {
        functions(code).into_iter().map(|function| (function.name, function.line, function.lines)).collect()
    }

    #[test]
    fn functions_are_measured_by_their_braces() {
        let code = "fn a();\nfn b(\n  x: [u8; 2],\n) {\n  if (x) {\n  }\n}\nint c(int d) {\n  for (;;) { e(); }\n}\n";
        assert_eq!(found(code), [("b".to_owned(), 2, 6), ("c".to_owned(), 8, 3)]);
    }

    #[test]
    fn functions_are_measured_by_their_indentation_where_there_are_no_braces() {
        let code = "def a():\n    x\n\n    if y:\n        z\n\nclass B:\n    def c(self):\n        pass\n";
        assert_eq!(found(code), [("a".to_owned(), 1, 5), ("c".to_owned(), 8, 2)]);
        assert_eq!(levels(code), [0, 1, 1, 1, 2, 2, 0, 1, 2]);
    }

    #[test]
    fn long_functions_and_deep_code_are_found() {
        let code = format!("fn a() {{\n{}}}\n", "x;\n".repeat(60));
        assert_eq!(check(&levels(&code), &functions(&code))[0].rule, "long_function");
        let code = format!("{}x\n{}", "{\n".repeat(7), "}\n".repeat(7));
        let found = check(&levels(&code), &functions(&code));
        assert_eq!((found.len(), found[0].line), (1, 7));
        assert!(found[0].message.contains("7 levels"), "{}", found[0].message);
    }
}
