//! How large files and functions are.

use schemars::JsonSchema;
use serde::Serialize;

use super::survey::{Lines, Survey};
use crate::review::{Finding, Severity};

/// Beyond this a function is hard to hold in the head: clippy's `too_many_lines` draws the same line.
const LONG_FUNCTION: usize = 100;

/// Beyond this nobody holds it in the head.
const ENDLESS_FUNCTION: usize = 250;

/// Lines of shipped code beyond which a file usually holds more than one idea: the 90th percentile of well-kept Rust
/// projects lies below it.
const LONG_FILE: usize = 1000;

/// How many of the largest are listed.
const LISTED: usize = 20;

/// The sizes of a repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sizes {
    /// All Rust lines together.
    pub(super) total: Lines,
    /// Shipped lines for each shipped file.
    pub(super) files: Spread,
    /// Lines for each shipped function.
    pub(super) functions: Spread,
    /// The largest files.
    pub(super) largest_files: Vec<Sized>,
    /// The largest functions.
    pub(super) largest_functions: Vec<Sized>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// How a number is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Spread {
    /// How many there are.
    pub(super) count: usize,
    /// Half are at most this.
    pub(super) median: usize,
    /// Nine of ten are at most this.
    pub(super) p90: usize,
    /// The largest.
    pub(super) largest: usize,
}

/// A file or function with its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Sized {
    /// The function's name; empty for a file.
    pub(super) name: String,
    /// The file.
    pub(super) file: String,
    /// Where it begins.
    pub(super) line: u32,
    /// Its lines.
    pub(super) lines: usize,
}

impl Sizes {
    /// Measures what `survey` has read.
    pub(super) fn of(survey: &Survey) -> Self {
        let files: Vec<Sized> =
            survey.shipped().map(|facts| sized("", &facts.path, 1, facts.lines.code)).collect();
        let functions: Vec<Sized> = survey
            .shipped()
            .flat_map(|facts| facts.functions.iter().map(|function| (&facts.path, function)))
            .filter(|(_, function)| !function.test)
            .map(|(path, function)| sized(&function.name, path, function.line, function.lines))
            .collect();
        let findings =
            files.iter().filter_map(long_file).chain(functions.iter().filter_map(long_function)).collect();
        Self {
            total: survey.files.iter().map(|facts| facts.lines).fold(Lines::default(), Lines::plus),
            files: Spread::of(&files),
            functions: Spread::of(&functions),
            largest_files: largest(files),
            largest_functions: largest(functions),
            findings,
        }
    }

    /// Files and functions that are too long.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl Spread {
    fn of(sizes: &[Sized]) -> Self {
        let mut lines: Vec<usize> = sizes.iter().map(|sized| sized.lines).collect();
        lines.sort_unstable();
        let at = |percent: usize| {
            let rank = (lines.len() * percent).div_ceil(100).max(1) - 1;
            lines.get(rank).copied().unwrap_or(0)
        };
        Self { count: lines.len(), median: at(50), p90: at(90), largest: at(100) }
    }
}

fn sized(name: &str, file: &str, line: u32, lines: usize) -> Sized {
    Sized { name: name.to_owned(), file: file.to_owned(), line, lines }
}

fn largest(mut sizes: Vec<Sized>) -> Vec<Sized> {
    sizes.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| (&a.file, a.line).cmp(&(&b.file, b.line))));
    sizes.truncate(LISTED);
    sizes
}

fn long_file(file: &Sized) -> Option<Finding> {
    (file.lines > LONG_FILE).then(|| {
        Finding::new(Severity::Low, "long_file", format!("the file has {} lines of shipped code", file.lines))
            .at(&file.file, 1)
            .evidence(format!("{} lines, threshold {LONG_FILE}", file.lines))
            .suggest("give each idea in it a file of its own")
    })
}

fn long_function(function: &Sized) -> Option<Finding> {
    let severity = match function.lines {
        0..=LONG_FUNCTION => return None,
        lines if lines <= ENDLESS_FUNCTION => Severity::Low,
        _ => Severity::Medium,
    };
    let message = format!("the function {} takes {} lines", function.name, function.lines);
    Some(
        Finding::new(severity, "long_function", message)
            .at(&function.file, function.line)
            .evidence(format!("{} lines, threshold {LONG_FUNCTION}", function.lines))
            .suggest("name its steps and make them functions"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn the_threshold_of_a_long_function_is_exact() {
        for (lines, expected) in [
            (100, None),
            (101, Some(Severity::Low)),
            (250, Some(Severity::Low)),
            (251, Some(Severity::Medium)),
        ] {
            let (_dir, _repository, survey) = survey(&[("src/a.rs", &format!("\n{}", function_of(lines)))]);
            let findings = Sizes::of(&survey).findings();
            assert_eq!(findings.first().map(|finding| finding.severity), expected, "{lines}");
            assert!(findings.iter().all(|finding| finding.line == Some(2)));
        }
    }

    #[test]
    fn a_long_test_is_no_finding() {
        let test = format!("#[cfg(test)]\nmod tests {{\n{}}}", function_of(300));
        let (_dir, _repository, survey) = survey(&[("src/a.rs", &test), ("tests/b.rs", &function_of(300))]);
        assert_eq!(Sizes::of(&survey).findings(), []);
    }

    #[test]
    fn a_long_file_is_found_by_its_shipped_lines() {
        let (code, test) = ("fn a() {}\n".repeat(1001), "fn a() {}\n".repeat(1000));
        let test = format!("{test}#[cfg(test)]\nmod tests {{\n{test}}}\n");
        let (_dir, _repository, survey) = survey(&[("src/a.rs", &code), ("src/b.rs", &test)]);
        let findings = Sizes::of(&survey).findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].rule.as_str(), findings[0].file.as_deref()), ("long_file", Some("src/a.rs")));
    }

    #[test]
    fn a_spread_is_taken_by_rank() {
        let sizes: Vec<Sized> = (1..=10).map(|lines| sized("", "", 1, lines)).collect();
        assert_eq!(Spread::of(&sizes), Spread { count: 10, median: 5, p90: 9, largest: 10 });
        assert_eq!(Spread::of(&[]), Spread::default());
    }
}
