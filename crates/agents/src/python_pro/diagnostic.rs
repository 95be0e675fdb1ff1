//! What linters and type checkers say, as data.

use std::sync::LazyLock;

use op_agent::{Call, Failure};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::project::Project;
use crate::process::Ended;

/// Most diagnostics of one answer.
const MOST: usize = 1_000;

/// Longest message, in characters.
const LONGEST: usize = 1_000;

/// How much of a tool's JSON is read.
pub(super) const OUTPUT: usize = 32 * 1024 * 1024;

/// How much of the end of a program's words is told.
const LAST_WORDS: usize = 16 * 1024;

/// `file:line:column: severity: message  [code]`, as mypy, flake8 and pyflakes say it, each a part of it.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(.+?):(\d+):(?:(\d+):)? (?:(error|warning|note): )?(?:([A-Z]{1,4}\d{2,4}) )?(.*?)(?:  \[([a-z0-9-]+)\])?$")
        .expect("the pattern is fixed and valid")
});

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Error,
    Warning,
    Note,
}

/// One thing that a tool said.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Diagnostic {
    /// How bad it is.
    pub(super) severity: Severity,
    /// The file, relative to the directory of the call where it is below it.
    pub(super) file: String,
    /// The line, counted from 1.
    pub(super) line: Option<u32>,
    /// The column, counted from 1.
    pub(super) column: Option<u32>,
    /// The rule that was broken.
    pub(super) code: Option<String>,
    /// What is wrong.
    pub(super) message: String,
}

/// All that a tool said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Said {
    /// Errors first, then by place; at most 1,000.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How many errors there are.
    pub(super) errors: usize,
    /// How many warnings there are.
    pub(super) warnings: usize,
    /// How many diagnostics there are beyond those that are told.
    pub(super) left_out: usize,
}

impl Said {
    pub(super) fn new(mut all: Vec<Diagnostic>) -> Self {
        all.sort_by(|a, b| {
            (a.severity, &a.file, a.line, a.column).cmp(&(b.severity, &b.file, b.line, b.column))
        });
        let count = |severity| all.iter().filter(|one| one.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let left_out = all.len().saturating_sub(MOST);
        all.truncate(MOST);
        for one in &mut all {
            one.message = one.message.chars().take(LONGEST).collect();
        }
        Self { diagnostics: all, errors, warnings, left_out }
    }

    /// Tells them to whoever watches, one a line.
    pub(super) async fn tell(&self, call: &Call) {
        for one in &self.diagnostics {
            let place = one.line.map_or_else(|| one.file.clone(), |line| format!("{}:{line}", one.file));
            let code = one.code.as_deref().map_or(String::new(), |code| format!(" [{code}]"));
            call.stdout(format!("{place}: {}{code}\n", one.message)).await;
        }
    }
}

/// Reads lines such as `a.py:1:2: F401 unused` and `a.py:1:2: error: wrong  [code]`; others are passed over.
pub(super) fn lines(project: &Project<'_>, text: &str, default: Severity) -> Vec<Diagnostic> {
    let read = |line: &str| {
        let found = LINE.captures(line)?;
        let part = |index| found.get(index).map(|part| part.as_str());
        Some(Diagnostic {
            severity: match part(4) {
                Some("error") => Severity::Error,
                Some("warning") => Severity::Warning,
                Some(_) => Severity::Note,
                None => default,
            },
            file: project.shown(part(1)?.trim_start_matches("./")),
            line: part(2)?.parse().ok(),
            column: part(3).and_then(|column| column.parse().ok()),
            code: part(5).or_else(|| part(7)).map(str::to_owned),
            message: part(6)?.to_owned(),
        })
    };
    text.lines().filter_map(read).collect()
}

/// Reads JSON that a tool wrote; `None` if it is none.
pub(super) fn json(ended: &Ended) -> Option<Value> {
    serde_json::from_slice(&ended.stdout.bytes).ok()
}

/// A number of JSON that counts lines or columns.
pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// A tool that did not do its work.
pub(super) fn broke(reason: &str, name: &str, ended: &Ended) -> Failure {
    let (stdout, stderr) = (ended.stdout.whole(), ended.stderr.whole());
    let last =
        [&stderr, &stdout].into_iter().find_map(|text| text.lines().rfind(|line| !line.trim().is_empty()));
    let why = match last {
        _ if !ended.is_whole() => "it says more than is read; name a part of the files at a time".to_owned(),
        Some(line) => line.trim().chars().take(300).collect(),
        None => "it did not say why".to_owned(),
    };
    Failure::failed(reason, format!("{name} did not do its work: {why}")).detail(json!({
        "exit_code": ended.status.code(),
        "stdout": tail(&stdout),
        "stderr": tail(&stderr),
    }))
}

/// The end of a text.
pub(super) fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(LAST_WORDS);
    let start = (start..=text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(start);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;
    use crate::tools::Desk;

    #[test]
    fn what_tools_say_line_by_line_becomes_data() {
        let place = tree(&[("a.py", "")]);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let project = Project::new(&desk, Path::new("")).unwrap();
        let text = "./a.py:1:2: F401 'os' imported but unused\na.py:3:1: undefined name 'x'\n\
            b.py:4:5: error: Incompatible types [x] in \"f\"  [return-value]\nb.py:4: note: See it\nFound 2 errors\n";
        let read = lines(&project, text, Severity::Warning);
        let told: Vec<_> = read
            .iter()
            .map(|one| {
                (
                    one.severity,
                    one.file.as_str(),
                    one.line,
                    one.column,
                    one.code.as_deref(),
                    one.message.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Severity::Warning, "a.py", Some(1), Some(2), Some("F401"), "'os' imported but unused"),
                (Severity::Warning, "a.py", Some(3), Some(1), None, "undefined name 'x'"),
                (
                    Severity::Error,
                    "b.py",
                    Some(4),
                    Some(5),
                    Some("return-value"),
                    "Incompatible types [x] in \"f\""
                ),
                (Severity::Note, "b.py", Some(4), None, None, "See it"),
            ]
        );
        let all = Said::new(read);
        assert_eq!((all.errors, all.warnings, all.diagnostics[0].severity), (1, 2, Severity::Error));
    }

    #[test]
    fn more_diagnostics_than_are_told_are_counted() {
        let one = Diagnostic {
            severity: Severity::Error,
            file: "a".into(),
            line: None,
            column: None,
            code: None,
            message: "m".repeat(LONGEST + 1),
        };
        let all = Said::new(vec![one; MOST + 2]);
        assert_eq!((all.diagnostics.len(), all.left_out, all.errors), (MOST, 2, MOST + 2));
        assert_eq!(all.diagnostics[0].message.len(), LONGEST);
    }
}
