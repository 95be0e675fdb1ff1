//! What the compiler has to say about one place.

use std::path::{Path, PathBuf};

use cargo_metadata::diagnostic::{Diagnostic as Told, DiagnosticLevel, DiagnosticSpan};
use schemars::JsonSchema;
use serde::Serialize;

/// Longest message that is kept, in characters. Types in error messages can fill pages.
const LONGEST: usize = 2_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// It does not compile, or a lint forbids it.
    Error,
    /// It compiles.
    Warning,
    /// Only worth knowing.
    Note,
}

/// One message of the compiler or of a lint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub(crate) struct Diagnostic {
    /// How bad it is.
    pub(crate) severity: Level,
    /// The file, relative to the path of the call where it is below it.
    pub(crate) file: Option<String>,
    /// The line, counted from 1.
    pub(crate) line: Option<u32>,
    /// The column, counted from 1.
    pub(crate) column: Option<u32>,
    /// The error code or the name of the lint, such as `E0308` or `clippy::useless_vec`.
    pub(crate) code: Option<String>,
    /// What is wrong.
    pub(crate) message: String,
    /// The line of code that it is about.
    #[serde(skip)]
    pub(crate) evidence: Option<String>,
    /// What to do about it.
    #[serde(skip)]
    pub(crate) suggestion: Option<String>,
}

impl Diagnostic {
    /// What the compiler told, for a project at `project`; `None` if it only sums up what it told before.
    pub(crate) fn new(told: &Told, project: &Path) -> Option<Self> {
        if is_summary(told) {
            return None;
        }
        let place = told.spans.iter().find(|span| span.is_primary).map(call_site);
        Some(Self {
            severity: match told.level {
                DiagnosticLevel::Ice | DiagnosticLevel::Error => Level::Error,
                DiagnosticLevel::Warning => Level::Warning,
                _ => Level::Note,
            },
            file: place.map(|place| relative(&place.file_name, project)),
            line: place.and_then(|place| u32::try_from(place.line_start).ok()),
            column: place.and_then(|place| u32::try_from(place.column_start).ok()),
            code: told.code.as_ref().map(|code| code.code.clone()),
            message: told.message.chars().take(LONGEST).collect(),
            evidence: place.and_then(|place| place.text.first()).map(|line| line.text.trim().to_owned()),
            suggestion: told.children.iter().find_map(suggestion),
        })
    }

    /// Whether it is an error of the language, and not of a lint that is set to deny.
    pub(crate) fn is_fatal(&self) -> bool {
        let lint = |code: &String| code.starts_with(|c: char| c.is_ascii_lowercase());
        self.severity == Level::Error && !self.code.as_ref().is_some_and(lint)
    }
}

/// `3 warnings emitted`, `aborting due to 2 previous errors` and the like: without place and code.
fn is_summary(told: &Told) -> bool {
    let message = told.message.as_str();
    let sums_up = message.ends_with("emitted") || message.starts_with("aborting due to");
    matches!(told.level, DiagnosticLevel::FailureNote)
        || (told.spans.is_empty() && told.code.is_none() && sums_up)
}

/// Where the user wrote it: a place inside of a macro is traced back to where the macro is called.
fn call_site(span: &DiagnosticSpan) -> &DiagnosticSpan {
    let mut span = span;
    while let Some(expansion) = &span.expansion {
        span = &expansion.span;
    }
    span
}

fn suggestion(child: &Told) -> Option<String> {
    let span = child.spans.iter().find(|span| span.suggested_replacement.is_some())?;
    let replacement = span.suggested_replacement.as_deref()?.trim();
    let text = if replacement.is_empty() || replacement.contains('\n') {
        child.message.clone()
    } else {
        format!("{}: `{replacement}`", child.message)
    };
    Some(text.chars().take(LONGEST).collect())
}

/// The compiler names files from the root of the workspace, which is the project or above it.
fn relative(file: &str, project: &Path) -> String {
    let found: Option<PathBuf> =
        project.ancestors().map(|directory| directory.join(file)).find(|path| path.is_file());
    let shown = found.as_deref().and_then(|path| path.strip_prefix(project).ok()).unwrap_or(Path::new(file));
    shown.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;

    fn told(message: &str, level: &str, code: Option<&str>, spans: &Value) -> Told {
        let code = code.map(|code| json!({ "code": code, "explanation": null }));
        serde_json::from_value(json!({ "message": message, "level": level, "code": code, "spans": spans,
                                       "children": [], "rendered": null }))
        .unwrap()
    }

    fn span(file: &str, line: u32) -> Value {
        json!({ "file_name": file, "byte_start": 0, "byte_end": 1, "line_start": line, "line_end": line,
                "column_start": 5, "column_end": 6, "is_primary": true, "label": null, "expansion": null,
                "suggested_replacement": null, "suggestion_applicability": null,
                "text": [{ "text": "    let x = 1;", "highlight_start": 5, "highlight_end": 6 }] })
    }

    #[test]
    fn a_message_keeps_its_place_code_and_line_of_code() {
        let told = told("unused", "warning", Some("unused_variables"), &json!([span("src/a.rs", 3)]));
        let diagnostic = Diagnostic::new(&told, Path::new("/nowhere")).unwrap();
        assert_eq!(diagnostic.severity, Level::Warning);
        assert_eq!(
            (diagnostic.file.as_deref(), diagnostic.line, diagnostic.column),
            (Some("src/a.rs"), Some(3), Some(5))
        );
        assert_eq!(diagnostic.evidence.as_deref(), Some("let x = 1;"));
    }

    #[test]
    fn sums_of_messages_are_not_messages() {
        for text in
            ["2 warnings emitted", "1 warning emitted", "aborting due to 1 previous error; 1 warning emitted"]
        {
            assert!(
                Diagnostic::new(&told(text, "warning", None, &json!([])), Path::new("/")).is_none(),
                "{text}"
            );
        }
        assert!(
            Diagnostic::new(&told("linking failed", "error", None, &json!([])), Path::new("/")).is_some()
        );
    }

    #[test]
    fn a_place_in_a_macro_is_where_the_macro_is_called() {
        let mut inner = span("/rustc/abc/library/std/src/macros.rs", 140);
        inner["expansion"] =
            json!({ "span": span("src/main.rs", 7), "macro_decl_name": "println!", "def_site_span": null });
        let diagnostic =
            Diagnostic::new(&told("m", "error", Some("E0277"), &json!([inner])), Path::new("/x")).unwrap();
        assert_eq!((diagnostic.file.as_deref(), diagnostic.line), (Some("src/main.rs"), Some(7)));
    }

    #[test]
    fn files_are_relative_to_the_project_also_inside_of_a_workspace() {
        let workspace = tempfile::tempdir().unwrap();
        let member = workspace.path().join("crates/a");
        fs::create_dir_all(member.join("src")).unwrap();
        fs::write(member.join("src/lib.rs"), "").unwrap();
        assert_eq!(relative("crates/a/src/lib.rs", &member), "src/lib.rs");
        assert_eq!(relative("crates/a/src/lib.rs", workspace.path()), "crates/a/src/lib.rs");
        assert_eq!(relative("src/gone.rs", &member), "src/gone.rs");
    }

    #[test]
    fn a_denied_lint_is_an_error_that_still_compiles() {
        let kind =
            |code| Diagnostic::new(&told("m", "error", code, &json!([])), Path::new("/")).unwrap().is_fatal();
        assert!(!kind(Some("clippy::eq_op")));
        assert!(!kind(Some("unused_must_use")));
        assert!(kind(Some("E0308")));
        assert!(kind(None));
    }
}
