//! All skills that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Carried, Skill, read};
use crate::catalogue::Performer;
use crate::diagnostic::{Diagnostic, Report, nearest};
use crate::document::Place;
use crate::load::Source;

/// A skill as it is written: its `SKILL.md`, and what lies beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The name of its directory.
    pub directory: String,
    /// Its file.
    pub source: Source,
    /// Text files below the directory, by their path from there.
    pub resources: BTreeMap<String, String>,
    /// What is wrong with its files, in one sentence each: such a skill is left out.
    pub troubles: Vec<String>,
    /// What people should know of its files, in one sentence each.
    pub remarks: Vec<String>,
    /// Whether it gives way to one of the same name that was written before it, instead of standing for that.
    pub gives_way: bool,
}

/// Skills by name, with what is wrong with those that are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Skills {
    by_name: BTreeMap<String, Arc<Skill>>,
    /// In falling order of priority, then by name.
    order: Vec<Arc<Skill>>,
    diagnostics: Vec<Diagnostic>,
}

impl Skills {
    /// Reads skills, the lowest layer first. Of two with one name the later one stands, unless it gives way. One that is wrong is left
    /// out, and the one of the same name below it stands.
    pub fn read(written: &[Written]) -> Self {
        let sources: Vec<Source> = written.iter().map(|written| written.source.clone()).collect();
        let mut report = Report::new(&sources);
        let mut by_name: BTreeMap<String, (usize, Arc<Skill>)> = BTreeMap::new();
        for (file, of) in written.iter().enumerate() {
            let Some(skill) = read::read(file, of, &mut report) else { continue };
            let top = |file| Place { file, start: 0, end: 0 };
            if let Some((other, _)) = by_name.get(&skill.name).filter(|_| of.gives_way) {
                let message =
                    format!("the skill `{}` is left out: there is another one of this name", skill.name);
                let finding = report.warning(top(file), message);
                finding.note(top(*other), "this one stands").hint("give it another name to have both");
                continue;
            }
            by_name.insert(skill.name.clone(), (file, Arc::new(skill)));
        }
        let by_name: BTreeMap<_, _> = by_name.into_iter().map(|(name, (_, skill))| (name, skill)).collect();
        let mut order: Vec<_> = by_name.values().cloned().collect();
        order.sort_by_key(|skill| std::cmp::Reverse(skill.priority));
        Self { by_name, order, diagnostics: report.finish() }
    }

    /// A skill by its name, which may be spelled with `_` for `-`.
    pub fn get(&self, name: &str) -> Option<&Arc<Skill>> {
        self.by_name.get(name).or_else(|| self.by_name.get(&name.replace('_', "-")))
    }

    /// Every skill, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Skill>> {
        self.by_name.values()
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The name that was probably meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(&name.replace('_', "-"), self.names())
    }

    /// Every skill, the ones that matter most first: in falling order of priority, then by name.
    pub fn by_priority(&self) -> impl Iterator<Item = &Arc<Skill>> {
        self.order.iter()
    }

    /// What is wrong with skills, those that were left out among them, in order of file and place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Skills that a player carries whose step names some, in the order in which they stand in a call.
    pub fn carried(
        &self,
        performer: &Performer,
        named: &[String],
        takes: impl Fn(&str) -> bool,
    ) -> Vec<Carried> {
        let carried = |skill: &Arc<Skill>| skill.carried(performer, named.contains(&skill.name), &takes);
        self.by_priority().filter_map(carried).collect()
    }
}
