//! The notations, one file each.
//!
//! A notation is a top-level table and a function that lowers one entry of it to a [`Draft`]. What all notations have in
//! common (inputs, retry, calls, values with references) is read by `Lowering`, so that it is spelled and checked alike.

mod call;
mod inputs;
mod retry;
mod values;
mod workstack;

use crate::catalogue::Catalogue;
use crate::diagnostic::Report;
use crate::document::{Place, Table};
use crate::expression::Reference;
use crate::plan::Draft;

/// Lowers one plan. What it returns is used only when nothing was reported as an error meanwhile.
pub(crate) type Lower = fn(&mut Lowering<'_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft>;

/// Top-level tables and what lowers their entries.
pub(crate) const SHAPES: &[(&str, Lower)] = &[("workstacks", workstack::lower)];

/// Words that no input or variable may be called: they begin other references.
pub(crate) const TAKEN: [&str; 6] = ["steps", "phases", "run", "input", "item", "index"];

/// Longest id of a plan or phase: ids stand in keys, file names and on narrow screens.
const MAX_ID: usize = 100;

/// What lowering one plan needs and finds.
pub(crate) struct Lowering<'r, 'a> {
    pub(crate) report: &'r mut Report<'a>,
    pub(crate) catalogue: &'r Catalogue,
    /// Every reference of the plan, to be checked when all of it is known.
    pub(crate) uses: Vec<Use>,
}

/// A reference and who makes it.
pub(crate) struct Use {
    pub(crate) reference: Reference,
    pub(crate) place: Place,
    pub(crate) by: User,
    /// Whether the value is handed on as it is: not computed with, not made part of a text.
    pub(crate) is_whole: bool,
}

/// What of a plan refers to something. Positions are those of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// The condition of a phase.
    When(usize),
    /// A step of a phase.
    Step(usize, usize),
    /// What undoes a phase.
    Undo(usize),
    /// The output of the plan.
    Output,
}

impl<'r, 'a> Lowering<'r, 'a> {
    pub(crate) fn new(report: &'r mut Report<'a>, catalogue: &'r Catalogue) -> Self {
        Self { report, catalogue, uses: Vec::new() }
    }

    /// Reports an id that keys of calls and references could not hold.
    pub(crate) fn check_id(&mut self, id: &str, place: Place) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(is_plain) {
            let finding = self.report.error(place, format!("`{id}` cannot be an id"));
            finding.hint(format!("use letters, digits, `_`, `-` and `.`, at most {MAX_ID} of them"));
        }
    }
}
