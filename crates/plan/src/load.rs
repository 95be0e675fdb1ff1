//! Documents to plans, with all diagnostics at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::diagnostic::{Diagnostic, Report};
use crate::document::{self, Entry, Place, Table, Value, expect_table};
use crate::plan::Plan;
use crate::shape::{Lower, Lowering, SHAPES};

/// A file of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What diagnostics call it: a path as the user knows it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Valid plans by id. A plan with an error is left out.
    pub plans: BTreeMap<String, Arc<Plan>>,
    /// What is wrong, in order of file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether anything is wrong that left a plan or a file out.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads plans from layers of files, the lowest first; later layers overlay earlier ones key by key.
pub fn load(layers: &[Source], catalogue: &Catalogue) -> Loaded {
    let mut report = Report::new(layers);
    let root = document::read(layers, &mut report);
    let mut loader = Loader { report, catalogue, plans: BTreeMap::new(), seen: BTreeMap::new() };
    for (key, entry) in &root {
        if let Some((name, lower)) = SHAPES.iter().find(|(name, _)| name == key) {
            loader.shape(name, *lower, entry);
        } else {
            let known = SHAPES.iter().map(|(name, _)| *name);
            loader.report.error(entry.key, format!("unknown key `{key}` at the top")).meant(key, known);
        }
    }
    Loaded { plans: loader.plans, diagnostics: loader.report.finish() }
}

struct Loader<'a> {
    report: Report<'a>,
    catalogue: &'a Catalogue,
    plans: BTreeMap<String, Arc<Plan>>,
    seen: BTreeMap<String, Place>,
}

impl Loader<'_> {
    fn shape(&mut self, name: &str, lower: Lower, entry: &Entry) {
        let Some(table) = expect_table(&entry.node, &format!("`{name}`"), &mut self.report) else { return };
        for (id, entry) in table {
            if let Some(other) = self.seen.insert(id.clone(), entry.key) {
                let finding = self.report.error(entry.key, format!("the plan `{id}` stands twice"));
                finding.note(other, "here too").hint("ids are unique over all shapes");
            }
            let Some(table) = expect_table(&entry.node, &format!("`{name}.{id}`"), &mut self.report) else {
                continue;
            };
            if is_enabled(table) {
                self.plan(id, entry, table, lower);
            }
        }
    }

    fn plan(&mut self, id: &str, entry: &Entry, table: &Table, lower: Lower) {
        let before = self.report.errors();
        let mut lowering = Lowering::new(&mut self.report, self.catalogue);
        let draft = lower(&mut lowering, id, entry.key, table);
        let (Some(draft), true) = (draft, self.report.errors() == before) else { return };
        match Plan::seal(draft) {
            Ok(plan) => {
                self.plans.insert(id.to_owned(), Arc::new(plan));
            }
            Err(error) => {
                self.report.error(entry.key, error.to_string());
            }
        }
    }
}

/// A plan that is switched off is not read at all.
fn is_enabled(table: &Table) -> bool {
    !table.get("enabled").is_some_and(|entry| entry.node.value == Value::Boolean(false))
}
