//! What the steps of a template are called: by people, in keys, and as variables.

use std::collections::{HashMap, HashSet};

use super::step::Written;
use crate::document::Place;
use crate::expression::Reference;
use crate::plan::{Draft, Phase};
use crate::shape::Lowering;

/// Longest id that is made of a name; a number may follow.
const MAX_SLUG: usize = 80;

/// The ids of steps by position, and their names.
pub(super) struct Names {
    ids: Vec<String>,
    names: HashSet<String>,
}

impl Names {
    /// Takes the ids that are given and makes the others of the names; reports what stands twice.
    pub(super) fn new(ctx: &mut Lowering<'_, '_, '_>, written: &[Written<'_>]) -> Self {
        let mut names: HashMap<&str, (usize, Place)> = HashMap::new();
        let mut taken: HashMap<&str, (usize, Place)> = HashMap::new();
        for (at, step) in written.iter().enumerate() {
            let name = step.name.as_str();
            if let Some((_, other)) = names.insert(name, (at, step.place)) {
                let finding = ctx.report.error(step.place, format!("two steps are called `{name}`"));
                finding.note(other, "the other one").hint("roles are assigned by name: name them apart");
            }
            let Some((id, place)) = step.id else { continue };
            ctx.check_id(id, place);
            if let Some((_, other)) = taken.insert(id, (at, place)) {
                let finding = ctx.report.error(place, format!("two steps have the id `{id}`"));
                finding.note(other, "the other one");
            }
        }
        for (id, (at, place)) in &taken {
            if let Some((_, other)) = names.get(id).filter(|(other, _)| other != at) {
                let finding = ctx.report.error(*place, format!("another step is called `{id}`"));
                finding.note(*other, "this one").hint("both would be meant: give it another id");
            }
        }
        let ids = ids(written, &names, &taken);
        Self { ids, names: written.iter().map(|step| step.name.clone()).collect() }
    }

    pub(super) fn id(&self, at: usize) -> &str {
        &self.ids[at]
    }

    /// The name of a step that a text begins with, and what follows it there: nothing, or a path.
    pub(super) fn begin<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let ends = text.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
        let ends: Vec<_> = ends.chain([text.len()]).collect();
        let parts = ends.into_iter().rev().map(|end| text.split_at(end));
        parts.into_iter().find(|(name, _)| self.names.contains(*name))
    }

    /// Whether a reference is to what a step itself does.
    pub(super) fn is_own(&self, at: usize, phase: &Phase, reference: &Reference) -> bool {
        let stores = |name: &str| phase.steps[0].variables().any(|variable| variable == name);
        match reference {
            Reference::Step { id, .. } | Reference::Phase { id, .. } => *id == self.ids[at],
            Reference::Context(name) => *name == phase.name || *name == self.ids[at] || stores(name),
            Reference::Variable(name) => stores(name),
            Reference::Input(_) | Reference::Run(_) | Reference::LastOutput(_) => false,
        }
    }
}

/// Reports variables that stand twice.
pub(super) fn check_variables(ctx: &mut Lowering<'_, '_, '_>, draft: &Draft, written: &[Written<'_>]) {
    let mut variables: HashMap<&str, Place> = HashMap::new();
    for step in written {
        if let Some((name, place)) = step.store_as {
            ctx.check_name(name, place, "a variable");
        }
        let mapped = step.outputs.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry.key));
        for (name, place) in step.store_as.into_iter().chain(mapped) {
            if draft.inputs.contains_key(name) {
                let finding = ctx.report.error(place, format!("`{name}` is an input already"));
                finding.hint("store it under another name");
            }
            if let Some(other) = variables.insert(name, place) {
                let finding = ctx.report.error(place, format!("`{name}` is stored twice"));
                finding.note(other, "here too").hint("store them under different names");
            }
        }
    }
}

/// Ids by position: those given, or the name in small letters with `_` between its words. What is made never means another
/// step as well.
fn ids(
    written: &[Written<'_>],
    names: &HashMap<&str, (usize, Place)>,
    given: &HashMap<&str, (usize, Place)>,
) -> Vec<String> {
    let mut made: HashSet<String> = HashSet::new();
    let ids = written.iter().enumerate().map(|(at, step)| {
        if let Some((id, _)) = step.id {
            return id.to_owned();
        }
        let slug = slug(&step.name);
        let is_free = |id: &str, made: &HashSet<String>| {
            !made.contains(id)
                && !given.contains_key(id)
                && names.get(id).is_none_or(|(other, _)| *other == at)
        };
        let counted = (2..).map(|time: usize| format!("{slug}_{time}"));
        let mut all = std::iter::once(slug.clone()).chain(counted);
        let id = all.find(|id| is_free(id, &made)).expect("numbers do not end");
        made.insert(id.clone());
        id
    });
    ids.collect()
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    if slug.is_empty() { "step".to_owned() } else { slug.chars().take(MAX_SLUG).collect() }
}
