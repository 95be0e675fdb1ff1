//! `analyze_code`: a linter that knows no language, only what most of them share.
//!
//! | rule | finds |
//! | --- | --- |
//! | `long_line` | lines of more than 120 letters |
//! | `trailing_blank` | blanks at the end of a line |
//! | `mixed_indent` | tabs and spaces in one indentation, or in different ones |
//! | `open_mark` | marks by which authors say that something is not done |
//! | `unbalanced_bracket` | brackets that are never closed, or close another kind |
//! | `deep_nesting`, `long_function` | code more than 5 levels deep; functions of more than 60 lines |
//! | `duplicated_lines` | 6 lines or more that stand there twice |
//!
//! Literals and comments are [blanked](blank) before brackets and functions are looked for.

mod blank;
mod brackets;
mod duplicates;
mod functions;
mod lines;

use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use blank::blanked;

/// How it is done, in one sentence.
const METHOD: &str =
    "plain rules that hold in most languages: lines, brackets, nesting, lengths and repetition";

/// How many findings one answer carries.
const MOST: usize = 1000;

/// What to look at.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AnalyzeCode {
    /// The code; that of the input where neither it nor a path is given.
    code: Option<String>,
    /// A file with the code; a relative path starts at the first root.
    path: Option<PathBuf>,
    #[serde(flatten)]
    brief: Brief,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Analysis {
    /// What is not as it should be, by line.
    findings: Vec<Finding>,
    /// How much there is.
    metrics: Metrics,
    /// How it was done.
    method: &'static str,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) struct Finding {
    /// The line, counted from 1.
    line: usize,
    /// The rule.
    rule: &'static str,
    /// What is wrong, for people.
    message: String,
}

impl Finding {
    fn new(line: usize, rule: &'static str, message: String) -> Self {
        Self { line, rule, message }
    }
}

/// How much there is of what.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Metrics {
    /// Lines.
    lines: usize,
    /// Lines with code on them, that is more than blanks and comments.
    code_lines: usize,
    /// Letters of the longest line.
    longest_line: usize,
    /// Levels of the deepest code.
    deepest_nesting: usize,
    /// Functions.
    functions: usize,
    /// Lines of the longest function.
    longest_function: usize,
    /// How many findings there are, listed or not.
    findings: usize,
}

/// Looks at code.
pub(super) fn analyze_code(bench: &Bench, args: &AnalyzeCode) -> Result<Analysis, Failure> {
    let code = match (&args.code, &args.path) {
        (Some(code), _) => Some(code.clone()),
        (None, Some(path)) => Some(bench.read(path)?),
        (None, None) => args.brief.text(),
    };
    let code = code.ok_or_else(|| missing("code", "give the code in `code`, or a file in `path`"))?;
    bench.go_on()?;
    Ok(analysis(&code))
}

fn analysis(code: &str) -> Analysis {
    let bare = blanked(code);
    let levels = functions::levels(&bare);
    let functions = functions::functions(&bare);
    let mut findings = lines::check(code);
    findings.extend(brackets::check(&bare));
    findings.extend(functions::check(&levels, &functions));
    findings.extend(duplicates::check(code));
    findings.sort();
    let metrics = Metrics {
        lines: code.lines().count(),
        code_lines: bare.lines().filter(|line| !line.trim().is_empty()).count(),
        longest_line: code.lines().map(|line| line.chars().count()).max().unwrap_or(0),
        deepest_nesting: levels.iter().copied().max().unwrap_or(0),
        functions: functions.len(),
        longest_function: functions.iter().map(|function| function.lines).max().unwrap_or(0),
        findings: findings.len(),
    };
    findings.truncate(MOST);
    Analysis { findings, metrics, method: METHOD }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bench::fixture::bench;
    use super::*;

    fn analyzed(args: Value) -> Result<Analysis, Failure> {
        let (directory, bench) = bench();
        std::fs::write(directory.path().join("root/a.py"), "x = [1\n").unwrap();
        analyze_code(&bench, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn code_comes_from_an_argument_a_file_or_the_step_before() {
        for args in [
            json!({ "code": "x = [1\n" }),
            json!({ "path": "a.py" }),
            json!({ "input": { "code": "x = [1\n" } }),
        ] {
            let analysis = analyzed(args).unwrap();
            assert_eq!(
                analysis.findings,
                [Finding::new(1, "unbalanced_bracket", "`[` is never closed".to_owned())]
            );
            assert_eq!(analysis.metrics.lines, 1);
        }
        assert_eq!(analyzed(json!({})).unwrap_err().reason(), "missing_argument");
        assert_eq!(analyzed(json!({ "path": "../a" })).unwrap_err().reason(), "outside_roots");
    }

    #[test]
    fn this_very_file_is_found_clean() {
        let analysis = analysis(include_str!("analyze_code.rs"));
        assert_eq!(analysis.findings, []);
        assert!(analysis.metrics.functions >= 4, "{:?}", analysis.metrics);
        assert!((2..=5).contains(&analysis.metrics.deepest_nesting), "{:?}", analysis.metrics);
    }
}
