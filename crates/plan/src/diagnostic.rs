//! What is wrong, where, and what to do.

mod render;
mod report;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use render::render_all;
pub(crate) use report::{Report, nearest};

/// Whether a plan with it can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan is left out.
    Error,
    /// The plan is kept.
    Warning,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// Name of the source.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the source.
    pub span: Range<usize>,
    /// The line, cut to what can be shown.
    pub text: String,
    /// Where the place begins in `text`, in bytes.
    pub start: usize,
    /// Where it ends in `text`, in bytes.
    pub end: usize,
}

/// A second place that helps to understand a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What is there.
    pub message: String,
    /// Where.
    pub spot: Spot,
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether a plan with it can run.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where.
    pub spot: Spot,
    /// What to do about it.
    pub hint: Option<String>,
    /// Second places.
    pub notes: Vec<Note>,
    /// How many more diagnostics this file has that are not listed; only on the last of a file.
    pub more: usize,
}

impl Diagnostic {
    /// Whether a plan with it cannot run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The diagnostic as people read it: the message, the place, the line with a caret, and what to do.
    pub fn render(&self, color: bool) -> String {
        render::render(self, color)
    }
}
