//! How a phase, a node and a step of a machine begin: with an id, a name, a description and a condition.

use super::{Lowering, User};
use crate::document::{Fields, Node, Place};
use crate::plan::{Phase, Step};

/// What one is called, and when it runs.
#[derive(Default)]
pub(crate) struct Heading<'a> {
    pub(crate) id: String,
    pub(crate) place: Place,
    pub(crate) name: Option<&'a str>,
    pub(crate) description: &'a str,
    pub(crate) when: Option<&'a Node>,
}

impl Heading<'_> {
    /// One that says nothing: it is called by its number, which nothing can refer to.
    pub(crate) fn nameless(at: usize, place: Place) -> Self {
        Self { id: format!("#{}", at + 1), place, ..Self::default() }
    }

    /// Whether it lacks an id.
    pub(crate) fn is_nameless(&self) -> bool {
        self.id.starts_with('#')
    }
}

impl Lowering<'_, '_, '_> {
    /// Reads `id` alone; `what` has none otherwise, though it is needed for `why`.
    pub(crate) fn named(
        &mut self,
        fields: &mut Fields<'_>,
        at: usize,
        place: Place,
        (what, why): (&str, &str),
    ) -> Heading<'static> {
        if let Some((id, place)) = fields.placed("id", self.report) {
            self.check_id(id, place);
            return Heading { id: id.to_owned(), place, ..Heading::default() };
        }
        let place = fields.node("id").map_or_else(
            || {
                let finding = self.report.error(place, format!("the {what} has no id"));
                finding.hint(format!("add `id = \"...\"`: {why} by that"));
                place
            },
            |node| node.place,
        );
        Heading::nameless(at, place)
    }

    /// Reads all of it.
    pub(crate) fn heading<'a>(
        &mut self,
        fields: &mut Fields<'a>,
        at: usize,
        place: Place,
        what: (&str, &str),
    ) -> Heading<'a> {
        let named = self.named(fields, at, place, what);
        self.described(fields, named)
    }

    /// Reads the rest, once the id is known.
    pub(crate) fn described<'a>(&mut self, fields: &mut Fields<'a>, named: Heading<'a>) -> Heading<'a> {
        Heading {
            name: fields.text("name", self.report),
            description: fields.text("description", self.report).unwrap_or_default(),
            when: fields.node("when"),
            ..named
        }
    }

    /// A phase of these steps under its heading.
    pub(crate) fn headed(&mut self, heading: &Heading<'_>, at: usize, steps: Vec<Step>) -> Phase {
        Phase {
            name: heading.name.unwrap_or(&heading.id).to_owned(),
            description: heading.description.to_owned(),
            when: heading.when.and_then(|node| self.condition(node, User::When(at))),
            ..Phase::new(&heading.id, steps)
        }
    }
}
