//! The notations, one file each.
//!
//! A notation is a top-level table and a function that lowers one entry of it to a [`Draft`]. What all notations have in
//! common (inputs, retry, calls, values with references) is read by `Lowering`, so that it is spelled and checked alike.

mod cache;
mod call;
pub(crate) mod casting;
mod child;
mod debate;
mod gate;
mod head;
mod heading;
mod inputs;
mod machine;
mod names;
mod part;
mod retry;
mod risk;
mod steps;
mod template;
mod trigger;
mod undo;
mod values;
mod wishes;
mod work;
mod workflow;
mod workstack;

use std::collections::BTreeMap;

use crate::catalogue::{Catalogue, Performer};
use crate::diagnostic::Report;
use crate::document::{Place, Table};
use crate::expression::Reference;
use crate::load::Library;
use crate::plan::Draft;

pub(crate) use wishes::ITEM;

/// Lowers one plan. What it returns is used only when nothing was reported as an error meanwhile.
pub(crate) type Lower = fn(&mut Lowering<'_, '_, '_>, id: &str, key: Place, table: &Table) -> Option<Draft>;

/// Top-level tables and what lowers their entries.
pub(crate) const SHAPES: &[(&str, Lower)] = &[
    ("workstacks", workstack::lower),
    ("workflows", workflow::lower),
    ("machines", machine::lower),
    ("templates", template::lower),
    ("debates", debate::lower),
];

/// Words that no input or variable may be called: they begin other references.
pub(crate) const TAKEN: [&str; 8] =
    ["steps", "phases", "run", "input", "context", "last_output", "item", "index"];

/// Longest id of a plan or phase: ids stand in keys, file names and on narrow screens.
const MAX_ID: usize = 100;

/// What lowering one plan needs and finds.
pub(crate) struct Lowering<'r, 'a, 'l> {
    pub(crate) report: &'r mut Report<'a>,
    pub(crate) catalogue: &'r Catalogue,
    library: &'r mut Library<'l>,
    /// Operations of critical risk, and where each is named first.
    critical: BTreeMap<Performer, Place>,
    /// Every reference of the plan, to be checked when all of it is known.
    pub(crate) uses: Vec<Use>,
    /// Names that mean something only where they are read just now: the item of a list, the output of the step itself.
    locals: &'static [&'static str],
}

/// A reference and who makes it.
pub(crate) struct Use {
    pub(crate) reference: Reference,
    /// What of its value is asked for, as in [`Access`](crate::expression::Access).
    pub(crate) keys: Vec<Option<String>>,
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
    /// What says where it goes from a phase, or whether that is repeated.
    Next(usize),
    /// The output of the plan.
    Output,
}

impl<'r, 'a, 'l> Lowering<'r, 'a, 'l> {
    pub(crate) fn new(
        report: &'r mut Report<'a>,
        catalogue: &'r Catalogue,
        library: &'r mut Library<'l>,
    ) -> Self {
        let critical = BTreeMap::new();
        Self { report, catalogue, library, critical, uses: Vec::new(), locals: &[] }
    }

    /// Reads something in which these names have a value of their own.
    pub(crate) fn with_locals<T>(
        &mut self,
        locals: &'static [&'static str],
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outside = std::mem::replace(&mut self.locals, locals);
        let read = read(self);
        self.locals = outside;
        read
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
