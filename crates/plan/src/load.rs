//! Documents to plans, with all diagnostics at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cast::Casting;
use crate::catalogue::Catalogue;
use crate::diagnostic::{Diagnostic, Report};
use crate::document::{self, Entry, Place, Table, Value, expect_table};
use crate::plan::{Draft, Plan};
use crate::shape::{Lower, Lowering, SHAPES, casting};

/// The table of casts.
const CASTS: &str = "casts";

/// A file of plans, or of a skill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Casts by name.
    pub casts: BTreeMap<String, Casting>,
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
    let mut library = Library::default();
    let mut casts = None;
    for (key, entry) in &root {
        if let Some((name, lower)) = SHAPES.iter().find(|(name, _)| name == key) {
            library.collect(name, *lower, entry, &mut report);
        } else if key == CASTS {
            casts = expect_table(&entry.node, "`casts`", &mut report);
        } else {
            let known = SHAPES.iter().map(|(name, _)| *name).chain([CASTS]);
            report.error(entry.key, format!("unknown key `{key}` at the top")).meant(key, known);
        }
    }
    let ids: Vec<_> = library.written.keys().cloned().collect();
    for id in ids {
        library.lower(&id, catalogue, &mut report);
    }
    let casts = casts.map(|table| casting::read(table, &library.done, catalogue, &mut report));
    let plans = library.done.into_iter().filter_map(|(id, plan)| Some((id, plan?))).collect();
    Loaded { plans, casts: casts.unwrap_or_default(), diagnostics: report.finish() }
}

/// Plans as they are written, and those that are lowered by now: one may run another.
#[derive(Default)]
pub(crate) struct Library<'a> {
    written: BTreeMap<String, Written<'a>>,
    done: BTreeMap<String, Option<Arc<Plan>>>,
    /// Plans that are being lowered, each because of the one before it.
    open: Vec<String>,
}

#[derive(Clone, Copy)]
struct Written<'a> {
    lower: Lower,
    key: Place,
    table: &'a Table,
}

impl<'a> Library<'a> {
    fn collect(&mut self, name: &str, lower: Lower, entry: &'a Entry, report: &mut Report<'_>) {
        let Some(table) = expect_table(&entry.node, &format!("`{name}`"), report) else { return };
        for (id, entry) in table {
            let what = format!("`{name}.{id}`");
            let Some(table) = expect_table(&entry.node, &what, report).filter(|table| is_enabled(table))
            else {
                continue;
            };
            if let Some(other) = self.written.insert(id.clone(), Written { lower, key: entry.key, table }) {
                let finding = report.error(entry.key, format!("the plan `{id}` stands twice"));
                finding.note(other.key, "here too").hint("ids are unique over all shapes");
            }
        }
    }

    /// Ids of all plans.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.written.keys().map(String::as_str)
    }

    /// Plans that wait for a plan to be lowered, from that one on; empty when none does.
    pub(crate) fn waiting_for(&self, id: &str) -> &[String] {
        self.open.iter().position(|open| open == id).map_or(&[], |at| &self.open[at..])
    }

    /// The plan of this id; `None` when there is none or it has errors, which were reported.
    pub(crate) fn lower(
        &mut self,
        id: &str,
        catalogue: &Catalogue,
        report: &mut Report<'_>,
    ) -> Option<Arc<Plan>> {
        if let Some(done) = self.done.get(id) {
            return done.clone();
        }
        let written = *self.written.get(id)?;
        self.open.push(id.to_owned());
        let before = report.errors();
        let mut lowering = Lowering::new(report, catalogue, self);
        let draft = (written.lower)(&mut lowering, id, written.key, written.table);
        draft.iter().for_each(|draft| lowering.check_risk(draft, written.key));
        let draft = draft.filter(|_| report.errors() == before);
        let plan = draft.and_then(|draft| seal(draft, id, written.key, report));
        self.open.pop();
        self.done.insert(id.to_owned(), plan.clone());
        plan
    }
}

fn seal(draft: Draft, id: &str, key: Place, report: &mut Report<'_>) -> Option<Arc<Plan>> {
    match Plan::seal(draft) {
        Ok(plan) => Some(Arc::new(plan)),
        Err(error) => {
            report.error(key, format!("the plan `{id}` is not valid: {error}"));
            None
        }
    }
}

/// A plan that is switched off is not looked at.
fn is_enabled(table: &Table) -> bool {
    table.get("enabled").is_none_or(|entry| entry.node.value != Value::Boolean(false))
}
